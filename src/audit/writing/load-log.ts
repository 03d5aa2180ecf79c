/**
 * Reads what the end of a log consists of, and holds it against each other: journal, tiles, and the checkpoint that was
 * published. Used before anything is added, and by those who only read.
 */

import { LogDamaged } from '../damage.ts';
import { openCheckpoint, type SignedCheckpoint } from '../notes/checkpoint.ts';
import { NoteRefused } from '../notes/signed-note.ts';
import { foldHashes, HASH_BYTES, leafHash } from '../tree/merkle.ts';
import { hashesOf, leavesPerHash, TILE_WIDTH, tileName } from '../tree/tiles.ts';
import { TreeEdge } from '../tree/tree-edge.ts';
import type { Disk } from './disk.ts';
import { JOURNAL, type JournalGroup, readJournal } from './journal.ts';
import { Tail } from './tail.ts';

/** The name of the published checkpoint. */
export const CHECKPOINT = 'checkpoint';

/** A log is published while it is still empty: without its checkpoint nothing says that its end was not cut off. */
export const UNPUBLISHED = {
  index: undefined,
  file: CHECKPOINT,
  why: 'it is missing, and the log is not empty',
} as const;

/** The end of a log. */
export interface LoadedLog {
  readonly tail: Tail;
  /** The newest checkpoint: over all records of the tail. */
  readonly newest: SignedCheckpoint;
  /** The one that was published last; undefined for a log that was never published. */
  readonly published: SignedCheckpoint | undefined;
  /** Bytes of a group at the journal's end that never came to last. */
  readonly tornBytes: number;
}

/**
 * Loads the end of a log; undefined when there is none in the directory.
 *
 * @throws LogDamaged when journal, tiles, signatures and published checkpoint contradict each other.
 */
export async function loadLog(disk: Disk, keys: readonly string[]): Promise<LoadedLog | undefined> {
  // In this order: a checkpoint is published when its records are in journal or bundles already.
  const published = await readCheckpoint(disk, CHECKPOINT, keys);
  const bytes = await disk.read(JOURNAL);
  if (bytes === undefined) {
    if (published === undefined && !(await disk.has('tile'))) return undefined;
    throw new LogDamaged({ index: undefined, file: JOURNAL, why: 'it is missing, and the log is not empty' });
  }
  const { groups, tornBytes, torn } = readJournal(bytes);
  const start = groups[0]?.first ?? 0;
  if (start % TILE_WIDTH !== 0) {
    throw new LogDamaged({ index: start, file: JOURNAL, why: 'it does not begin where a bundle ends' });
  }
  const tail = new Tail(start, await edgeAt(start, disk), disk);
  let newest: SignedCheckpoint | undefined;
  for (const group of groups) newest = replay(group, tail, keys);
  if (newest === undefined) throw new LogDamaged({ index: start, file: JOURNAL, why: 'it is empty' });
  if (published !== undefined) await compare(published, tail, torn);
  else if (tail.size > 0) throw new LogDamaged(UNPUBLISHED);
  return { tail, newest, published, tornBytes };
}

/** A checkpoint of the log from a file; undefined when there is none. @throws LogDamaged when it is not under the keys. */
export async function readCheckpoint(
  disk: Disk,
  file: string,
  keys: readonly string[],
): Promise<SignedCheckpoint | undefined> {
  const bytes = await disk.read(file);
  return bytes === undefined ? undefined : checkpointIn(bytes.toString('utf8'), { file, index: undefined }, keys);
}

/** The same for a note at hand. */
export function checkpointIn(
  note: string,
  where: { readonly file: string; readonly index: number | undefined },
  keys: readonly string[],
): SignedCheckpoint {
  try {
    return openCheckpoint(note, keys);
  } catch (error) {
    if (!(error instanceof NoteRefused)) throw error;
    throw new LogDamaged({ ...where, why: error.message }, { cause: error });
  }
}

/** The edge of a tree whose records are all in full bundles, made anew from the full tiles. */
export async function edgeAt(size: number, disk: Disk): Promise<TreeEdge> {
  const levels: Buffer[][] = [];
  for (let level = 0; leavesPerHash(level) <= size; level++) {
    const count = Math.floor(size / leavesPerHash(level));
    const hashes: Buffer[] = [];
    for (let index = count - (count % TILE_WIDTH); index < count; index++) {
      hashes.push(await hashOfTile(level - 1, index, disk));
    }
    levels.push(hashes);
  }
  return new TreeEdge(size, levels);
}

async function hashOfTile(level: number, index: number, disk: Disk): Promise<Buffer> {
  const name = tileName({ level, index });
  const bytes = await disk.read(name);
  if (bytes?.length === TILE_WIDTH * HASH_BYTES) return foldHashes(hashesOf(bytes));
  const why = bytes === undefined ? 'the tile is missing' : `the tile has ${bytes.length} bytes`;
  throw new LogDamaged({ index: index * leavesPerHash(level + 1), file: name, why });
}

function replay(group: JournalGroup, tail: Tail, keys: readonly string[]): SignedCheckpoint {
  const { first, entries, note } = group;
  const where = { file: JOURNAL, index: first };
  if (first !== tail.size) throw new LogDamaged({ ...where, why: `record ${tail.size} is missing` });
  tail.add(entries, entries.map(leafHash));
  const checkpoint = checkpointIn(note, where, keys);
  if (checkpoint.size === tail.size && checkpoint.root.equals(tail.hashes.edge.root())) return checkpoint;
  throw new LogDamaged({ ...where, why: 'the checkpoint that was signed with these records is of other ones' });
}

/** A checkpoint that anybody may have seen binds the log for ever. */
async function compare(
  published: SignedCheckpoint,
  tail: Tail,
  torn: { readonly index: number; readonly why: string } | undefined,
): Promise<void> {
  if (published.size > tail.size) {
    const why = `the log ends here, but a checkpoint of ${published.size} records was published`;
    throw new LogDamaged({ file: JOURNAL, ...(torn ?? { index: tail.size, why }) });
  }
  if (published.root.equals(await tail.hashes.rootAt(published.size))) return;
  const why = 'the records and hashes are not those that were signed';
  throw new LogDamaged({ index: undefined, file: CHECKPOINT, why });
}
