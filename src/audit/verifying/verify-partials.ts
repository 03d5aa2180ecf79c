/** Holds the partial tiles that were published against what was read of the log. */
import { LogDamaged } from '../damage.ts';
import { HASH_BYTES, leafHash } from '../tree/merkle.ts';
import {
  decodeBundle,
  hashesOf,
  leavesPerHash,
  partialTiles,
  TILE_WIDTH,
  type TilePlace,
  tileName,
} from '../tree/tiles.ts';
import type { Disk } from '../writing/disk.ts';
import { partialWidths } from './verify-bundle.ts';
import type { LogWalk } from './verify-walk.ts';

/**
 * Checks the partial tiles of a published checkpoint, and those of earlier ones that are still there; the walk has come
 * exactly to the checkpoint's size. @throws LogDamaged for the first that is wrong or missing.
 */
export async function checkPartials(disk: Disk, walk: LogWalk, size: number): Promise<void> {
  // Entries before hashes, and low levels first: the first that is wrong is the cause of what is wrong above it.
  for (const place of partialTiles(size).sort((a, b) => order(a) - order(b))) {
    const widths = (await partialWidths(disk, place)).filter((width) => width <= place.width).sort((a, b) => b - a);
    // Readers fall back to the full tile, so that the partial one may be gone when there is one.
    if (!widths.includes(place.width) && !(await disk.has(tileName({ ...place, width: undefined })))) {
      throw new LogDamaged({ index: firstOf(place), file: tileName(place), why: 'the partial tile is missing' });
    }
    for (const width of widths) await checkPartial(disk, walk, { ...place, width });
  }
}

/**
 * Checks the edge above the bundles against the tiles that are there, full or partial, when the walk has come to the end
 * of the bundles: the last chance to say under which hash a bundle was altered together with its tile. @throws LogDamaged
 */
export async function checkUpper(disk: Disk, walk: LogWalk): Promise<void> {
  for (const place of partialTiles(walk.edge.size)) {
    if (place.level === 'entries' || place.level === 0) continue;
    const widths = await partialWidths(disk, place);
    const width = Math.max(0, ...widths);
    const file = tileName({ ...place, width: width === 0 ? undefined : width });
    const bytes = await disk.read(file);
    if (bytes === undefined) continue;
    const expected = walk.edge.unfinished(place.level, place.index) ?? [];
    const bad = hashesOf(bytes).findIndex((hash, i) => expected[i]?.equals(hash) === false);
    if (bad < 0) continue;
    const why = 'the tile does not follow from the tiles below it';
    throw new LogDamaged({ index: firstOf(place) + bad * leavesOf(place.level), file, why });
  }
}

async function checkPartial(disk: Disk, walk: LogWalk, place: TilePlace & { readonly width: number }): Promise<void> {
  const file = tileName(place);
  const bytes = await disk.read(file);
  // Removed since it was listed, because the full one is there.
  if (bytes === undefined) return;
  const { level, index, width } = place;
  const expected = level === 'entries' ? walk.bundle.map(leafHash) : (walk.edge.unfinished(level, index) ?? []);
  const found = level === 'entries' ? decodeBundle(bytes, width)?.map(leafHash) : wholeHashes(bytes, width);
  const why = 'the partial tile does not hold what the log holds';
  if (found === undefined) throw new LogDamaged({ index: firstOf(place), file, why });
  const bad = found.findIndex((hash, i) => expected[i]?.equals(hash) !== true);
  if (bad < 0) return;
  throw new LogDamaged({ index: firstOf(place) + bad * leavesOf(level), file, why });
}

function wholeHashes(bytes: Buffer, width: number): Buffer[] | undefined {
  return bytes.length === width * HASH_BYTES ? hashesOf(bytes) : undefined;
}

function order({ level }: TilePlace): number {
  return level === 'entries' ? -1 : level;
}

function firstOf({ level, index }: TilePlace): number {
  return index * TILE_WIDTH * leavesOf(level);
}

function leavesOf(level: TilePlace['level']): number {
  return level === 'entries' ? 1 : leavesPerHash(level);
}
