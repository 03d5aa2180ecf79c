/** Removing a directory with everything in it, without ever following a symbolic link. */
import { hasCode } from '../lib/error-code.ts';
import { Fault } from '../spi/fault.ts';
import { asFault } from './errors.ts';
import { lstatIfAny, type StorageIo, unlinkIfAny } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import type { Place } from './rename.ts';
import { isHeldName, isReserved, isStagingName, type LiveUploads } from './staging-names.ts';

/** Levels of a tree. Each is held open while those below it are removed: protects file descriptors. */
const TREE_DEPTH_MAX = 64;

/** What removing one tree works with. */
interface Removal {
  readonly io: StorageIo;
  readonly live: LiveUploads;
  /** Entries that may still be met. */
  entriesLeft: number;
  /** The first thing that could not be removed. */
  failure: unknown;
}

/**
 * Removes a tree, and with it the partials that unfinished uploads left there. The whole tree is looked at before
 * anything is removed. What cannot be removed then stays, with the directories above it, and all else goes.
 *
 * @throws Fault `NotADirectory` for anything else, a symbolic link included; `FileBusy` when an upload into the tree
 *   runs or is held; `ListingTooLong` past `entriesMax` or when it is too deep; the first failure to remove something.
 */
export async function removeTree(
  io: StorageIo,
  live: LiveUploads,
  { directory, name }: Place,
  entriesMax: number,
): Promise<void> {
  // Said here because opening a symbolic link as a directory fails in different words on different systems.
  if (!(await io.lstat(directory.at(name))).isDirectory()) throw new Fault('NotADirectory');
  const top = await directory.child(name);
  try {
    await lookAt({ io, live, entriesLeft: entriesMax, failure: undefined }, top, 1);
    // Room for what comes in meanwhile; an endless supply of new entries must end somewhere.
    const removal: Removal = { io, live, entriesLeft: 2 * entriesMax, failure: undefined };
    await empty(removal, top, 1);
    if (removal.failure !== undefined) throw removal.failure;
  } finally {
    await top.close();
  }
  await io.rmdir(directory.at(name));
}

/** Finds whatever would refuse the removal. */
async function lookAt(removal: Removal, directory: HeldDirectory, depth: number): Promise<void> {
  await refuseBusy(removal, directory);
  for (const name of await namesOf(removal, directory)) {
    if (isHeldName(name)) throw new Fault('FileBusy');
    // Not an upload's: the gateway keeps something here that is nobody's to remove.
    if (isReserved(name) && !isStagingName(name)) throw new Fault('DirectoryNotEmpty');
    if (!(await isDirectory(removal.io, directory.at(name)))) continue;
    if (depth === TREE_DEPTH_MAX)
      throw new Fault('ListingTooLong', { text: 'The tree is too deep to be removed at once.' });
    await inside(directory, name, (child) => lookAt(removal, child, depth + 1));
  }
}

/** Removes what the directory holds, as far as that is possible. */
async function empty(removal: Removal, directory: HeldDirectory, depth: number): Promise<void> {
  if (depth > TREE_DEPTH_MAX) throw new Fault('FileBusy');
  for (const name of await namesOf(removal, directory)) {
    try {
      await remove(removal, directory, name, depth);
    } catch (error) {
      removal.failure ??= asFault(error);
    }
  }
}

async function remove(removal: Removal, directory: HeldDirectory, name: string, depth: number): Promise<void> {
  const path = directory.at(name);
  if (!(await isDirectory(removal.io, path))) {
    // Held since the tree was looked at.
    if (isHeldName(name)) throw new Fault('FileBusy');
    // An upload that has begun since the tree was looked at keeps its bytes.
    if (isStagingName(name)) await refuseBusy(removal, directory);
    return unlinkIfAny(removal.io, path);
  }
  await inside(directory, name, (child) => empty(removal, child, depth + 1));
  await removal.io.rmdir(path);
}

async function refuseBusy({ live }: Removal, directory: HeldDirectory): Promise<void> {
  if (await live.isBusy(directory.identity)) throw new Fault('FileBusy');
}

/** All names of a directory, so that it is not read while names are taken out of it. */
async function namesOf(removal: Removal, directory: HeldDirectory): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of await removal.io.opendir(directory.path)) {
    removal.entriesLeft -= 1;
    if (removal.entriesLeft < 0) {
      throw new Fault('ListingTooLong', { text: 'The directory holds too much to be removed at once.' });
    }
    names.push(name);
  }
  return names;
}

async function isDirectory(io: StorageIo, path: string): Promise<boolean> {
  return (await lstatIfAny(io, path))?.isDirectory() ?? false;
}

/** Works in a directory below; one that vanished meanwhile needs no work. */
async function inside(
  directory: HeldDirectory,
  name: string,
  work: (child: HeldDirectory) => Promise<void>,
): Promise<void> {
  let child: HeldDirectory;
  try {
    child = await directory.child(name);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  try {
    await work(child);
  } finally {
    await child.close();
  }
}
