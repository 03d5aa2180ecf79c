/** Retention: whole bundles are dropped, their hashes stay. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { consistency } from '../../src/audit/verifying/consistency.ts';
import { verifyReceipt } from '../../src/audit/verifying/receipt.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { allOf, appendMany, makeDirectory, openLog } from './support.ts';
import { SIGNER } from './writer-parts.ts';

const KEYS = { keys: [SIGNER.vkey] };

test('drops whole bundles, keeps every proof, and is refused by nobody', async () => {
  const directory = await makeDirectory();
  const clock = new FakeClock(1_000_000);
  const log = await openLog(directory, { clock });
  await appendMany(log, 600);
  const old = log.checkpoint();
  clock.advance(1_000_000);
  await appendMany(log, 100);
  expect(await log.prune(1_000_000)).toBe(0);
  expect(await log.prune(1_500_000)).toBe(512);
  expect(log.minimumIndex).toBe(512);
  expect(log.size).toBe(701);
  const all = await allOf(log.read(0));
  expect(all[0]?.index).toBe(512);
  expect(JSON.parse(all.at(-1)?.entry.toString() ?? '')).toMatchObject({
    event: 'log.pruned',
    object: { minimum_index: 512 },
  });
  await expect(log.receipt(511)).rejects.toThrow('dropped');
  for (const index of [512, 600, 700]) expect(verifyReceipt(await log.receipt(index), [SIGNER.vkey]).index).toBe(index);
  expect(await consistency(directory, old, log.checkpoint(), KEYS)).toMatchObject({ consistent: true });
  await log.close();
  expect(await verifyLog(directory, KEYS)).toMatchObject({ problem: undefined, size: 701, minimumIndex: 512 });
  const again = await openLog(directory, { clock });
  expect(again.minimumIndex).toBe(512);
  await again.close();
  await fs.rm(join(directory, 'tile/entries/002'), { force: true });
  expect((await verifyLog(directory, KEYS)).problem).toBeUndefined();
});

test('a beginning that is missing without a record of it is named', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  await appendMany(log, 600);
  await log.close();
  await fs.rm(join(directory, 'tile/entries/000'));
  expect((await verifyLog(directory, KEYS)).problem).toEqual({
    index: 0,
    file: 'tile/entries/000',
    why: 'it is missing, and no record says that it was dropped',
  });
  await fs.rm(join(directory, 'tile/entries/001'));
  expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ index: 0, file: 'tile/entries/000' });
});
