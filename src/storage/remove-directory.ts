/** Removing a directory that, to clients, is empty. */
import { hasCode } from '../lib/error-code.ts';
import { Fault } from '../spi/fault.ts';
import { type StorageIo, unlinkIfAny } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import type { Place } from './rename.ts';
import { isHeldName, isStagingName, type LiveUploads } from './staging-names.ts';

/**
 * Removes an empty directory, and with it the partials that unfinished uploads left there: a client cannot see them
 * and so could not remove them first.
 *
 * @throws Fault `FileBusy` when an upload into it is running or one is held there, `DirectoryNotEmpty`, `NotADirectory`.
 */
export async function removeEmptyDirectory(io: StorageIo, live: LiveUploads, place: Place): Promise<void> {
  const path = place.directory.at(place.name);
  try {
    return await io.rmdir(path);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
  const directory = await place.directory.child(place.name);
  try {
    await removeLeftovers(io, live, directory);
  } finally {
    await directory.close();
  }
  await io.rmdir(path);
}

async function removeLeftovers(io: StorageIo, live: LiveUploads, directory: HeldDirectory): Promise<void> {
  // Everything is looked at before anything is removed: a refused command must have changed nothing.
  let isHolding = false;
  for await (const { name } of await io.opendir(directory.path)) {
    if (isHeldName(name)) isHolding = true;
    else if (!isStagingName(name)) throw new Fault('DirectoryNotEmpty');
  }
  if (isHolding) throw new Fault('FileBusy');
  for await (const { name } of await io.opendir(directory.path)) {
    if (await live.isBusy(directory.identity)) throw new Fault('FileBusy');
    if (isStagingName(name)) await unlinkIfAny(io, directory.at(name));
  }
}
