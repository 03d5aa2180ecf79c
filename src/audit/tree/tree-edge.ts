/** The right edge of the tree in memory: on every level the tile that is not full yet, and the root. */
import { Frontier } from './frontier.ts';
import { foldHashes } from './merkle.ts';
import { leavesPerHash, TILE_WIDTH } from './tiles.ts';

/** A tile that has become full, and never changes any more. */
export interface FullTile {
  readonly level: number;
  readonly index: number;
  readonly bytes: Buffer;
}

/** What grows when a leaf is added. */
export class TreeEdge {
  /** For each level the hashes of its unfinished tile. */
  readonly #levels: Buffer[][];
  readonly #frontier: Frontier;

  /** @param levels for each level the hashes of the unfinished tile that a tree of this size has. */
  constructor(size = 0, levels: readonly (readonly Buffer[])[] = []) {
    this.#levels = levels.map((hashes) => [...hashes]);
    this.#frontier = new Frontier(size, levels.toReversed().flatMap(peaksOf));
  }

  get size(): number {
    return this.#frontier.size;
  }

  /** @returns the tiles that became full with it, the lowest first. */
  add(leaf: Buffer): FullTile[] {
    this.#frontier.add(leaf);
    const full: FullTile[] = [];
    let hash = leaf;
    for (let level = 0; ; level++) {
      const hashes = this.#levels[level] ?? [];
      this.#levels[level] = hashes;
      hashes.push(hash);
      if (hashes.length < TILE_WIDTH) return full;
      const index = Math.round(this.size / leavesPerHash(level + 1)) - 1;
      full.push({ level, index, bytes: Buffer.concat(hashes) });
      hash = foldHashes(hashes);
      this.#levels[level] = [];
    }
  }

  root(): Buffer {
    return this.#frontier.root();
  }

  /** The root that the tree would have with these leaves. */
  rootWith(leaves: readonly Buffer[]): Buffer {
    const frontier = this.#frontier.copy();
    for (const leaf of leaves) frontier.add(leaf);
    return frontier.root();
  }

  /** The hashes of a tile that is not full; undefined for any other. */
  unfinished(level: number, index: number): readonly Buffer[] | undefined {
    return Math.floor(this.size / leavesPerHash(level + 1)) === index ? (this.#levels[level] ?? []) : undefined;
  }
}

/** The whole subtrees that the hashes of an unfinished tile make up, the largest first. */
function peaksOf(hashes: readonly Buffer[]): Buffer[] {
  const peaks: Buffer[] = [];
  let start = 0;
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if (hashes.length - start < width) continue;
    peaks.push(foldHashes(hashes.slice(start, start + width)));
    start += width;
  }
  return peaks;
}
