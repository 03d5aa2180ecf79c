/** The tiles of C2SP tlog-tiles: their names, their widths, and the bundles of entries. Pure. */
import { HASH_BYTES } from './merkle.ts';

/** Hashes of a full tile, entries of a full bundle. */
export const TILE_WIDTH = 256;

/** The longest entry that a bundle can hold: its length is a uint16. */
export const ENTRY_BYTES_MAX = 65_535;

/** A level of hash tiles, or the bundles of entries. */
export type TileLevel = number | 'entries';

/** A place in the tree of tiles. Without a width the tile is full. */
export interface TilePlace {
  readonly level: TileLevel;
  readonly index: number;
  readonly width?: number | undefined;
}

/** The path below the log's directory: `tile/0/x001/234`, `tile/entries/000.p/17`. */
export function tileName({ level, index, width }: TilePlace): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/[0-9]{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  const partial = width === undefined || width === TILE_WIDTH ? '' : `.p/${width}`;
  return `tile/${level}/${path}${partial}`;
}

/** How many leaves one hash of a level stands for. */
export function leavesPerHash(level: number): number {
  return TILE_WIDTH ** level;
}

/** The partial tiles of a tree: at most one of each level, and one bundle of entries. */
export function partialTiles(
  size: number,
): { readonly level: TileLevel; readonly index: number; readonly width: number }[] {
  const places: { level: TileLevel; index: number; width: number }[] = [];
  for (let level = 0; leavesPerHash(level) <= size; level++) {
    const hashes = Math.floor(size / leavesPerHash(level));
    const width = hashes % TILE_WIDTH;
    const index = Math.floor(hashes / TILE_WIDTH);
    if (width === 0) continue;
    places.push({ level, index, width });
    if (level === 0) places.push({ level: 'entries', index, width });
  }
  return places;
}

/** Entries as a bundle: each behind its length, a big-endian uint16. */
export function encodeBundle(entries: readonly Buffer[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}

/** The entries of a bundle; undefined when it does not hold exactly so many. */
export function decodeBundle(bundle: Buffer, width: number): Buffer[] | undefined {
  const entries: Buffer[] = [];
  let offset = 0;
  while (offset + 2 <= bundle.length && entries.length < width) {
    const end = offset + 2 + bundle.readUInt16BE(offset);
    if (end > bundle.length) return undefined;
    entries.push(bundle.subarray(offset + 2, end));
    offset = end;
  }
  return entries.length === width && offset === bundle.length ? entries : undefined;
}

/** The hashes of a tile. */
export function hashesOf(tile: Buffer): Buffer[] {
  return Array.from({ length: tile.length / HASH_BYTES }, (_, i) =>
    tile.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}
