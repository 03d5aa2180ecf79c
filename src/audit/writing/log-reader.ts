/** Reads records of a log that may grow and be pruned meanwhile: from memory, or from the bundles on the disk. */
import type { LoggedRecord } from '../../spi/audit.ts';
import type { Bundles } from '../tree/bundles.ts';
import { TILE_WIDTH } from '../tree/tiles.ts';
import type { Tail } from './tail.ts';

/** Where the records are. */
export class LogReader {
  readonly #tail: Tail;
  readonly #bundles: Bundles;

  constructor(tail: Tail, bundles: Bundles) {
    this.#tail = tail;
    this.#bundles = bundles;
  }

  /** The records of a range; those that were dropped are left out. @throws LogDamaged when a bundle is not there. */
  async *records(fromIndex: number, end: number): AsyncGenerator<LoggedRecord> {
    let index = Math.max(fromIndex, 0);
    while (index < end) {
      index = Math.max(index, this.#bundles.minimumIndex);
      const held = this.#tail.entry(index);
      if (held !== undefined && index < end) {
        yield { index, entry: held };
        index += 1;
        continue;
      }
      for (const entry of await this.#rest(index)) {
        if (index < end) yield { index, entry };
        index += 1;
      }
    }
  }

  /** One record. @throws RangeError when it was dropped. */
  async entry(index: number): Promise<Buffer> {
    const held = this.#tail.entry(index);
    if (held !== undefined) return held;
    const entry = index < this.#bundles.minimumIndex ? undefined : (await this.#rest(index))[0];
    if (entry === undefined) throw new RangeError(`record ${index} is older than the retention and was dropped`);
    return entry;
  }

  /** The records of a bundle from an index on; none when they were dropped meanwhile. */
  async #rest(index: number): Promise<readonly Buffer[]> {
    try {
      return (await this.#bundles.read(Math.floor(index / TILE_WIDTH))).slice(index % TILE_WIDTH);
    } catch (error) {
      if (index < this.#bundles.minimumIndex) return [];
      throw error;
    }
  }
}
