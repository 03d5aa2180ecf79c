/** One writer, whatever became of the one before it. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodeIo } from '../../src/audit/writing/disk.ts';
import { LogLocked, takeLock } from '../../src/audit/writing/lock.ts';
import { AuditFailed } from '../../src/spi/audit.ts';
import { appendMany, makeDirectory, openLog } from './support.ts';
import { recordOf } from './writer-parts.ts';

const bootId = () => fs.readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');

test('a second writer, until the first one lets go', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  await expect(openLog(directory)).rejects.toThrow(LogLocked);
  await expect(openLog(directory)).rejects.toThrow(`in use by process ${process.pid}`);
  await appendMany(log, 3);
  await log.close();
  expect((await openLog(directory)).size).toBe(3);
});

test('the writer itself, once another one has taken the log over: nothing more is acknowledged', async () => {
  const directory = await makeDirectory();
  const log = await openLog(directory);
  await appendMany(log, 1);
  const [lock = ''] = (await fs.readdir(directory)).filter((name) => name.startsWith('lock.'));
  await fs.rename(join(directory, lock), join(directory, 'lock.7'));
  await expect(log.append(recordOf({}))).rejects.toThrow('taken the audit log over');
  expect(log.failure?.message).toContain('taken the audit log over');
  expect(log.size).toBe(1);
  await expect(log.close()).rejects.toThrow(AuditFailed);
});

test('a lock of a process that is gone, of another start of the machine, or that is empty, is no lock', async () => {
  const directory = await makeDirectory();
  await fs.mkdir(directory);
  const texts = [
    '',
    JSON.stringify({ pid: process.pid, started: '1', boot: 'another', namespace: '' }),
    JSON.stringify({ pid: 4_194_303, started: '1', boot: (await bootId()).trim(), namespace: '' }),
  ];
  for (const [i, text] of texts.entries()) {
    await fs.writeFile(join(directory, `lock.${100 * (i + 1)}`), text);
    const log = await openLog(directory);
    expect((await fs.readdir(directory)).filter((name) => name.startsWith('lock'))).toEqual([
      `lock.${100 * (i + 1) + 1}`,
    ]);
    await log.close();
  }
});

test('all but one of many that take a stale lock at the same time', async () => {
  const directory = await makeDirectory();
  await fs.mkdir(directory);
  await fs.writeFile(join(directory, 'lock.3'), '');
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(directory, nodeIo)));
  const taken = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  expect(taken).toHaveLength(1);
  await taken[0]?.assertHeld();
  for (const attempt of attempts) if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(LogLocked);
});
