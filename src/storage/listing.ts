/** Listing a directory of any size in bounded memory. */
import type { DirectoryEntry } from '../protocol/file-facts.ts';
import type { FactsThread } from './facts-thread.ts';
import { factsOf, lstatIfAny, type StorageIo } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { followed } from './nodes.ts';
import type { PackedFacts } from './packed-facts.ts';
import { isReserved } from './staging-names.ts';

/** What a listing is made with. */
export interface ListingParts {
  readonly io: StorageIo;
  /** Asks for the facts of long listings; without it they are asked for one by one. */
  readonly thread?: FactsThread | undefined;
}

/** Entries in a batch. Bounds memory, and the calls that wait for the thread pool in front of everyone else's. */
const BATCH_ENTRIES = 128;

/**
 * Entries that the thread is asked for at once: some milliseconds of work, for which others wait who ask it too. With a
 * quarter of it a listing costs a fifth more, for waking a thread takes longer than a hundred names.
 */
const BLOCK_ENTRIES = 2_048;

/** Names that are read from the disk at once. */
const READ_ENTRIES = 512;

/** Entries before a thread is started: most directories have fewer, and starting it costs as much as these. */
const UNTHREADED_ENTRIES = 1_024;

/**
 * The entries of a directory in batches. A symlink has the facts of what it leads to, and is left out when that is
 * nothing or lies outside; so are entries that vanish meanwhile, the gateway's own names, and names that no command
 * could name: with CR or LF in them, which would forge lines of the listing, or not in UTF-8.
 */
export async function* listDirectory(
  parts: ListingParts,
  directory: HeldDirectory,
): AsyncGenerator<readonly DirectoryEntry[]> {
  let ahead: Block | undefined;
  try {
    for await (const names of blocksOf(parts, directory)) {
      const facts = names.length > BATCH_ENTRIES ? parts.thread?.lookUp(directory.path, names) : undefined;
      const before = ahead;
      ahead = { names, facts };
      // The thread looks at this block while the one before is sent, and the names of the next one are read.
      if (before !== undefined) yield* batchesOf(parts, directory, before);
      if (facts !== undefined) continue;
      yield* batchesOf(parts, directory, ahead);
      ahead = undefined;
    }
    if (ahead !== undefined) yield* batchesOf(parts, directory, ahead);
  } finally {
    // The directory is closed then.
    await ahead?.facts;
  }
}

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
  // Leaving the loop in any way closes it.
  for await (const { name } of await io.opendir(directory.path, { bufferSize: READ_ENTRIES })) {
    if (isReserved(name) || /[\r\n]/.test(name)) continue;
    names.push(name);
    if (names.length < (count < unthreaded ? BATCH_ENTRIES : BLOCK_ENTRIES)) continue;
    count += names.length;
    yield names;
    names = [];
  }
  if (names.length > 0) yield names;
}

async function* batchesOf(
  { io, thread }: ListingParts,
  directory: HeldDirectory,
  { names, facts }: Block,
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
  return [...entries, ...(await entriesOf(links, (name) => linkedEntry(directory, name)))];
}

/** The entries of these names that there are. */
async function entriesOf(
  names: readonly string[],
  entry: (name: string) => Promise<DirectoryEntry | undefined>,
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
