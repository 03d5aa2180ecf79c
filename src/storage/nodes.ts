/** What a name in a held directory stands for, and opening it. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Fault } from '../spi/fault.ts';
import { asFault, isFault } from './errors.ts';
import { factsOf, identityOf, letGo, lstatIfAny, type StorageIo } from './io.ts';
import type { HeldDirectory, HeldNode } from './jail.ts';

/** The faults of a symlink that leads nowhere a client may go. */
const DEAD_ENDS = ['NoSuchFile', 'NotADirectory', 'PermissionDenied', 'BadName'] as const;

/**
 * What would be replaced under this name. A symlink counts as the file that it is on the disk, unless it leads to a
 * directory inside the home: that is what clients see there, and no upload may take its place.
 */
export async function targetKind(
  io: StorageIo,
  directory: HeldDirectory,
  name: string,
): Promise<'nothing' | 'file' | 'directory' | 'other'> {
  const stats = await lstatIfAny(io, directory.at(name));
  if (stats === undefined) return 'nothing';
  if (!stats.isSymbolicLink()) return factsOf(stats).kind;
  const node = await followed(directory, name);
  await node?.close();
  return node?.stats.isDirectory() ? 'directory' : 'file';
}

/** What a symlink leads to; undefined when that is nothing or lies outside. */
export async function followed(directory: HeldDirectory, name: string): Promise<HeldNode | undefined> {
  try {
    return await directory.node(name);
  } catch (error) {
    const fault = asFault(error);
    if (isFault(fault, ...DEAD_ENDS)) return undefined;
    throw fault;
  }
}

/** Opens the file that `node` is. @throws Fault `NotAFile` for anything but a regular file. */
export async function openNodeForReading(io: StorageIo, node: HeldNode): Promise<FileHandle> {
  if (!node.stats.isFile()) throw new Fault('NotAFile');
  // Non-blocking for the portable jail, where a FIFO may have taken the file's place.
  const handle = await io.open(node.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  if (node.pinned) return handle;
  try {
    const stats = await handle.stat({ bigint: true });
    if (identityOf(stats) !== identityOf(node.stats)) throw new Fault('PermissionDenied');
    return handle;
  } catch (error) {
    await letGo(handle);
    throw error;
  }
}
