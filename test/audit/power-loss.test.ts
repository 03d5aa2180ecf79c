/** A power loss at the worst moment: only what was synced is left, of files and of the names that lead to them. */
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import type { AuditIo } from '../../src/audit/writing/disk.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { allOf, appendMany, makeDirectory, objectOf, openLog } from './support.ts';
import { SIGNER } from './writer-parts.ts';

/** What a name leads to; of a file, the bytes that were synced. */
interface Node {
  synced: Buffer | 'directory';
}

/** A disk that knows what would be left of it without power. */
class VolatileDisk {
  readonly #seen = new Map<string, Node>();
  readonly #lasting = new Map<string, Node>();

  readonly io: AuditIo = {
    ...fs,
    mkdir: (async (path: string, options: { recursive?: boolean; mode: number }) => {
      const made = await fs.mkdir(path, options);
      if (made === undefined && options.recursive === true) return made;
      for (let one = path; !this.#seen.has(one) && one.length > 1; one = dirname(one)) {
        this.#seen.set(one, { synced: 'directory' });
        if (one === made) break;
      }
      return made;
    }) as typeof fs.mkdir,
    open: (async (path: string, flags: string, mode?: number) =>
      this.#opened(path, flags, await fs.open(path, flags, mode))) as typeof fs.open,
    rename: async (from, to) => {
      await fs.rename(from, to);
      const node = this.#seen.get(String(from));
      this.#seen.delete(String(from));
      if (node !== undefined) this.#seen.set(String(to), node);
    },
    rm: async (path, options) => {
      await fs.rm(path, options);
      for (const name of [...this.#seen.keys()])
        if (name === path || name.startsWith(`${path}/`)) this.#seen.delete(name);
    },
  };

  /** What a machine would find in a directory when it starts again. */
  async left(directory: string, copy: string): Promise<void> {
    await fs.mkdir(copy);
    const names = [...this.#lasting.keys()].filter((name) => name.startsWith(`${directory}/`)).sort();
    for (const name of names) {
      const { synced } = this.#lasting.get(name) ?? { synced: 'directory' };
      const target = join(copy, name.slice(directory.length + 1));
      if (/\/lock[.-]/.test(name) || !(await isDirectory(dirname(target)))) continue;
      if (synced === 'directory') await fs.mkdir(target);
      else await fs.writeFile(target, synced);
    }
  }

  #opened(path: string, flags: string, handle: fs.FileHandle): fs.FileHandle {
    const node = flags === 'r' ? undefined : { synced: Buffer.alloc(0) };
    if (node !== undefined) this.#seen.set(path, node);
    const written: Buffer[] = [];
    return new Proxy(handle, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          const result = await member.apply(target, args);
          if (name === 'writeFile') written.push(Buffer.from(args[0] as Buffer));
          if (name === 'datasync' && node !== undefined) node.synced = Buffer.concat(written);
          if (name === 'sync' && node === undefined) this.#syncNames(path);
          return result;
        };
      },
    });
  }

  #syncNames(directory: string): void {
    for (const name of this.#lasting.keys())
      if (dirname(name) === directory && !this.#seen.has(name)) this.#lasting.delete(name);
    for (const [name, node] of this.#seen) if (dirname(name) === directory) this.#lasting.set(name, node);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return fs.stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

test('whatever was acknowledged is left, and the log goes on from there', { timeout: 120_000 }, async () => {
  const directory = await makeDirectory();
  const disk = new VolatileDisk();
  const clock = new FakeClock();
  const log = await openLog(directory, { io: disk.io, clock, checkpointMs: 1 });
  const keys = [SIGNER.vkey];
  for (const [i, count] of [1, 2, 250, 3, 1, 300, 1, 200, 5, 1].entries()) {
    await appendMany(log, count);
    const note = log.checkpoint();
    const size = log.size;
    // At once, while bundles and checkpoint are being written or not.
    if (i % 2 === 1) clock.advance(10);
    const copy = await makeDirectory();
    await disk.left(directory, copy);
    expect((await verifyLog(copy, { keys, older: [note] })).problem).toBeUndefined();
    const after = await openLog(copy, { clock: new FakeClock() });
    expect(after.size).toBeGreaterThanOrEqual(size);
    expect((await allOf(after.read(0))).map((record) => objectOf(record).n)).toEqual(
      Array.from({ length: after.size }, (_, n) => n),
    );
    await after.close();
    expect((await verifyLog(copy, { keys, older: [note] })).problem).toBeUndefined();
  }
  await log.close();
  const copy = await makeDirectory();
  await disk.left(directory, copy);
  expect(await verifyLog(copy, { keys })).toMatchObject({ problem: undefined, size: 764, publishedSize: 764 });
});
