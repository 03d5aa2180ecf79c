/** Uploads are whole or not there; what did not arrive whole can be gone on with by the same account. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AssertionFailed } from '../../src/lib/assert.ts';
import type { FileSystem, StageRequest } from '../../src/spi/file-system.ts';
import { nodeIo, type StorageIo } from '../../src/storage/io.ts';
import { createLocalStorage, localFiles } from '../../src/storage/local.ts';
import {
  APPEND,
  begin,
  cutOff,
  download,
  EMPTY,
  FailingDisk,
  faultOf,
  makeDisk,
  namesOf,
  path,
  restart,
  stagingOf,
  textOf,
  upload,
} from './support.ts';

async function makeFiles(): Promise<{ home: string; files: FileSystem }> {
  const { home } = await makeDisk();
  return { home, files: localFiles({ root: home, owner: 'alice' }) };
}

/** What an upload begins with, by what is there: published content, the account's partial. `-` is nothing. */
const beginnings: readonly (readonly [StageRequest, published: string, partial: string, begins: string])[] = [
  [EMPTY, '-', '-', ''],
  [EMPTY, 'published', '-', ''],
  [EMPTY, '-', 'partial', ''],
  [APPEND, '-', '-', ''],
  [APPEND, 'published', '-', 'published'],
  [APPEND, 'published', 'partial', 'published'],
  [APPEND, '-', 'partial', 'partial'],
  [APPEND, '', 'partial', ''],
  [restart(0), '-', '-', ''],
  [restart(0), 'published', 'partial', ''],
  [restart(1), '-', '-', 'RestartInvalid'],
  [restart(7), '-', 'partial', 'partial'],
  [restart(7), 'published', 'partial', 'partial'],
  [restart(4), '-', 'partial', 'part'],
  [restart(4), 'published', 'partial', 'part'],
  [restart(9), 'published', 'partial', 'published'],
  [restart(5), 'pub', 'partial', 'parti'],
  [restart(10), 'published', 'partial', 'RestartInvalid'],
  [restart(9), 'published', '-', 'published'],
  [restart(8), '-', 'partial', 'RestartInvalid'],
];

describe('what an upload begins with', () => {
  test.each(beginnings)('%j over published "%s" with partial "%s" begins with "%s"', async (...row) => {
    const [request, published, partial, begins] = row;
    const { home, files } = await makeFiles();
    if (partial !== '-') expect(await cutOff(files, '/file', partial)).toBe(partial.length);
    // Placed by hand, since a commit would remove the partial.
    if (published !== '-') await fs.writeFile(join(home, 'file'), published);

    if (begins === 'RestartInvalid') {
      expect(await faultOf(files.stage(path('/file'), request))).toBe('RestartInvalid');
      expect(await files.resumableBytes(path('/file'))).toBe(partial === '-' ? undefined : partial.length);
      return;
    }
    const staged = await files.stage(path('/file'), request);
    expect(staged.startBytes).toBe(begins.length);
    expect(await textOf(staged.prefix())).toBe(begins);
    await staged.write([Buffer.from('+'), Buffer.alloc(0), Buffer.from('more')]);
    if (published === '-') expect(await namesOf(files, '/')).toEqual([]);
    else expect(await download(files, '/file')).toBe(published);
    await staged.commit();
    expect(await download(files, '/file')).toBe(`${begins}+more`);
    expect(await stagingOf(home)).toEqual([]);
  });

  test('a prefix of several pieces is the same bytes', async () => {
    const { files } = await makeFiles();
    const content = ['x', 'y']
      .map((letter) => letter.repeat(1_048_576))
      .join('')
      .concat('z');
    await upload(files, '/file', content);
    for (const startBytes of [content.length - 1, content.length]) {
      const staged = await files.stage(path('/file'), restart(startBytes));
      expect((await textOf(staged.prefix())) === content.slice(0, startBytes)).toBe(true);
      await staged.abort('remove');
    }
  });
});

describe('a file that exists and must be kept', () => {
  const keep = [{ from: 'empty' }, { from: 'append' }, { from: 'restart', offsetBytes: 2 }] as const;

  test.each(keep)('is refused before a byte is taken: %j', async (from) => {
    const { home, files } = await makeFiles();
    await upload(files, '/file', 'old');
    expect(await faultOf(files.stage(path('/file'), { ...from, existing: 'keep' }))).toBe('FileExists');
    expect(await stagingOf(home)).toEqual([]);
  });

  test('is refused at the end when the name was taken meanwhile, and the write is still open', async () => {
    const { home, files } = await makeFiles();
    const staged = await begin(files, '/file', 'mine', { from: 'empty', existing: 'keep' });
    await fs.writeFile(join(home, 'file'), 'theirs');
    expect(await faultOf(staged.commit())).toBe('FileExists');
    expect(await download(files, '/file')).toBe('theirs');
    await fs.unlink(join(home, 'file'));
    await staged.commit();
    expect(await download(files, '/file')).toBe('mine');
    expect(await stagingOf(home)).toEqual([]);
    expect((await files.stat(path('/file'))).linkCount).toBe(1);
  });
});

