/** Memory that is used again: who has it, and who has it no more. */
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { giveBack, PIECE_BYTES, Pieces, takePiece } from '../../src/lib/pieces.ts';

test('a piece is given back once, also as a part of it', () => {
  const piece = takePiece();
  giveBack(piece.subarray(10, 20));
  expect(() => giveBack(piece)).toThrow('given back once');
});

test('what is no piece is left alone', () => {
  giveBack(Buffer.alloc(PIECE_BYTES));
  giveBack(Buffer.from('in a pool of Node'));
  expect(takePiece()).toHaveLength(PIECE_BYTES);
});

test('nobody gets a piece that somebody has, and what was given back is used again', () => {
  const [first, second] = [takePiece(), takePiece()];
  expect(first.buffer).not.toBe(second.buffer);
  giveBack(first);
  const third = takePiece();
  expect(third.buffer).toBe(first.buffer);
  expect(third).toHaveLength(PIECE_BYTES);
  giveBack(second);
  giveBack(third);
});

/** A supply from which so many were out at once, and are back. */
function suppliedWith(count: number) {
  const clock = new FakeClock();
  const pieces = new Pieces(clock);
  const use = (uses: number) => {
    const taken = Array.from({ length: uses }, () => pieces.take());
    for (const piece of taken) pieces.giveBack(piece);
  };
  use(count);
  return { clock, pieces, use };
}

test('as many as were in use at once are kept while they are used, however many', () => {
  const { clock, pieces, use } = suppliedWith(500);
  for (let round = 0; round < 10; round += 1) {
    clock.advance(9_000);
    use(500);
  }
  expect(pieces.freeCount).toBe(500);
});

test('those that nobody needed for a while go, but for the few that a transfer finds at once', () => {
  const { clock, pieces, use } = suppliedWith(500);
  // Behind the first look, at whose beginning most of them were still out.
  clock.advance(10_000);
  use(200);
  clock.advance(10_000);
  expect(pieces.freeCount).toBe(200);
  clock.advance(10_000);
  expect(pieces.freeCount).toBe(64);
  clock.advance(60_000);
  expect(pieces.freeCount).toBe(64);
});

test('those that are out when the rest goes are kept when they come back', () => {
  const { clock, pieces } = suppliedWith(100);
  const out = Array.from({ length: 90 }, () => pieces.take());
  clock.advance(10_000);
  expect(pieces.freeCount).toBe(10);
  for (const piece of out) pieces.giveBack(piece);
  expect(pieces.freeCount).toBe(100);
});
