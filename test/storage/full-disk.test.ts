/** A disk that really is full. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localFiles } from '../../src/storage/local.ts';
import { download, EMPTY, faultOf, makeDisk, namesOf, path, restart, stagingOf, upload } from './support.ts';

/** Whether this machine lets the test mount a file system of its own. */
function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && tryMount();
}

function tryMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/tmp'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!canMount())(
  'a full disk refuses the upload, leaves the old file, and takes the rest once there is room',
  async () => {
    const { home } = await makeDisk();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=0700', 'tmpfs', home]);
    try {
      const files = localFiles({ root: home, owner: 'alice' });
      await upload(files, '/file', 'old');
      await fs.writeFile(join(home, 'ballast'), Buffer.alloc(1_000_000));
      const freeBytes = (await files.freeBytes(path('/file'))) ?? 0;
      expect(freeBytes).toBeGreaterThan(900_000);
      expect(freeBytes).toBeLessThan(1_200_000);

      const staged = await files.stage(path('/file'), EMPTY);
      const piece = Buffer.alloc(100_000, 'n');
      let arrivedBytes = 0;
      const fill = async () => {
        for (; arrivedBytes < 1_800_000; arrivedBytes += piece.length) await staged.write([piece]);
      };
      expect(await faultOf(fill())).toBe('StorageFull');
      expect(await download(files, '/file')).toBe('old');
      // A full disk takes a part of the last piece, and that part counts.
      const keptBytes = await staged.abort('keep');
      expect(keptBytes).toBeGreaterThanOrEqual(arrivedBytes);
      expect(keptBytes).toBeLessThan(arrivedBytes + piece.length);
      expect(await files.resumableBytes(path('/file'))).toBe(keptBytes);
      expect(await faultOf(files.stage(path('/file'), restart(keptBytes + 1)))).toBe('RestartInvalid');

      await files.removeFile(path('/ballast'));
      await upload(files, '/file', 'the end', restart(keptBytes));
      expect((await files.stat(path('/file'))).sizeBytes).toBe(keptBytes + 7);
      expect(await namesOf(files, '/')).toEqual(['file']);
      expect(await stagingOf(home)).toEqual([]);

      // Appending copies the file first, which does not fit twice.
      expect(await faultOf(files.stage(path('/file'), { from: 'append', existing: 'replace' }))).toBe('StorageFull');
      expect(await stagingOf(home)).toEqual([]);
    } finally {
      execFileSync('umount', [home]);
    }
  },
);
