/** The notes of uploads between the doors, on a disk that really is full. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Intents } from '../../src/intake/doors/intents.ts';
import type { Intent } from '../../src/intake/doors/upload.ts';
import { makeFolder, path } from './doors.ts';

const INTENT: Intent = {
  ...{ version: 1, state: 'arrived', sinceMs: 0, logSize: 0, holds: true, outcomes: [] },
  upload: {
    ...{ id: '0'.repeat(24), account: 'partner', path: path('/in.txt'), bytes: 5, sha256: 'ab', verb: 'STOR' },
    ...{ startedMs: 0, arrivedMs: 0, channels: {}, encryptedTo: [], who: {}, origin: {}, gates: [], deliver: [] },
    ...{ collision: 'refuse', onRefused: 'quarantine', receipts: 'account' },
  },
};

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

test.skipIf(!canMount())(
  'one that cannot be written leaves nothing, and can be written when there is space',
  async () => {
    const directory = join(makeFolder(), 'intake');
    await mkdir(directory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'tmpfs', directory]);
    try {
      const intents = new Intents(directory);
      await intents.make();
      const ballast = join(directory, 'ballast');
      await expect(writeFile(ballast, Buffer.alloc(2_000_000))).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(intents.create(INTENT)).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(await readdir(directory)).toEqual(['ballast']);
      await rm(ballast);
      await intents.create(INTENT);
      expect((await intents.readAll()).intents).toEqual([INTENT]);
      await expect(intents.create(INTENT)).rejects.toMatchObject({ code: 'EEXIST' });
      expect((await intents.readAll()).intents).toEqual([INTENT]);
    } finally {
      execFileSync('umount', [directory]);
    }
  },
);