describe('a commit', () => {
  test('is refused when a directory has taken the name, and what arrived can be kept', async () => {
    const { home, files } = await makeFiles();
    const staged = await begin(files, '/file', 'mine');
    await fs.mkdir(join(home, 'file'));
    expect(await faultOf(staged.commit())).toBe('NotAFile');
    expect(await staged.abort('keep')).toBe(4);
    await fs.rmdir(join(home, 'file'));
    expect(await files.resumableBytes(path('/file'))).toBe(4);
  });

  test('ends the write: another commit or write is our mistake, an abort does nothing', async () => {
    const { files } = await makeFiles();
    const staged = await begin(files, '/file', 'mine');
    await staged.commit();
    await expect(staged.commit()).rejects.toThrow(AssertionFailed);
    await expect(staged.write([Buffer.from('x')])).rejects.toThrow(AssertionFailed);
    expect(await staged.abort('remove')).toBe(0);
    expect(await download(files, '/file')).toBe('mine');
  });

  test('gives a new file the configured bits and a replaced one its own, without set-id', async () => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice', fileMode: 0o664 });
    await upload(files, '/new', 'x');
    expect((await files.stat(path('/new'))).mode).toBe(0o664);
    await fs.chmod(join(home, 'new'), 0o6711);
    const staged = await begin(files, '/new', 'y', APPEND);
    const [name = ''] = await stagingOf(home);
    expect((await fs.stat(join(home, name))).mode & 0o777).toBe(0o600);
    await staged.commit();
    expect((await files.stat(path('/new'))).mode).toBe(0o711);
  });

  test('leaves a file that is being read as it was to the reader', async () => {
    const { files } = await makeFiles();
    await upload(files, '/file', 'old content');
    const opened = await files.openRead(path('/file'));
    await upload(files, '/file', 'new');
    expect(await textOf(opened.read(4))).toBe('content');
    await opened.close();
  });

  test('waits for the disk before publishing and for the directory after, and with `sync` off for neither', async () => {
    for (const sync of [true, false]) {
      const { home } = await makeDisk();
      const order: string[] = [];
      const disk = new FailingDisk();
      const io: StorageIo = {
        ...disk.io,
        rename: async (from, to) => {
          order.push(`rename after ${disk.counts.get('handle.sync') ?? 0} syncs`);
          await disk.io.rename(from, to);
        },
      };
      await upload(localFiles({ root: home, owner: 'alice', sync }, { io }), '/file', 'x');
      expect(order).toEqual([`rename after ${sync ? 1 : 0} syncs`]);
      expect(disk.counts.get('handle.sync') ?? 0).toBe(sync ? 2 : 0);
    }
  });
});

describe('an abort', () => {
  test('with `remove` leaves nothing, also of what it went on with', async () => {
    const { home, files } = await makeFiles();
    await cutOff(files, '/file', 'partial');
    const staged = await begin(files, '/file', '+', restart(7));
    expect(await staged.abort('remove')).toBe(0);
    expect(await staged.abort('keep')).toBe(0);
    expect(await stagingOf(home)).toEqual([]);
  });

  test('with `keep` keeps nothing when nothing has arrived', async () => {
    const { home, files } = await makeFiles();
    expect(await cutOff(files, '/file', '')).toBe(0);
    await upload(files, '/file', 'published');
    expect(await cutOff(files, '/file', '', APPEND)).toBe(0);
    expect(await stagingOf(home)).toEqual([]);
  });

  test('with `keep` gives a resumed partial back although nothing was added', async () => {
    const { files } = await makeFiles();
    await cutOff(files, '/file', 'partial');
    expect(await cutOff(files, '/file', '', restart(7))).toBe(7);
    expect(await files.resumableBytes(path('/file'))).toBe(7);
  });

  test('waits for the write before it', async () => {
    const { files } = await makeFiles();
    const staged = await files.stage(path('/file'), EMPTY);
    const writing = staged.write([Buffer.alloc(8_388_608)]);
    expect(await staged.abort('keep')).toBe(8_388_608);
    await writing;
  });

  test('of a failed commit keeps a partial that can be written, whatever bits the target has', async () => {
    const { home, files } = await makeFiles();
    await upload(files, '/file', 'old');
    await fs.chmod(join(home, 'file'), 0o440);
    const disk = new FailingDisk();
    const failing = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
    const staged = await begin(failing, '/file', 'new');
    disk.arm('rename', 1, 'EIO');
    expect(await faultOf(staged.commit())).toBe('Local');
    expect(await staged.abort('keep')).toBe(3);
    const [name = ''] = await stagingOf(home);
    expect((await fs.stat(join(home, name))).mode & 0o777).toBe(0o600);
  });

  test('after a sync that failed keeps nothing, and no commit is believed any more', async () => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
    const staged = await begin(files, '/file', 'lost');
    disk.arm('handle.sync', 1, 'EIO');
    expect(await faultOf(staged.commit())).toBe('Local');
    expect(await faultOf(staged.commit())).toBe('Local');
    expect(await staged.abort('keep')).toBe(0);
    expect(await fs.readdir(home)).toEqual([]);
  });
});

