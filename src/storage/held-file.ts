/** A file between its arrival and its publication: whole, on the disk, and under a name that nobody sees. */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { assert } from '../lib/assert.ts';
import { hasCode } from '../lib/error-code.ts';
import { baseName, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { ExistingFile, HeldFile } from '../spi/file-system.ts';
import { asFault, translated } from './errors.ts';
import { identityOf, letGo, lstatIfAny, type StorageIo, unlinkIfAny } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { targetKind } from './nodes.ts';
import { readBytes } from './read-bytes.ts';
import { publishedMode, STAGED_MODE, syncPublished } from './staged-file.ts';
import { assertBeside, heldName } from './staging-names.ts';

/** Where a held file lies. */
export interface HeldPlace {
  readonly io: StorageIo;
  /** The directory that holds it and will hold it once it is published. */
  readonly directory: HeldDirectory;
  /** The path for which it is held. */
  readonly path: VirtualPath;
  /** Permission bits of a file that replaces none. */
  readonly fileMode: number;
  readonly sync: boolean;
  /** What somebody on this machine would call a name in that directory. */
  readonly onDisk: (name: string) => string;
}

/**
 * Opens what is held. The directory becomes the held file's own; when this throws it is still the caller's.
 *
 * @throws Fault `NoSuchFile` when there is none (any more), and that survives a power loss; `FileBusy` when something
 *   else has its name.
 */
export async function openHeld(place: HeldPlace, id: string): Promise<HeldFile> {
  const { io, directory, sync } = place;
  const name = heldName(baseName(place.path), id);
  let handle: FileHandle;
  try {
    handle = await openFile(io, directory.at(name));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    // Killed behind the rename and before the sync of the directory: whoever now takes it for published may do so.
    if (sync) await directory.sync();
    throw error;
  }
  try {
    const stats = await handle.stat({ bigint: true });
    if (!stats.isFile()) throw new Fault('FileBusy');
    return new LocalHeldFile(place, { handle, name, identity: identityOf(stats), sizeBytes: Number(stats.size) });
  } catch (error) {
    await letGo(handle);
    throw error;
  }
}

interface Opened {
  readonly handle: FileHandle;
  readonly name: string;
  readonly identity: string;
  readonly sizeBytes: number;
}

/** See `HeldFile`. What was read is what is published: it is compared with what has the name. */
class LocalHeldFile implements HeldFile {
  readonly sizeBytes: number;
  readonly onDisk: string;
  readonly #place: HeldPlace;
  readonly #opened: Opened;
  #isOpen = true;

  constructor(place: HeldPlace, opened: Opened) {
    this.sizeBytes = opened.sizeBytes;
    this.onDisk = place.onDisk(opened.name);
    this.#place = place;
    this.#opened = opened;
  }

  async *read(): AsyncGenerator<Buffer> {
    assert(this.#isOpen, 'the held file is open');
    try {
      yield* readBytes(this.#opened.handle, 0, this.sizeBytes);
    } catch (error) {
      throw asFault(error);
    }
  }

  publish(path: VirtualPath, existing: ExistingFile): Promise<void> {
    assertBeside(this.#place.path, path);
    assert(this.#isOpen, 'the held file is open');
    return translated(async () => {
      const { directory, sync } = this.#place;
      // It may have been held for days, and the directory been moved by whoever works on the disk itself.
      await directory.verify();
      await this.#giveName(baseName(path), existing);
      if (sync) await syncPublished(directory);
    });
  }

  destroy(): Promise<void> {
    assert(this.#isOpen, 'the held file is open');
    return translated(async () => {
      const { io, directory, sync } = this.#place;
      if (!(await this.#hasOwnName())) return;
      await unlinkIfAny(io, directory.at(this.#opened.name));
      if (sync) await directory.sync();
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await letGo(this.#opened.handle);
    await this.#place.directory.close();
  }

  /** A publication that was cut short anywhere is finished by the next one. */
  async #giveName(target: string, existing: ExistingFile): Promise<void> {
    const { io, directory, fileMode } = this.#place;
    const { handle, name, identity } = this.#opened;
    const isHeld = await this.#hasOwnName();
    const taken = await lstatIfAny(io, directory.at(target));
    if (taken !== undefined && identityOf(taken) === identity) {
      // It has the name already. Rename would leave both: to it, two names of one file are no change (POSIX).
      return unlinkIfAny(io, directory.at(name));
    }
    if (!isHeld) throw new Fault('NoSuchFile');
    const kind = await targetKind(io, directory, target);
    if (kind === 'directory' || kind === 'other') throw new Fault('NotAFile');
    if (kind !== 'nothing' && existing === 'keep') throw new Fault('FileExists');
    try {
      await handle.chmod(publishedMode(taken, fileMode));
      if (existing === 'replace') return await io.rename(directory.at(name), directory.at(target));
      // Unlike rename, link refuses a name that is taken, however lately it was.
      await io.link(directory.at(name), directory.at(target));
    } catch (error) {
      await handle.chmod(STAGED_MODE).catch(() => undefined);
      throw error;
    }
    await io.unlink(directory.at(name));
  }

  /** Whether it is still held. @throws Fault `FileBusy` when something else has its name. */
  async #hasOwnName(): Promise<boolean> {
    const { io, directory } = this.#place;
    const stats = await lstatIfAny(io, directory.at(this.#opened.name));
    if (stats !== undefined && identityOf(stats) !== this.#opened.identity) throw new Fault('FileBusy');
    return stats !== undefined;
  }
}

const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

async function openFile(io: StorageIo, path: string): Promise<FileHandle> {
  try {
    return await io.open(path, READ_FLAGS);
  } catch (error) {
    // A symlink, and so not what was put there.
    if (hasCode(error, 'ELOOP', 'EMLINK')) throw new Fault('FileBusy', { cause: error });
    if (!hasCode(error, 'EACCES')) throw error;
  }
  // Killed within a publication, which had already given it the bits of a file that cannot be read.
  if ((await io.lstat(path)).isFile()) await io.chmod(path, STAGED_MODE);
  return io.open(path, READ_FLAGS);
}
