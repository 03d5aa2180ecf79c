/**
 * The jail on Linux. What a path names is opened first, with symlinks followed by the kernel; then the link
 * `/proc/self/fd/N` tells where the opened thing really is, and that must be the root or below it. Operations on a name
 * go to `/proc/self/fd/N/<name>`, which starts at the held directory and at nothing else.
 */
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { assert } from '../lib/assert.ts';
import { parentOf, pathParts, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import { identityOf, letGo, type StorageIo } from './io.ts';
import { type HeldDirectory, type HeldNode, hasReservedPart, isBelow, type Jail } from './jail.ts';
import type { SealedParts } from './sealed-name.ts';

/**
 * Opens a place, not its contents (open(2)): no device is touched, no FIFO waits, and a file that may not be read can
 * still be asked for its facts. Node does not export it; the value holds on every machine that Node runs on.
 */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NONBLOCK;

/** Makes a jail whose checks are made on opened handles, so that they cannot be raced. */
export function linuxJail(io: StorageIo, root: string, isSealed: SealedParts): Jail {
  const place = new LinuxPlace(io, root, isSealed);
  return {
    async openDirectory(path) {
      const handle = await place.open(path, DIRECTORY);
      return place.hold(handle, isSealed(pathParts(path)));
    },
    async openNode(path) {
      const handle = await place.open(path, O_PATH);
      return place.holdNode(handle, isSealed(pathParts(path)));
    },
  };
}

/** The root, and what it takes to open and check things below it. */
class LinuxPlace {
  readonly io: StorageIo;
  readonly isSealed: SealedParts;
  readonly #root: string;

  constructor(io: StorageIo, root: string, isSealed: SealedParts) {
    this.io = io;
    this.isSealed = isSealed;
    this.#root = root;
  }

  async open(path: VirtualPath, flags: number): Promise<FileHandle> {
    const parts = pathParts(path);
    // Not what keeps anyone in, which is the check of the handle; but no caller may ever get this far.
    assert(!parts.includes('..') && !parts.includes('.'), 'a virtual path has no . and ..');
    try {
      return await this.io.open(`${this.#root}/${parts.join('/')}`, flags);
    } catch (error) {
      await this.#refuseLeaving(parentOf(path));
      throw error;
    }
  }

  /** Takes over an open directory. `bySealed` says whether the sealed name was asked for on the way to it. */
  async hold(handle: FileHandle, bySealed: boolean): Promise<HeldDirectory> {
    return closingOnFailure(handle, async () => {
      await this.check(handle, bySealed);
      const identity = identityOf(await handle.stat({ bigint: true }));
      return new LinuxDirectory(this, { handle, identity, bySealed });
    });
  }

  /** Takes over a handle opened with `O_PATH`. */
  async holdNode(handle: FileHandle, bySealed: boolean): Promise<HeldNode> {
    return closingOnFailure(handle, async () => {
      await this.check(handle, bySealed);
      const stats = await handle.stat({ bigint: true });
      return { stats, path: handlePath(handle.fd), close: () => letGo(handle) };
    });
  }

  /**
   * @throws Fault `PermissionDenied` unless the handle is of something inside, `NoSuchFile` for what is the gateway's own,
   *   or has the sealed name and was not asked for by it.
   */
  async check(handle: FileHandle, bySealed: boolean): Promise<void> {
    // Latin-1 keeps every byte apart, where UTF-8 would read two different broken names as the same text. The root is
    // asked for anew each time because an operator may point a home that is a symlink elsewhere.
    const [real, root] = await Promise.all([
      this.io.readlink(handlePath(handle.fd), 'latin1'),
      this.io.realpath(this.#root, 'latin1'),
    ]);
    if (!isBelow(real, root)) throw new Fault('PermissionDenied');
    if (hasReservedPart(real, root)) throw new Fault('NoSuchFile');
    if (!bySealed && this.isSealed(partsBelow(real, root))) throw new Fault('NoSuchFile');
  }

  /**
   * Looks for a directory on the way that leaves the jail after something could not be opened. Without it, "no such
   * file" behind a symlink that leaves would tell a client what exists out there and what does not.
   */
  async #refuseLeaving(path: VirtualPath): Promise<void> {
    let prefix = this.#root;
    for (const part of pathParts(path)) {
      prefix = `${prefix}/${part}`;
      const handle = await this.io.open(prefix, O_PATH | O_DIRECTORY).catch(() => undefined);
      // Nothing beyond can have been opened either: the caller's own error is the right one.
      if (handle === undefined) return;
      try {
        await this.check(handle, this.isSealed(pathParts(path)));
      } finally {
        await letGo(handle);
      }
    }
  }
}

class LinuxDirectory implements HeldDirectory {
  readonly identity: string;
  readonly path: string;
  readonly #place: LinuxPlace;
  readonly #handle: FileHandle;
  readonly #bySealed: boolean;

  constructor(
    place: LinuxPlace,
    parts: { readonly handle: FileHandle; readonly identity: string; readonly bySealed: boolean },
  ) {
    this.identity = parts.identity;
    this.path = handlePath(parts.handle.fd);
    this.#place = place;
    this.#handle = parts.handle;
    this.#bySealed = parts.bySealed;
  }

  at(name: string): string {
    assert(name !== '' && name !== '.' && name !== '..' && !name.includes('/'), 'one name of a directory');
    return `${this.path}/${name}`;
  }

  async node(name: string): Promise<HeldNode> {
    return this.#place.holdNode(await this.#place.io.open(this.at(name), O_PATH), this.#asksSealed(name));
  }

  async child(name: string): Promise<HeldDirectory> {
    const handle = await this.#place.io.open(this.at(name), DIRECTORY | O_NOFOLLOW);
    return this.#place.hold(handle, this.#asksSealed(name));
  }

  pathOfOpen(fd: number): string {
    return handlePath(fd);
  }

  verify(): Promise<void> {
    return this.#place.check(this.#handle, this.#bySealed);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return letGo(this.#handle);
  }

  #asksSealed(name: string): boolean {
    return this.#bySealed || this.#place.isSealed([name]);
  }
}

/** The names below the root in a path whose bytes are kept as Latin-1. */
function partsBelow(real: string, root: string): readonly string[] {
  return Buffer.from(real.slice(root.length), 'latin1').toString('utf8').split('/');
}

function handlePath(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

async function closingOnFailure<T>(handle: FileHandle, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await letGo(handle);
    throw error;
  }
}
