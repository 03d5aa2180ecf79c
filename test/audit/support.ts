/** What the tests of the audit log share: directories, keys, records, and a disk that fails when it is told to. */
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import type { AuditLogParts, OpenAuditLog } from '../../src/audit/open-log.ts';
import type { AuditIo } from '../../src/audit/writing/disk.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { LoggedRecord } from '../../src/spi/audit.ts';
import { silentLog } from '../../src/spi/log.ts';
import { ORIGIN, recordOf, SIGNER } from './writer-parts.ts';

/** A directory that is removed behind the test. */
export async function makeDirectory(): Promise<string> {
  const directory = await fs.mkdtemp(join(tmpdir(), 'sallyport-audit-'));
  onTestFinished(() => fs.rm(directory, { recursive: true, force: true }));
  return join(directory, 'audit');
}

/** A log that is closed behind the test. Its clock stands still unless one is given. */
export async function openLog(directory: string, parts: Partial<AuditLogParts> = {}): Promise<OpenAuditLog> {
  const log = await openAuditLog({
    directory,
    origin: ORIGIN,
    signer: SIGNER,
    clock: new FakeClock(),
    log: silentLog,
    checkpointMs: 1000,
    ...parts,
  });
  onTestFinished(() => log.close().catch(() => undefined));
  return log;
}

/** Appends so many records, all at the same time. */
export async function appendMany(log: OpenAuditLog, count: number, from = log.size): Promise<LoggedRecord[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => log.append(recordOf({ n: from + i }))));
}

/** What a record's object holds. */
export function objectOf({ entry }: { readonly entry: Buffer }): Record<string, unknown> {
  return JSON.parse(entry.toString()).object;
}

/** All that is read. */
export async function allOf(records: AsyncIterable<LoggedRecord>): Promise<LoggedRecord[]> {
  const all: LoggedRecord[] = [];
  for await (const record of records) all.push(record);
  return all;
}

/** A disk whose `n`-th call that changes something fails, and those behind it too, for as long as `broken` says. */
export class FailingDisk {
  calls = 0;
  failAt = Number.POSITIVE_INFINITY;
  /** How many calls fail, from that one on. */
  failures = 1;
  code = 'EIO';
  /** What failed. */
  readonly failed: string[] = [];

  readonly io: AuditIo = {
    ...fs,
    open: (async (...args: Parameters<typeof fs.open>) => {
      if (args[1] !== 'r') this.#met('open');
      return this.#watched(await fs.open(...args));
    }) as typeof fs.open,
    rename: async (from, to) => {
      this.#met('rename');
      await fs.rename(from, to);
    },
    mkdir: (async (...args: Parameters<typeof fs.mkdir>) => {
      this.#met('mkdir');
      return fs.mkdir(...args);
    }) as typeof fs.mkdir,
    rm: async (...args) => {
      this.#met('rm');
      await fs.rm(...args);
    },
  };

  #met(what: string): void {
    this.calls += 1;
    if (this.calls < this.failAt || this.calls >= this.failAt + this.failures) return;
    this.failed.push(what);
    throw Object.assign(new Error(`${this.code}: ${what}`), { code: this.code });
  }

  #watched(handle: fs.FileHandle): fs.FileHandle {
    return new Proxy(handle, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return async (...args: unknown[]) => {
          if (name === 'writeFile') await this.#partly(target, args[0]);
          if (name === 'datasync' || name === 'sync') this.#met(name);
          return member.apply(target, args);
        };
      },
    });
  }

  /** A write that fails has written a part: what a full disk does. */
  async #partly(handle: fs.FileHandle, bytes: unknown): Promise<void> {
    try {
      this.#met('write');
    } catch (error) {
      if (Buffer.isBuffer(bytes)) await handle.writeFile(bytes.subarray(0, Math.floor(bytes.length / 2)));
      throw error;
    }
  }
}
