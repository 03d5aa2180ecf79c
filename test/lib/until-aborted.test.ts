import { expect, test } from 'vitest';
import { untilAborted } from '../../src/lib/until-aborted.ts';

/** Pieces, and whether their source was told that nobody reads on. */
function source(end: 'ends' | 'hangs' | 'throws') {
  const told = { left: false };
  async function* pieces() {
    try {
      yield 1;
      yield 2;
      if (end === 'hangs') await new Promise(() => undefined);
      if (end === 'throws') throw new Error('broken');
    } finally {
      told.left = true;
    }
  }
  return { told, pieces: pieces() };
}

async function all(pieces: AsyncIterable<number>): Promise<number[]> {
  const seen: number[] = [];
  for await (const piece of pieces) seen.push(piece);
  return seen;
}

test('nothing is read for a signal that has aborted', async () => {
  const { pieces } = source('ends');
  await expect(all(untilAborted(pieces, AbortSignal.abort(new Error('late'))))).rejects.toThrow('late');
  expect((await pieces.next()).value).toBe(1);
});

test('a read that hangs is given up', async () => {
  const { pieces } = source('hangs');
  const gone = new AbortController();
  setTimeout(() => gone.abort(new Error('late')), 20);
  await expect(all(untilAborted(pieces, gone.signal))).rejects.toThrow('late');
});

test('what the source throws is thrown', async () => {
  await expect(all(untilAborted(source('throws').pieces, new AbortController().signal))).rejects.toThrow('broken');
});

test('everything is read, and a source that is left is told', async () => {
  const signal = new AbortController().signal;
  expect(await all(untilAborted(source('ends').pieces, signal))).toEqual([1, 2]);
  const { pieces, told } = source('hangs');
  for await (const piece of untilAborted(pieces, signal)) if (piece === 2) break;
  expect(told.left).toBe(true);
});
