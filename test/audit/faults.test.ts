/** A disk that fails, at each of its calls: what was acknowledged is never lost, and the log goes on by itself. */
import * as fs from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { OpenAuditLog } from '../../src/audit/open-log.ts';
import { consistency } from '../../src/audit/verifying/consistency.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { AuditFailed } from '../../src/spi/audit.ts';
import { allOf, FailingDisk, makeDirectory, objectOf, openLog } from './support.ts';
import { recordOf, SIGNER } from './writer-parts.ts';

const KEYS = { keys: [SIGNER.vkey] };

/** What a run of appends knows of itself. */
interface Ledger {
  readonly acknowledged: Map<number, number>;
  readonly rejected: Set<number>;
  readonly checkpoints: string[];
  next: number;
}

const emptyLedger = (): Ledger => ({ acknowledged: new Map(), rejected: new Set(), checkpoints: [], next: 0 });

/** Appends groups of records, some of which may be rejected. */
async function appendGroups(log: OpenAuditLog, ledger: Ledger, sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    const group = Array.from({ length: size }, async () => {
      const n = ledger.next++;
      try {
        ledger.acknowledged.set(n, (await log.append(recordOf({ n }))).index);
      } catch (error) {
        expect(error).toBeInstanceOf(AuditFailed);
        ledger.rejected.add(n);
      }
    });
    log.note(recordOf({ note: ledger.next }));
    await Promise.all(group);
    ledger.checkpoints.push(log.checkpoint());
  }
}

/** All that was acknowledged is where it was said to be, the log verifies, and no checkpoint contradicts another. */
async function expectKept(directory: string, log: OpenAuditLog, ledger: Ledger): Promise<void> {
  const all = await allOf(log.read(0));
  for (const [n, index] of ledger.acknowledged) {
    const record = all[index];
    expect(record && objectOf(record).n).toBe(n);
  }
  const numbers = all.map((record) => objectOf(record).n).filter((n) => n !== undefined);
  expect(new Set(numbers).size).toBe(numbers.length);
  expect((await verifyLog(directory, { ...KEYS, older: ledger.checkpoints })).problem).toBeUndefined();
  for (const older of ledger.checkpoints) {
    expect(await consistency(directory, older, log.checkpoint(), KEYS)).toMatchObject({ consistent: true });
  }
}

/** The same for what another process would find, should this one be killed now. */
async function expectKeptBehindCrash(directory: string, ledger: Ledger): Promise<void> {
  const copy = await makeDirectory();
  const withoutLock = (source: string) => !/lock[.-][^/]*$/.test(source);
  await fs.cp(directory, copy, { recursive: true, filter: withoutLock });
  const log = await openLog(copy);
  await expectKept(copy, log, ledger);
  await log.close();
}

/** Lets the clock go on until the log has mended itself. */
async function mended(log: OpenAuditLog, clock: FakeClock): Promise<void> {
  await expect
    .poll(
      () => {
        clock.advance(20_000);
        return log.failure;
      },
      { timeout: 15_000, interval: 5 },
    )
    .toBeUndefined();
}

const SIZES = [3, 200, 100, 1];

describe('each call of the disk fails once', () => {
  for (const [code, step] of [
    ['EIO', 1],
    ['ENOSPC', 4],
  ] as const) {
    test(`with ${code}: what was acknowledged is kept, in the same process and in the next one`, {
      timeout: 180_000,
    }, async () => {
      const quiet = new FailingDisk();
      const first = await openLog(await makeDirectory(), { io: quiet.io });
      const opened = quiet.calls;
      await appendGroups(first, emptyLedger(), SIZES);
      await first.close();
      const total = quiet.calls;
      expect(total).toBeGreaterThan(opened + 20);
      let rejected = 0;
      for (let n = opened + 1; n <= total; n += step) {
        const disk = new FailingDisk();
        Object.assign(disk, { failAt: n, code });
        const directory = await makeDirectory();
        const clock = new FakeClock();
        const log = await openLog(directory, { io: disk.io, clock });
        const ledger = emptyLedger();
        await appendGroups(log, ledger, SIZES);
        await expectKeptBehindCrash(directory, ledger);
        await mended(log, clock);
        await appendGroups(log, ledger, [2]);
        await expectKept(directory, log, ledger);
        await log.close().catch(() => undefined);
        const again = await openLog(directory, { clock });
        await appendGroups(again, ledger, [2]);
        await expectKept(directory, again, ledger);
        await again.close();
        rejected += ledger.rejected.size;
        await fs.rm(directory, { recursive: true });
      }
      expect(rejected).toBeGreaterThan(0);
    });
  }

  test('while it is opened: the next one opens it', { timeout: 120_000 }, async () => {
    const directory = await makeDirectory();
    const ledger = emptyLedger();
    const first = await openLog(directory);
    await appendGroups(first, ledger, [300, 5]);
    await first.close();
    const quiet = new FailingDisk();
    await (await openLog(directory, { io: quiet.io })).close();
    for (let n = 1; n <= quiet.calls; n++) {
      const disk = new FailingDisk();
      disk.failAt = n;
      await openLog(directory, { io: disk.io }).then(
        (log) => log.close().catch(() => undefined),
        (error) => expect(error).toMatchObject({ code: 'EIO' }),
      );
      const log = await openLog(directory);
      await expectKept(directory, log, ledger);
      await log.close();
    }
  });
});

