import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/spi/fault.ts';
import type { StageRequest } from '../../src/spi/file-system.ts';
import { receive, type Upload } from '../../src/transfer/receive.ts';
import { FakeDataConnection } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at } from '../fakes/say.ts';

const TARGET = at('/in.csv');

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** An upload of `pieces` into a staged write that begins as `request` says. */
async function upload(
  pieces: readonly string[],
  parts: Partial<Upload> = {},
  files = new MemoryFiles(),
  request: StageRequest = { from: 'empty', existing: 'replace' },
) {
  const connection = new FakeDataConnection(pieces);
  const staged = await files.stage(TARGET, request);
  const signal = new AbortController().signal;
  const whole: Upload = {
    connection,
    staged,
    type: 'I',
    bytesMax: 0,
    closeNotify: 'required',
    signal,
    ...parts,
  };
  return { connection, staged, files, whole };
}

describe('refusals', () => {
  test('a protected upload that ends without close_notify is truncated', async () => {
    const { connection, whole, staged } = await upload(['half a fi']);
    connection.ending = 'unauthenticated';
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'Truncated' });
    // What arrived was stored, so that it can be resumed.
    expect(await staged.abort('keep')).toBe(9);
  });

  test.each([
    ['in one piece', ['0123456789A']],
    ['byte by byte', [...'0123456789A', 'never read']],
  ])('an upload past its bound ends at once, %s', async (_name, pieces) => {
    const { connection, whole, staged } = await upload(pieces, { bytesMax: 10 });
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'QuotaExceeded' });
    expect(connection.failures.count('read')).toBe(Math.min(pieces.length, 11));
    expect(await staged.abort('keep')).toBeLessThanOrEqual(10);
  });

  test('what the file began with counts towards its bound', async () => {
    const files = new MemoryFiles().put('/in.csv', '01234567');
    const { whole } = await upload(['89A'], { bytesMax: 10 }, files, { from: 'append', existing: 'replace' });
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'QuotaExceeded' });
  });

  test('an abort that comes behind the last byte still counts', async () => {
    const abort = new AbortController();
    const { connection, whole } = await upload(['all'], { signal: abort.signal });
    connection.finish = async () => abort.abort(new Fault('Aborted'));
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'Aborted' });
  });

  test('a full disk is heard of while the client says nothing', async () => {
    const { connection, whole, files } = await upload(['first']);
    files.failures.plan('write', 1, new Fault('StorageFull'));
    const read = connection.read.bind(connection);
    // The second read never ends.
    connection.read = () => (connection.failures.count('read') === 0 ? read() : new Promise(() => undefined));
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'StorageFull' });
  });

  test.each(['read', 'write', 'prefix'])(
    'whichever %s fails, the error comes out and no write is under way',
    async (operation) => {
      for (let n = 1; n <= 4; n++) {
        const error = new Error(`${operation} ${n}`);
        const { connection, whole, staged, files } = await upload(['a', 'b', 'c', 'd']);
        (operation === 'read' ? connection : files).failures.plan(operation, n, error);
        if (operation === 'prefix' && n > 1) break;
        await expect(receive(whole)).rejects.toBe(error);
        // The fake refuses to be aborted within a write.
        await staged.abort('remove');
      }
    },
  );
});

