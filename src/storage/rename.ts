/** Renaming what is published. */
import { hasCode } from '../lib/error-code.ts';
import { Fault } from '../spi/fault.ts';
import type { ExistingFile } from '../spi/file-system.ts';
import type { StorageIo } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { targetKind } from './nodes.ts';

/** A name in a held directory. */
export interface Place {
  readonly directory: HeldDirectory;
  readonly name: string;
}

/**
 * Renames atomically; of a symlink, the link itself. A name that is taken by a directory is never given up, and for a
 * directory no file is either. When two clients race for one name, `keep` holds for files; a directory may still take
 * the place of another one that is empty, which loses nothing. With `keep`, a crash halfway leaves a file both names.
 *
 * @throws Fault `NoSuchFile`, `FileExists`, `BadName` for a directory that would go into itself.
 */
export async function renamePlace(io: StorageIo, from: Place, to: Place, existing: ExistingFile): Promise<void> {
  const source = from.directory.at(from.name);
  const target = to.directory.at(to.name);
  const isDirectory = (await io.lstat(source)).isDirectory();
  const taken = await targetKind(io, to.directory, to.name);
  if (taken === 'directory') throw new Fault('FileExists');
  if (taken !== 'nothing' && (existing === 'keep' || isDirectory)) throw new Fault('FileExists');
  if (existing === 'keep' && !isDirectory) return moveToFreeName(io, source, target);
  try {
    await io.rename(source, target);
  } catch (cause) {
    if (!hasCode(cause, 'EINVAL')) throw cause;
    throw new Fault('BadName', { cause, text: 'A directory cannot be moved into itself.' });
  }
}

/**
 * Takes back a rename of a directory or a link that should not have been. Nothing is replaced by that: a name that has
 * been taken meanwhile stays, and so does the rename.
 */
export async function movePlaceBack(io: StorageIo, from: Place, to: Place): Promise<void> {
  await renamePlace(io, from, to, 'keep').catch(() => undefined);
}

/** Unlike rename, link refuses a name that is taken, however lately it was. */
async function moveToFreeName(io: StorageIo, source: string, target: string): Promise<void> {
  await io.link(source, target);
  try {
    await io.unlink(source);
  } catch (error) {
    // Back to how it was; if that fails too the file has both names, and the client hears of the first failure.
    await io.unlink(target).catch(() => undefined);
    throw error;
  }
}
