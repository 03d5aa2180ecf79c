/** The gate to clamd, against a server that answers everything that a scanner may, and more. */
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clamdEntry, clamdGate, verdictOf } from '../../src/intake/gates/clamd.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ask, itemOf, manyBytes, scriptedServer } from '../fixtures/gate-item.ts';

type Written = Record<string, unknown>;

function gateTo(port: number, written: Written = {}) {
  const options = clamdEntry.parse({ kind: 'clamd', name: 'av', host: '127.0.0.1', port, ...written });
  return clamdGate(options, { clock: systemClock });
}

/** The chunks of a stream, until its end. */
function chunksOf(received: string): { readonly chunks: readonly string[]; readonly ended: boolean } {
  const bytes = Buffer.from(received, 'latin1');
  const command = 'zINSTREAM\0';
  if (!received.startsWith(command)) return { chunks: [], ended: false };
  const chunks: string[] = [];
  for (let at = command.length; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (length === 0) return { chunks, ended: true };
    chunks.push(bytes.toString('latin1', at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { chunks, ended: false };
}

/** A clamd that answers when it has the whole stream. */
const answering = (text: string, after: (socket: Socket) => void = (socket) => socket.end()) => {
  const seen = { text: '' };
  return scriptedServer((socket) => {
    let received = '';
    socket.on('data', (piece: Buffer) => {
      received += piece.toString('latin1');
      seen.text = received;
      if (chunksOf(received).ended) socket.write(text, () => after(socket));
    });
  });
};

describe('what is not plainly a verdict is none', () => {
  test.each([
    ['nothing', '', /closed the connection without an answer/],
    ['a part of an answer', 'stream: OK', /closed the connection without an answer/],
    ['another word', 'stream: FINE\0', /answered 'stream: FINE'/],
    ['OK without a stream', 'OK\0', /answered 'OK'/],
    ['more than OK', 'stream: OK \0', /answered 'stream: OK'/],
    ['an error', 'stream: Scan failed. ERROR\0', /Scan failed\. ERROR/],
    ['the size limit', 'INSTREAM size limit exceeded. ERROR\0', /size limit exceeded/],
    ['an unknown command', 'UNKNOWN COMMAND\0', /UNKNOWN COMMAND/],
    ['FOUND without a name', 'stream: FOUND\0', /answered 'stream: FOUND'/],
    ['escapes', 'stream: \u001b[2J\0', /answered 'stream: \\u001b\[2J'/],
    ['a line without an end', 'x'.repeat(10_000), /more than one line/],
  ])('%s', async (_, text, reason) => {
    const { port } = await answering(text);
    await expect(ask(gateTo(port), itemOf('hello'))).rejects.toThrow(reason);
  });

  test('nobody there', async () => {
    await expect(ask(gateTo(1), itemOf('hello'))).rejects.toThrow(/ECONNREFUSED/);
    const gate = gateTo(1, { host: undefined, socket: '/nowhere/clamd.sock' });
    await expect(ask(gate, itemOf('hello'))).rejects.toThrow(/ENOENT/);
  });

  test('a connection that breaks in the middle', async () => {
    const { port } = await scriptedServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    await expect(ask(gateTo(port), itemOf(manyBytes(20_000_000)))).rejects.toThrow(/ECONNRESET|EPIPE|closed/);
  });

  test('OK before it had everything', async () => {
    const { port } = await scriptedServer((socket) => socket.once('data', () => socket.write('stream: OK\0')));
    const item = itemOf(manyBytes(1_000_000), { hanging: true });
    const more = { ...item, content: slowly(item.content) };
    await expect(ask(gateTo(port), more)).rejects.toThrow(/OK before it had the whole file/);
  });

  test('the size limit in the middle, and the connection closed behind it', async () => {
    const { port } = await scriptedServer((socket) =>
      socket.once('data', () => socket.end('INSTREAM size limit exceeded. ERROR\0')),
    );
    const item = itemOf(manyBytes(1_000_000));
    await expect(ask(gateTo(port), { ...item, content: slowly(item.content) })).rejects.toThrow(/size limit exceeded/);
    expect(item.read.left).toBe(true);
  });

  test('a file that is larger than it is to take', async () => {
    const server = await answering('stream: OK\0');
    const item = itemOf(manyBytes(200_001));
    await expect(ask(gateTo(server.port, { bytesMax: 200_000 }), item)).rejects.toThrow(/larger than bytes_max/);
    expect(chunksOf(server.received(0)).ended).toBe(false);
    expect((await ask(gateTo(server.port, { bytesMax: 200_001 }), itemOf(manyBytes(200_001)))).verdict).toBe('pass');
  });

  test('a file that cannot be read', async () => {
    const server = await answering('stream: OK\0');
    const item = itemOf('hello', { broken: new Error('the disk is gone') });
    await expect(ask(gateTo(server.port), item)).rejects.toThrow('the disk is gone');
    expect(chunksOf(server.received()).ended).toBe(false);
  });

  test('only the whole file can pass', () => {
    expect(() => verdictOf('stream: OK', 'part')).toThrow();
    expect(verdictOf('stream: Eicar FOUND', 'part')).toEqual({ verdict: 'refuse', reason: 'Eicar' });
  });

  test('no other text passes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `stream: OK${text}`),
        ),
        (text) => {
          fc.pre(text !== 'stream: OK');
          try {
            expect(verdictOf(text, 'whole').verdict).toBe('refuse');
          } catch (error) {
            expect(String(error)).toMatch(/clamd answered/);
          }
        },
      ),
    );
  });
});