describe('a partial', () => {
  test('can be gone on with as often as it takes', async () => {
    const { home, files } = await makeFiles();
    let arrived = 0;
    for (const piece of ['one ', 'two ', 'three ']) {
      const request = arrived === 0 ? EMPTY : restart(arrived);
      arrived = await cutOff(files, '/file', piece, request);
      expect(await files.resumableBytes(path('/file'))).toBe(arrived);
      expect(await namesOf(files, '/')).toEqual([]);
    }
    await upload(files, '/file', 'done', restart(arrived));
    expect(await download(files, '/file')).toBe('one two three done');
    expect(await files.resumableBytes(path('/file'))).toBeUndefined();
    expect(await stagingOf(home)).toEqual([]);
  });

  test('is offered to nobody else', async () => {
    const { home } = await makeDisk();
    const storage = createLocalStorage();
    const alice = storage.filesFor({ root: home, owner: 'alice' });
    const bob = storage.filesFor({ root: home, owner: 'bob' });
    await cutOff(alice, '/file', 'of alice');
    expect(await bob.resumableBytes(path('/file'))).toBeUndefined();
    expect(await faultOf(bob.stage(path('/file'), restart(8)))).toBe('RestartInvalid');
    const staged = await bob.stage(path('/file'), APPEND);
    expect(staged.startBytes).toBe(0);
    await staged.commit();
    expect(await alice.resumableBytes(path('/file'))).toBe(8);
  });

  test('stays while a new attempt runs, gives way to it when it is cut off too, and goes when one is published', async () => {
    const { home, files } = await makeFiles();
    await cutOff(files, '/file', 'first attempt');
    expect(await cutOff(files, '/file', '')).toBe(0);
    expect(await files.resumableBytes(path('/file'))).toBe(13);
    const second = await begin(files, '/file', 'second');
    expect(await files.resumableBytes(path('/file'))).toBe(13);
    expect(await second.abort('keep')).toBe(6);
    expect(await files.resumableBytes(path('/file'))).toBe(6);
    await upload(files, '/file', 'third');
    expect(await stagingOf(home)).toEqual([]);
  });

  test('that is a link or has a second name is not gone on with', async () => {
    const { home, folder } = { ...(await makeDisk()) };
    const files = localFiles({ root: home, owner: 'alice' });
    await fs.writeFile(join(folder, 'outside'), 'precious');
    await cutOff(files, '/file', 'partial');
    const [name = ''] = await stagingOf(home);
    for (const plant of [fs.link, fs.symlink]) {
      await fs.unlink(join(home, name));
      await plant(join(folder, 'outside'), join(home, name));
      expect(await files.resumableBytes(path('/file'))).toBeUndefined();
      expect(await faultOf(files.stage(path('/file'), restart(8)))).toBe('RestartInvalid');
      const staged = await begin(files, '/file', 'mine', APPEND);
      await staged.abort('remove');
    }
    expect(await fs.readFile(join(folder, 'outside'), 'utf8')).toBe('precious');
  });

  test('is on the disk before it is called one, also with `sync` off', async () => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice', sync: false }, { io: disk.io });
    expect(await cutOff(files, '/file', 'partial')).toBe(7);
    expect(disk.counts.get('handle.datasync')).toBe(1);
  });

  test('has lost that name on the disk before it is written to, or is given back', async () => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
    await cutOff(files, '/file', 'partial');
    const before = await stagingOf(home);
    disk.arm('handle.sync', 1, 'EIO');
    expect(await faultOf(files.stage(path('/file'), restart(4)))).toBe('Local');
    expect(await stagingOf(home)).toEqual(before);
    expect(await files.resumableBytes(path('/file'))).toBe(7);
  });

  test('that was asked too much of is not in use', async () => {
    const { files } = await makeFiles();
    await files.makeDirectory(path('/made'));
    await cutOff(files, '/made/file', 'partial');
    expect(await faultOf(files.stage(path('/made/file'), restart(8)))).toBe('RestartInvalid');
    await files.removeDirectory(path('/made'));
  });

  test('of a target that lies nowhere is none', async () => {
    const { files } = await makeFiles();
    expect(await files.resumableBytes(path('/missing/file'))).toBeUndefined();
    expect(await files.resumableBytes(path('/'))).toBeUndefined();
    expect(await faultOf(files.stage(path('/missing/file'), EMPTY))).toBe('NoSuchFile');
    await upload(files, '/file', '');
    expect(await files.resumableBytes(path('/file/below'))).toBeUndefined();
    expect(await faultOf(files.stage(path('/file/below'), EMPTY))).toBe('NotADirectory');
  });
});

