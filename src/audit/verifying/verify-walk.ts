/** Walks a log from its first record to its last, and holds records, tiles, times and checkpoints against each other. */
import { LogDamaged } from '../damage.ts';
import { HASH_BYTES, leafHash } from '../tree/merkle.ts';
import { hashesOf, leavesPerHash, TILE_WIDTH, tileName } from '../tree/tiles.ts';
import { TreeEdge } from '../tree/tree-edge.ts';
import type { Disk } from '../writing/disk.ts';
import { readRecord } from '../writing/record-text.ts';
import { alteredRecord } from './verify-bundle.ts';

/** A size at which something is to be checked, when the walk comes by. */
export interface Waypoint {
  readonly size: number;
  /** @throws LogDamaged when it is not as it should be. */
  check(walk: LogWalk): Promise<void>;
}

/** A walk. It needs memory for one bundle and the edge of the tree, however long the log is. */
export class LogWalk {
  readonly edge = new TreeEdge();
  /** How many records are in full bundles on the disk. */
  fullUntil = 0;
  readonly #disk: Disk;
  readonly #waypoints: Waypoint[];
  /** The records since the last full bundle. */
  #bundle: Buffer[] = [];
  #lastMs = Number.NEGATIVE_INFINITY;
  #missing = 0;
  #pruned = 0;

  constructor(disk: Disk, waypoints: readonly Waypoint[]) {
    this.#disk = disk;
    this.#waypoints = waypoints.toSorted((a, b) => a.size - b.size);
  }

  /** The records behind the last full bundle. */
  get bundle(): readonly Buffer[] {
    return this.#bundle;
  }

  /** How many records at the beginning are not there any more. */
  get missing(): number {
    return this.#missing;
  }

  /** Where the walk did not come: behind the end of the log. */
  get unmet(): readonly Waypoint[] {
    return this.#waypoints;
  }

  /** Checks what is to be checked at the beginning. */
  async begin(): Promise<void> {
    await this.#arrive();
  }

  /** Walks a full bundle, or the hashes of one that was dropped. */
  async bundleAt(index: number): Promise<void> {
    const first = index * TILE_WIDTH;
    const tile = await this.#tile(index);
    const name = tileName({ level: 'entries', index });
    const bytes = await this.#disk.read(name);
    if (bytes === undefined) {
      if (this.#missing !== first) throw new LogDamaged({ index: first, file: name, why: 'the bundle is missing' });
      this.#missing = first + TILE_WIDTH;
      for (const leaf of hashesOf(tile)) await this.#add(leaf);
      return;
    }
    const altered = await alteredRecord(this.#disk, { index, tile, bundle: bytes });
    if (!Array.isArray(altered)) throw new LogDamaged(altered);
    for (const entry of altered) await this.record(entry, name);
  }

  /** Walks one record. */
  async record(entry: Buffer, file: string): Promise<void> {
    const index = this.edge.size;
    const record = readRecord(entry);
    if (record === undefined) throw new LogDamaged({ index, file, why: 'it is not a record with a time' });
    if (record.timeMs < this.#lastMs)
      throw new LogDamaged({ index, file, why: 'it is older than the record before it' });
    this.#lastMs = record.timeMs;
    const minimum = record.event === 'log.pruned' ? record.object.minimum_index : undefined;
    if (typeof minimum === 'number') this.#pruned = Math.max(this.#pruned, minimum);
    this.#bundle.push(entry);
    await this.#add(leafHash(entry));
  }

  /** Whether the log says of itself that what is missing was dropped. @throws LogDamaged when it does not. */
  checkPruned(): void {
    if (this.#missing <= this.#pruned) return;
    const file = tileName({ level: 'entries', index: Math.floor(this.#pruned / TILE_WIDTH) });
    throw new LogDamaged({ index: this.#pruned, file, why: 'it is missing, and no record says that it was dropped' });
  }

  async #tile(index: number): Promise<Buffer> {
    const file = tileName({ level: 0, index });
    const tile = await this.#disk.read(file);
    if (tile?.length === TILE_WIDTH * HASH_BYTES) return tile;
    const why = tile === undefined ? 'the tile is missing' : `the tile has ${tile.length} bytes`;
    throw new LogDamaged({ index: index * TILE_WIDTH, file, why });
  }

  async #add(leaf: Buffer): Promise<void> {
    const full = this.edge.add(leaf);
    if (full.length > 0) this.#bundle = [];
    for (const { level, index, bytes } of full) if (level > 0) await this.#checkTile(level, index, bytes);
    await this.#arrive();
  }

  async #arrive(): Promise<void> {
    while (this.#waypoints[0]?.size === this.edge.size) await this.#waypoints.shift()?.check(this);
  }

  /** A tile above the first level, which has to be what follows from those below. */
  async #checkTile(level: number, index: number, bytes: Buffer): Promise<void> {
    const file = tileName({ level, index });
    const tile = await this.#disk.read(file);
    // A tile that the journal's records fill is written with the next bundles.
    if (tile === undefined && this.edge.size > this.fullUntil) return;
    const first = index * leavesPerHash(level + 1);
    if (tile === undefined) throw new LogDamaged({ index: first, file, why: 'the tile is missing' });
    if (tile.equals(bytes)) return;
    const at = hashesOf(bytes).findIndex(
      (hash, i) => !hash.equals(tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)),
    );
    const why = 'the tile does not follow from the tiles below it';
    throw new LogDamaged({ index: first + Math.max(at, 0) * leavesPerHash(level), file, why });
  }
}
