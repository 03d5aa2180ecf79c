/** Symbolic links that clients make lead to what they name, inside the home, or are not made. */
import type { PathLike } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { localFiles } from '../../src/storage/local.ts';
import { portableJail } from '../../src/storage/portable-jail.ts';
import { download, FailingDisk, faultOf, makeDisk, openHandles, path } from './support.ts';

async function makeHome() {
  const { home, folder } = await makeDisk();
  const disk = new FailingDisk();
  await fs.mkdir(join(home, 'a/b'), { recursive: true });
  await fs.mkdir(join(home, 'w'));
  await fs.writeFile(join(home, 'a/b/file'), 'text');
  await fs.writeFile(join(folder, 'secret'), 'secret');
  return { home, folder, disk, files: localFiles({ root: home, owner: 'alice' }, { io: disk.io }) };
}

async function link(files: FileSystem, name: string, target: string): Promise<unknown> {
  return faultOf(files.makeSymlink?.(path(name), path(target)) ?? Promise.reject(new Error('not there')));
}

test('links are not made over names, in nothing, to nothing, or to what is not a client’s', async () => {
  const { files, home, folder } = await makeHome();
  await fs.symlink(join(folder, 'secret'), join(home, 'out'));
  await fs.writeFile(join(home, '.sallyport-0'), '');
  expect(await link(files, '/a/b/file', '/w')).toBe('FileExists');
  expect(await link(files, '/w', '/a')).toBe('FileExists');
  expect(await link(files, '/', '/a')).toBe('FileExists');
  expect(await link(files, '/none/link', '/a')).toBe('NoSuchFile');
  expect(await link(files, '/w/link', '/none')).toBe('NoSuchFile');
  expect(await link(files, '/w/link', '/out')).toBe('PermissionDenied');
  expect(await link(files, '/w/link', '/.sallyport-0')).toBe('NoSuchFile');
  expect(await link(files, '/w/.sallyport-1', '/a')).toBe('BadName');
  expect(await fs.readdir(join(home, 'w'))).toEqual([]);
});

test('a link that turns out to lead elsewhere is taken back', async () => {
  const { files, home, disk, folder } = await makeHome();
  for (const astray of [join(home, 'w'), join(folder, 'secret'), join(home, 'none')]) {
    const io = { ...disk.io, symlink: (_target: PathLike, name: PathLike) => fs.symlink(astray, name) };
    const misled = localFiles({ root: home, owner: 'alice' }, { io });
    expect(await link(misled, '/w/link', '/a/b/file')).toBe('PermissionDenied');
    expect(await fs.readdir(join(home, 'w'))).toEqual([]);
  }
  expect(await link(files, '/w/link', '/a/b/file')).toBe('success');
});

test('a link leads to the same place from wherever it is renamed to, and nowhere once the home has moved', async () => {
  const { files, home, folder } = await makeHome();
  await fs.mkdir(join(home, 'a/w'));
  await fs.mkdir(join(home, 'b'));
  await fs.writeFile(join(home, 'b/file'), 'protected');
  // Were it `../b/file`, it would lead to /b/file after the rename.
  expect(await link(files, '/a/w/link', '/a/b/file')).toBe('success');
  await files.rename(path('/a/w/link'), path('/w/link'), 'keep');
  expect(await download(files, '/w/link')).toBe('text');
  await fs.rename(home, join(folder, 'moved'));
  const moved = localFiles({ root: join(folder, 'moved'), owner: 'alice' });
  expect(await faultOf(moved.stat(path('/w/link')))).toMatch(/^(NoSuchFile|PermissionDenied)$/);
});

test.each([
  ['this system', undefined],
  ['any system', portableJail],
])('a link leads where it should, also from behind a link (%s)', async (_, jail) => {
  const { home } = await makeHome();
  const files = localFiles({ root: home, owner: 'alice' }, jail === undefined ? {} : { jail });
  await fs.symlink('a/b', join(home, 'deep'));
  expect(await link(files, '/w/file', '/a/b/file')).toBe('success');
  expect(await link(files, '/w/dir', '/a')).toBe('success');
  expect(await link(files, '/top', '/w/file')).toBe('success');
  expect(await link(files, '/deep/link', '/w')).toBe('success');
  expect(await download(files, '/top')).toBe('text');
  expect(await download(files, '/w/dir/b/file')).toBe('text');
  expect(await download(files, '/deep/link/file')).toBe('text');
});

test('whichever call fails, a link is there only if it leads where it should', async () => {
  const counting = await makeHome();
  counting.disk.arm('', 0, '');
  await link(counting.files, '/w/link', '/a/b/file');
  for (const [call, count] of new Map(counting.disk.counts)) {
    for (let nth = 1; nth <= count; nth++) {
      const { disk, files, home } = await makeHome();
      disk.arm(call, nth, 'EIO');
      const result = await link(files, '/w/link', '/a/b/file');
      const what = `${call} #${nth}: ${result}`;
      expect(disk.fired, what).toBe(true);
      disk.arm('', 0, '');
      expect(await openHandles(home), what).toEqual([]);
      expect(await fs.readdir(join(home, 'w')), what).toEqual(result === 'success' ? ['link'] : []);
      if (result === 'success') expect(await download(files, '/w/link'), what).toBe('text');
    }
  }
});