describe('uploads that arrive', () => {
  test('bytes, SHA-256 and end are those of the whole file', async () => {
    const { connection, whole, staged, files } = await upload(['one,', 'two,', 'three']);
    expect(await receive(whole)).toEqual({
      bytes: 13,
      receivedBytes: 13,
      sha256: sha256('one,two,three'),
      end: 'authenticated',
    });
    expect(connection.state).toBe('finished');
    await staged.commit();
    expect(files.text('/in.csv')).toBe('one,two,three');
  });

  test('a file without a byte is a file', async () => {
    const { whole, staged, files } = await upload([]);
    expect(await receive(whole)).toMatchObject({ bytes: 0, sha256: sha256('') });
    await staged.commit();
    expect(files.text('/in.csv')).toBe('');
  });

  test('the hash of a resumed upload covers what was there before', async () => {
    const files = new MemoryFiles().putPartial('/in.csv', 'one,');
    const request = { from: 'restart', offsetBytes: 4, existing: 'replace' } as const;
    const { whole } = await upload(['two'], {}, files, request);
    expect(await receive(whole)).toMatchObject({ bytes: 7, receivedBytes: 3, sha256: sha256('one,two') });
  });

  test('with TYPE A lines are stored with LF, also when CRLF is cut in two', async () => {
    const { whole, staged, files } = await upload(['a\r', '\nb\r\n', 'c\r'], { type: 'A' });
    expect(await receive(whole)).toMatchObject({ bytes: 6, receivedBytes: 8, sha256: sha256('a\nb\nc\r') });
    await staged.commit();
    expect(files.text('/in.csv')).toBe('a\nb\nc\r');
  });

  test.each(['preferred', 'off'] as const)('without close_notify when it is %s', async (closeNotify) => {
    const { connection, whole } = await upload(['a'], { closeNotify });
    connection.ending = 'unauthenticated';
    expect(await receive(whole)).toMatchObject({ bytes: 1, end: 'unauthenticated' });
  });

  test('in clear there is no close_notify to ask for', async () => {
    const { connection, whole } = await upload(['a']);
    connection.tls = undefined;
    connection.ending = 'unauthenticated';
    expect(await receive(whole)).toMatchObject({ bytes: 1 });
  });

  test('a client that is gone before our goodbye has still sent a whole file', async () => {
    const { connection, whole } = await upload(['a']);
    connection.failures.plan('finish', 1, new Fault('ConnectionLost'));
    expect(await receive(whole)).toMatchObject({ bytes: 1 });
    expect(connection.state).toBe('destroyed');
  });

  test('the next batch is read while one is being written', async () => {
    const { connection, whole, staged } = await upload(['a', 'b']);
    const order: string[] = [];
    const [read, write] = [connection.read.bind(connection), staged.write.bind(staged)];
    connection.read = async () => {
      order.push('read');
      return read();
    };
    staged.write = async (buffers) => {
      order.push('write');
      await write(buffers);
      order.push('written');
    };
    await receive(whole);
    expect(order).toEqual(['read', 'write', 'read', 'written', 'write', 'read', 'written']);
  });
});

describe('a range', () => {
  async function* pieces(...texts: readonly string[]) {
    for (const text of texts) yield Buffer.from(text);
  }

  const splice = (lengthBytes: number) => ({
    before: pieces('be', 'fore,'),
    lengthBytes,
    behind: pieces(',beh', 'ind'),
  });

  test.each([
    ['with fewer bytes', ['on', 'e'], 'The range has 4 bytes and 3 came; nothing was published.'],
    [
      'with more bytes, at once',
      ['on', 'eee', 'never read'],
      'The range has 4 bytes and more came; nothing was published.',
    ],
  ])('that is sent %s is refused', async (_how, sent, text) => {
    const { connection, whole } = await upload(sent, { splice: splice(4) });
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'RestartInvalid', text });
    expect(connection.failures.count('read')).toBe(sent.length === 2 ? 3 : 2);
  });

  test('that ends without close_notify is truncated, however long it is', async () => {
    for (const length of [3, 4]) {
      const { connection, whole } = await upload(['one'], { splice: splice(length) });
      connection.ending = 'unauthenticated';
      await expect(receive(whole)).rejects.toMatchObject({ kind: 'Truncated' });
    }
  });

  test.each([6, 9, 16])('is part of a file that may have %i bytes, and is refused', async (bytesMax) => {
    const { whole } = await upload(['one'], { splice: splice(3), bytesMax });
    await expect(receive(whole)).rejects.toMatchObject({ kind: 'QuotaExceeded' });
  });

  test('is surrounded by what is there already, all of which is counted and hashed', async () => {
    const { whole, staged, files } = await upload(['o', 'ne'], { splice: splice(3), bytesMax: 17 });
    const text = 'before,one,behind';
    expect(await receive(whole)).toMatchObject({ bytes: 17, receivedBytes: 3, sha256: sha256(text) });
    await staged.commit();
    expect(files.text(TARGET)).toBe(text);
  });
});
