/** What unfinished uploads leave behind: telling whether it can be gone on with, and taking it over. */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { hasCode } from '../lib/error-code.ts';
import { Fault } from '../spi/fault.ts';
import { letGo, lstatIfAny, type StorageIo, unlinkIfAny } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import type { StagedHandle } from './plain-handle.ts';
import { STAGED_FLAGS } from './staged-file.ts';
import type { Claim, StagingNames } from './staging-names.ts';

/** Where a staged file is made. */
export interface StagePlace {
  readonly io: StorageIo;
  readonly directory: HeldDirectory;
  readonly names: StagingNames;
  readonly claim: Claim;
  readonly sync: boolean;
}

/** A staged file that is open, and what it begins with; see `StagedFileParts`. */
export interface StageBase {
  readonly handle: StagedHandle;
  readonly startBytes: number;
  readonly resumed: boolean;
}

/**
 * Takes over the kept partial, cut to `offsetBytes` when that is given; undefined when there is none (any more).
 * It has the active name before its first new byte, on the disk too: were the bytes lost with the power while it is
 * still called a partial, they would be resumed.
 */
export async function claimPartial(place: StagePlace, offsetBytes?: number): Promise<StageBase | undefined> {
  const { io, directory, names, claim, sync } = place;
  const path = directory.at(claim.name);
  if ((await partialBytes(io, directory.at(names.partial))) === undefined) return undefined;
  try {
    await io.rename(directory.at(names.partial), path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  let handle: FileHandle | undefined;
  try {
    handle = await io.open(path, STAGED_FLAGS);
    const sizeBytes = resumableSize(await handle.stat({ bigint: true }));
    // What was looked at before the rename may have been another file.
    if (sizeBytes === undefined) throw new Fault('FileBusy');
    if (offsetBytes !== undefined && sizeBytes < offsetBytes) throw new Fault('RestartInvalid');
    if (sync) await directory.sync();
    if (offsetBytes !== undefined && sizeBytes > offsetBytes) await handle.truncate(offsetBytes);
    return { handle, startBytes: offsetBytes ?? sizeBytes, resumed: true };
  } catch (error) {
    if (handle !== undefined) await letGo(handle);
    // Given back untouched; if even that fails it waits under the active name, which the next upload finds.
    await io.rename(path, directory.at(names.partial)).catch(() => undefined);
    throw error;
  }
}

/**
 * Makes a partial of what a killed process left under the active name. It replaces an older partial, as it would have
 * done had the upload been aborted.
 */
export async function settleOrphan(io: StorageIo, directory: HeldDirectory, names: StagingNames): Promise<void> {
  const path = directory.at(names.active);
  if ((await partialBytes(io, path)) === undefined) return unlinkIfAny(io, path);
  let handle: FileHandle;
  try {
    handle = await io.open(path, STAGED_FLAGS);
  } catch (error) {
    // Killed within a commit, which had already given it the bits of a file that cannot be written.
    if (hasCode(error, 'EACCES')) return unlinkIfAny(io, path);
    throw error;
  }
  try {
    // A partial outlives power losses, and the process that wrote these bytes has not synced them.
    await handle.datasync();
  } catch (error) {
    // The next sync would succeed and prove nothing: these bytes must not be found again.
    await unlinkIfAny(io, path);
    throw error;
  } finally {
    await letGo(handle);
  }
  await io.rename(path, directory.at(names.partial));
}

/** Bytes in a file that can be gone on with; undefined when it is none. */
export async function partialBytes(io: StorageIo, path: string): Promise<number | undefined> {
  const stats = await lstatIfAny(io, path);
  return stats && resumableSize(stats);
}

/**
 * A file with a second name is no partial: a commit that a crash cut short has published it, and its bytes belong to
 * the target; or someone planted it.
 */
function resumableSize(stats: BigIntStats): number | undefined {
  return stats.isFile() && stats.nlink === 1n && stats.size > 0n ? Number(stats.size) : undefined;
}
