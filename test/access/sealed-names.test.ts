import { mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sealedFiles } from '../../src/access/sealed-names.ts';
import type { DirectoryEntry } from '../../src/protocol/file-facts.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { localFiles } from '../../src/storage/local.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { makeDisk } from '../storage/support.ts';

const NAME = '.ftpaccess';
const at = (path: string) => path as VirtualPath;

/** Files with an access file in `/in/deep`, and the same sealed. */
function setUp() {
  const files = new MemoryFiles().put('/in/deep/.ftpaccess', 'x').put('/in/f', 'f').put('/free/f', 'f');
  return { files, sealed: sealedFiles(files, NAME) };
}

/** Every operation that names a path that is there, and every one that makes one. */
const ASKING: readonly [string, (files: FileSystem, path: VirtualPath) => Promise<unknown>][] = [
  ['stat', (files, path) => files.stat(path)],
  ['enter', (files, path) => files.enter(path)],
  ['list', (files, path) => files.list(path)],
  ['openRead', (files, path) => files.openRead(path)],
  ['resumableBytes', (files, path) => files.resumableBytes(path)],
  ['removeDirectory', (files, path) => files.removeDirectory(path)],
  ['removeFile', (files, path) => files.removeFile(path)],
  ['rename', (files, path) => files.rename(path, at('/free/g'), 'replace')],
  ['setModified', (files, path) => files.setModified(path, 1)],
  ['setMode', (files, path) => files.setMode(path, 0o777)],
  ['freeBytes', (files, path) => files.freeBytes(path)],
];
const MAKING: readonly [string, (files: FileSystem, path: VirtualPath) => Promise<unknown>][] = [
  ['stage', (files, path) => files.stage(path, { from: 'empty', existing: 'replace' })],
  ['makeDirectory', (files, path) => files.makeDirectory(path)],
  ['rename', (files, path) => files.rename(at('/free/f'), path, 'replace')],
];

describe.each([
  '/in/deep/.ftpaccess',
  '/in/deep/.FTPaccess',
  '/.ftpaccess/inside',
  '/free/.ftpaccess. ',
  '/free/.ftpacce\u017fs',
  '/free/.ftp\u200caccess',
  '/free/\uff0eftpaccess',
])('nothing is done to %j', (path) => {
  test.each(ASKING)('by %s', async (_, act) => {
    const { files, sealed } = setUp();
    await expect(act(sealed, at(path))).rejects.toMatchObject({ kind: 'NoSuchFile' });
    expect(files.text('/in/deep/.ftpaccess')).toBe('x');
    expect(files.calls).toEqual([]);
  });

  test.each(MAKING)('by %s, which would make it', async (_, act) => {
    const { files, sealed } = setUp();
    await expect(act(sealed, at(path))).rejects.toMatchObject({
      kind: 'PermissionDenied',
      text: 'That name is reserved.',
    });
    expect(files.calls).toEqual([]);
    expect(files.text('/free/f')).toBe('f');
  });
});

test.each(['/in', '/in/deep'])(
  'a directory with an access file in it, %s, is neither moved nor removed as a tree',
  async (path) => {
    const { files, sealed } = setUp();
    const refusal = { kind: 'PermissionDenied', text: expect.stringContaining('settings of the server') };
    await expect(sealed.rename(at(path), at('/out'), 'replace')).rejects.toMatchObject(refusal);
    if (sealed.removeTree !== undefined) await expect(sealed.removeTree(at(path), 100)).rejects.toMatchObject(refusal);
    expect(files.text('/in/deep/.ftpaccess')).toBe('x');
  },
);

test('where none can be in force only the top of a directory is looked at before it is moved', async () => {
  const { files } = setUp();
  const sealed = sealedFiles(files, NAME, { inForce: () => false });
  await expect(sealed.rename(at('/in/deep'), at('/out'), 'replace')).rejects.toMatchObject({
    kind: 'PermissionDenied',
  });
  await sealed.rename(at('/in'), at('/out'), 'replace');
  expect(files.text('/out/deep/.ftpaccess')).toBe('x');
  await expect(sealed.removeTree?.(at('/out'), 100)).rejects.toMatchObject({ kind: 'PermissionDenied' });
});

