/** Listing a directory of any size in bounded memory. */
import type { Dirent } from 'node:fs';
import { type DirectoryEntry, UNASKED } from '../protocol/file-facts.ts';
import { namesWithin } from './directory-names.ts';
import type { FactsSource } from './facts-threads.ts';
import { factsOf, lstatIfAny, type StorageIo } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { followed } from './nodes.ts';
import type { PackedFacts } from './packed-facts.ts';
import { isReserved } from './staging-names.ts';

/** What a listing is made with. */
export interface ListingParts {
  readonly io: StorageIo;
  /** Asks for the facts of long listings; without it they are asked for one by one. */
  readonly thread?: FactsSource | undefined;
}

/** Entries in a batch. Bounds memory, and the calls that wait for the thread pool in front of everyone else's. */
const BATCH_ENTRIES = 128;

/**
 * Entries that the thread is asked for at once: some milliseconds of work, for which others wait who ask it too. With a
 * quarter of it a listing costs a fifth more, for waking a thread takes longer than a hundred names.
 */
const BLOCK_ENTRIES = 2_048;

/** Entries before a thread is started: most directories have fewer, and starting it costs as much as these. */
const UNTHREADED_ENTRIES = 512;

/**
 * The entries of a directory in batches. A symlink has the facts of what it leads to, and is left out when that is
 * nothing or lies outside; so are entries that vanish meanwhile, the gateway's own names, and names that no command
 * could name: with CR or LF in them, which would forge lines of the listing, or not in UTF-8.
 */
export async function* listDirectory(
  parts: ListingParts,
  directory: HeldDirectory,
): AsyncGenerator<readonly DirectoryEntry[]> {
  const ahead: Block[] = [];
  // Threads look at these while the block before them is sent, and one more lies ready for who is done first.
  const aheadMax = parts.thread === undefined ? 0 : parts.thread.sideBySide + 1;
  try {
    for await (const names of blocksOf(parts, directory)) {
      const facts = names.length > BATCH_ENTRIES ? parts.thread?.lookUp(directory.path, names) : undefined;
      ahead.push({ names, facts });
      const kept = facts === undefined ? 0 : aheadMax;
      while (ahead.length > kept) yield* batchesOf(parts, directory, ahead.shift());
    }
    while (ahead.length > 0) yield* batchesOf(parts, directory, ahead.shift());
  } finally {
    // The directory is closed then.
    await Promise.all(ahead.map(({ facts }) => facts));
  }
}

/** The same entries with no facts but their names, which the disk tells by itself. What a link leads to has to be asked for all the same. */
export async function* listNames(
  { io }: ListingParts,
  directory: HeldDirectory,
): AsyncGenerator<readonly DirectoryEntry[]> {
  for await (const read of namesWithin(io, directory.path)) {
    for (let start = 0; start < read.length; start += BATCH_ENTRIES) {
      const some = read.slice(start, start + BATCH_ENTRIES).filter(({ name }) => !isUnlisted(name));
      const uncertain = some.filter(isUncertain);
      const certain = uncertain.length === 0 ? some : some.filter((entry) => !isUncertain(entry));
      const entries = certain.map(({ name }) => ({ ...UNASKED, name }));
      if (uncertain.length === 0) {
        yield entries;
        continue;
      }
      const asked = await entriesOf(uncertain, ({ name }) => entryOf(io, directory, name));
      const names = some.map(({ name }) => name);
      yield ordered(names, [...entries, ...asked]);
    }
  }
}

/** What has to be looked at: links, where file systems tell no kinds everything, and names that could not be read as UTF-8, which nobody has. */
function isUncertain(entry: Dirent): boolean {
  return (!entry.isFile() && !entry.isDirectory()) || entry.name.includes(UNREADABLE);
}

const UNREADABLE = '\ufffd';

interface Block {
  readonly names: readonly string[];
  /** What the thread says, if it was asked. */
  readonly facts: Promise<PackedFacts | undefined> | undefined;
}

/** The names of a directory: short blocks at first, so that the first batch is there soon, then long ones. */
async function* blocksOf({ io, thread }: ListingParts, directory: HeldDirectory): AsyncGenerator<readonly string[]> {
  let names: string[] = [];
  let count = 0;
  const unthreaded = thread?.ready ? BATCH_ENTRIES : UNTHREADED_ENTRIES;
  for await (const read of namesWithin(io, directory.path)) {
    for (const { name } of read) {
      if (isUnlisted(name)) continue;
      names.push(name);
      if (names.length < (count < unthreaded ? BATCH_ENTRIES : BLOCK_ENTRIES)) continue;
      count += names.length;
      yield names;
      names = [];
      // Less than what this takes by itself would be done meanwhile.
      if (count === UNTHREADED_ENTRIES) await thread?.start();
    }
  }
  if (names.length > 0) yield names;
}

/** What is the gateway's own, or would end a line of the listing. */
function isUnlisted(name: string): boolean {
  return isReserved(name) || FORGING.test(name);
}

const FORGING = /[\r\n]/;

async function* batchesOf(
  { io, thread }: ListingParts,
  directory: HeldDirectory,
  { names, facts }: Block = { names: [], facts: undefined },
): AsyncGenerator<readonly DirectoryEntry[]> {
  const packed = await facts;
  for (let start = 0; start < names.length; start += BATCH_ENTRIES) {
    const some = names.slice(start, start + BATCH_ENTRIES);
    yield packed === undefined
      ? await entriesOf(some, (name) => entryOf(io, directory, name))
      : await unpacked(directory, { names: some, packed, start });
  }
  if (packed !== undefined) thread?.giveBack(packed);
}

/** The entries that the thread found. What links lead to only the jail can say. */
async function unpacked(
  directory: HeldDirectory,
  { names, packed, start }: { readonly names: readonly string[]; readonly packed: PackedFacts; readonly start: number },
): Promise<readonly DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  const links: string[] = [];
  for (const [index, name] of names.entries()) {
    const kind = packed.kind(start + index);
    if (kind === 'link') links.push(name);
    else if (kind !== 'nothing') entries.push(packed.entry(start + index, name, kind));
  }
  if (links.length === 0) return entries;
  return ordered(names, [...entries, ...(await entriesOf(links, (name) => linkedEntry(directory, name)))]);
}

/** The entries in the order of their names, however they were asked for. */
function ordered(names: readonly string[], entries: readonly DirectoryEntry[]): readonly DirectoryEntry[] {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  return names.flatMap((name) => byName.get(name) ?? []);
}

/** The entries of these names that there are. */
async function entriesOf<Name>(
  names: readonly Name[],
  entry: (name: Name) => Promise<DirectoryEntry | undefined>,
): Promise<readonly DirectoryEntry[]> {
  // All must have ended before an error leaves, since the directory is closed then.
  const results = await Promise.allSettled(names.map(entry));
  const entries: DirectoryEntry[] = [];
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
    if (result.value !== undefined) entries.push(result.value);
  }
  return entries;
}

async function entryOf(io: StorageIo, directory: HeldDirectory, name: string): Promise<DirectoryEntry | undefined> {
  const stats = await lstatIfAny(io, directory.at(name));
  if (stats === undefined) return undefined;
  return stats.isSymbolicLink() ? linkedEntry(directory, name) : { name, ...factsOf(stats) };
}

async function linkedEntry(directory: HeldDirectory, name: string): Promise<DirectoryEntry | undefined> {
  const node = await followed(directory, name);
  if (node === undefined) return undefined;
  await node.close();
  return { name, ...factsOf(node.stats) };
}
