/**
 * Reads a log from its files alone: without a key, without a lock, and also while a gateway writes to it. Nothing is
 * verified here, so that a damaged log shows what is left of it; `verify-log.ts` says whether it is sound.
 */
import type { LoggedRecord } from '../../spi/audit.ts';
import { LogDamaged } from '../damage.ts';
import { parseCheckpoint } from '../notes/checkpoint.ts';
import { parseNote } from '../notes/signed-note.ts';
import { Bundles } from '../tree/bundles.ts';
import { TILE_WIDTH, tileName } from '../tree/tiles.ts';
import { type AuditIo, Disk, nodeIo } from '../writing/disk.ts';
import { JOURNAL, type JournalGroup, readJournal } from '../writing/journal.ts';
import { CHECKPOINT } from '../writing/load-log.ts';
import { readRecord } from '../writing/record-text.ts';

/** Where to begin. */
export interface ReadFrom {
  /** The first record that is wanted. */
  readonly index?: number | undefined;
  /** Records that are older may be left out; some of them may come all the same. */
  readonly sinceMs?: number | undefined;
  /** The file system, for tests. */
  readonly io?: AuditIo | undefined;
}

/** Whether anything of a log is in the directory. */
export async function isLog(directory: string, io: AuditIo = nodeIo): Promise<boolean> {
  const disk = new Disk(directory, io);
  return (await disk.has(JOURNAL)) || (await disk.has(CHECKPOINT)) || (await disk.has('tile'));
}

/**
 * The records up to the end of the log as it is when the reading begins; those that were dropped are left out. @throws
 * LogDamaged where a file is missing or cannot be read, behind everything that could be read before it.
 */
export async function* readLog(directory: string, from: ReadFrom = {}): AsyncGenerator<LoggedRecord> {
  const disk = new Disk(directory, from.io ?? nodeIo);
  const { groups, damage } = await journalOf(disk);
  const end = groups[0]?.first ?? (await bundlesEnd(disk));
  const bundles = new FoundBundles(disk, end);
  await bundles.find();
  let index = await beginning(bundles, end, from);
  while (index < end) {
    const entries = await bundles.from(index);
    // Dropped since it was found: what is left begins behind it.
    if (entries === undefined) index = bundles.minimumIndex;
    for (const entry of entries ?? []) yield { index: index++, entry };
  }
  if (damage !== undefined) throw damage;
  for (const { first, entries } of groups) {
    for (const [at, entry] of entries.entries()) {
      if (first + at >= index) yield { index: first + at, entry };
    }
  }
}

/**
 * The newest checkpoint as a note, with the cosignatures that it has; undefined when the log has none. Nothing of it is
 * verified. @throws LogDamaged when the journal cannot be read.
 */
export async function newestCheckpoint(directory: string, io: AuditIo = nodeIo): Promise<string | undefined> {
  const disk = new Disk(directory, io);
  const published = (await disk.read(CHECKPOINT))?.toString('utf8');
  const bytes = await disk.read(JOURNAL);
  const newest = bytes === undefined ? undefined : readJournal(bytes).groups.at(-1)?.note;
  // The published one may have cosignatures, which the journal has not.
  if (newest === undefined || published === undefined) return newest ?? published;
  return parseNote(published).text === parseNote(newest).text ? published : newest;
}

/** What a checkpoint calls its log. @throws NoteRefused when it is none. */
export function originOf(note: string): string {
  return parseCheckpoint(parseNote(note).text).origin;
}

async function journalOf(
  disk: Disk,
): Promise<{ readonly groups: readonly JournalGroup[]; readonly damage: LogDamaged | undefined }> {
  try {
    const bytes = await disk.read(JOURNAL);
    if (bytes === undefined) throw new LogDamaged({ index: undefined, file: JOURNAL, why: 'it is missing' });
    return { groups: readJournal(bytes).groups, damage: undefined };
  } catch (error) {
    if (error instanceof LogDamaged) return { groups: [], damage: error };
    throw error;
  }
}

/** Where the bundles end, when the journal does not say: hashes are never dropped. */
async function bundlesEnd(disk: Disk): Promise<number> {
  let index = 0;
  while (await disk.has(tileName({ level: 0, index }))) index += 1;
  return index * TILE_WIDTH;
}

/** The full bundles as they are found; retention may drop some meanwhile, always the oldest first. */
class FoundBundles {
  readonly #disk: Disk;
  readonly #bundles: Bundles;
  readonly #end: number;

  constructor(disk: Disk, end: number) {
    this.#disk = disk;
    this.#bundles = new Bundles(disk);
    this.#end = end;
  }

  /** The first record that is there. */
  get minimumIndex(): number {
    return this.#bundles.minimumIndex;
  }

  async find(): Promise<void> {
    // While the first one is there none was dropped: a hole behind it is damage, and is met where it is.
    if (!(await this.#has(0))) await this.#bundles.find(this.#end);
  }

  /** The records of a bundle from an index on; undefined when it was dropped meanwhile. @throws LogDamaged */
  async from(index: number): Promise<readonly Buffer[] | undefined> {
    try {
      return (await this.#bundles.read(Math.floor(index / TILE_WIDTH))).slice(index % TILE_WIDTH);
    } catch (error) {
      if (await this.#has(this.minimumIndex / TILE_WIDTH)) throw error;
      await this.#bundles.find(this.#end);
      if (this.minimumIndex > index) return undefined;
      throw error;
    }
  }

  #has(index: number): Promise<boolean> {
    return this.#disk.has(tileName({ level: 'entries', index }));
  }
}

/** Times never go back within a log, so that the bundle where a time begins is found without reading what is before it. */
async function beginning(bundles: FoundBundles, end: number, { index = 0, sinceMs }: ReadFrom): Promise<number> {
  const first = Math.max(index, bundles.minimumIndex);
  if (sinceMs === undefined) return first;
  let [low, high] = [Math.floor(first / TILE_WIDTH), end / TILE_WIDTH];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const newest = (await bundles.from(middle * TILE_WIDTH))?.at(-1);
    const record = newest && readRecord(newest);
    // What cannot be read is no reason to leave out what stands behind it.
    if (record !== undefined && record.timeMs < sinceMs) low = middle + 1;
    else high = middle;
  }
  return Math.max(first, low * TILE_WIDTH);
}
