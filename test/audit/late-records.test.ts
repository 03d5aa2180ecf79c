/** Records of what has happened, behind a log that failed them: each is written once when it is back, or counted as lost. */
import { expect, test } from 'vitest';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { AuditFailed, keepLate } from '../../src/spi/audit.ts';
import { allOf, FailingDisk, makeDirectory, objectOf, openLog } from './support.ts';
import { recordOf, SIGNER } from './writer-parts.ts';

/** Opens a log whose disk fails at its `call`-th call from then on, and appends to it what happens meanwhile. */
async function runWith(call: number, failures: number) {
  const disk = new FailingDisk();
  const clock = new FakeClock();
  const directory = await makeDirectory();
  const log = await openLog(directory, { io: disk.io, clock });
  Object.assign(disk, { failAt: disk.calls + call, failures, code: 'ENOSPC' });
  const kept: boolean[] = [];
  const append = async (n: number) => {
    const record = recordOf({ n });
    try {
      await log.append(record);
    } catch (error) {
      expect(error).toBeInstanceOf(AuditFailed);
      if (error instanceof AuditFailed) kept.push(error.kept);
      keepLate(log, record, error);
    }
  };
  for (let n = 0; n < 30; n += 3) await Promise.all([append(n), append(n + 1), append(n + 2)]);
  const mended = () => {
    clock.advance(20_000);
    return log.failure;
  };
  await expect.poll(mended, { timeout: 10_000, interval: 1 }).toBeUndefined();
  await log.append(recordOf({ n: 30 }));
  const all = (await allOf(log.read(0))).map((record) => objectOf(record));
  await log.close();
  expect((await verifyLog(directory, { keys: [SIGNER.vkey] })).problem).toBeUndefined();
  return { all, kept, failed: disk.failed };
}

const numbered = Array.from({ length: 31 }, (_, n) => n);

test('wherever the disk fails, each is in the log exactly once', async () => {
  const seen = new Set<boolean>();
  for (const failures of [1, 4]) {
    for (let call = 1; call <= 12; call++) {
      const { all, kept } = await runWith(call, failures);
      expect(all.map(({ n }) => n).sort((a, b) => Number(a) - Number(b))).toEqual(numbered);
      const late = all.filter((object) => object.late === true).length;
      expect(late).toBe(kept.filter((one) => !one).length);
      for (const one of kept) seen.add(one);
    }
  }
  // Both have come about: what was signed stays by itself, what was not is written again.
  expect(seen).toEqual(new Set([true, false]));
});

test('what there is no room for in memory is counted in the log', async () => {
  const disk = new FailingDisk();
  const clock = new FakeClock();
  const log = await openLog(await makeDirectory(), { io: disk.io, clock });
  Object.assign(disk, { failAt: disk.calls + 1, failures: Number.POSITIVE_INFINITY, code: 'ENOSPC' });
  const failure = await log.append(recordOf({ n: -1 })).catch((error: unknown) => error);
  const given = 16_400;
  for (let n = 0; n < given; n++) keepLate(log, recordOf({ n }), failure);
  disk.failAt = Number.POSITIVE_INFINITY;
  const mended = () => {
    clock.advance(20_000);
    return log.failure;
  };
  await expect.poll(mended, { timeout: 10_000, interval: 1 }).toBeUndefined();
  await log.append(recordOf({ n: -2 }));
  await expect.poll(() => log.append(recordOf({})).then(() => log.size > 16_387), { timeout: 10_000 }).toBe(true);
  const records = await allOf(log.read(0));
  const late = records.filter((record) => objectOf(record).late === true).length;
  const [gap] = records.filter(({ entry }) => entry.includes('"event":"log.gap"')).map(objectOf);
  expect(late + Number(gap?.records)).toBe(given);
});
