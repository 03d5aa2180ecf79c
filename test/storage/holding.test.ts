/** What is held between its arrival and its publication: nobody's, where it is, and durable. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AssertionFailed } from '../../src/lib/assert.ts';
import type { FileSystem, HeldFile } from '../../src/spi/file-system.ts';
import { nodeIo, type StorageIo } from '../../src/storage/io.ts';
import { linuxJail } from '../../src/storage/linux-jail.ts';
import { createLocalStorage, localFiles } from '../../src/storage/local.ts';
import { portableJail } from '../../src/storage/portable-jail.ts';
import {
  begin,
  cutOff,
  download,
  FailingDisk,
  faultOf,
  makeDisk,
  namesOf,
  path,
  stagingOf,
  textOf,
  upload,
} from './support.ts';

const ITEM = '0123456789abcdef01234567';

async function hold(files: FileSystem, name: string, content: string, id = ITEM): Promise<void> {
  await (await begin(files, name, content)).hold?.(id);
}

async function held(files: FileSystem, name: string, id = ITEM): Promise<HeldFile> {
  const opening = files.held?.(path(name), id);
  if (opening === undefined) throw new Error('cannot hold');
  return opening;
}

async function publish(
  files: FileSystem,
  name: string,
  existing: 'replace' | 'keep' = 'replace',
  as = name,
): Promise<void> {
  const file = await held(files, name);
  try {
    await file.publish(path(as), existing);
  } finally {
    await file.close();
  }
}

async function makeFiles(io: StorageIo = nodeIo, fileMode = 0o640) {
  const { home, folder } = await makeDisk();
  return { home, folder, files: localFiles({ root: home, owner: 'alice', fileMode }, { io }) };
}

async function modeOf(file: string): Promise<number> {
  return (await fs.stat(file)).mode & 0o7777;
}

async function heldNameIn(home: string): Promise<string> {
  const [name, ...others] = await stagingOf(home);
  expect(others).toEqual([]);
  return name ?? '';
}

describe('our own mistakes are refused', () => {
  test('an id that could be a name of anything', async () => {
    const { files } = await makeFiles();
    const staged = await begin(files, '/file', 'x');
    for (const id of ['', '0', `${ITEM}0`, ITEM.toUpperCase(), `../${ITEM.slice(3)}`, `${ITEM}\n`]) {
      await expect((async () => staged.hold?.(id))()).rejects.toThrow(AssertionFailed);
      await expect((async () => files.held?.(path('/file'), id))()).rejects.toThrow(AssertionFailed);
    }
    await staged.abort('remove');
  });

  test('a publication in another directory, or under a name that is the gateway’s own', async () => {
    const { files, home } = await makeFiles();
    await fs.mkdir(join(home, 'other'));
    await hold(files, '/file', 'x');
    const file = await held(files, '/file');
    for (const name of ['/', '/other/file', `/.sallyport-${ITEM}.part`]) {
      await expect((async () => file.publish(path(name), 'replace'))()).rejects.toThrow(AssertionFailed);
    }
    await file.close();
    await expect((async () => file.publish(path('/file'), 'replace'))()).rejects.toThrow(AssertionFailed);
    expect(await namesOf(files, '/')).toEqual(['other']);
  });

  test('ending a write that is held already', async () => {
    const { files } = await makeFiles();
    const staged = await begin(files, '/file', 'x');
    await staged.hold?.(ITEM);
    await expect(staged.commit()).rejects.toThrow(AssertionFailed);
    await expect((async () => staged.hold?.(ITEM))()).rejects.toThrow(AssertionFailed);
    expect(await staged.abort('remove')).toBe(0);
    await publish(files, '/file');
    expect(await download(files, '/file')).toBe('x');
  });
});

describe('clients reach nothing by the name of what is held', () => {
  test.each([
    ['linux', linuxJail],
    ['portable', portableJail],
  ])('whatever they ask for, by a link too (%s)', async (_, jail) => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { jail });
    await hold(files, '/file', 'secret');
    const name = await heldNameIn(home);
    await fs.symlink(name, join(home, 'link'));
    expect(await namesOf(files, '/')).toEqual([]);
    for (const asked of [`/${name}`, '/link']) {
      expect(await faultOf(files.stat(path(asked)))).toBe('NoSuchFile');
      expect(await faultOf(files.openRead(path(asked)))).toBe('NoSuchFile');
      expect(await faultOf(files.setMode(path(asked), 0o777))).toBe('NoSuchFile');
    }
    expect(await faultOf(files.removeFile(path(`/${name}`)))).toBe('NoSuchFile');
    expect(await faultOf(files.rename(path(`/${name}`), path('/mine'), 'replace'))).toBe('NoSuchFile');
    expect(await faultOf(files.stage(path(`/${name}`), { from: 'append', existing: 'replace' }))).toBe('BadName');
    expect(await files.resumableBytes(path('/file'))).toBeUndefined();
    expect(await faultOf(files.stage(path('/file'), { from: 'restart', offsetBytes: 3, existing: 'replace' }))).toBe(
      'RestartInvalid',
    );
    expect(await modeOf(join(home, name))).toBe(0o600);
    await publish(files, '/file');
    expect(await fs.readdir(home)).toEqual(['file', 'link']);
  });

  test('nor does the next upload of that name, or what clears up after one, touch it', async () => {
    const { files, home } = await makeFiles();
    await hold(files, '/file', 'held');
    expect(await cutOff(files, '/file', 'partial')).toBe(7);
    await upload(files, '/file', 'another');
    const name = await heldNameIn(home);
    expect(await fs.readFile(join(home, name), 'utf8')).toBe('held');
  });
});

describe('what is held', () => {
  test('makes the older unfinished upload of that name obsolete, at once', async () => {
    const { files, home } = await makeFiles();
    await cutOff(files, '/file', 'partial');
    await hold(files, '/file', 'whole');
    expect(await files.resumableBytes(path('/file'))).toBeUndefined();
    expect(await heldNameIn(home)).toMatch(/\.held$/);
  });

  test('is where it says, with all bytes, and can be read by several at once', async () => {
    const { files } = await makeFiles();
    const content = 'h'.repeat(2_500_000);
    await hold(files, '/file', content);
    const file = await held(files, '/file');
    expect(file.sizeBytes).toBe(content.length);
    expect(await fs.readFile(file.onDisk ?? '', 'utf8')).toBe(content);
    const texts = await Promise.all([textOf(file.read()), textOf(file.read())]);
    expect(texts.map((text) => text === content)).toEqual([true, true]);
    await file.close();
    await file.close();
  });

  test('is kept beside another one of the same id only for another name', async () => {
    const { files } = await makeFiles();
    await hold(files, '/file', 'first');
    const staged = await begin(files, '/file', 'second');
    expect(await faultOf(staged.hold?.(ITEM) ?? Promise.resolve())).toBe('FileBusy');
    await staged.abort('remove');
    await hold(files, '/other', 'third');
    await publish(files, '/file');
    await publish(files, '/other');
    expect([await download(files, '/file'), await download(files, '/other')]).toEqual(['first', 'third']);
  });

  test('is not held where its directory has been moved since the upload began', async () => {
    const { files, home } = await makeFiles();
    await fs.mkdir(join(home, 'made'));
    const staged = await begin(files, '/made/file', 'x');
    await files.rename(path('/made'), path('/moved'), 'keep');
    expect(await faultOf(staged.hold?.(ITEM) ?? Promise.resolve())).toBe('FileBusy');
    expect(await staged.abort('keep')).toBe(1);
    expect(await files.resumableBytes(path('/moved/file'))).toBe(1);
  });

  test('has the bits that nobody else can read with, also after a commit that was refused', async () => {
    const { files, home } = await makeFiles();
    const staged = await begin(files, '/file', 'mine', { from: 'empty', existing: 'keep' });
    await upload(files, '/file', 'theirs');
    expect(await faultOf(staged.commit())).toBe('FileExists');
    await staged.hold?.(ITEM);
    expect(await modeOf(join(home, await heldNameIn(home)))).toBe(0o600);
  });

  test('is not held where a directory has taken the name', async () => {
    const { files, home } = await makeFiles();
    const staged = await begin(files, '/file', 'x');
    await fs.mkdir(join(home, 'file'));
    expect(await faultOf(staged.hold?.(ITEM) ?? Promise.resolve())).toBe('NotAFile');
    await staged.abort('remove');
    expect(await stagingOf(home)).toEqual([]);
  });

  test('is not taken from a symlink or another file that was put in its place', async () => {
    const { files, home, folder } = await makeFiles();
    await fs.writeFile(join(folder, 'outside'), 'precious');
    await hold(files, '/file', 'mine');
    const name = join(home, await heldNameIn(home));
    const file = await held(files, '/file');
    await fs.unlink(name);
    await fs.symlink(join(folder, 'outside'), name);
    expect(await faultOf(held(files, '/file'))).toBe('FileBusy');
    expect(await faultOf(file.publish(path('/file'), 'replace'))).toBe('FileBusy');
    expect(await faultOf(file.destroy())).toBe('FileBusy');
    await fs.unlink(name);
    await fs.mkdir(name);
    expect(await faultOf(held(files, '/file'))).toBe('FileBusy');
    await fs.rmdir(name);
    expect(await faultOf(file.publish(path('/file'), 'replace'))).toBe('NoSuchFile');
    expect(await faultOf(file.destroy())).toBe('success');
    await file.close();
    expect(await namesOf(files, '/')).toEqual([]);
  });
});

describe('a publication', () => {
  test('gives a new file the configured bits and a replaced one its own, without set-id', async () => {
    const { files, home } = await makeFiles(nodeIo, 0o664);
    await hold(files, '/file', 'x');
    await publish(files, '/file', 'keep');
    expect(await modeOf(join(home, 'file'))).toBe(0o664);
    await fs.chmod(join(home, 'file'), 0o6711);
    await hold(files, '/file', 'y');
    await publish(files, '/file');
    expect(await modeOf(join(home, 'file'))).toBe(0o711);
  });

  test('that is refused leaves the bits that nobody else can read with', async () => {
    const { files, home } = await makeFiles();
    await hold(files, '/file', 'mine');
    await upload(files, '/file', 'theirs');
    expect(await faultOf(publish(files, '/file', 'keep'))).toBe('FileExists');
    expect(await modeOf(join(home, await heldNameIn(home)))).toBe(0o600);
    await publish(files, '/file', 'keep', '/file.2');
    expect([await download(files, '/file'), await download(files, '/file.2')]).toEqual(['theirs', 'mine']);
    expect((await files.stat(path('/file.2'))).linkCount).toBe(1);
  });

  test('is refused over a directory, and over a link to one', async () => {
    const { files, home } = await makeFiles();
    await hold(files, '/file', 'mine');
    await fs.mkdir(join(home, 'file'));
    await fs.symlink('file', join(home, 'link'));
    for (const name of ['/file', '/link'])
      expect(await faultOf(publish(files, '/file', 'replace', name))).toBe('NotAFile');
    await publish(files, '/file', 'keep', '/other');
    expect(await download(files, '/other')).toBe('mine');
  });

  test('replaces a link to a file itself', async () => {
    const { files, home } = await makeFiles();
    await upload(files, '/real', 'old');
    await fs.symlink('real', join(home, 'link'));
    await hold(files, '/link', 'new');
    expect(await faultOf(publish(files, '/link', 'keep'))).toBe('FileExists');
    await publish(files, '/link');
    expect([await download(files, '/real'), await download(files, '/link')]).toEqual(['old', 'new']);
  });

  test('is refused where the directory has been moved out of the home', async () => {
    const { files, home, folder } = await makeFiles();
    await fs.mkdir(join(home, 'made'));
    await hold(files, '/made/file', 'x');
    const file = await held(files, '/made/file');
    await fs.rename(join(home, 'made'), join(folder, 'outside'));
    expect(await faultOf(file.publish(path('/made/file'), 'replace'))).toBe('PermissionDenied');
    await file.close();
  });

  test('that is asked for again is done', async () => {
    const { files } = await makeFiles();
    await hold(files, '/file', 'x');
    const file = await held(files, '/file');
    for (const existing of ['replace', 'keep', 'replace'] as const) await file.publish(path('/file'), existing);
    await file.close();
    expect(await download(files, '/file')).toBe('x');
  });
});

describe('a directory in which something is held', () => {
  test.each([
    ['linux', linuxJail],
    ['portable', portableJail],
  ])('is neither removed nor moved, nor is a link to it, nor a directory above (%s)', async (_, jail) => {
    const { home } = await makeDisk();
    const storage = createLocalStorage({ jail });
    const files = storage.filesFor({ root: home, owner: 'alice' });
    const others = storage.filesFor({ root: home, owner: 'bob' });
    await fs.mkdir(join(home, 'top/dir'), { recursive: true });
    await fs.mkdir(join(home, 'beside'));
    await fs.symlink('top/dir', join(home, 'link'));
    await hold(files, '/link/file', 'x');
    expect(await faultOf(others.removeDirectory(path('/top/dir')))).toBe('FileBusy');
    for (const name of ['/top', '/top/dir']) {
      expect(await faultOf(others.removeTree?.(path(name), 100) ?? Promise.resolve())).toBe('FileBusy');
    }
    for (const name of ['/top', '/top/dir', '/link']) {
      expect(await faultOf(others.rename(path(name), path('/moved'), 'replace'))).toBe('FileBusy');
    }
    expect(await faultOf(others.removeFile(path('/link')))).toBe('FileBusy');
    await others.rename(path('/beside'), path('/aside'), 'keep');
    await publish(files, '/link/file');
    await others.removeFile(path('/link'));
    await others.rename(path('/top'), path('/moved'), 'keep');
    expect(await download(others, '/moved/dir/file')).toBe('x');
  });

  test('is said to hold something visible first', async () => {
    const { files, home } = await makeFiles();
    await fs.mkdir(join(home, 'dir'));
    await hold(files, '/dir/file', 'x');
    await upload(files, '/dir/seen', 'y');
    expect(await faultOf(files.removeDirectory(path('/dir')))).toBe('DirectoryNotEmpty');
  });

  test('is not moved even for a moment', async () => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
    await fs.mkdir(join(home, 'dir'));
    await hold(files, '/dir/file', 'x');
    disk.arm('', 0, '');
    expect(await faultOf(files.rename(path('/dir'), path('/moved'), 'keep'))).toBe('FileBusy');
    expect(disk.counts.get('rename')).toBeUndefined();
  });

  test('stays when something was held there while the tree was being removed', async () => {
    const { home } = await makeDisk();
    const name = `.sallyport-${'0'.repeat(24)}-${ITEM}.held`;
    let looks = 0;
    const io: StorageIo = {
      ...nodeIo,
      async opendir(directory, options) {
        looks += 1;
        // Both directories have been looked at.
        if (looks === 3) await fs.writeFile(join(home, 'top/dir', name), 'held');
        return nodeIo.opendir(directory, options);
      },
    };
    const files = localFiles({ root: home, owner: 'alice' }, { io });
    await fs.mkdir(join(home, 'top/dir'), { recursive: true });
    await fs.writeFile(join(home, 'top/dir/seen'), 'x');
    expect(await faultOf(files.removeTree?.(path('/top'), 100) ?? Promise.resolve())).toBe('FileBusy');
    expect(await fs.readdir(join(home, 'top/dir'))).toEqual([name]);
  });

  test('moves back when something was held while it was being moved', async () => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const storage = createLocalStorage();
    const files = storage.filesFor({ root: home, owner: 'alice' });
    await fs.mkdir(join(home, 'dir'));
    const staged = await begin(files, '/dir/file', 'x');
    const io: StorageIo = {
      ...disk.io,
      async rename(from, to) {
        if (await fs.stat(join(home, 'dir')).catch(() => undefined)) await staged.hold?.(ITEM).catch(() => undefined);
        await disk.io.rename(from, to);
      },
    };
    const mover = localFiles({ root: home, owner: 'alice' }, { io });
    expect(await faultOf(mover.rename(path('/dir'), path('/moved'), 'keep'))).toBe('FileBusy');
    expect(await fs.readdir(home)).toEqual(['dir']);
    await publish(files, '/dir/file');
  });

  test('that cannot be looked into stays where it is', async (context) => {
    const { home } = await makeDisk();
    const io: StorageIo = {
      ...nodeIo,
      async opendir(name, options) {
        const real = await fs.realpath(name.toString());
        if (real.endsWith('/shut')) throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
        return nodeIo.opendir(name, options);
      },
    };
    const files = localFiles({ root: home, owner: 'alice' }, { io });
    await fs.mkdir(join(home, 'top/shut'), { recursive: true });
    expect(await faultOf(files.rename(path('/top'), path('/moved'), 'keep'))).toBe('PermissionDenied');
    expect(await fs.readdir(home), context.task.name).toEqual(['top']);
  });
});
