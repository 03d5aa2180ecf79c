/** Listing a directory of any size in bounded memory. */
import type { DirectoryEntry } from '../protocol/file-facts.ts';
import { factsOf, lstatIfAny, type StorageIo } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { followed } from './nodes.ts';
import { isReserved } from './staging-names.ts';

/** Entries in a batch. Bounds memory, and the calls that wait for the thread pool in front of everyone else's. */
const BATCH_ENTRIES = 128;

/**
 * The entries of a directory in batches. A symlink has the facts of what it leads to, and is left out when that is
 * nothing or lies outside; so are entries that vanish meanwhile, the gateway's own names, and names that no command
 * could name: with CR or LF in them, which would forge lines of the listing, or not in UTF-8.
 */
export async function* listDirectory(
  io: StorageIo,
  directory: HeldDirectory,
): AsyncGenerator<readonly DirectoryEntry[]> {
  let names: string[] = [];
  // Leaving the loop in any way closes it.
  for await (const { name } of await io.opendir(directory.path, { bufferSize: BATCH_ENTRIES })) {
    if (isReserved(name) || /[\r\n]/.test(name)) continue;
    names.push(name);
    if (names.length < BATCH_ENTRIES) continue;
    yield await entriesOf(io, directory, names);
    names = [];
  }
  if (names.length > 0) yield await entriesOf(io, directory, names);
}

async function entriesOf(
  io: StorageIo,
  directory: HeldDirectory,
  names: readonly string[],
): Promise<readonly DirectoryEntry[]> {
  // All must have ended before an error leaves, since the directory is closed then.
  const results = await Promise.allSettled(names.map((name) => entryOf(io, directory, name)));
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
  if (!stats.isSymbolicLink()) return { name, ...factsOf(stats) };
  const node = await followed(directory, name);
  if (node === undefined) return undefined;
  await node.close();
  return { name, ...factsOf(node.stats) };
}
