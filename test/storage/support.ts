/** What the tests of storage share: a home on the disk, short ways to fill it, and a disk that fails on demand. */
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { assert } from '../../src/lib/assert.ts';
import type { DirectoryEntry } from '../../src/protocol/file-facts.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, StagedWrite, StageRequest } from '../../src/spi/file-system.ts';
import { nodeIo, type StorageIo } from '../../src/storage/io.ts';

/** A folder with a `home` in it and room for things outside of that; removed after the test. */
export interface TestDisk {
  readonly folder: string;
  readonly home: string;
}

const folders: string[] = [];

/** Makes a folder for one test. */
export async function makeDisk(): Promise<TestDisk> {
  const folder = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'sallyport-storage-')));
  folders.push(folder);
  const home = join(folder, 'home');
  await fs.mkdir(home);
  return { folder, home };
}

afterEach(async () => {
  const made = folders.splice(0);
  try {
    for (const folder of made) expect(await openHandles(folder)).toEqual([]);
  } finally {
    for (const folder of made) await fs.rm(folder, { recursive: true, force: true });
  }
});

/** What this process holds open in a folder. Empty where there is no /proc. */
export async function openHandles(folder: string): Promise<string[]> {
  const fds = await fs.readdir('/proc/self/fd').catch(() => []);
  const paths = await Promise.all(fds.map((fd) => fs.readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(folder));
}

/** The virtual path that a client at the root means by `text`. */
export function path(text: string): VirtualPath {
  const resolved = resolvePath(ROOT, text);
  assert(resolved !== undefined, `a path: ${text}`);
  return resolved;
}

export const EMPTY: StageRequest = { from: 'empty', existing: 'replace' };
export const APPEND: StageRequest = { from: 'append', existing: 'replace' };
export const restart = (offsetBytes: number): StageRequest => ({ from: 'restart', offsetBytes, existing: 'replace' });

/** Stages and writes, without ending it. */
export async function begin(
  files: FileSystem,
  name: string,
  content: string,
  request: StageRequest = EMPTY,
): Promise<StagedWrite> {
  const staged = await files.stage(path(name), request);
  await staged.write([Buffer.from(content)]);
  return staged;
}

/** Uploads a whole file. */
export async function upload(files: FileSystem, name: string, content: string, request = EMPTY): Promise<void> {
  const staged = await begin(files, name, content, request);
  try {
    await staged.commit();
  } catch (error) {
    await staged.abort('remove');
    throw error;
  }
}

/** Leaves a partial. */
export async function cutOff(files: FileSystem, name: string, content: string, request = EMPTY): Promise<number> {
  const staged = await begin(files, name, content, request);
  return staged.abort('keep');
}

export async function textOf(pieces: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

/** Downloads a whole file. */
export async function download(files: FileSystem, name: string): Promise<string> {
  const opened = await files.openRead(path(name));
  try {
    return await textOf(opened.read(0));
  } finally {
    await opened.close();
  }
}

export async function entriesOf(files: FileSystem, name: string): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const batch of await files.list(path(name))) entries.push(...batch);
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function namesOf(files: FileSystem, name: string): Promise<string[]> {
  return (await entriesOf(files, name)).map((entry) => entry.name);
}

/** The gateway's own names on the real disk. */
export async function stagingOf(folder: string): Promise<string[]> {
  return (await fs.readdir(folder)).filter((name) => name.startsWith('.sallyport-')).sort();
}

/** The kind of fault that a promise fails with. Any other error, and success, is told as what it is. */
export async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Fault ? error.kind : error;
  }
  return 'success';
}

/** An error as Node throws it for a failed system call. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}

/** The real disk with a call of choice that fails. Calls on handles are named `handle.sync` and so on. */
export class FailingDisk {
  readonly io: StorageIo;
  /** Calls made since `arm`, by name. */
  readonly counts = new Map<string, number>();
  #fatal: { readonly call: string; readonly nth: number; readonly code: string } | undefined;
  /** Whether the call that was to fail has been made. */
  fired = false;

  constructor() {
    this.io = this.#watch({ ...nodeIo }, '');
  }

  /** Makes the `nth` call from now on of that name fail. */
  arm(call: string, nth: number, code: string): void {
    this.counts.clear();
    this.fired = false;
    this.#fatal = { call, nth, code };
  }

  #watch<T extends object>(target: T, prefix: string): T {
    return new Proxy(target, {
      get: (_, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function' || typeof key !== 'string') return member;
        return (...args: unknown[]) => this.#call(`${prefix}${key}`, () => Reflect.apply(member, target, args));
      },
    });
  }

  async #call(call: string, real: () => unknown): Promise<unknown> {
    const count = (this.counts.get(call) ?? 0) + 1;
    this.counts.set(call, count);
    const fatal = this.#fatal;
    const fails = fatal !== undefined && fatal.call === call && fatal.nth === count;
    // A close that fails has closed all the same (close(2)).
    if (fails && call === 'handle.close') await real();
    if (fails) {
      this.fired = true;
      throw systemError(fatal.code);
    }
    const result = await real();
    return call === 'open' ? this.#watch(Object(result), 'handle.') : result;
  }
}
