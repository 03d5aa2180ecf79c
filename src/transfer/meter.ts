/** Counts the bytes of a file and hashes them with SHA-256 as they pass, so that nothing has to be read twice. */
import { createHash } from 'node:crypto';

/** The count and the SHA-256 of everything that it was given, in order. */
export class Meter {
  readonly #hash = createHash('sha256');
  #bytes = 0;

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  update(buffers: readonly Buffer[]): void {
    for (const buffer of buffers) {
      this.#hash.update(buffer);
      this.#bytes += buffer.length;
    }
  }

  /** The SHA-256 in lower-case hexadecimal. Ends the meter: call it once. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}
