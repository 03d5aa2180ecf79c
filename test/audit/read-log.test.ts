/** Reading a log from its files: whole, from a place or a time, beside a writer, and what is left of a damaged one. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LogDamaged } from '../../src/audit/damage.ts';
import { isLog, newestCheckpoint, originOf, readLog } from '../../src/audit/verifying/read-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { LoggedRecord } from '../../src/spi/audit.ts';
import { allOf, appendMany, makeDirectory, objectOf, openLog } from './support.ts';
import { ORIGIN } from './writer-parts.ts';

/** The `n` of each record, which is its index when nothing is mixed up. */
function numbers(records: readonly LoggedRecord[]): unknown[] {
  for (const record of records) expect(objectOf(record).n).toBe(record.index);
  return records.map(({ index }) => index);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** What is read before an error, and the error. */
async function untilError(records: AsyncIterable<LoggedRecord>) {
  const read: LoggedRecord[] = [];
  try {
    for await (const record of records) read.push(record);
    return { read, error: undefined };
  } catch (error) {
    return { read, error };
  }
}

test('a directory without a log has none', async () => {
  const directory = await makeDirectory();
  expect(await isLog(directory)).toBe(false);
  expect(await newestCheckpoint(directory)).toBeUndefined();
});

test('a bundle that is missing is met where it is, behind what stands before it', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  await appendMany(log, 1_100);
  await log.close();
  await fs.rm(join(directory, 'tile/entries/002'));
  const { read, error } = await untilError(readLog(directory));
  expect(numbers(read)).toEqual(range(0, 512));
  expect(error).toBeInstanceOf(LogDamaged);
  expect(error).toMatchObject({ problem: { index: 512, file: 'tile/entries/002' } });
});

test.each([
  ['missing', (path: string) => fs.rm(path)],
  ['no journal', (path: string) => fs.writeFile(path, 'nothing')],
])('a journal that is %s hides none of the bundles', async (_, spoil) => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  await appendMany(log, 600);
  await log.close();
  await spoil(join(directory, 'journal'));
  const { read, error } = await untilError(readLog(directory));
  expect(numbers(read)).toEqual(range(0, 512));
  expect(error).toMatchObject({ problem: { file: 'journal' } });
});

test('all records are read, or those from one on, beside the gateway that writes', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  expect(await allOf(readLog(directory))).toEqual([]);
  await appendMany(log, 700);
  for (const index of [0, 1, 255, 256, 300, 511, 512, 699]) {
    expect(numbers(await allOf(readLog(directory, { index })))).toEqual(range(index, 700));
  }
  expect(await allOf(readLog(directory, { index: 700 }))).toEqual([]);
  const reading = readLog(directory, { index: 10 });
  expect((await reading.next()).value).toMatchObject({ index: 10 });
  await appendMany(log, 700);
  expect(numbers(await allOf(reading))).toEqual(range(11, 700));
});

test('those of a time are found without what is before them', async () => {
  const directory = await makeDirectory();
  const clock = new FakeClock();
  const log = await openLog(directory, { clock });
  for (let batch = 0; batch < 6; batch++) {
    await appendMany(log, 256);
    clock.advance(1_000);
  }
  const startMs = clock.now() - 6_000;
  const first = async (sinceMs: number) => (await allOf(readLog(directory, { sinceMs })))[0]?.index;
  expect(await first(startMs - 1)).toBe(0);
  expect(await first(startMs + 1_000)).toBe(256);
  expect(await first(startMs + 4_500)).toBe(1_280);
  // Behind the last bundle everything comes: who asks looks at the times.
  expect(await first(startMs + 60_000)).toBe(1_280);
});

test('what retention dropped, also meanwhile, is left out', async () => {
  const directory = await makeDirectory();
  const clock = new FakeClock();
  const log = await openLog(directory, { clock });
  for (let batch = 0; batch < 5; batch++) await appendMany(log, 256);
  const reading = readLog(directory);
  await reading.next();
  clock.advance(1_000);
  await appendMany(log, 256);
  await log.prune(clock.now());
  const rest = await allOf(reading);
  // The bundle that was begun is in memory; what was dropped before it was reached is not there.
  const read = rest.map(({ index }) => index);
  expect(read.slice(0, 255)).toEqual(range(1, 256));
  expect(read.at(-1)).toBe(1_279);
  expect(read).not.toContain(300);
  expect(read).toEqual(read.toSorted((a, b) => a - b));
  expect((await allOf(readLog(directory)))[0]?.index).toBe(log.minimumIndex);
  expect(log.minimumIndex).toBe(1_280);
});

test('the newest checkpoint is that of the last record', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  await appendMany(log, 300);
  expect(await newestCheckpoint(directory)).toBe(log.checkpoint());
  expect(originOf(log.checkpoint())).toBe(ORIGIN);
  await log.close();
  expect(await newestCheckpoint(directory)).toBe(log.checkpoint());
});
