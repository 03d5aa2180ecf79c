/** The gate to ICAP servers, against one of the test that plays every answer. */
import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { icapEntry, icapGate } from '../../src/intake/gates/icap.ts';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { ask, itemOf, manyBytes, type ScriptedServer, scriptedServer } from '../fixtures/gate-item.ts';

const OPTIONS = [
  'ICAP/1.0 200 OK',
  'Methods: RESPMOD, REQMOD',
  'ISTag: "a"',
  'Allow: 204',
  'Encapsulated: null-body=0',
];

interface Script {
  /** Lines of the answer to OPTIONS besides the usual ones, or in place of them. */
  readonly options?: readonly string[];
  readonly instead?: string;
  /** Called with everything that has been received of a request, each time that more has come. */
  request?(received: string, socket: Socket, turn: { done: boolean }): void;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** An ICAP server that tells its options and does the rest as the test says. */
function icapServer({ options = [], instead, request, tls }: Script): Promise<ScriptedServer> {
  return scriptedServer((socket) => {
    let received = '';
    const turn = { done: false };
    socket.on('data', (piece: Buffer) => {
      received += piece.toString('latin1');
      if (received.startsWith('OPTIONS ')) {
        if (received.endsWith('\r\n\r\n')) socket.write(instead ?? `${[...OPTIONS, ...options].join('\r\n')}\r\n\r\n`);
      } else request?.(received, socket, turn);
    });
  }, tls);
}

/** Answers once the whole body has come. */
const whenWhole = (answer: string) => (received: string, socket: Socket, turn: { done: boolean }) => {
  if (turn.done || !/\r\n0(?:; ieof)?\r\n\r\n$/.test(received)) return;
  turn.done = true;
  socket.write(answer);
};

const NO_CONTENT = 'ICAP/1.0 204 No Content\r\nISTag: "a"\r\n\r\n';

function gateTo(port: number, written: Record<string, unknown> = {}, clock = systemClock) {
  const url = `icap://127.0.0.1:${port}/scan`;
  return icapGate(icapEntry.parse({ kind: 'icap', name: 'scanner', url, ...written }), { clock });
}

describe('what is sent', () => {
  test('a file as the body of a response, with its URL and size', async () => {
    const server = await icapServer({ request: whenWhole(NO_CONTENT) });
    const item = itemOf('hello', { path: '/in/Zürich & co.txt' });
    expect(await ask(gateTo(server.port), item)).toEqual({ verdict: 'pass' });
    const request = 'GET http://sallyport/alice/in/Z%C3%BCrich%20%26%20co.txt HTTP/1.1\r\nHost: sallyport\r\n\r\n';
    const response = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 5\r\n\r\n';
    const sections = `req-hdr=0, res-hdr=${request.length}, res-body=${request.length + response.length}`;
    expect(server.received()).toBe(
      `RESPMOD icap://127.0.0.1:${server.port}/scan ICAP/1.0\r\nHost: 127.0.0.1:${server.port}\r\n` +
        'User-Agent: Sallyport\r\nConnection: close\r\nAllow: 204\r\nX-Client-IP: 192.0.2.7\r\n' +
        `Encapsulated: ${sections}\r\n\r\n${request}${response}5\r\nhello\r\n0\r\n\r\n`,
    );
    expect(server.received(0)).toContain(`OPTIONS icap://127.0.0.1:${server.port}/scan ICAP/1.0\r\n`);
  });

  test('a file as the body of a request', async () => {
    const server = await icapServer({ request: whenWhole(NO_CONTENT) });
    expect((await ask(gateTo(server.port, { method: 'reqmod' }), itemOf('hello'))).verdict).toBe('pass');
    expect(server.received()).toMatch(/^REQMOD icap:/);
    expect(server.received()).toMatch(
      /Encapsulated: req-hdr=0, req-body=\d+\r\n\r\nPUT http:\/\/sallyport\/alice\/in\/report\.pdf HTTP\/1\.1\r\n/,
    );
    expect(server.received()).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
  });

  test('a file that is still arriving, without a size', async () => {
    const server = await icapServer({ request: whenWhole(NO_CONTENT) });
    const item = itemOf('hello', { arrived: new Promise(() => undefined), address: undefined });
    expect((await ask(gateTo(server.port), item)).verdict).toBe('pass');
    expect(server.received()).not.toMatch(/Content-Length|X-Client-IP/);
  });

  test('an empty file, and pieces without a byte', async () => {
    const server = await icapServer({ request: whenWhole(NO_CONTENT) });
    expect((await ask(gateTo(server.port), itemOf(''))).verdict).toBe('pass');
    const item = itemOf([Buffer.from('a'), Buffer.alloc(0), Buffer.from('b')]);
    expect((await ask(gateTo(server.port), item)).verdict).toBe('pass');
    expect(server.received()).toMatch(/\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n$/);
  });
});

describe('previews', () => {
  const PREVIEW = ['Preview: 4', 'Transfer-Preview: *', 'Transfer-Complete: exe', 'Transfer-Ignore: html'];

  test('a file that fits ends with ieof', async () => {
    const server = await icapServer({ options: PREVIEW, request: whenWhole(NO_CONTENT) });
    for (const content of ['', 'abc', 'abcd']) {
      expect((await ask(gateTo(server.port), itemOf(content))).verdict).toBe('pass');
      expect(server.received()).toContain('\r\nPreview: 4\r\n');
      const chunk = content === '' ? '' : `${content.length}\r\n${content}\r\n`;
      expect(server.received().endsWith(`\r\n\r\n${chunk}0; ieof\r\n\r\n`)).toBe(true);
    }
  });

  test('of a longer one the rest is kept back until the server wants it', async () => {
    const server = await icapServer({
      options: PREVIEW,
      request: (received, socket, turn) => {
        const body = received.slice(received.indexOf('2\r\nab\r\n'));
        if (!turn.done && body === '2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n') {
          turn.done = true;
          socket.write('ICAP/1.0 100 Continue\r\n\r\n');
        }
        if (body.endsWith('0\r\n\r\n2\r\nef\r\n1\r\ng\r\n0\r\n\r\n')) socket.write(NO_CONTENT);
      },
    });
    const item = itemOf([Buffer.from('ab'), Buffer.from('cdef'), Buffer.from('g')]);
    expect(await ask(gateTo(server.port), item)).toEqual({ verdict: 'pass' });
  });

  test('a server that has seen enough gets no more', async () => {
    const server = await icapServer({ options: PREVIEW, request: whenWhole(NO_CONTENT) });
    const item = itemOf(manyBytes(1_000_000));
    expect((await ask(gateTo(server.port), item)).verdict).toBe('pass');
    expect(item.read).toEqual({ bytes: 65_536, left: true });
    expect(server.received()).toMatch(/\r\n\r\n4\r\nxxxx\r\n0\r\n\r\n$/);
  });

  test('another file in answer to the beginning alone is a refusal', async () => {
    const http = 'HTTP/1.1 200 OK\r\n\r\n';
    const answer = `ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=${http.length}\r\n\r\n${http}4\r\nabcd\r\n0\r\n\r\n`;
    const server = await icapServer({ options: PREVIEW, request: whenWhole(answer) });
    expect((await ask(gateTo(server.port), itemOf('abcdef'))).verdict).toBe('refuse');
  });

  test('100 for a file that it has whole, or a second time, is no answer', async () => {
    const server = await icapServer({ options: PREVIEW, request: whenWhole('ICAP/1.0 100 Continue\r\n\r\n') });
    await expect(ask(gateTo(server.port), itemOf('abcd'))).rejects.toThrow(/100 unasked/);
    const twice = await icapServer({
      options: PREVIEW,
      request: whenWhole('ICAP/1.0 100 Continue\r\n\r\nICAP/1.0 100 Continue\r\n\r\n'),
    });
    await expect(ask(gateTo(twice.port), itemOf('abcdef'))).rejects.toThrow(/answered 100/);
  });

  test.each([
    ['a name that is to be sent whole', PREVIEW, '/in/a.EXE', true],
    ['no word of which names', ['Preview: 4'], '/in/a.txt', true],
    ['previews that are switched off', PREVIEW, '/in/a.txt', false],
  ])('there is none for %s', async (_, options, path, preview) => {
    const server = await icapServer({ options, request: whenWhole(NO_CONTENT) });
    expect((await ask(gateTo(server.port, { preview }), itemOf('abcdef', { path }))).verdict).toBe('pass');
    expect(server.received()).not.toContain('Preview');
  });

  test('a name that the server does not want to see is looked at all the same', async () => {
    const server = await icapServer({
      options: PREVIEW,
      request: whenWhole('ICAP/1.0 204 X\r\nX-Virus-ID: A\r\n\r\n'),
    });
    expect((await ask(gateTo(server.port), itemOf('abc', { path: '/a.html' }))).verdict).toBe('refuse');
  });
});

describe('answers in the middle', () => {
  test('a refusal ends the sending', async () => {
    const server = await icapServer({
      request: (_, socket, turn) => {
        if (!turn.done) socket.write('ICAP/1.0 200 OK\r\nX-Infection-Found: Threat=Early;\r\n\r\n');
        turn.done = true;
        socket.pause();
      },
    });
    const item = itemOf(manyBytes(100_000_000));
    expect(await ask(gateTo(server.port), item)).toEqual({ verdict: 'refuse', reason: 'Early' });
    expect(item.read.left).toBe(true);
    expect(item.read.bytes).toBeLessThan(100_000_000);
  });

  test('204 in the middle is no pass', async () => {
    const server = await icapServer({
      request: (_, socket, turn) => {
        if (!turn.done) socket.write(NO_CONTENT);
        turn.done = true;
        socket.pause();
      },
    });
    await expect(ask(gateTo(server.port), itemOf(manyBytes(100_000_000)))).rejects.toThrow(/before it had the whole/);
  });

  test('a server that sends back while it receives makes nobody wait', async () => {
    const http = 'HTTP/1.1 200 OK\r\n\r\n';
    const start = `ICAP/1.0 200 OK\r\nEncapsulated: res-hdr=0, res-body=${http.length}\r\n\r\n${http}`;
    const server = await scriptedServer((socket) => {
      let head = '';
      let echoing = false;
      socket.on('data', (piece: Buffer) => {
        if (echoing) {
          if (!socket.write(piece)) socket.pause();
          return;
        }
        head += piece.toString('latin1');
        if (head.startsWith('OPTIONS')) return void socket.write(`${OPTIONS.join('\r\n')}\r\n\r\n`);
        const body = /^RESPMOD[\s\S]*?\r\n\r\nGET[\s\S]*?\r\n\r\nHTTP[\s\S]*?\r\n\r\n/.exec(head)?.[0].length;
        if (body === undefined) return;
        echoing = true;
        socket.write(start + head.slice(body), 'latin1');
      });
      socket.on('drain', () => socket.resume());
    });
    expect(await ask(gateTo(server.port), itemOf(manyBytes(20_000_000)))).toEqual({ verdict: 'pass' });
  });

  test('a connection that breaks, before and within the answer', async () => {
    const broken = await icapServer({ request: (_, socket) => socket.resetAndDestroy() });
    await expect(ask(gateTo(broken.port), itemOf(manyBytes(1_000_000)))).rejects.toThrow(/ECONNRESET|EPIPE|closed/);
    const cut = await icapServer({
      request: (received, socket, turn) => {
        whenWhole('ICAP/1.0 204 No Con')(received, socket, turn);
        if (turn.done) socket.end();
      },
    });
    await expect(ask(gateTo(cut.port), itemOf('hello'))).rejects.toThrow(/closed before the answer was whole/);
  });

  test('a file that cannot be read is not passed, whatever the server says', async () => {
    const server = await icapServer({ request: whenWhole(NO_CONTENT) });
    const item = itemOf('hello', { broken: new Error('the disk is gone') });
    await expect(ask(gateTo(server.port), item)).rejects.toThrow('the disk is gone');
  });
});

describe('options of the service', () => {
  test.each([
    ['404', 'ICAP/1.0 404 ICAP Service not found\r\n\r\n', /answered 404 to OPTIONS/],
    [
      'another method',
      'ICAP/1.0 200 OK\r\nMethods: REQMOD\r\nEncapsulated: null-body=0\r\n\r\n',
      /does not offer RESPMOD/,
    ],
    ['no ICAP', 'HTTP/1.1 200 OK\r\n\r\n', /not one of ICAP/],
    ['no end', 'x'.repeat(100_000), /too long/],
  ])('%s is a failure, and the file is not sent', async (_, instead, reason) => {
    const server = await icapServer({ instead });
    const item = itemOf('hello');
    await expect(ask(gateTo(server.port), item)).rejects.toThrow(reason);
    expect(item.read.bytes).toBe(0);
    expect(server.connections.length).toBe(1);
  });

  test('they are asked for again when their time is over, and when something went wrong', async () => {
    let answer = NO_CONTENT;
    const server = await icapServer({
      options: ['Options-TTL: 60'],
      request: (received, socket, turn) => whenWhole(answer)(received, socket, turn),
    });
    const clock = new FakeClock();
    const gate = gateTo(server.port, {}, clock);
    const asked = () => server.connections.filter((_, index) => server.received(index).startsWith('OPTIONS')).length;
    await ask(gate, itemOf('a'));
    clock.advance(59_999);
    await ask(gate, itemOf('b'));
    expect(asked()).toBe(1);
    clock.advance(1);
    await ask(gate, itemOf('c'));
    expect(asked()).toBe(2);
    answer = 'ICAP/1.0 500 Server error\r\n\r\n';
    await expect(ask(gate, itemOf('d'))).rejects.toThrow(/answered 500/);
    answer = NO_CONTENT;
    await ask(gate, itemOf('e'));
    expect(asked()).toBe(3);
  });

  test('a service that takes two connections has no more at a time', async () => {
    const scans = new Set<Socket>();
    let most = 0;
    const server = await icapServer({
      options: ['Max-Connections: 2'],
      request: (received, socket, turn) => {
        scans.add(socket);
        socket.on('close', () => scans.delete(socket));
        most = Math.max(most, scans.size);
        setTimeout(() => whenWhole('ICAP/1.0 204 X\r\nX-Virus-ID: A\r\n\r\n')(received, socket, turn), 20);
      },
    });
    const gate = gateTo(server.port);
    await Promise.all(Array.from({ length: 10 }, (_, index) => ask(gate, itemOf(`${index}`))));
    // A connection may be seen to close a moment after the next one has come.
    expect(most).toBeLessThanOrEqual(4);
  });
});

describe('TLS', () => {
  test('icaps:// with the authority of its own, and with no other', async () => {
    const { cert, key, files } = await testCertificates();
    const server = await icapServer({ request: whenWhole(NO_CONTENT), tls: { cert, key } });
    const url = `icaps://localhost:${server.port}/scan`;
    expect((await ask(gateTo(0, { url, caFile: files.caCert }), itemOf('hello'))).verdict).toBe('pass');
    await expect(ask(gateTo(0, { url }), itemOf('hello'))).rejects.toThrow(/certificate/);
    await expect(ask(gateTo(0, { url, caFile: files.clientCert }), itemOf('hello'))).rejects.toThrow(/certificate/);
    const other = url.replace('localhost', '127.0.0.2');
    await expect(ask(gateTo(0, { url: other, caFile: files.caCert }), itemOf('hello'))).rejects.toThrow(/127\.0\.0\.2/);
  });

  test('a server that does not speak TLS at all does not hold anybody up', async () => {
    const { port } = await scriptedServer(() => undefined);
    const gate = gateTo(0, { url: `icaps://localhost:${port}/scan`, connectTimeoutMs: 200 });
    await expect(ask(gate, itemOf('hello'))).rejects.toThrow('no answer within 200 ms');
  });
});

test('nobody waits any more: the connection is closed and the file left', async () => {
  const closed = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const server = await icapServer({
    request: (_, socket) => {
      socket.on('close', () => closed.resolve());
      begun.resolve();
    },
  });
  const gone = new AbortController();
  const item = itemOf('hello', { hanging: true });
  const asked = ask(gateTo(server.port), item, gone.signal);
  await begun.promise;
  gone.abort(new Error('late'));
  await expect(asked).rejects.toThrow('late');
  await closed.promise;
});

test.each([
  ['http://localhost/scan'],
  ['icap://localhost'],
  ['icap://localhost/'],
  ['icap://user:secret@localhost/scan'],
  ['icap://localhost/scan#a'],
  ['icap://scanner.example.com/scan'],
  ['localhost/scan'],
])('%s is refused', (url) => {
  const issues = icapEntry.safeParse({ kind: 'icap', name: 'scanner', url }).error?.issues ?? [];
  expect(issues.map(({ path }) => path[0])).toEqual(['url']);
});

test.each([
  [{ url: 'icap://[::1]:1344/scan?mode=all' }],
  [{ url: 'icaps://scanner.example.com/scan' }],
  [{ url: 'icap://scanner/scan', clearTextAllowed: true }],
])('%o is taken', (written) => {
  expect(icapEntry.safeParse({ kind: 'icap', name: 'scanner', ...written }).error).toBeUndefined();
});
