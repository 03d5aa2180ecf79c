/** Beginning an upload: what it may build on, and how it takes over what an earlier attempt left. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { unreachable } from '../lib/assert.ts';
import { hasCode } from '../lib/error-code.ts';
import { Fault } from '../spi/fault.ts';
import type { StageRequest } from '../spi/file-system.ts';
import { isFault } from './errors.ts';
import { letGo, type StorageIo, unlinkIfAny } from './io.ts';
import type { HeldDirectory, HeldNode } from './jail.ts';
import { openNodeForReading, targetKind } from './nodes.ts';
import { claimPartial, partialBytes, type StageBase, type StagePlace, settleOrphan } from './partials.ts';
import { readBytes } from './read-bytes.ts';
import { STAGED_FLAGS, STAGED_MODE, StagedFile, type StagedFileParts } from './staged-file.ts';
import { type LiveUploads, stagingNames } from './staging-names.ts';

/** What all uploads of one account share. */
export interface UploadSettings {
  readonly io: StorageIo;
  readonly live: LiveUploads;
  readonly bootId: string;
  readonly owner: string;
  readonly fileMode: number;
  readonly sync: boolean;
}

/** Where an upload goes. */
export interface UploadTarget {
  readonly directory: HeldDirectory;
  readonly name: string;
}

/**
 * Begins a staged write as `request` says. The directory becomes the staged write's own; when this throws it is still
 * the caller's, and nothing that was there before is lost.
 *
 * @throws Fault `NotAFile` for a directory or device, `FileExists`, `RestartInvalid`, `StorageFull`.
 */
export async function beginStage(
  settings: UploadSettings,
  target: UploadTarget & Pick<StagedFileParts, 'stillThere'>,
  request: StageRequest,
): Promise<StagedFile> {
  const { io, live, owner, bootId, fileMode, sync } = settings;
  const { directory, name, stillThere } = target;
  const kind = await targetKind(io, directory, name);
  if (kind === 'directory' || kind === 'other') throw new Fault('NotAFile');
  if (kind !== 'nothing' && request.existing === 'keep') throw new Fault('FileExists');
  const names = stagingNames(owner, name, bootId);
  const claim = await live.claim(directory.identity, names);
  try {
    // Who begins with nothing finds an orphan when it takes the name, which is once in a crash, and need not look before.
    if (claim.first && !beginsEmpty(request)) await settleOrphan(io, directory, names);
    const base = await openBase({ io, directory, name, names, claim, sync }, request);
    const { existing } = request;
    const parts = { io, directory, claim, names, target: name, existing, fileMode, sync, stillThere };
    return new StagedFile({ ...parts, ...base });
  } catch (error) {
    claim.release();
    throw error;
  }
}

/** Bytes of an unfinished upload of this target that `beginStage` could go on with; undefined when there is none. */
export async function resumableBytes(settings: UploadSettings, target: UploadTarget): Promise<number | undefined> {
  const { io, live, owner, bootId } = settings;
  const { directory, name } = target;
  const names = stagingNames(owner, name, bootId);
  const orphanBytes = (await live.isActive(directory.identity, names))
    ? undefined
    : await partialBytes(io, directory.at(names.active));
  return orphanBytes ?? (await partialBytes(io, directory.at(names.partial)));
}

interface Opening extends StagePlace {
  /** The target's name. */
  readonly name: string;
}

async function openBase(opening: Opening, request: StageRequest): Promise<StageBase> {
  switch (request.from) {
    case 'empty':
      return createBase(opening);
    case 'append':
      return (await openAppended(opening)) ?? (await claimPartial(opening)) ?? createBase(opening);
    case 'restart':
      // Nothing is before the first byte: an older partial stays until this upload is committed.
      return request.offsetBytes === 0 ? createBase(opening) : openRestarted(opening, request.offsetBytes);
    default:
      return unreachable(request);
  }
}

async function openAppended(opening: Opening): Promise<StageBase | undefined> {
  const published = await openPublished(opening);
  if (published === undefined) return undefined;
  try {
    return await createBase(opening, (handle) => copyWhole(opening, published, handle));
  } finally {
    await published.close();
  }
}

