/** Looking for held files in a tree: their paths are written down, so no directory above one may be moved or removed. */
import { hasCode } from '../lib/error-code.ts';
import { Fault } from '../spi/fault.ts';
import { isFault } from './errors.ts';
import type { StorageIo } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { isHeldName } from './staging-names.ts';

/** Levels of a tree. Each is held open while those below it are looked at: protects file descriptors. */
const TREE_DEPTH_MAX = 256;

/**
 * Refuses a tree with a held file in it; follows no links. Only names are read, no facts, so that a large tree costs little.
 *
 * @throws Fault `FileBusy`; `ListingTooLong` when it is too deep; what forbids looking, since anything may be held there.
 */
export async function refuseHeldWithin(io: StorageIo, directory: HeldDirectory, depth = 1): Promise<void> {
  const below: string[] = [];
  for await (const entry of await io.opendir(directory.path, { bufferSize: BATCH_ENTRIES })) {
    if (isHeldName(entry.name)) throw new Fault('FileBusy');
    // Some file systems tell no kinds with the names.
    if (entry.isDirectory() || !(entry.isFile() || entry.isSymbolicLink())) below.push(entry.name);
  }
  if (below.length > 0 && depth === TREE_DEPTH_MAX) {
    throw new Fault('ListingTooLong', { text: 'The tree is too deep to be moved at once.' });
  }
  for (const name of below) await within(io, directory, name, depth);
}

/** Names read at once; only they are kept in memory. */
const BATCH_ENTRIES = 1_024;

async function within(io: StorageIo, directory: HeldDirectory, name: string, depth: number): Promise<void> {
  let child: HeldDirectory;
  try {
    child = await directory.child(name);
  } catch (error) {
    // Gone, no directory after all, or a link in its place, which is not followed.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO') || isFault(error, 'NotADirectory', 'NoSuchFile')) return;
    throw error;
  }
  try {
    await refuseHeldWithin(io, child, depth + 1);
  } finally {
    await child.close();
  }
}
