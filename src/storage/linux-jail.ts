/**
 * The jail on Linux. What a path names is opened first, with symlinks followed by the kernel; then the link
 * `/proc/self/fd/N` tells where the opened thing really is, and that must be the root or below it. Operations on a name
 * go to `/proc/self/fd/N/<name>`, which starts at the held directory and at nothing else.
 */
import { type BigIntStats, close, closeSync, constants } from 'node:fs';
import { assert } from '../lib/assert.ts';
import { parentOf, pathParts, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { StraightPlace } from './disk-job.ts';
import { identityOf, letGo, O_PATH, pathOfDescriptor, type StorageIo } from './io.ts';
import { type HeldDirectory, type HeldNode, hasReservedPart, isBelow, type Jail, type JailMaker } from './jail.ts';
import type { StagedHandle } from './plain-handle.ts';
import type { SealedParts } from './sealed-name.ts';

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NONBLOCK;

/** Makes a jail whose checks are made on opened handles, so that they cannot be raced. */
export const linuxJail: JailMaker = (io, root, isSealed, isLocal = () => false): Jail => {
  const place = new LinuxPlace(io, root, isSealed, isLocal);
  return {
    async openDirectory(path) {
      const handle = await place.opened(path, (onDisk) => io.open(onDisk, DIRECTORY));
      return place.hold(handle, place.asked(path));
    },
    async openNode(path) {
      const fd = await place.opened(path, (onDisk) => io.openPlace(onDisk, O_PATH));
      return place.holdNode(fd, place.asked(path));
    },
    straight: (path) => place.straight(path),
    holdOpened: (handle, identity, path) => new LinuxDirectory(place, { handle, identity, asked: place.asked(path) }),
  };
};

/** What a handle was opened by. */
interface Asked {
  /** The path from the root of the disk, each byte one character (Latin-1). */
  readonly literal: string;
  /** Whether the sealed name is in it. */
  readonly bySealed: boolean;
}

/** The root, and what it takes to open and check things below it. */
class LinuxPlace {
  readonly io: StorageIo;
  readonly isSealed: SealedParts;
  readonly #root: string;
  readonly #isLocal: (real: string) => boolean;

  constructor(io: StorageIo, root: string, isSealed: SealedParts, isLocal: (real: string) => boolean) {
    this.io = io;
    this.isSealed = isSealed;
    this.#root = root;
    this.#isLocal = isLocal;
  }

  /** What opening the path asks for. */
  asked(path: VirtualPath): Asked {
    const parts = pathParts(path);
    return { literal: inLatin1([this.#root, ...parts].join('/')), bySealed: this.isSealed(parts) };
  }

  /** See `Jail.straight`. */
  straight(path: VirtualPath): StraightPlace | undefined {
    const { literal } = this.asked(path);
    assertPlain(pathParts(path));
    if (hasReservedPart(literal, inLatin1(this.#root)) || !this.#isLocal(literal)) return undefined;
    return { path: `${this.#root}/${pathParts(path).join('/')}`, literal };
  }

  /** Opens what the path names. @throws Fault `PermissionDenied` in place of any failure on a way that leaves the jail. */
  async opened<Handle>(path: VirtualPath, open: (onDisk: string) => Promise<Handle>): Promise<Handle> {
    const parts = pathParts(path);
    assertPlain(parts);
    try {
      return await open(`${this.#root}/${parts.join('/')}`);
    } catch (error) {
      await this.#refuseLeaving(parentOf(path));
      throw error;
    }
  }

  /** Takes over an open directory. */
  async hold(handle: DirectoryHandle, asked: Asked): Promise<HeldDirectory> {
    return closingOnFailure(
      () => letGo(handle),
      async () => {
        const stats = await this.#checked(handle.fd, asked);
        const identity = identityOf(stats);
        return new LinuxDirectory(this, { handle, identity, asked });
      },
    );
  }

  /** Takes over what was opened with `O_PATH`. */
  async holdNode(fd: number, asked: Asked): Promise<HeldNode> {
    return closingOnFailure(
      () => closePlace(fd),
      async () => {
        const stats = await this.#checked(fd, asked);
        const close = stats.isDirectory() ? async () => closeSync(fd) : () => closePlace(fd);
        const handle = { pinned: true, close, closeBehind: () => closeSync(fd) };
        return { stats, path: pathOfDescriptor(fd), ...handle };
      },
    );
  }

  /** The facts of what is open, once it is known to be inside. @throws as `check` does. */
  async #checked(fd: number, asked: Asked): Promise<BigIntStats> {
    const real = await this.check(fd, asked);
    return this.io.statsOf(fd, this.#isLocal(real) ? 'now' : 'aside');
  }

  /**
   * Where it really is. @throws Fault `PermissionDenied` unless the handle is of something inside, `NoSuchFile` for what is the gateway's own,
   *   or has the sealed name and was not asked for by it.
   */
  async check(fd: number, { literal, bySealed }: Asked): Promise<string> {
    const real = await this.io.realPathOf(fd);
    // What really is where it was asked for was reached over no link, and so the root is none either, nor a sealed part
    // other than those asked for. Anything else has the root asked for anew each time, because an operator may point a home
    // that is a symlink elsewhere.
    const straight = real === literal;
    const root = straight ? inLatin1(this.#root) : await this.io.realpath(this.#root, 'latin1');
    if (!isBelow(real, root)) throw new Fault('PermissionDenied');
    if (hasReservedPart(real, root)) throw new Fault('NoSuchFile');
    if (!straight && !bySealed && this.isSealed(partsBelow(real, root))) throw new Fault('NoSuchFile');
    return real;
  }

  /**
   * Looks for a directory on the way that leaves the jail after something could not be opened. Without it, "no such
   * file" behind a symlink that leaves would tell a client what exists out there and what does not.
   */
  async #refuseLeaving(path: VirtualPath): Promise<void> {
    const parts = pathParts(path);
    if (parts.length === 0 || (await this.#isStraight(path))) return;
    let prefix = this.#root;
    const bySealed = this.isSealed(parts);
    for (const part of parts) {
      prefix = `${prefix}/${part}`;
      const fd = await this.io.openPlace(prefix, O_PATH | O_DIRECTORY).catch(() => undefined);
      // Nothing beyond can have been opened either: the caller's own error is the right one.
      if (fd === undefined) return;
      try {
        await this.check(fd, { literal: inLatin1(prefix), bySealed });
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Whether this is a directory to which no link leads. Then none of those above it leaves the jail. */
  async #isStraight(path: VirtualPath): Promise<boolean> {
    const asked = [this.#root, ...pathParts(path)].join('/');
    const fd = await this.io.openPlace(asked, O_PATH | O_DIRECTORY).catch(() => undefined);
    if (fd === undefined) return false;
    try {
      return (await this.io.realPathOf(fd)) === inLatin1(asked);
    } finally {
      closeSync(fd);
    }
  }
}

type DirectoryHandle = Pick<StagedHandle, 'fd' | 'sync' | 'close'>;

class LinuxDirectory implements HeldDirectory {
  readonly identity: string;
  readonly path: string;
  readonly #place: LinuxPlace;
  readonly #handle: DirectoryHandle;
  readonly #asked: Asked;

  constructor(
    place: LinuxPlace,
    parts: { readonly handle: DirectoryHandle; readonly identity: string; readonly asked: Asked },
  ) {
    this.identity = parts.identity;
    this.path = pathOfDescriptor(parts.handle.fd);
    this.#place = place;
    this.#handle = parts.handle;
    this.#asked = parts.asked;
  }

  at(name: string): string {
    assert(name !== '' && name !== '.' && name !== '..' && !name.includes('/'), 'one name of a directory');
    return `${this.path}/${name}`;
  }

  async node(name: string): Promise<HeldNode> {
    return this.#place.holdNode(await this.#place.io.openPlace(this.at(name), O_PATH), this.#askedFor(name));
  }

  async child(name: string): Promise<HeldDirectory> {
    const handle = await this.#place.io.open(this.at(name), DIRECTORY | O_NOFOLLOW);
    return this.#place.hold(handle, this.#askedFor(name));
  }

  pathOfOpen(fd: number): string {
    return pathOfDescriptor(fd);
  }

  async verify(): Promise<void> {
    await this.#place.check(this.#handle.fd, this.#asked);
  }

  async isWhereAsked(): Promise<boolean> {
    return (await this.#place.io.realPathOf(this.#handle.fd)) === this.#asked.literal;
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return letGo(this.#handle);
  }

  #askedFor(name: string): Asked {
    const { literal, bySealed } = this.#asked;
    return { literal: `${literal}/${inLatin1(name)}`, bySealed: bySealed || this.#place.isSealed([name]) };
  }
}

/** Not what keeps anyone in, which is the check of the handle; but no caller may ever get this far. */
function assertPlain(parts: readonly string[]): void {
  assert(!parts.includes('..') && !parts.includes('.'), 'a virtual path has no . and ..');
}

/** The names below the root in a path whose bytes are kept as Latin-1. */
function partsBelow(real: string, root: string): readonly string[] {
  return Buffer.from(real.slice(root.length), 'latin1').toString('utf8').split('/');
}

/** The text as its bytes in UTF-8 are, each of them one character. */
function inLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

async function closingOnFailure<T>(close: () => Promise<void>, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * As `letGo`: a close that fails has closed all the same. By a thread, since the last one to close a file that has been removed waits until
 * the disk has cleared it. A directory has nothing to clear, and nobody asks a server to close a place: those are closed at once.
 */
function closePlace(fd: number): Promise<void> {
  return new Promise((resolve) => close(fd, () => resolve()));
}