async function openRestarted(opening: Opening, offsetBytes: number): Promise<StageBase> {
  const { io, directory, names } = opening;
  const keptBytes = (await partialBytes(io, directory.at(names.partial))) ?? 0;
  // Whatever it kept is newer than the published file: an old beginning under a new end would be a file that never existed.
  const published = keptBytes >= offsetBytes ? undefined : await openPublished(opening);
  try {
    const publishedBytes = Number(published?.stats.size ?? 0);
    if (published === undefined || publishedBytes < offsetBytes) {
      if (keptBytes < offsetBytes) throw new Fault('RestartInvalid');
      const base = await claimPartial(opening, offsetBytes);
      if (base === undefined) throw new Fault('RestartInvalid');
      return base;
    }
    return await createBase(opening, async (handle) => {
      if (publishedBytes > offsetBytes) return copyStart(io, published, handle, offsetBytes);
      await copyWhole(opening, published, handle);
      // Someone else is writing to the published file: what the client counted on is not what it is any more.
      if ((await handle.stat()).size !== offsetBytes) throw new Fault('FileBusy');
    });
  } finally {
    await published?.close();
  }
}

/** The target as a reader would see it, a symlink inside the home included; undefined when there is none. */
async function openPublished({ directory, name }: Opening): Promise<HeldNode | undefined> {
  try {
    const node = await directory.node(name);
    if (node.stats.isFile()) return node;
    await node.close();
  } catch (error) {
    if (hasCode(error, 'ENOENT') || isFault(error, 'NoSuchFile')) return undefined;
    throw error;
  }
  throw new Fault('NotAFile');
}

/** Makes the staged file and lets `fill` put its first bytes into it; leaves nothing behind when that fails. */
async function createBase(opening: Opening, fill?: (handle: FileHandle) => Promise<void>): Promise<StageBase> {
  const { io, directory, claim } = opening;
  const handle = await create(opening);
  try {
    if (fill === undefined) return { handle, startBytes: 0, resumed: false };
    await fill(handle);
    return { handle, startBytes: (await handle.stat()).size, resumed: false };
  } catch (error) {
    await Promise.allSettled([letGo(handle), unlinkIfAny(io, directory.at(claim.name))]);
    throw error;
  }
}

/** Makes the file under its active name; an orphan that has it, in the way by its name or its bits, goes first. */
async function create({ io, directory, names, claim }: Opening): Promise<FileHandle> {
  const make = () =>
    io.open(directory.at(claim.name), STAGED_FLAGS | constants.O_CREAT | constants.O_EXCL, STAGED_MODE);
  try {
    return await make();
  } catch (error) {
    if (!hasCode(error, 'EEXIST', 'EACCES') || !claim.first) throw busyIfTaken(error);
  }
  await settleOrphan(io, directory, names);
  try {
    return await make();
  } catch (error) {
    throw busyIfTaken(error);
  }
}

/** What has the name though orphans have left it is not ours: another process is at work here. */
function busyIfTaken(cause: unknown): unknown {
  return hasCode(cause, 'EEXIST') ? new Fault('FileBusy', { cause }) : cause;
}

/** Whether the upload looks at nothing that an earlier one left. */
function beginsEmpty(request: StageRequest): boolean {
  return request.from === 'empty' || (request.from === 'restart' && request.offsetBytes === 0);
}

/** Copies within the kernel, by sharing blocks where the file system can. */
async function copyWhole(opening: Opening, published: HeldNode, handle: FileHandle): Promise<void> {
  const { io, directory, claim } = opening;
  await io.copyFile(published.path, directory.pathOfOpen(handle.fd, claim.name), constants.COPYFILE_FICLONE);
  // copyFile gives the copy the bits of the original.
  await handle.chmod(STAGED_MODE);
}

async function copyStart(io: StorageIo, published: HeldNode, handle: FileHandle, endBytes: number): Promise<void> {
  const reader = await openNodeForReading(io, published);
  try {
    let positionBytes = 0;
    for await (const piece of readBytes(reader, 0, endBytes)) {
      for (let doneBytes = 0; doneBytes < piece.length; ) {
        const { bytesWritten } = await handle.write(piece, doneBytes, piece.length - doneBytes, positionBytes);
        if (bytesWritten === 0) throw new Fault('Local', { cause: new Error('the disk took nothing') });
        doneBytes += bytesWritten;
        positionBytes += bytesWritten;
      }
    }
  } finally {
    await letGo(reader);
  }
}
