/** Memory that is used again: who has it, and who has it no more. */
import { expect, test } from 'vitest';
import { giveBack, PIECE_BYTES, takePiece } from '../../src/lib/pieces.ts';

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
