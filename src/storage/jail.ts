/**
 * The jail: what an account's paths may reach, and the handles that hold it. A path is only a question; what was opened
 * is asked where it really is, and everything after that goes through the handle, so that nothing that is renamed or
 * swapped for a symlink in between can lead an operation elsewhere.
 */
import type { BigIntStats } from 'node:fs';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { StraightPlace } from './disk-job.ts';
import type { StorageIo } from './io.ts';
import type { StagedHandle } from './plain-handle.ts';
import type { SealedParts } from './sealed-name.ts';

/** Opens what paths name. Symlinks are followed; those that lead out of the root are refused. */
export interface Jail {
  /** Holds a directory. @throws Fault `NoSuchFile`, `NotADirectory`, `PermissionDenied` for one outside the root. */
  openDirectory(path: VirtualPath): Promise<HeldDirectory>;
  /** Holds whatever has this path, without opening it for reading. @throws Fault as `openDirectory` does. */
  openNode(path: VirtualPath): Promise<HeldNode>;
  /**
   * Where the path is if no link leads to it, on a disk of this machine. What is opened there may be used if that is where it really
   * is: it is inside then, and nothing of the gateway's own. Undefined, or absent, where only opening it in the usual way can tell.
   */
  straight?(path: VirtualPath): StraightPlace | undefined;
  /** Takes over a directory that was opened at such a place, and was there. */
  holdOpened?(handle: Pick<StagedHandle, 'fd' | 'sync' | 'close'>, identity: string, path: VirtualPath): HeldDirectory;
}

/**
 * Makes a jail around `root`, an absolute path of the disk. What a path without a sealed part names by a link, and has one
 * on the disk, is `NoSuchFile`; a directory that was reached by the sealed name may be gone on from.
 */
export type JailMaker = (
  io: StorageIo,
  root: string,
  isSealed: SealedParts,
  /** Whether a real path (Latin-1) lies on a disk of this machine; never by default. */
  isLocal?: (real: string) => boolean,
) => Jail;

/** A directory inside the jail. Its holder must close it. */
export interface HeldDirectory {
  /** The same for every handle of this directory, whatever it is called. */
  readonly identity: string;
  /** What the operating system is to be given for this very directory. */
  readonly path: string;
  /** What the operating system is to be given for a name in this very directory. */
  at(name: string): string;
  /** Holds what has this name; a symlink is followed if it stays inside. @throws as `Jail.openNode` does. */
  node(name: string): Promise<HeldNode>;
  /** Holds the directory of this name, which must not be a symlink. @throws as `Jail.openDirectory` does. */
  child(name: string): Promise<HeldDirectory>;
  /** What the operating system is to be given for a file that is open as `fd` and has this name here. */
  pathOfOpen(fd: number, name: string): string;
  /** Checks anew that the directory lies inside. @throws Fault `PermissionDenied` when it was moved out. */
  verify(): Promise<void>;
  /** Whether it is known, without asking a disk, to be still where it was asked for; false says nothing. */
  isWhereAsked(): Promise<boolean>;
  /** Makes the names in it survive a power loss. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A file, directory or other thing inside the jail. Its holder must close it. */
export interface HeldNode {
  readonly stats: BigIntStats;
  /** What the operating system is to be given for this very thing. */
  readonly path: string;
  /** Whether `path` leads to this thing whatever happens; otherwise something else may take its place. */
  readonly pinned: boolean;
  close(): Promise<void>;
  /**
   * Closes at once, without a thread, for who has opened the same thing meanwhile. The last one to close a file that has
   * been removed waits for the disk to clear it, which must not be everybody's wait.
   */
  closeBehind(): void;
}

/** Names that begin so belong to the gateway; no client sees or makes one. */
export const RESERVED_PREFIX = '.sallyport-';

/** Whether `real` is `root` or lies below it; both are real paths, and `separator` is the system's. */
export function isBelow(real: string, root: string, separator = '/'): boolean {
  return real === root || real.startsWith(root.endsWith(separator) ? root : root + separator);
}

/** Whether a real path below `root` leads through a reserved name: a symlink must not open a side door to one. */
export function hasReservedPart(real: string, root: string, separator = '/'): boolean {
  return (separator + real.slice(root.length)).includes(separator + RESERVED_PREFIX);
}
