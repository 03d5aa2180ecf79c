/**
 * Memory for bytes on their way: pieces of one size that are used again. New memory for each costs more than the copying
 * of what is put into it, because the processor's caches know nothing of it and the garbage collector everything.
 */
import { assert } from './assert.ts';
import { type Clock, systemClock } from './clock.ts';

/** Size of a piece: small enough for the caches, large enough that what is done once for each costs nothing. */
export const PIECE_BYTES = 262_144;

/** Pieces that are kept for good when nobody has them: enough for a few transfers at a time. */
const KEPT = 64;
/** How long more than those are kept that nobody takes. */
const UNUSED_MS = 10_000;

/** A supply of pieces. It keeps as many as were in use at once, until some of them have not been for a while. */
export class Pieces {
  readonly #clock: Clock;
  /** The last one given back is the first one taken, so that what is not needed gathers at the front. */
  readonly #free: Buffer[] = [];
  /** By its memory, whether a piece is out with somebody. */
  readonly #isOut = new WeakMap<ArrayBufferLike, boolean>();
  /** The fewest that were free since the timer was set. */
  #leastFree = 0;
  #isWatched = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many nobody has. */
  get freeCount(): number {
    return this.#free.length;
  }

  /** A piece, with anything in it. It is the caller's own, to keep for good or to give back. */
  take(): Buffer {
    const piece = this.#free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    this.#leastFree = Math.min(this.#leastFree, this.#free.length);
    this.#isOut.set(piece.buffer, true);
    return piece;
  }

  /**
   * Gives back the piece that a buffer is a part of: from now on its bytes are anybody's. To be called once for each piece, by
   * whoever it belongs to, when nobody looks at it any more. A buffer that is no part of one is left alone.
   */
  giveBack({ buffer: memory }: Buffer): void {
    const out = this.#isOut.get(memory);
    if (out === undefined) return;
    assert(out, 'a piece is given back once');
    this.#isOut.set(memory, false);
    this.#free.push(Buffer.from(memory));
    this.#watch();
  }

  #watch(): void {
    if (this.#isWatched || this.#free.length <= KEPT) return;
    this.#isWatched = true;
    this.#leastFree = this.#free.length;
    this.#clock.after(UNUSED_MS, () => {
      this.#isWatched = false;
      const beyond = Math.max(0, this.#free.length - KEPT);
      this.#free.splice(0, Math.min(this.#leastFree, beyond));
      this.#watch();
    });
  }
}

/** Those of the process. */
const pieces = new Pieces(systemClock);

/** As `Pieces.take`, of the process's. */
export function takePiece(): Buffer {
  return pieces.take();
}

/** As `Pieces.giveBack`, to the process's. */
export function giveBack(buffer: Buffer): void {
  pieces.giveBack(buffer);
}
