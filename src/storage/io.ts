/** The part of the operating system that local storage stands on, named so that a test can make any call fail. */
import { type BigIntStats, fstat, fstatSync, open, readlinkSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { ifThere } from '../lib/error-code.ts';
import type { FileFacts } from '../protocol/file-facts.ts';

/** The calls of `node:fs/promises` that local storage makes, and one that needs no promise. */
export type StorageIo = DiskCalls & {
  /**
   * Where an open descriptor really is, on Linux; each byte is one character (Latin-1), since UTF-8 would read two different
   * broken names as the same text. The kernel answers from memory and asks no disk, so that nobody else waits for it; on the
   * thread pool it would cost ten times as much.
   */
  realPathOf(fd: number): string | Promise<string>;
  /** Opens a place to look at: a plain number, since a `FileHandle` can only be closed by a thread. */
  openPlace(path: string, flags: number): Promise<number>;
  /** The facts of what is open: `now` where they are in memory (`local-mounts.ts`), else by a thread. */
  statsOf(fd: number, when: 'now' | 'aside'): BigIntStats | Promise<BigIntStats>;
};

type DiskCalls = Pick<
  typeof fs,
  | 'chmod'
  | 'copyFile'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'opendir'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rmdir'
  | 'statfs'
  | 'symlink'
  | 'unlink'
  | 'utimes'
>;

/** The real thing. */
export const nodeIo: StorageIo = {
  ...fs,
  realPathOf: (fd) => readlinkSync(pathOfDescriptor(fd), 'latin1'),
  openPlace: (path, flags) =>
    new Promise((resolve, reject) => open(path, flags, (error, fd) => (error ? reject(error) : resolve(fd)))),
  statsOf(fd, when) {
    if (when === 'now') return fstatSync(fd, { bigint: true });
    return new Promise((resolve, reject) =>
      fstat(fd, { bigint: true }, (error, stats) => (error ? reject(error) : resolve(stats))),
    );
  },
};

/**
 * Opens a place, not its contents (open(2)): no device is touched, no FIFO waits, and a file that may not be read can
 * still be asked for its facts. Node does not export it; the value holds on every machine that Node runs on.
 */
export const O_PATH = 0o10000000;

/** What Linux is to be given for the very thing that is open as `fd`. */
export function pathOfDescriptor(fd: number): string {
  return `/proc/self/fd/${fd}`;
}

/** What `lstat` says; undefined when nothing has that name. */
export function lstatIfAny(io: StorageIo, path: string): Promise<BigIntStats | undefined> {
  return ifThere(io.lstat(path, { bigint: true }));
}

/** Removes a name that may be gone already. */
export async function unlinkIfAny(io: StorageIo, path: string): Promise<void> {
  await ifThere(io.unlink(path));
}

/**
 * Closes a handle whose writes, if any, have been synced or given up. A close that fails has closed all the same
 * (close(2)) and loses nothing then, so it must not make what was done look failed, nor keep the next handle open.
 */
export async function letGo(handle: { close(): Promise<void> }): Promise<void> {
  await handle.close().catch(() => undefined);
}

/** The same for two handles of one file and different for two files that exist at the same time. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev.toString(16)}.${stats.ino.toString(16)}`;
}

/** A file's facts, as the rest of the gateway knows them. */
export function factsOf(stats: BigIntStats): FileFacts {
  const createdMs = Number(stats.birthtimeMs);
  return {
    kind: kindOf(stats),
    sizeBytes: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    changedMs: Number(stats.ctimeMs),
    // 0 is what a file system says that does not know.
    ...(createdMs > 0 ? { createdMs } : {}),
    mode: Number(stats.mode & 0o7777n),
    linkCount: Number(stats.nlink),
    owner: Number(stats.uid),
    group: Number(stats.gid),
    unique: identityOf(stats),
  };
}

function kindOf(stats: BigIntStats): FileFacts['kind'] {
  if (stats.isFile()) return 'file';
  return stats.isDirectory() ? 'directory' : 'other';
}
