/** A disk that really is full, and has room again. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { AuditFailed } from '../../src/spi/audit.ts';
import { allOf, makeDirectory, objectOf, openLog } from './support.ts';
import { recordOf, SIGNER } from './writer-parts.ts';

/** Whether this machine lets the test mount a file system of its own. */
function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!canMount())('appends are rejected while it is, and go on by themselves behind it', async () => {
  const directory = await makeDirectory();
  await fs.mkdir(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=0700', 'tmpfs', directory]);
  try {
    const ballast = join(directory, 'ballast');
    await fs.writeFile(ballast, Buffer.alloc(2_000_000));
    const clock = new FakeClock();
    const log = await openLog(directory, { clock });
    const kept: number[] = [];
    const text = 'x'.repeat(2000);
    let n = 0;
    const appendUntilFull = async () => {
      for (; n < 2000; n++) kept.push((await log.append(recordOf({ n, text }))).index);
    };
    await expect(appendUntilFull()).rejects.toThrow(AuditFailed);
    expect(log.failure?.cause).toMatchObject({ code: 'ENOSPC' });
    await fs.rm(ballast);
    const mended = () => {
      clock.advance(20_000);
      return log.failure;
    };
    await expect.poll(mended, { timeout: 15_000, interval: 5 }).toBeUndefined();
    await log.append(recordOf({ n: -1 }));
    const all = await allOf(log.read(0));
    expect(all.slice(0, kept.length).map((record) => objectOf(record).n)).toEqual(kept);
    await log.close();
    expect((await verifyLog(directory, { keys: [SIGNER.vkey] })).problem).toBeUndefined();
  } finally {
    execFileSync('umount', [directory]);
  }
});
