/** One audit log for several workers: one writer, each worker's order, and no record where the writer is out of reach. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openAuditLog } from '../../../src/audit/audit-log.ts';
import { readOrMakeLogKey } from '../../../src/audit/notes/log-key.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { AuditFailed, type AuditLog, type AuditRecord } from '../../../src/spi/audit.ts';
import { silentLog } from '../../../src/spi/log.ts';
import { arrived } from '../../fakes/message-channel.ts';
import { memoryAuditLog } from '../../fixtures/memory-audit-log.ts';
import { type FakeWorker, sharedHouse } from '../../fixtures/shared-house.ts';

const record = (name: string, changes: Partial<AuditRecord> = {}): AuditRecord => ({
  ...{ event: 'file.deleted', result: 'success', who: { account: 'alice' }, origin: { session: 's' } },
  object: { path: name, nothing: undefined },
  ...changes,
});

const logOf = ({ state }: FakeWorker): AuditLog => {
  if (state.audit === undefined) throw new Error('no audit log');
  return state.audit.log;
};

const paths = (log: { readonly records: readonly AuditRecord[] }) => log.records.map(({ object }) => object.path);

test('while nothing is known of the log, and when the writer is gone, nothing can be recorded', async () => {
  const audit = memoryAuditLog();
  const { worker } = sharedHouse({}, { audit });
  const one = worker();
  expect(logOf(one).failure).toBeInstanceOf(AuditFailed);
  await arrived();
  expect(logOf(one).failure).toBeUndefined();
  const pending = audit.hang();
  const appended = logOf(one).append(record('a'));
  await arrived();
  one.die();
  await expect(appended).rejects.toThrow(AuditFailed);
  expect(logOf(one).failure).toBeInstanceOf(AuditFailed);
  await expect(logOf(one).append(record('b'))).rejects.toThrow(AuditFailed);
  await expect(logOf(one).receipt(0)).rejects.toThrow(AuditFailed);
  logOf(one).note(record('c'));
  pending();
  expect(paths(audit)).toEqual(['a']);
});

test('a log that fails is known to have failed in every worker, and what was signed is told', async () => {
  const audit = memoryAuditLog();
  const { worker } = sharedHouse({}, { audit });
  const [one, other] = [worker(), worker()];
  await arrived();
  audit.rejectNext = new Error('ENOSPC');
  await expect(logOf(one).append(record('a'))).rejects.toThrow('the audit log could not be written');
  audit.failure = new AuditFailed('the disk is full', { kept: true });
  await expect(logOf(one).append(record('b'))).rejects.toMatchObject({ kept: false });
  await arrived();
  expect(logOf(one).failure?.message).toBe('the disk is full');
  expect(logOf(other).failure?.message).toBe('the disk is full');
  // It lasts as soon as the log is back.
  logOf(other).note(record('c'));
  await arrived();
  audit.failure = undefined;
  await arrived();
  expect([logOf(one).failure, logOf(other).failure]).toEqual([undefined, undefined]);
  expect(paths(audit)).toEqual(['c']);
});

test('records of a worker keep their order, whether they are waited for or not', async () => {
  const audit = memoryAuditLog();
  const { worker } = sharedHouse({}, { audit });
  const [one, other] = [worker(), worker()];
  const log = logOf(one);
  log.note(record('1'));
  const second = log.append(record('2'));
  log.note(record('3'));
  const fourth = log.append(record('4'));
  void logOf(other).append(record('other'));
  expect([(await second).index, (await fourth).index]).toEqual([1, 3]);
  expect(JSON.parse((await fourth).entry.toString()).object).toEqual({ path: '4' });
  await arrived();
  expect(paths(audit)).toEqual(['1', '2', '3', '4', 'other']);
});

test('every record can be read again, and has its receipt, in any worker', async () => {
  const audit = memoryAuditLog();
  const { worker, clock } = sharedHouse({}, { audit });
  const [one, other] = [worker(), worker()];
  for (let i = 0; i < 300; i++) logOf(one).note(record(`${i}`));
  await arrived();
  clock.advance(100);
  await arrived();
  expect(logOf(other).size).toBe(300);
  const read: unknown[] = [];
  for await (const { index, entry } of logOf(other).read(7))
    read.push([index, JSON.parse(entry.toString()).object.path]);
  expect(read).toEqual(Array.from({ length: 293 }, (_, i) => [i + 7, `${i + 7}`]));
  expect(await logOf(other).receipt(299)).toBe(await audit.receipt(299));
  await expect(logOf(other).receipt(300)).rejects.toThrow(RangeError);
});

test('who follows the log in a worker hears that it has grown, and not for every record', async () => {
  const audit = memoryAuditLog();
  const { worker, clock } = sharedHouse({}, { audit });
  const [one, other] = [worker(), worker()];
  await arrived();
  const grown: number[] = [];
  const stop = logOf(other).watch(() => grown.push(logOf(other).size));
  for (let i = 0; i < 20; i++) {
    await logOf(one).append(record(`${i}`));
  }
  clock.advance(100);
  await arrived();
  expect(grown).toEqual([20]);
  stop();
  await logOf(one).append(record('more'));
  clock.advance(100);
  await arrived();
  expect(grown).toEqual([20]);
});

test('what every worker notices is recorded once, and again when it happens again', async () => {
  const audit = memoryAuditLog();
  const { worker } = sharedHouse({}, { audit });
  const [one, other, third] = [worker(), worker(), worker()];
  const notice = async ({ state }: FakeWorker, what: string) => {
    state.audit?.noteOnce(record(what), what);
    await arrived();
  };
  for (const each of [one, other, third]) await notice(each, 'changed');
  expect(paths(audit)).toEqual(['changed']);
  for (const each of [third, one]) await notice(each, 'changed');
  expect(paths(audit)).toEqual(['changed', 'changed']);
  // Whoever has noticed it alone is gone: for the next it is news.
  await notice(one, 'changed back');
  one.die();
  await notice(other, 'changed back');
  expect(paths(audit)).toEqual(['changed', 'changed', 'changed back', 'changed back']);
});

test('what no worker writes is refused', async () => {
  const audit = memoryAuditLog();
  const { worker, failed } = sharedHouse({}, { audit });
  const { correspondent } = worker();
  await expect(correspondent.ask('state.append', { event: 'no.event' })).rejects.toThrow();
  correspondent.tell('state.note', { ...record('a'), more: 1 });
  await arrived();
  expect(failed).toHaveLength(1);
  expect(audit.size).toBe(0);
});

test('many that wait in several workers share the syncs of the disk', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'shared-audit-'));
  try {
    const signer = readOrMakeLogKey(join(directory, 'key'), 'example.com/sallyport');
    const parts = { origin: signer.name, signer, clock: systemClock, log: silentLog, checkpointMs: 1_000 };
    const audit = await openAuditLog({ directory, ...parts });
    const { worker } = sharedHouse({}, { audit });
    const workers = [worker(), worker(), worker(), worker()];
    const before = audit.counters.syncs;
    const appended = Array.from({ length: 200 }, (_, i) => logOf(workers[i % 4] ?? worker()).append(record(`${i}`)));
    const indices = (await Promise.all(appended)).map(({ index }) => index);
    expect(indices.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    expect(audit.counters.syncs - before).toBeLessThan(40);
    await audit.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});