describe('two uploads of one name at once', () => {
  test('do not see each other, and the last to commit wins', async () => {
    const { home, files } = await makeFiles();
    const first = await begin(files, '/file', 'first');
    const second = await begin(files, '/file', 'second');
    expect(await stagingOf(home)).toHaveLength(2);
    expect(await files.resumableBytes(path('/file'))).toBeUndefined();
    await second.commit();
    expect(await download(files, '/file')).toBe('second');
    await first.commit();
    expect(await download(files, '/file')).toBe('first');
    expect(await stagingOf(home)).toEqual([]);
  });

  test('leave one partial: the second gives way while the first runs, and is kept when it is alone', async () => {
    const { home, files } = await makeFiles();
    const first = await begin(files, '/file', 'first, longer');
    const second = await begin(files, '/file', 'second');
    expect(await second.abort('keep')).toBe(0);
    const third = await begin(files, '/file', 'third');
    expect(await first.abort('keep')).toBe(13);
    expect(await files.resumableBytes(path('/file'))).toBe(13);
    expect(await third.abort('keep')).toBe(5);
    expect(await files.resumableBytes(path('/file'))).toBe(5);
    expect(await stagingOf(home)).toHaveLength(1);
  });

  test('give back a partial that one of them went on with', async () => {
    const { files } = await makeFiles();
    await cutOff(files, '/file', 'partial');
    const first = await begin(files, '/file', 'anew');
    const second = await begin(files, '/file', '+', restart(7));
    expect(await faultOf(files.stage(path('/file'), restart(7)))).toBe('RestartInvalid');
    expect(await second.abort('keep')).toBe(8);
    expect(await first.abort('remove')).toBe(0);
    expect(await files.resumableBytes(path('/file'))).toBe(8);
  });
});

describe('a write', () => {
  test('goes on when the disk takes only a part of it', async () => {
    const { home } = await makeDisk();
    let calls = 0;
    const io: StorageIo = {
      ...nodeIo,
      async open(...args) {
        const handle = await nodeIo.open(...args);
        const writev = handle.writev.bind(handle);
        // Three bytes at most, as a file system near its end may do.
        const reluctant = (buffers: readonly Buffer[], position: number) => {
          calls++;
          return writev([buffers[0]?.subarray(0, 3) ?? Buffer.alloc(0)], position);
        };
        return Object.assign(handle, { writev: reluctant });
      },
    };
    const files = localFiles({ root: home, owner: 'alice' }, { io });
    const staged = await files.stage(path('/file'), EMPTY);
    await staged.write(['ab', 'cdefgh', '', 'ijk'].map((text) => Buffer.from(text)));
    await staged.write([]);
    await staged.commit();
    expect(await download(files, '/file')).toBe('abcdefghijk');
    expect(calls).toBe(4);
  });

  test.each([
    ['ENOSPC', 'StorageFull'],
    ['EFBIG', 'QuotaExceeded'],
    ['EIO', 'Local'],
  ])('that fails with %s is %s, and what arrived before can be kept', async (code, kind) => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
    const staged = await begin(files, '/file', 'before');
    disk.arm('handle.writev', 1, code);
    expect(await faultOf(staged.write([Buffer.from('after')]))).toBe(kind);
    expect(await staged.abort('keep')).toBe(6);
  });
});