test('a tree that is larger than may be looked through is not removed', async () => {
  const { sealed } = setUp();
  await expect(sealed.removeTree?.(at('/in'), 1)).rejects.toMatchObject({ kind: 'ListingTooLong' });
});

test('a listing goes without it, in whatever case it is written', async () => {
  const files = new MemoryFiles();
  for (const name of ['a', '.ftpaccess', 'b', '.FtpAccess', '.ftpaccess.bak', 'ftpaccess']) files.put(`/${name}`, '');
  const names: string[] = [];
  for await (const batch of await sealedFiles(files, NAME).list(at('/'))) names.push(...batch.map(({ name }) => name));
  expect(names.sort()).toEqual(['.ftpaccess.bak', 'a', 'b', 'ftpaccess']);
});

test('what is spelt otherwise is told of when a listing leaves it out', async () => {
  const files = new MemoryFiles();
  for (const name of ['.ftpaccess', '.FtpAccess', 'a']) files.put(`/in/${name}`, '');
  const told: string[] = [];
  const misspelt = async (directory: VirtualPath, entry: DirectoryEntry) =>
    void told.push(`${directory} ${entry.name}`);
  for await (const _ of await sealedFiles(files, NAME, { misspelt }).list(at('/in')));
  expect(told).toEqual(['/in .FtpAccess']);
});

describe.each([true, false])('with links, and access files in force for somebody: %s', (inForce) => {
  /** On the disk: `/in/deep` with an access file, a link to it, links in a circle, and what leads nowhere. */
  async function onDisk() {
    const { home } = await makeDisk();
    for (const directory of ['in/deep', 'circle', 'astray', 'out']) {
      await mkdir(join(home, directory), { recursive: true });
    }
    await writeFile(join(home, 'in/deep/.ftpaccess'), 'x');
    await symlink('in/deep', join(home, 'way'));
    for (const name of ['s1', 's2', 's3']) await symlink('.', join(home, 'circle', name));
    await symlink('../in/deep', join(home, 'circle/way'));
    await symlink('nowhere', join(home, 'astray/.ftpaccess'));
    await symlink('/etc/hostname', join(home, 'out/.ftpaccess'));
    const local = localFiles({ root: home, owner: 'alice' });
    return { home, files: sealedFiles(local, NAME, { inForce: () => inForce }) };
  }

  test('a directory whose access file is a link that leads nowhere or outside stays', async () => {
    const { files } = await onDisk();
    for (const path of ['/astray', '/out']) {
      await expect(files.rename(at(path), at('/moved'), 'keep'), path).rejects.toMatchObject({
        kind: 'PermissionDenied',
      });
      await expect(files.removeTree?.(at(path), 100), path).rejects.toMatchObject({ kind: 'PermissionDenied' });
    }
  });

  test('links are moved, and not followed when what they are in is moved or removed', async () => {
    const { home, files } = await onDisk();
    await files.rename(at('/way'), at('/path'), 'keep');
    expect(await readlink(join(home, 'path'))).toBe('in/deep');
    await expect(files.removeTree?.(at('/path'), 100)).rejects.toMatchObject({ kind: 'NotADirectory' });
    await files.rename(at('/circle'), at('/round'), 'keep');
    await files.removeTree?.(at('/round'), 100);
    expect(await readFile(join(home, 'in/deep/.ftpaccess'), 'utf8')).toBe('x');
    expect((await readdir(home)).sort()).toEqual(['astray', 'in', 'out', 'path']);
  });
});

test('everything else goes through', async () => {
  const { files, sealed } = setUp();
  await sealed.rename(at('/free'), at('/moved'), 'keep');
  await sealed.rename(at('/in/f'), at('/moved/g'), 'keep');
  await sealed.removeTree?.(at('/moved'), 10);
  expect(files.text('/in/f')).toBeUndefined();
  await expect(sealed.rename(at('/absent'), at('/x'), 'keep')).rejects.toMatchObject({ kind: 'NoSuchFile' });
});
