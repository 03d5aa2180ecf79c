/** Removing whole trees on the local disk: nothing outside them, and all or as much as can be of what is inside. */
import type { PathLike } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { portableJail } from '../../src/storage/portable-jail.ts';
import { begin, cutOff, FailingDisk, faultOf, makeDisk, openHandles, path } from './support.ts';

const TREE = ['a/b/c/deep.txt', 'a/b/two.txt', 'a/one.txt', 'a/empty/x.txt', 'beside/kept.txt'];

async function makeTree(jail?: typeof portableJail) {
  const disk = new FailingDisk();
  const { home, folder } = await makeDisk();
  const storage = createLocalStorage({ io: disk.io, ...(jail === undefined ? {} : { jail }) });
  const files = storage.filesFor({ root: home, owner: 'alice' });
  for (const name of TREE) {
    await fs.mkdir(join(home, name, '..'), { recursive: true });
    await fs.writeFile(join(home, name), name);
  }
  return { disk, folder, home, storage, files };
}

async function remove(files: FileSystem, name: string, entriesMax = 100): Promise<unknown> {
  return faultOf(files.removeTree?.(path(name), entriesMax) ?? Promise.reject(new Error('not there')));
}

async function namesIn(home: string): Promise<string[]> {
  return (await fs.readdir(home, { recursive: true })).sort();
}

test('what is no directory is refused', async () => {
  const { files, home } = await makeTree();
  await fs.symlink('a', join(home, 'link'));
  const before = await namesIn(home);
  expect(await remove(files, '/missing')).toBe('NoSuchFile');
  expect(await remove(files, '/a/one.txt')).toBe('NotADirectory');
  expect(await remove(files, '/link')).toBe('NotADirectory');
  expect(await faultOf(files.removeTree?.(ROOT, 100) ?? Promise.resolve())).toBe('PermissionDenied');
  expect(await remove(files, '/.sallyport-x')).toBe('NoSuchFile');
  expect(await namesIn(home)).toEqual(before);
});

test.each([
  ['too many entries', 'ListingTooLong', 6, async () => {}],
  [
    'too many levels',
    'ListingTooLong',
    1_000,
    (home: string) => fs.mkdir(join(home, `a${'/d'.repeat(64)}`), { recursive: true }),
  ],
  [
    'something of the gateway',
    'DirectoryNotEmpty',
    100,
    (home: string) => fs.writeFile(join(home, 'a/b/.sallyport-key'), ''),
  ],
] as const)('a tree with %s is refused before anything is removed', async (_, fault, entriesMax, prepare) => {
  const { files, home } = await makeTree();
  await prepare(home);
  const before = await namesIn(home);
  expect(await remove(files, '/a', entriesMax)).toBe(fault);
  expect(await namesIn(home)).toEqual(before);
  expect(await openHandles(home)).toEqual([]);
});

test('a tree into which someone is uploading is refused before anything is removed', async () => {
  const { files, home, storage } = await makeTree();
  const staged = await begin(storage.filesFor({ root: home, owner: 'bob' }), '/a/b/c/new', 'x');
  const before = await namesIn(home);
  expect(await remove(files, '/a')).toBe('FileBusy');
  expect(await namesIn(home)).toEqual(before);
  await staged.abort('remove');
  expect(await remove(files, '/a')).toBe('success');
});

test.each([
  ['this system', undefined],
  ['any system', portableJail],
])('a tree goes with its links and leftovers, and nothing goes that links lead to (%s)', async (_, jail) => {
  const { files, folder, home } = await makeTree(jail);
  await fs.writeFile(join(folder, 'outside.txt'), '');
  await fs.symlink('../beside', join(home, 'a/inside-link'));
  await fs.symlink(folder, join(home, 'a/b/outside-link'));
  await fs.symlink('nowhere', join(home, 'a/b/dead-link'));
  await fs.symlink('..', join(home, 'a/b/round'));
  await cutOff(files, '/a/b/partial', 'half');
  expect(await remove(files, '/a')).toBe('success');
  expect(await namesIn(home)).toEqual(['beside', 'beside/kept.txt']);
  expect(await fs.readdir(folder)).toContain('outside.txt');
});

test('whichever call fails, nothing outside goes, nothing stays open, and success means that all has gone', async () => {
  const counting = await makeTree();
  counting.disk.arm('', 0, '');
  await remove(counting.files, '/a');
  for (const [call, count] of new Map(counting.disk.counts)) {
    for (let nth = 1; nth <= Math.min(count, 6); nth++) {
      const { disk, files, home } = await makeTree();
      disk.arm(call, nth, 'EACCES');
      const result = await remove(files, '/a');
      const what = `${call} #${nth}: ${result}`;
      expect(disk.fired, what).toBe(true);
      const left = await namesIn(home);
      expect(left, what).toEqual(expect.arrayContaining(['beside', 'beside/kept.txt']));
      expect(left.includes('a'), what).toBe(result !== 'success');
      expect(['PermissionDenied', 'success'], what).toContain(result);
      expect(await openHandles(home), what).toEqual([]);
      disk.arm('', 0, '');
      if (left.includes('a')) expect(await remove(files, '/a'), what).toBe('success');
    }
  }
});

test('what cannot be removed stays with the directories that hold it, and everything else goes', async () => {
  const { disk, files, home } = await makeTree();
  const unlink = disk.io.unlink;
  const io = {
    ...disk.io,
    unlink: async (name: PathLike) => (`${name}`.endsWith('two.txt') ? denied() : unlink(name)),
  };
  const stubborn = createLocalStorage({ io }).filesFor({ root: home, owner: 'alice' });
  expect(await remove(stubborn, '/a')).toBe('PermissionDenied');
  expect(await namesIn(home)).toEqual(['a', 'a/b', 'a/b/two.txt', 'beside', 'beside/kept.txt']);
  expect(await remove(files, '/a')).toBe('success');
});

async function denied(): Promise<never> {
  throw Object.assign(new Error('EACCES: injected'), { code: 'EACCES' });
}
