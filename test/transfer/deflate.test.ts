/** MODE Z without sockets: what is no whole zlib stream is refused, bombs are, and everything else comes back. */
import { randomBytes } from 'node:crypto';
import { deflateRawSync, deflateSync, gzipSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/spi/fault.ts';
import { deflating, inflating } from '../../src/transfer/deflate.ts';
import { FakeDataConnection } from '../fakes/data-channel.ts';

/** Everything that the connection gives when it is read through the engine. */
async function inflated(pieces: readonly (string | Buffer)[], ratioMax = 200): Promise<Buffer> {
  const connection = inflating(new FakeDataConnection(pieces), ratioMax);
  const all: Buffer[] = [];
  for (;;) {
    const batch = await connection.read();
    if (batch === undefined) return Buffer.concat(all);
    all.push(...batch);
  }
}

/** The bytes cut at some places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

const TEXT = Buffer.from('line\r\n'.repeat(2_000));
const STREAM = deflateSync(TEXT);

describe('refusals', () => {
  test.each([
    ['nothing at all', []],
    ['plain text', ['hello']],
    ['gzip', [gzipSync(TEXT)]],
    ['deflate without its header', [deflateRawSync(TEXT)]],
    ['a stream without its last byte', [STREAM.subarray(0, -1)]],
    ['half a stream', [STREAM.subarray(0, STREAM.length / 2)]],
    ['a stream and garbage in one piece', [Buffer.concat([STREAM, Buffer.from('x')])]],
    ['a stream and garbage in another piece', [STREAM, 'x']],
    ['a stream and garbage after a while', [STREAM, '', 'x']],
    ['two streams', [STREAM, STREAM]],
    ['a wrong checksum', [Buffer.concat([STREAM.subarray(0, -1), Buffer.of((STREAM.at(-1) ?? 0) ^ 1)])]],
    ['a preset dictionary', [deflateSync(TEXT, { dictionary: Buffer.from('line') })]],
  ])('%s is no whole zlib stream', async (_, pieces) => {
    await expect(inflated(pieces)).rejects.toMatchObject({ kind: 'NotZlib' });
  });

  test('a bomb is refused before much of it has been inflated', async () => {
    const bomb = deflateSync(Buffer.alloc(100_000_000));
    const connection = inflating(new FakeDataConnection([bomb]), 200);
    let bytes = 0;
    const read = async () => {
      for (let batch = await connection.read(); batch !== undefined; batch = await connection.read()) {
        for (const { length } of batch) {
          expect(length).toBeLessThanOrEqual(1_048_576);
          bytes += length;
        }
      }
    };
    await expect(read()).rejects.toMatchObject({ kind: 'QuotaExceeded', text: expect.stringContaining('200 times') });
    expect(bytes).toBeLessThan(20_000_000);
  });

  test.each([1, 2, 3])('whatever the connection throws at read %i comes out as it is', async (n) => {
    const lost = new Fault('ConnectionLost');
    const connection = new FakeDataConnection(cut(STREAM, [10, 20]));
    connection.failures.plan('read', n, lost);
    const engine = inflating(connection, 200);
    const read = async () => {
      while ((await engine.read()) !== undefined);
    };
    await expect(read()).rejects.toBe(lost);
    engine.destroy();
    expect(connection.state).toBe('destroyed');
  });

  test.each(['write', 'finish'])('what %s throws in sending comes out as it is', async (operation) => {
    const lost = new Fault('ConnectionLost');
    const connection = new FakeDataConnection();
    connection.failures.plan(operation, 1, lost);
    const engine = deflating(connection, 6);
    const send = async () => {
      await engine.write(randomBytes(1_000_000));
      await engine.finish();
    };
    await expect(send()).rejects.toBe(lost);
    engine.destroy();
    expect(connection.state).toBe('destroyed');
  });
});

describe('what comes through', () => {
  test('an empty file is a stream of nothing, both ways', async () => {
    const connection = new FakeDataConnection();
    await deflating(connection, 6).finish();
    expect(inflateSync(Buffer.concat(connection.sent)).length).toBe(0);
    expect(connection.state).toBe('finished');
    expect((await inflated([deflateSync('')])).length).toBe(0);
  });

  test('a small file of zeros is no bomb, nor is a large one that the ratio allows', async () => {
    expect((await inflated([deflateSync(Buffer.alloc(10_000_000))], 2)).length).toBe(10_000_000);
    expect((await inflated([deflateSync(Buffer.alloc(40_000_000))], 1_100)).length).toBe(40_000_000);
  });

  test('how the data ended, and how many bytes there were on the wire, is known behind them', async () => {
    const raw = new FakeDataConnection([STREAM]);
    const connection = inflating(raw, 200);
    expect(connection.end).toBe('unauthenticated');
    while ((await connection.read()) !== undefined);
    expect(connection.end).toBe('authenticated');
    expect(connection.bytesMoved).toBe(STREAM.length);
    expect(connection.tls).toBe(raw.tls);
    await connection.finish();
    expect(raw.state).toBe('finished');
  });

  test('any bytes in any pieces at any level come back', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 5_000 }),
      fc.nat(600_000).map((size) => new Uint8Array(size)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 5 }), fc.nat(9), async (input, places, level) => {
        const plain = Buffer.from(input);
        const wire = new FakeDataConnection();
        const sender = deflating(wire, level);
        for (const piece of cut(plain, places)) await sender.write(piece);
        await sender.finish();
        const stream = Buffer.concat(wire.sent);
        expect(inflateSync(stream).equals(plain)).toBe(true);
        expect((await inflated(cut(stream, places))).equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('any bytes at all are refused or inflate to what zlib says, and never hang', async () => {
    const damaged = fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), fc.nat(255))
      .map(([plain, place, value]) => {
        const stream = deflateSync(plain);
        stream[place % stream.length] = value;
        return stream;
      });
    const wire = fc.oneof(
      damaged,
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(wire, fc.array(fc.nat(), { maxLength: 3 }), async (stream, places) => {
        const outcome = await inflated(cut(stream, places)).catch((error: unknown) => error);
        if (Buffer.isBuffer(outcome)) expect(inflateSync(stream).equals(outcome)).toBe(true);
        else expect(outcome).toMatchObject({ kind: 'NotZlib' });
      }),
      { numRuns: 200 },
    );
  });
});
