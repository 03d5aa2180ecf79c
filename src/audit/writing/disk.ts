/** Files of the log on the disk: whole or not at all, and synced before anybody relies on them. */
import type { FileHandle } from 'node:fs/promises';
import * as fs from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ifThere } from '../../lib/error-code.ts';

/** The calls of `node:fs/promises` that the log makes, so that a test can make any of them fail. */
export type AuditIo = Pick<
  typeof fs,
  'open' | 'rename' | 'mkdir' | 'unlink' | 'readFile' | 'readdir' | 'rm' | 'stat' | 'link'
>;

/** The real thing. */
export const nodeIo: AuditIo = fs;

/** Where files are written before they have their names. */
const STAGING = 'tmp';

/** A file to be written: its name below the log's directory, and its bytes. */
export interface WholeFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The log's directory. Names are relative to it and use `/`. */
export class Disk {
  readonly directory: string;
  /** How often a file or directory has been synced. */
  syncs = 0;
  readonly #io: AuditIo;
  #staged = 0;

  constructor(directory: string, io: AuditIo = nodeIo) {
    this.directory = resolve(directory);
    this.#io = io;
  }

  /** Makes the directory when it is missing, and its name last: a log is lost with the name that leads to it. */
  async make(): Promise<void> {
    const made = await this.#io.mkdir(this.directory, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    for (let name = this.directory; name.length >= made.length; name = dirname(name))
      await this.#syncDirectory(dirname(name));
  }

  /** Throws away what a crash left half-written. For the one writer only. */
  async clear(): Promise<void> {
    await this.#io.rm(join(this.directory, STAGING), { recursive: true, force: true });
    await this.#io.mkdir(join(this.directory, STAGING), { mode: 0o700 });
    await this.#syncDirectory(this.directory);
  }

  /** A whole file; undefined when there is none. */
  async read(name: string): Promise<Buffer | undefined> {
    return ifThere(this.#io.readFile(join(this.directory, name)), 'ENOTDIR');
  }

  /** The names in a directory; none when there is no directory. */
  async list(name: string): Promise<string[]> {
    return (await ifThere(this.#io.readdir(join(this.directory, name)), 'ENOTDIR')) ?? [];
  }

  /** Whether something has that name. */
  async has(name: string): Promise<boolean> {
    return (await ifThere(this.#io.stat(join(this.directory, name)), 'ENOTDIR')) !== undefined;
  }

  /** Writes files so that each is found whole or not at all; when this resolves, all of them last. */
  async write(files: readonly WholeFile[]): Promise<void> {
    const directories = new Set<string>();
    for (const file of files) {
      const handle = await this.#place(file, directories);
      await handle.close().catch(() => undefined);
    }
    for (const directory of directories) await this.#syncDirectory(directory);
  }

  /** The same for one file, which stays open for more. */
  async begin(file: WholeFile): Promise<FileHandle> {
    const directories = new Set<string>();
    const handle = await this.#place(file, directories);
    try {
      for (const directory of directories) await this.#syncDirectory(directory);
      return handle;
    } catch (error) {
      await handle.close().catch(() => undefined);
      throw error;
    }
  }

  /** Makes last what was written to an open file. */
  async sync(handle: FileHandle): Promise<void> {
    this.syncs += 1;
    await handle.datasync();
  }

  /** Removes a file or a directory with all that is in it, when there is one. */
  async remove(name: string): Promise<void> {
    await this.#io.rm(join(this.directory, name), { recursive: true, force: true });
  }

  /** Always into a new file: after a failed sync the kernel may call pages clean that never reached the disk. */
  async #place({ name, bytes }: WholeFile, directories: Set<string>): Promise<FileHandle> {
    const target = join(this.directory, name);
    const staged = join(this.directory, STAGING, String(this.#staged++));
    await this.#makeDirectory(dirname(target), directories);
    const handle = await this.#io.open(staged, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await this.sync(handle);
      await this.#io.rename(staged, target);
    } catch (error) {
      await handle.close().catch(() => undefined);
      // What cannot be removed now goes at the next start.
      await this.#io.unlink(staged).catch(() => undefined);
      throw error;
    }
    directories.add(dirname(target));
    return handle;
  }

  async #makeDirectory(path: string, directories: Set<string>): Promise<void> {
    const made = await this.#io.mkdir(path, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    for (let above = path; above.length > this.directory.length; above = dirname(above))
      directories.add(dirname(above));
  }

  async #syncDirectory(path: string): Promise<void> {
    this.syncs += 1;
    const handle = await this.#io.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close().catch(() => undefined);
    }
  }
}
