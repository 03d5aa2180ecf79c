/** Every hash of the tree, wherever it is: at the edge in memory, in a tile that waits to be written, or on the disk. */
import { BoundedMap } from '../../lib/bounded-map.ts';
import { LogDamaged } from '../damage.ts';
import type { Disk, WholeFile } from '../writing/disk.ts';
import { consistencyProof, foldHashes, HASH_BYTES, inclusionProof, type SubtreeHash, treeRoot } from './merkle.ts';
import { hashesOf, leavesPerHash, TILE_WIDTH, tileName } from './tiles.ts';
import type { TreeEdge } from './tree-edge.ts';

/** 8 KiB each: enough for the proofs of a busy minute, and no more. */
const CACHED_TILES_MAX = 128;

/** The height of a tile in the tree. */
const TILE_HEIGHT = 8;

/** The hashes of a tree that may grow in the meantime; what is asked of a size has to lie within it. */
export class TreeHashes {
  readonly edge: TreeEdge;
  readonly #disk: Disk;
  /** Full tiles that are not on the disk yet, by name. */
  readonly #waiting = new Map<string, Buffer>();
  readonly #cached = new BoundedMap<string, Buffer>(CACHED_TILES_MAX);

  constructor(edge: TreeEdge, disk: Disk) {
    this.edge = edge;
    this.#disk = disk;
  }

  /** Adds a leaf; a tile that it fills waits for `written`. */
  add(leaf: Buffer): void {
    for (const { level, index, bytes } of this.edge.add(leaf)) this.#waiting.set(tileName({ level, index }), bytes);
  }

  /** The full tiles that wait to be written. */
  waiting(): WholeFile[] {
    return [...this.#waiting].map(([name, bytes]) => ({ name, bytes }));
  }

  /** Forgets tiles that last on the disk now. */
  written(files: readonly WholeFile[]): void {
    for (const { name } of files) this.#waiting.delete(name);
  }

  /** The first hashes of a tile. @throws LogDamaged when the disk does not have them. */
  async tile(level: number, index: number, width: number): Promise<readonly Buffer[]> {
    const unfinished = this.edge.unfinished(level, index);
    if (unfinished !== undefined && unfinished.length >= width) return unfinished.slice(0, width);
    const name = tileName({ level, index });
    const bytes = this.#waiting.get(name) ?? this.#cached.get(name) ?? (await this.#read(name, level, index));
    return hashesOf(bytes.subarray(0, width * HASH_BYTES));
  }

  /** The hash of a whole subtree. */
  readonly subtree: SubtreeHash = async (height, index) => {
    const level = Math.floor(height / TILE_HEIGHT);
    const count = 2 ** (height % TILE_HEIGHT);
    const first = index * count;
    const inTile = first % TILE_WIDTH;
    const hashes = await this.tile(level, Math.floor(first / TILE_WIDTH), inTile + count);
    return foldHashes(hashes.slice(inTile));
  };

  rootAt(size: number): Promise<Buffer> {
    return treeRoot(size, this.subtree);
  }

  inclusion(index: number, size: number): Promise<Buffer[]> {
    return inclusionProof(index, size, this.subtree);
  }

  consistency(oldSize: number, newSize: number): Promise<Buffer[]> {
    return consistencyProof(oldSize, newSize, this.subtree);
  }

  async #read(name: string, level: number, index: number): Promise<Buffer> {
    const bytes = await this.#disk.read(name);
    if (bytes?.length !== TILE_WIDTH * HASH_BYTES) {
      const why = bytes === undefined ? 'the tile is missing' : `the tile has ${bytes.length} bytes`;
      throw new LogDamaged({ index: index * leavesPerHash(level + 1), file: name, why });
    }
    this.#cached.set(name, bytes);
    return bytes;
  }
}
