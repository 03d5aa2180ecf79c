/** A writer that is killed at any moment: whatever it acknowledged is there, and its log goes on. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { consistency } from '../../src/audit/verifying/consistency.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { allOf, makeDirectory, objectOf, openLog } from './support.ts';
import { SIGNER } from './writer-parts.ts';

const KEYS = { keys: [SIGNER.vkey] };

/** How often the writer is killed. */
const ROUNDS = 8;

interface Said {
  readonly opened?: number;
  readonly n?: number;
  readonly index?: number;
  readonly checkpoint?: string;
}

/** Lets a writer run until it has acknowledged so many records and a few milliseconds more, and kills it. */
async function killed(directory: string, from: number, { records, extraMs }: { records: number; extraMs: number }) {
  const child = fork(join(import.meta.dirname, 'writer.ts'), [directory, String(from)]);
  const acknowledged = new Map<number, number>();
  const checkpoints: string[] = [];
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const enough = Promise.withResolvers<void>();
  child.on('message', ({ n, index, checkpoint }: Said) => {
    if (n !== undefined && index !== undefined) acknowledged.set(n, index);
    if (checkpoint !== undefined) checkpoints.push(checkpoint);
    if (acknowledged.size >= records) enough.resolve();
  });
  child.once('exit', () => enough.resolve());
  await enough.promise;
  await new Promise((resolve) => setTimeout(resolve, extraMs));
  child.kill('SIGKILL');
  await ended;
  return { acknowledged, checkpoints };
}

test('after each SIGKILL the log verifies, holds all that was acknowledged, and contradicts no checkpoint', {
  timeout: 120_000,
}, async () => {
  const directory = await makeDirectory();
  const acknowledged = new Map<number, number>();
  const checkpoints: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const extraMs = Math.floor(Math.random() * 30);
    const records = 1 + Math.floor(Math.random() * 500);
    const when = `round ${round}: killed ${extraMs} ms behind record ${records}`;
    const from = (round + 1) * 1_000_000;
    const heard = await killed(directory, from, { records, extraMs });
    expect(heard.acknowledged.size, when).toBeGreaterThan(0);
    for (const [n, index] of heard.acknowledged) acknowledged.set(n, index);
    checkpoints.push(...heard.checkpoints);
    // As it lies there, before anybody repairs it.
    expect((await verifyLog(directory, { ...KEYS, older: checkpoints })).problem, when).toBeUndefined();
    if (round % 2 === 1) continue;
    const log = await openLog(directory, { clock: systemClock });
    const all = await allOf(log.read(0));
    for (const [n, index] of acknowledged) {
      const record = all[index];
      expect(record && objectOf(record).n, when).toBe(n);
    }
    for (const older of checkpoints.slice(-20)) {
      expect(await consistency(directory, older, log.checkpoint(), KEYS)).toMatchObject({ consistent: true });
    }
    await log.close();
    expect((await verifyLog(directory, { ...KEYS, older: checkpoints })).problem, when).toBeUndefined();
  }
});

test('a log verifies while another process writes to it', { timeout: 120_000 }, async () => {
  const directory = await makeDirectory();
  const child = fork(join(import.meta.dirname, 'writer.ts'), [directory, '0']);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  try {
    await new Promise((resolve) => child.once('message', resolve));
    let size = 0;
    for (let i = 0; i < 12; i++) {
      const verdict = await verifyLog(directory, KEYS);
      expect(verdict.problem).toBeUndefined();
      expect(verdict.size).toBeGreaterThanOrEqual(size);
      size = verdict.size;
    }
    await expect(openLog(directory)).rejects.toThrow(`in use by process ${child.pid}`);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});