test('while the disk is full, appends are rejected at once, notes wait, and all goes on when there is room', async () => {
  const disk = new FailingDisk();
  const directory = await makeDirectory();
  const clock = new FakeClock();
  const log = await openLog(directory, { io: disk.io, clock });
  const ledger = emptyLedger();
  await appendGroups(log, ledger, [10]);
  Object.assign(disk, { failAt: disk.calls + 1, failures: Number.POSITIVE_INFINITY, code: 'ENOSPC' });
  log.note(recordOf({ note: 'in the group that fails' }));
  await appendGroups(log, ledger, [5]);
  expect(ledger.rejected.size).toBe(5);
  expect(log.failure).toBeInstanceOf(AuditFailed);
  expect(log.failure?.cause).toMatchObject({ code: 'ENOSPC' });
  await expect(log.append(recordOf({}))).rejects.toThrow(AuditFailed);
  log.note(recordOf({ note: 'behind it' }));
  clock.advance(60_000);
  expect(log.failure).toBeDefined();
  disk.failAt = Number.POSITIVE_INFINITY;
  await mended(log, clock);
  await appendGroups(log, ledger, [1]);
  await expectKept(directory, log, ledger);
  const all = (await allOf(log.read(0))).map(objectOf);
  // What could not even be written was never signed, so that it is not in the log; the notes are.
  expect(all.filter(({ n }) => typeof n === 'number' && ledger.rejected.has(n))).toEqual([]);
  expect(all.map(({ note }) => note)).toEqual(expect.arrayContaining(['in the group that fails', 'behind it']));
});

test('a sync that failed is not trusted when it is repeated: the group goes into a new file', async () => {
  const disk = new FailingDisk();
  const directory = await makeDirectory();
  const clock = new FakeClock();
  const log = await openLog(directory, { io: disk.io, clock });
  const before = await fs.stat(`${directory}/journal`);
  // Records, checkpoint, sync.
  disk.failAt = disk.calls + 3;
  await expect(log.append(recordOf({ n: 1 }))).rejects.toThrow(AuditFailed);
  expect(disk.failed).toEqual(['datasync']);
  expect(log.size).toBe(0);
  await mended(log, clock);
  expect((await fs.stat(`${directory}/journal`)).ino).not.toBe(before.ino);
  // It was signed, so it stays.
  expect(log.size).toBe(1);
  expect((await verifyLog(directory, KEYS)).problem).toBeUndefined();
});

test('notes that find no room are counted, and the log says how many', async () => {
  const disk = new FailingDisk();
  const clock = new FakeClock();
  const log = await openLog(await makeDirectory(), { io: disk.io, clock });
  Object.assign(disk, { failAt: disk.calls + 1, failures: Number.POSITIVE_INFINITY });
  await expect(log.append(recordOf({}))).rejects.toThrow(AuditFailed);
  const text = 'x'.repeat(60_000);
  for (let i = 0; i < 400; i++) log.note(recordOf({ text }));
  disk.failAt = Number.POSITIVE_INFINITY;
  await mended(log, clock);
  await expect.poll(() => log.size).toBeGreaterThan(200);
  await log.append(recordOf({ n: 1 }));
  await log.append(recordOf({ n: 2 }));
  const all = (await allOf(log.read(0))).map(({ entry }) => JSON.parse(entry.toString()));
  const [gap] = all.filter(({ event }) => event === 'log.gap');
  expect(gap.object.records).toBeGreaterThan(50);
  expect(all.filter(({ object }) => object.text === text)).toHaveLength(400 - gap.object.records);
});
