/** Holds a bundle against its tile of hashes, and finds the record that was altered, or the hash. */
import type { LogProblem } from '../damage.ts';
import { foldHashes, HASH_BYTES, leafHash } from '../tree/merkle.ts';
import { hashesOf, TILE_WIDTH, tileName } from '../tree/tiles.ts';
import type { Disk } from '../writing/disk.ts';

/** A full bundle with the hashes of its records. */
export interface BundleAndTile {
  readonly index: number;
  readonly tile: Buffer;
  readonly bundle: Buffer;
}

/** The records of the bundle when each has the hash that the tile has for it, or else the first that has not. */
export async function alteredRecord(disk: Disk, place: BundleAndTile): Promise<Buffer[] | LogProblem> {
  const { index, tile, bundle } = place;
  const { entries, readBytes } = entriesIn(bundle);
  const hashes = hashesOf(tile);
  const leaves = entries.map(leafHash);
  const bad = hashes.findIndex((hash, i) => leaves[i]?.equals(hash) !== true);
  const first = index * TILE_WIDTH;
  const file = tileName({ level: 'entries', index });
  if (bad < 0) {
    if (readBytes === bundle.length) return entries;
    return { index: first + TILE_WIDTH - 1, file, why: 'the bundle holds more than its records' };
  }
  // The hash one level higher knows which of the two it was made from.
  const above = await hashAbove(disk, index);
  if (above !== undefined && leaves.length === TILE_WIDTH && foldHashes(leaves).equals(above)) {
    return {
      index: first + bad,
      file: tileName({ level: 0, index }),
      why: 'the hash in the tile is not that of the record',
    };
  }
  const why =
    bad < entries.length ? 'the record does not have the hash that the tile has for it' : 'the record is cut short';
  return { index: first + bad, file, why };
}

/** What can be read of a bundle. */
function entriesIn(bundle: Buffer): { readonly entries: Buffer[]; readonly readBytes: number } {
  const entries: Buffer[] = [];
  let offset = 0;
  while (entries.length < TILE_WIDTH && offset + 2 <= bundle.length) {
    const end = offset + 2 + bundle.readUInt16BE(offset);
    if (end > bundle.length) break;
    entries.push(bundle.subarray(offset + 2, end));
    offset = end;
  }
  return { entries, readBytes: offset };
}

/** The hash of a tile, from the tile above it, full or partial; undefined when there is none. */
async function hashAbove(disk: Disk, index: number): Promise<Buffer | undefined> {
  const place = { level: 1, index: Math.floor(index / TILE_WIDTH) };
  const at = index % TILE_WIDTH;
  const full = await disk.read(tileName(place));
  if (full !== undefined) return hashIn(full, at);
  const widths = await partialWidths(disk, place);
  const widest = Math.max(0, ...widths);
  const partial = widest > at ? await disk.read(tileName({ ...place, width: widest })) : undefined;
  return partial && hashIn(partial, at);
}

/** The widths in which a partial tile is there. */
export async function partialWidths(
  disk: Disk,
  place: { readonly level: number | 'entries'; readonly index: number },
): Promise<number[]> {
  const names = await disk.list(`${tileName({ level: place.level, index: place.index })}.p`);
  return names.filter((name) => /^[1-9][0-9]{0,2}$/.test(name)).map(Number);
}

function hashIn(tile: Buffer, at: number): Buffer | undefined {
  const hash = tile.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  return hash.length === HASH_BYTES ? hash : undefined;
}
