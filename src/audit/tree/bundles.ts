/** The full bundles of entries on the disk, and the retention that drops the oldest of them. */
import { LogDamaged } from '../damage.ts';
import type { Disk } from '../writing/disk.ts';
import { readRecord } from '../writing/record-text.ts';
import { decodeBundle, TILE_WIDTH, tileName } from './tiles.ts';

/** The bundles of a log; hashes are kept for ever, so that what is dropped leaves no hole in the tree. */
export class Bundles {
  readonly #disk: Disk;
  #minimum = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** The first record that is still there: the minimum index of tlog-tiles. */
  get minimumIndex(): number {
    return this.#minimum;
  }

  /** Finds the minimum index of a log with so many records in full bundles: what is missing is a beginning. */
  async find(end: number): Promise<void> {
    let [low, high] = [0, end / TILE_WIDTH];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await this.#disk.has(tileName({ level: 'entries', index: middle }))) high = middle;
      else low = middle + 1;
    }
    this.#minimum = low * TILE_WIDTH;
  }

  /** The records of a bundle. @throws LogDamaged when they are not there; look at `minimumIndex` then. */
  async read(index: number): Promise<readonly Buffer[]> {
    const name = tileName({ level: 'entries', index });
    const bytes = await this.#disk.read(name);
    const entries = bytes && decodeBundle(bytes, TILE_WIDTH);
    if (entries !== undefined) return entries;
    const why = bytes === undefined ? 'the bundle is missing' : `the bundle does not hold ${TILE_WIDTH} records`;
    throw new LogDamaged({ index: index * TILE_WIDTH, file: name, why });
  }

  /** What the minimum index would be without the bundles before `end` all of whose records are older than that. */
  async minimumBefore(timeMs: number, end: number): Promise<number> {
    let minimum = this.#minimum;
    for (; minimum + TILE_WIDTH <= end; minimum += TILE_WIDTH) {
      const newest = (await this.read(minimum / TILE_WIDTH)).at(-1);
      const record = newest && readRecord(newest);
      if (record === undefined || record.timeMs >= timeMs) break;
    }
    return minimum;
  }

  /** Removes the bundles before an index, the oldest first, so that what is missing is always a beginning. */
  async drop(minimum: number): Promise<void> {
    while (this.#minimum < minimum) {
      const index = this.#minimum / TILE_WIDTH;
      this.#minimum += TILE_WIDTH;
      await this.#disk.remove(tileName({ level: 'entries', index }));
    }
  }
}
