/** The end of the log in memory: the records that are in the journal, and the edge of the tree above them. */

import { leafHash } from '../tree/merkle.ts';
import { encodeBundle, TILE_WIDTH, tileName } from '../tree/tiles.ts';
import type { TreeEdge } from '../tree/tree-edge.ts';
import { TreeHashes } from '../tree/tree-hashes.ts';
import type { Disk, WholeFile } from './disk.ts';

/** What is not yet in full bundles, or was not when it was last written. */
export class Tail {
  readonly hashes: TreeHashes;
  #start: number;
  #entries: Buffer[];

  /** @param start how many records are in full bundles; the edge is of a tree of that size. */
  constructor(start: number, edge: TreeEdge, disk: Disk) {
    this.#start = start;
    this.#entries = [];
    this.hashes = new TreeHashes(edge, disk);
  }

  /** The index of the first record that is held here: a multiple of the width of a bundle. */
  get start(): number {
    return this.#start;
  }

  /** How many records the log has, those included that do not last yet. */
  get size(): number {
    return this.#start + this.#entries.length;
  }

  /** The records that are held, in their order. */
  get entries(): readonly Buffer[] {
    return this.#entries;
  }

  get leaves(): readonly Buffer[] {
    return this.#entries.map(leafHash);
  }

  add(entries: readonly Buffer[], leaves: readonly Buffer[]): void {
    // One by one: a group may have more members than a call may have arguments.
    for (const entry of entries) this.#entries.push(entry);
    for (const leaf of leaves) this.hashes.add(leaf);
  }

  /** A record that is held; undefined for any other. */
  entry(index: number): Buffer | undefined {
    return this.#entries[index - this.#start];
  }

  /** The full bundles and tiles that have to be written before `drop`. */
  full(): WholeFile[] {
    const bundles: WholeFile[] = [];
    for (let at = 0; at + TILE_WIDTH <= this.#entries.length; at += TILE_WIDTH) {
      const index = (this.#start + at) / TILE_WIDTH;
      const bytes = encodeBundle(this.#entries.slice(at, at + TILE_WIDTH));
      bundles.push({ name: tileName({ level: 'entries', index }), bytes });
    }
    return [...bundles, ...this.hashes.waiting()];
  }

  /** Forgets the records of full bundles, which last on the disk now. */
  drop(written: readonly WholeFile[]): void {
    const count = this.#entries.length - (this.#entries.length % TILE_WIDTH);
    this.#entries = this.#entries.slice(count);
    this.#start += count;
    this.hashes.written(written);
  }
}