describe('verdicts', () => {
  test('OK passes, and the file was sent whole and in chunks', async () => {
    const server = await answering('stream: OK\0');
    const gate = gateTo(server.port, { chunkBytes: 1_024 });
    expect(await ask(gate, itemOf([Buffer.from('a'.repeat(2_500)), Buffer.alloc(0), Buffer.from('b')]))).toEqual({
      verdict: 'pass',
    });
    const { chunks, ended } = chunksOf(server.received());
    expect(chunks.map(({ length }) => length)).toEqual([1_024, 1_024, 452, 1]);
    expect(chunks.join('')).toBe(`${'a'.repeat(2_500)}b`);
    expect(ended).toBe(true);
  });

  test('an empty file is looked at', async () => {
    const server = await answering('stream: OK\0');
    expect((await ask(gateTo(server.port), itemOf(''))).verdict).toBe('pass');
    expect(chunksOf(server.received())).toEqual({ chunks: [], ended: true });
  });

  test('FOUND refuses with the name of what was found', async () => {
    const { port } = await answering('stream: Win.Test.EICAR_HDB-1\u0007 FOUND\0');
    expect(await ask(gateTo(port), itemOf('x'))).toEqual({ verdict: 'refuse', reason: 'Win.Test.EICAR_HDB-1\\u0007' });
  });

  test('FOUND before it had everything refuses, and no more is read', async () => {
    const { port } = await scriptedServer((socket) => socket.once('data', () => socket.write('stream: Early FOUND\0')));
    const item = itemOf(manyBytes(50_000_000));
    expect(await ask(gateTo(port), { ...item, content: slowly(item.content) })).toEqual({
      verdict: 'refuse',
      reason: 'Early',
    });
    expect(item.read).toMatchObject({ left: true });
    expect(item.read.bytes).toBeLessThan(50_000_000);
  });

  test('each file has a connection of its own', async () => {
    const server = await answering('stream: OK\0', () => undefined);
    const gate = gateTo(server.port);
    for (const content of ['a', 'b', 'c']) expect((await ask(gate, itemOf(content))).verdict).toBe('pass');
    expect(server.connections.length).toBe(3);
    expect([0, 1, 2].map((index) => chunksOf(server.received(index)).chunks)).toEqual([['a'], ['b'], ['c']]);
  });
});

