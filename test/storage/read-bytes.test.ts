/** Reading ahead: every byte once, more at once for the quick, and no more memory for the slow. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { giveBack, PIECE_BYTES } from '../../src/lib/pieces.ts';
import { readBytes } from '../../src/storage/read-bytes.ts';
import { faultOf } from './support.ts';

/** A file that notes what is read of it at once, and gives no more than `bytesMax` each time. */
function fileOf(content: Buffer, bytesMax = Number.POSITIVE_INFINITY) {
  const reads: number[] = [];
  const handle = {
    async readv(buffers: readonly Buffer[], positionBytes: number) {
      reads.push(buffers.length);
      let bytesRead = 0;
      for (const buffer of buffers) {
        const from = positionBytes + bytesRead;
        bytesRead += content.copy(buffer, 0, from, Math.min(from + buffer.length, positionBytes + bytesMax));
      }
      return { bytesRead };
    },
  };
  return { handle, reads };
}

async function drained(pieces: AsyncGenerator<Buffer>, each: () => void = () => undefined): Promise<Buffer> {
  const copies: Buffer[] = [];
  for await (const piece of pieces) {
    each();
    copies.push(Buffer.from(piece));
    giveBack(piece);
  }
  return Buffer.concat(copies);
}

test('a file that ends before it should is an error, and what there was has come', async () => {
  const { handle } = fileOf(randomBytes(PIECE_BYTES + 5));
  let bytes = 0;
  const reading = (async () => {
    for await (const piece of readBytes(handle, 0, 2 * PIECE_BYTES)) bytes += piece.length;
  })();
  expect(await faultOf(reading)).toBe('Local');
  expect(bytes).toBe(PIECE_BYTES + 5);
});

test('who stops early is waited for by the read that is under way, whose failure is nobody’s', async () => {
  const disk = Promise.withResolvers<void>();
  let reads = 0;
  const handle = {
    async readv(buffers: readonly Buffer[]) {
      reads += 1;
      if (reads === 1) return { bytesRead: buffers[0]?.length ?? 0 };
      await disk.promise;
      throw new Error('the disk is gone');
    },
  };
  const pieces = readBytes(handle, 0, 10 * PIECE_BYTES);
  await pieces.next();
  let stopped = false;
  const stopping = pieces.return(undefined).then(() => {
    stopped = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(stopped).toBe(false);
  disk.resolve();
  await stopping;
});

test('a quick consumer has up to sixteen pieces read at once, a slow one a single one', async () => {
  const content = randomBytes(40 * PIECE_BYTES);
  const clock = new FakeClock();
  const quick = fileOf(content);
  await drained(readBytes(quick.handle, 0, content.length, clock), () => clock.advance(9));
  expect(quick.reads).toEqual([1, 1, 2, 4, 8, 16, 8]);
  const slow = fileOf(content);
  await drained(readBytes(slow.handle, 0, content.length, clock), () => clock.advance(10));
  expect(new Set(slow.reads)).toEqual(new Set([1]));
});

test('several who read share them, and each has four at least', async () => {
  const content = randomBytes(40 * PIECE_BYTES);
  const clock = new FakeClock();
  for (const [count, most] of [
    [2, 8],
    [3, 5],
    [9, 4],
  ] as const) {
    const files = Array.from({ length: count }, () => fileOf(content));
    const others = files.slice(1).map(({ handle }) => readBytes(handle, 0, content.length, clock));
    for (const other of others) await other.next();
    const [first] = files;
    if (first === undefined) throw new Error('no file');
    await drained(readBytes(first.handle, 0, content.length, clock));
    expect(Math.max(...first.reads)).toBe(most);
    for (const other of others) await other.return(undefined);
  }
});

test('a consumer that becomes slow has a single piece read at once from then on', async () => {
  const content = randomBytes(40 * PIECE_BYTES);
  const clock = new FakeClock();
  const { handle, reads } = fileOf(content);
  let taken = 0;
  await drained(readBytes(handle, 0, content.length, clock), () => {
    taken += 1;
    if (taken > 10) clock.advance(10_000);
  });
  expect(Math.max(...reads.slice(0, 6))).toBe(16);
  expect(new Set(reads.slice(-8))).toEqual(new Set([1]));
});

test('any stretch of any file comes as it is, however much the disk gives at once', async () => {
  const content = randomBytes(12 * PIECE_BYTES);
  await fc.assert(
    fc.asyncProperty(
      fc.nat(content.length),
      fc.nat(content.length),
      fc.integer({ min: 1_000, max: 5 * PIECE_BYTES }),
      async (one, other, bytesMax) => {
        const [start, end] = [Math.min(one, other), Math.max(one, other)];
        const { handle } = fileOf(content, Math.max(bytesMax, (end - start) / 100));
        const read = await drained(readBytes(handle, start, end));
        expect(read.equals(content.subarray(start, end))).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});
