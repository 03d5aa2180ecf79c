import { expect, test } from 'vitest';
import { UTF_8 } from '../../src/spi/charset.ts';
import { Fault } from '../../src/spi/fault.ts';
import { sendListing } from '../../src/transfer/listing-stream.ts';
import { send } from '../../src/transfer/send.ts';
import { FakeDataConnection } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at } from '../fakes/say.ts';

const TEXT = 'the first line\nthe second line\r\nthe third\n';

async function download(offsetBytes: number, type: 'A' | 'I') {
  const files = new MemoryFiles().put('/out.txt', TEXT);
  return {
    files,
    connection: new FakeDataConnection(),
    opened: await files.openRead(at('/out.txt')),
    offsetBytes,
    type,
  };
}

test.each(['read', 'write', 'finish'])('when a %s fails, the data are not ended', async (operation) => {
  for (let n = 1; n <= (operation === 'finish' ? 1 : 3); n++) {
    const { files, ...parts } = await download(0, 'I');
    const error = new Error(`${operation} ${n}`);
    (operation === 'read' ? files : parts.connection).failures.plan(operation, n, error);
    await expect(send(parts)).rejects.toBe(error);
    expect(parts.connection.state).toBe('open');
  }
});

test('a file is sent from its offset on and its end is said', async () => {
  const parts = await download(4, 'I');
  expect(await send(parts)).toEqual({ bytes: TEXT.length - 4 });
  expect(parts.connection.received).toBe(TEXT.slice(4));
  expect(parts.connection.state).toBe('finished');
});

test('with TYPE A lines are sent with CRLF', async () => {
  const parts = await download(0, 'A');
  const wire = TEXT.replaceAll(/\r?\n/g, '\r\n');
  expect(await send(parts)).toEqual({ bytes: wire.length });
  expect(parts.connection.received).toBe(wire);
});

test('a part of a file ends where it is told to', async () => {
  for (const [offsetBytes, endBytes] of [
    [4, 9],
    [0, 16],
    [3, 33],
    [20, 999],
    [7, 7],
  ] as const) {
    const parts = await download(offsetBytes, 'I');
    await send({ ...parts, endBytes });
    expect(parts.connection.received).toBe(TEXT.slice(offsetBytes, endBytes));
    expect(parts.connection.state).toBe('finished');
  }
});

async function* listing(...batches: readonly (readonly string[])[]) {
  yield* batches;
}

test.each([
  ['within a batch', [['a\r\n', 'b\r\n', 'c\r\n', 'd\r\n']]],
  ['between batches', [['a\r\n', 'b\r\n', 'c\r\n'], ['d\r\n']]],
])('a listing that is too long is cut off %s and not ended', async (_where, batches) => {
  const connection = new FakeDataConnection();
  const cut = sendListing({ connection, batches: listing(...batches), linesMax: 3, charset: UTF_8 });
  await expect(cut).rejects.toMatchObject({ kind: 'ListingTooLong' });
  expect(connection.received).toBe('a\r\nb\r\nc\r\n');
  expect(connection.state).toBe('open');
});

test('a listing that ends at its bound is whole', async () => {
  const connection = new FakeDataConnection();
  expect(
    await sendListing({ connection, batches: listing(['a\r\n'], [], ['b\r\n']), linesMax: 2, charset: UTF_8 }),
  ).toBe(2);
  expect(connection.received).toBe('a\r\nb\r\n');
  expect(connection.state).toBe('finished');
});

test('a long listing goes in few large writes, an empty one in none', async () => {
  const connection = new FakeDataConnection();
  const line = `${'x'.repeat(98)}\r\n`;
  const batches = listing(...Array.from({ length: 50 }, () => Array.from({ length: 100 }, () => line)));
  expect(await sendListing({ connection, batches, linesMax: 10_000, charset: UTF_8 })).toBe(5_000);
  expect(connection.received.length).toBe(500_000);
  // The first batch by itself, and the rest in eight.
  expect(connection.failures.count('write')).toBe(9);
  const empty = new FakeDataConnection();
  expect(await sendListing({ connection: empty, batches: listing(), linesMax: 1, charset: UTF_8 })).toBe(0);
  expect(empty.failures.count('write')).toBe(0);
});

test('a listing whose client is gone stops reading', async () => {
  const connection = new FakeDataConnection();
  connection.failures.plan('write', 1, new Fault('ConnectionLost'));
  let closed = false;
  async function* endless() {
    try {
      for (;;) yield ['x'.repeat(70_000)];
    } finally {
      closed = true;
    }
  }
  await expect(sendListing({ connection, batches: endless(), linesMax: 10, charset: UTF_8 })).rejects.toMatchObject({
    kind: 'ConnectionLost',
  });
  expect(closed).toBe(true);
});
