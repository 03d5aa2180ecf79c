/** What has arrived and nobody has taken yet, put together into large pieces. */
import { PIECE_BYTES, takePiece } from '../lib/pieces.ts';

/** See above. Whoever adds decides how much there may be. */
export class ReceivedBytes {
  /** Full ones, the first of which may have been taken from. */
  #full: Buffer[] = [];
  #last: Buffer | undefined;
  #lastBytes = 0;
  #bytes = 0;

  /** Bytes that are here. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a copy. */
  add(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length; ) {
      this.#last ??= takePiece();
      const count = Math.min(bytes.length - offset, PIECE_BYTES - this.#lastBytes);
      this.#last.set(count === bytes.length ? bytes : bytes.subarray(offset, offset + count), this.#lastBytes);
      this.#lastBytes += count;
      offset += count;
      if (this.#lastBytes === PIECE_BYTES) this.#closeLast();
    }
    this.#bytes += bytes.length;
  }

  /** Takes the first bytes, no more than `bytesMax`, in pieces that belong to the caller, who may give them back. */
  take(bytesMax: number): readonly Buffer[] {
    this.#closeLast();
    if (this.#bytes <= bytesMax) {
      const all = this.#full;
      this.clear();
      return all;
    }
    const taken: Buffer[] = [];
    for (let leftBytes = bytesMax; leftBytes > 0; ) {
      const first = this.#full[0];
      if (first === undefined) break;
      // A piece has one owner: of one that is taken in parts the parts are copies.
      const part = first.length <= leftBytes ? first : Buffer.from(first.subarray(0, leftBytes));
      if (part === first) this.#full.shift();
      else this.#full[0] = first.subarray(leftBytes);
      taken.push(part);
      leftBytes -= part.length;
      this.#bytes -= part.length;
    }
    return taken;
  }

  /** Forgets everything. */
  clear(): void {
    this.#full = [];
    this.#last = undefined;
    this.#lastBytes = 0;
    this.#bytes = 0;
  }

  #closeLast(): void {
    if (this.#last === undefined) return;
    this.#full.push(this.#last.subarray(0, this.#lastBytes));
    this.#last = undefined;
    this.#lastBytes = 0;
  }
}
