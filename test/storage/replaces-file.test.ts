/** What a staged write says of the name that it is for, right in front of its commit. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { localFiles } from '../../src/storage/local.ts';
import { begin, download, FailingDisk, faultOf, makeDisk } from './support.ts';

async function staged(existing: 'keep' | 'replace' = 'replace') {
  const { home } = await makeDisk();
  const disk = new FailingDisk();
  const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
  const write = await begin(files, '/file', 'new', { from: 'empty', existing });
  return { home, disk, files, write };
}

test('a directory that has taken the name is not replaced, also when it came behind the question', async () => {
  const { home, write } = await staged();
  expect(await write.replacesFile?.()).toBe(false);
  await fs.mkdir(join(home, 'file'));
  expect(await faultOf(write.commit())).toBe('NotAFile');
  expect(await write.replacesFile?.()).toBe(false);
  expect(await write.abort('remove')).toBe(0);
});

test('of a link only a look at what it leads to can tell', async () => {
  const { home, write } = await staged();
  await fs.symlink('elsewhere', join(home, 'file'));
  expect(await write.replacesFile?.()).toBeUndefined();
  await write.abort('remove');
});

test('who may replace nothing replaces nothing', async () => {
  const { home, write } = await staged('keep');
  await fs.writeFile(join(home, 'file'), 'old');
  expect(await write.replacesFile?.()).toBe(false);
  expect(await faultOf(write.commit())).toBe('FileExists');
  await write.abort('remove');
});

test('a file that is there is replaced, with its bits, and is looked at once', async () => {
  const { home, disk, files, write } = await staged();
  await fs.writeFile(join(home, 'file'), 'old');
  await fs.chmod(join(home, 'file'), 0o604);
  disk.arm('', 0, '');
  expect(await write.replacesFile?.()).toBe(true);
  await write.commit();
  expect(disk.counts.get('lstat')).toBe(1);
  expect((await fs.stat(join(home, 'file'))).mode & 0o777).toBe(0o604);
  expect(await download(files, '/file')).toBe('new');
});

test('what comes behind the question makes the commit look again', async () => {
  const { home, disk, write } = await staged();
  expect(await write.replacesFile?.()).toBe(false);
  await write.write([Buffer.from('er')]);
  await fs.writeFile(join(home, 'file'), 'old');
  disk.arm('', 0, '');
  await write.commit();
  expect(disk.counts.get('lstat')).toBe(1);
  expect(await fs.readFile(join(home, 'file'), 'utf8')).toBe('newer');
});
