/**
 * Memory for bytes on their way: pieces of one size that are used again. New memory for each costs more than the copying
 * of what is put into it, because the processor's caches know nothing of it and the garbage collector everything.
 */
import { assert } from './assert.ts';

/** Size of a piece: small enough for the caches, large enough that what is done once for each costs nothing. */
export const PIECE_BYTES = 262_144;

/** Pieces kept for the next who asks; more than so many are left to the garbage collector. */
const FREE_MAX = 64;

const free: Buffer[] = [];
/** By its memory, whether a piece is out with somebody. */
const isOut = new WeakMap<ArrayBufferLike, boolean>();

/** A piece, with anything in it. It is the caller's own, to keep for good or to give back. */
export function takePiece(): Buffer {
  const piece = free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
  isOut.set(piece.buffer, true);
  return piece;
}

/**
 * Gives back the piece that a buffer is a part of: from now on its bytes are anybody's. To be called once for each piece, by
 * whoever it belongs to, when nobody looks at it any more. A buffer that is no part of one is left alone.
 */
export function giveBack({ buffer: memory }: Buffer): void {
  const out = isOut.get(memory);
  if (out === undefined) return;
  assert(out, 'a piece is given back once');
  isOut.set(memory, false);
  if (free.length < FREE_MAX) free.push(Buffer.from(memory));
}