describe('time', () => {
  test('a clamd that reads nothing holds the reading of the file back, until nobody waits any more', async () => {
    const server = await scriptedServer((socket) => socket.pause());
    const item = itemOf(manyBytes(100_000_000));
    const gone = new AbortController();
    const asked = ask(gateTo(server.port), item, gone.signal);
    asked.catch(() => undefined);
    let before = -1;
    while (before !== item.read.bytes || before === 0) {
      before = item.read.bytes;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(item.read.bytes).toBeLessThan(50_000_000);
    gone.abort(new Error('late'));
    await expect(asked).rejects.toThrow('late');
    expect(item.read.left).toBe(true);
  });

  test('a clamd that does not answer is left when nobody waits any more', async () => {
    const closed = Promise.withResolvers<void>();
    const { port } = await scriptedServer((socket) => socket.on('close', () => closed.resolve()));
    const gone = new AbortController();
    const item = itemOf('hello');
    const asked = ask(gateTo(port), item, gone.signal);
    gone.abort(new Error('late'));
    await expect(asked).rejects.toThrow('late');
  });

  test('a clamd that takes nothing for as long as the deadline has failed', async () => {
    const { port } = await scriptedServer((socket) => socket.pause());
    const gate = gateTo(port, { deadlineMs: 300 });
    await expect(ask(gate, itemOf(manyBytes(100_000_000)))).rejects.toThrow('no answer within 300 ms');
  });

  test('a file that does not go on is left when nobody waits any more', async () => {
    const { port } = await scriptedServer(() => undefined);
    const gone = new AbortController();
    const asked = ask(gateTo(port), itemOf('hello', { hanging: true }), gone.signal);
    setTimeout(() => gone.abort(new Error('late')), 100);
    await expect(asked).rejects.toThrow('late');
  });

  test('no more files than allowed are looked at side by side, and nobody is left out', async () => {
    let open = 0;
    let most = 0;
    const { port } = await scriptedServer((socket) => {
      open += 1;
      most = Math.max(most, open);
      socket.on('close', () => {
        open -= 1;
      });
      socket.once('data', () => setTimeout(() => socket.write('stream: Seen FOUND\0'), 20));
    });
    const gate = gateTo(port, { parallelMax: 2 });
    const all = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(gate, itemOf(`${index}`))));
    expect(all.every(({ verdict }) => verdict === 'refuse')).toBe(true);
    // A connection may be seen to close a moment after the next one has come.
    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThanOrEqual(2);
  });
});

describe('options', () => {
  test.each([
    [{}, 'socket'],
    [{ socket: '/a', host: 'localhost' }, 'host'],
    [{ host: 'av.example.com' }, 'host'],
    [{ host: '192.0.2.1' }, 'host'],
    [{ host: 'a b' }, 'host'],
    [{ socket: '/a', deadlineMs: 0 }, 'deadlineMs'],
    [{ socket: '/a', deadlineMs: 86_400_001 }, 'deadlineMs'],
    [{ socket: '/a', parallelMax: 0 }, 'parallelMax'],
    [{ socket: '/a', chunkBytes: 1 }, 'chunkBytes'],
    [{ socket: '/a', name: 'A' }, 'name'],
  ])('%o is refused at %s', (written, key) => {
    const result = clamdEntry.safeParse({ kind: 'clamd', name: 'av', ...written });
    expect(result.error?.issues.map(({ path }) => path[0])).toContain(key);
  });

  test.each([[{ socket: '/a' }], [{ host: 'localhost' }], [{ host: '::1' }], [{ host: 'av', clearTextAllowed: true }]])(
    '%o is taken',
    (written) => {
      expect(clamdEntry.safeParse({ kind: 'clamd', name: 'av', ...written }).error).toBeUndefined();
    },
  );
});

/** A turn of the event loop between two pieces, so that what the other end says is heard. */
async function* slowly(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for await (const piece of content) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield piece;
  }
}
