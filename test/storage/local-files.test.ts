/** Directories, removing, renaming, facts, reading and listing on the local disk. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { PIECE_BYTES } from '../../src/lib/pieces.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { nodeIo, type StorageIo } from '../../src/storage/io.ts';
import { createLocalStorage, localFiles, localStorageOptions } from '../../src/storage/local.ts';
import {
  begin,
  cutOff,
  download,
  entriesOf,
  faultOf,
  makeDisk,
  namesOf,
  openHandles,
  path,
  stagingOf,
  textOf,
  upload,
} from './support.ts';

async function makeFiles(): Promise<{ home: string; files: FileSystem; clock: FakeClock }> {
  const { home } = await makeDisk();
  const clock = new FakeClock();
  return { home, clock, files: localFiles({ root: home, owner: 'alice' }, { clock }) };
}

describe('directories', () => {
  test('are not made over what exists, nor in what does not', async () => {
    const { files } = await makeFiles();
    await upload(files, '/file', 'x');
    expect(await faultOf(files.makeDirectory(path('/file')))).toBe('FileExists');
    expect(await faultOf(files.makeDirectory(path('/missing/made')))).toBe('NoSuchFile');
    expect(await faultOf(files.makeDirectory(path('/file/made')))).toBe('NotADirectory');
    expect(await faultOf(files.makeDirectory(path(`/${'n'.repeat(255)}`)))).toBe('success');
  });

  test('have the configured bits whatever the umask is', async () => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice', directoryMode: 0o777 });
    await files.makeDirectory(path('/made'));
    expect((await files.stat(path('/made'))).mode).toBe(0o777);
  });

  test('are entered only where there is one', async () => {
    const { files } = await makeFiles();
    await upload(files, '/file', 'x');
    expect(await faultOf(files.enter(path('/file')))).toBe('NotADirectory');
    expect(await faultOf(files.enter(path('/missing')))).toBe('NoSuchFile');
    await files.enter(ROOT);
  });

  test('are not removed while something is in them that clients see', async () => {
    const { files } = await makeFiles();
    await files.makeDirectory(path('/made'));
    await upload(files, '/made/file', 'x');
    await cutOff(files, '/made/other', 'partial');
    expect(await faultOf(files.removeDirectory(path('/made')))).toBe('DirectoryNotEmpty');
    expect(await files.resumableBytes(path('/made/other'))).toBe(7);
    expect(await faultOf(files.removeDirectory(path('/made/file')))).toBe('NotADirectory');
    expect(await faultOf(files.removeDirectory(path('/missing')))).toBe('NoSuchFile');
  });

  test('are not removed under a running upload, whoever it belongs to', async () => {
    const { home } = await makeDisk();
    const storage = createLocalStorage();
    const alice = storage.filesFor({ root: home, owner: 'alice' });
    // Bob's home lies within Alice's.
    await alice.makeDirectory(path('/made'));
    const bob = storage.filesFor({ root: join(home, 'made'), owner: 'bob' });
    const staged = await begin(bob, '/file', 'x');
    expect(await faultOf(alice.removeDirectory(path('/made')))).toBe('FileBusy');
    await staged.abort('keep');
    await alice.removeDirectory(path('/made'));
    expect(await fs.readdir(home)).toEqual([]);
  });

  test('are removed with the partials that nobody can see in them, but with nothing that is not ours', async () => {
    const { home, files } = await makeFiles();
    await files.makeDirectory(path('/made'));
    await cutOff(files, '/made/file', 'partial');
    await fs.writeFile(join(home, 'made/.sallyport-notes'), 'an operator wrote this');
    expect(await faultOf(files.removeDirectory(path('/made')))).toBe('DirectoryNotEmpty');
    expect(await stagingOf(join(home, 'made'))).toHaveLength(2);
    await fs.unlink(join(home, 'made/.sallyport-notes'));
    await files.removeDirectory(path('/made'));
    expect(await fs.readdir(home)).toEqual([]);
  });
});

describe('removing a file', () => {
  test('is refused for directories and for what is not there', async () => {
    const { files } = await makeFiles();
    await files.makeDirectory(path('/made'));
    expect(await faultOf(files.removeFile(path('/made')))).toBe('NotAFile');
    expect(await faultOf(files.removeFile(path('/missing')))).toBe('NoSuchFile');
    await upload(files, '/file', 'x');
    await files.removeFile(path('/file'));
    expect(await namesOf(files, '/')).toEqual(['made']);
  });
});

describe('renaming', () => {
  const refusals: readonly (readonly [from: string, to: string, existing: 'replace' | 'keep', kind: string])[] = [
    ['/missing', '/new', 'replace', 'NoSuchFile'],
    ['/missing', '/new', 'keep', 'NoSuchFile'],
    ['/file', '/missing/new', 'replace', 'NoSuchFile'],
    ['/file', '/other/new', 'replace', 'NotADirectory'],
    ['/file', '/other', 'keep', 'FileExists'],
    ['/file', '/empty', 'replace', 'FileExists'],
    ['/file', '/empty', 'keep', 'FileExists'],
    ['/full', '/empty', 'replace', 'FileExists'],
    ['/full', '/file', 'replace', 'FileExists'],
    ['/full', '/full/below', 'replace', 'BadName'],
    ['/full', '/full/empty/deeper', 'keep', 'BadName'],
    ['/full/file', '/full', 'replace', 'FileExists'],
    ['/file', '/directory-link', 'replace', 'FileExists'],
  ];

  test.each(refusals)('%s to %s (%s) is %s, and nothing has changed', async (from, to, existing, kind) => {
    const { home, files } = await makeFiles();
    await upload(files, '/file', 'file');
    await upload(files, '/other', 'other');
    await files.makeDirectory(path('/empty'));
    await files.makeDirectory(path('/full'));
    await files.makeDirectory(path('/full/empty'));
    await upload(files, '/full/file', 'x');
    await fs.symlink('empty', join(home, 'directory-link'));
    const before = (await fs.readdir(home, { recursive: true })).sort();
    expect(await faultOf(files.rename(path(from), path(to), existing))).toBe(kind);
    expect((await fs.readdir(home, { recursive: true })).sort()).toEqual(before);
    expect(await download(files, '/other')).toBe('other');
  });

  test('moves files and directories, and replaces a file when it may', async () => {
    const { files } = await makeFiles();
    await upload(files, '/a', 'a');
    await upload(files, '/b', 'b');
    await files.rename(path('/a'), path('/b'), 'replace');
    await files.makeDirectory(path('/made'));
    await files.rename(path('/b'), path('/made/c'), 'keep');
    await files.rename(path('/made'), path('/moved'), 'keep');
    expect(await namesOf(files, '/')).toEqual(['moved']);
    expect(await download(files, '/moved/c')).toBe('a');
    expect((await files.stat(path('/moved/c'))).linkCount).toBe(1);
    await files.rename(path('/moved/c'), path('/moved/c'), 'replace');
    expect(await download(files, '/moved/c')).toBe('a');
  });

  test('a directory takes a running upload with it', async () => {
    const { files } = await makeFiles();
    await files.makeDirectory(path('/made'));
    const staged = await begin(files, '/made/file', 'arriving');
    await files.rename(path('/made'), path('/moved'), 'keep');
    await staged.commit();
    expect(await download(files, '/moved/file')).toBe('arriving');
  });
});

describe('facts', () => {
  test('are what the disk says, in our units', async () => {
    const { files, clock } = await makeFiles();
    await upload(files, '/file', 'four');
    await files.setMode(path('/file'), 0o604);
    await files.setModified(path('/file'), 981_173_106_789);
    const facts = await files.stat(path('/file'));
    expect(facts).toMatchObject({ kind: 'file', sizeBytes: 4, modifiedMs: 981_173_106_789, mode: 0o604, linkCount: 1 });
    expect((await files.stat(ROOT)).unique).not.toBe(facts.unique);
    await files.rename(path('/file'), path('/renamed'), 'keep');
    expect((await files.stat(path('/renamed'))).unique).toBe(facts.unique);
    expect(clock.now()).toBeGreaterThan(0);
  });

  test.each([
    [0n, undefined],
    [-1n, undefined],
    [undefined, undefined],
    [981_173_106_789n, 981_173_106_789],
  ])('a birth time of %s on the disk is a creation at %s', async (birthtimeMs, createdMs) => {
    const { home } = await makeDisk();
    await fs.writeFile(join(home, 'file'), '');
    const lstat = new Proxy(nodeIo.lstat, {
      apply: async (target, self, args) => Object.assign(await Reflect.apply(target, self, args), { birthtimeMs }),
    });
    const [entry] = await entriesOf(localFiles({ root: home, owner: 'alice' }, { io: { ...nodeIo, lstat } }), '/');
    expect(entry?.createdMs).toBe(createdMs);
  });

  test('a file that the process may not read has facts all the same', async () => {
    const { home, files } = await makeFiles();
    await fs.writeFile(join(home, 'file'), 'four', { mode: 0o000 });
    expect((await files.stat(path('/file'))).sizeBytes).toBe(4);
  });

  test('free bytes are told for a file to come', async () => {
    const { files } = await makeFiles();
    expect(await files.freeBytes(path('/to/come'))).toBeGreaterThan(0);
  });
});

describe('reading', () => {
  test('gives the bytes from the offset to the end as it was when opened, in pieces of the reader', async () => {
    const { home, files } = await makeFiles();
    const content = Buffer.alloc(2_500_000, 'abcdefghijklm');
    await fs.writeFile(join(home, 'file'), content);
    const opened = await files.openRead(path('/file'));
    await fs.appendFile(join(home, 'file'), 'later');
    const pieces: Buffer[] = [];
    for await (const piece of opened.read(7)) pieces.push(piece);
    expect(pieces.length).toBe(Math.ceil((content.length - 7) / PIECE_BYTES));
    expect(Buffer.concat(pieces).equals(content.subarray(7))).toBe(true);
    expect(new Set(pieces.map((piece) => piece.buffer)).size).toBe(pieces.length);
    expect(await textOf(opened.read(content.length))).toBe('');
    await opened.close();
  });

  test('fails when the file shrinks under the reader', async () => {
    const { home, files } = await makeFiles();
    await fs.writeFile(join(home, 'file'), Buffer.alloc(3_000_000));
    const opened = await files.openRead(path('/file'));
    await fs.truncate(join(home, 'file'), 2_000_000);
    expect(await faultOf(textOf(opened.read(0)))).toBe('Local');
    await opened.close();
  });

  test('can be given up in the middle', async () => {
    const { home, files } = await makeFiles();
    await fs.writeFile(join(home, 'file'), Buffer.alloc(5_000_000));
    const opened = await files.openRead(path('/file'));
    for await (const piece of opened.read(0)) {
      expect(piece.length).toBe(PIECE_BYTES);
      break;
    }
    await opened.close();
    expect(await openHandles(home)).toEqual([]);
  });

  test('a read ahead that fails while the consumer is busy is told when it asks for more', async () => {
    const { home } = await makeDisk();
    let reads = 0;
    const io: StorageIo = {
      ...nodeIo,
      async open(...args) {
        const handle = await nodeIo.open(...args);
        const readv = handle.readv.bind(handle);
        Object.assign(handle, {
          readv: (...readArgs: Parameters<typeof readv>) =>
            ++reads === 2 ? Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' })) : readv(...readArgs),
        });
        return handle;
      },
    };
    const files = localFiles({ root: home, owner: 'alice' }, { io });
    await fs.writeFile(join(home, 'file'), Buffer.alloc(3_000_000));
    const opened = await files.openRead(path('/file'));
    const pieces = opened.read(0)[Symbol.asyncIterator]();
    expect((await pieces.next()).done).toBe(false);
    // Long enough for an unhandled rejection to be noticed, were there one.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await faultOf(pieces.next())).toBe('Local');
    await opened.close();
  });
});

describe('listing', () => {
  test('is refused for what is no directory', async () => {
    const { files } = await makeFiles();
    await upload(files, '/file', 'x');
    expect(await faultOf(namesOf(files, '/file'))).toBe('NotADirectory');
    expect(await faultOf(namesOf(files, '/missing'))).toBe('NoSuchFile');
  });

  test('leaves out names that no command could name', async () => {
    const { home, files } = await makeFiles();
    for (const name of ['line\nbreak', 'carriage\rreturn', 'häuser', 'with space', '.hidden']) {
      await fs.writeFile(join(home, name), '');
    }
    await fs.writeFile(Buffer.concat([Buffer.from(`${home}/latin`), Buffer.from([0xe4])]), '');
    expect(await namesOf(files, '/')).toEqual(['.hidden', 'häuser', 'with space']);
  });

  test('has the same names when only these are wanted, and asks for no facts but of what may be left out', async () => {
    const { home, folder } = await makeDisk();
    const asked: string[] = [];
    const io: StorageIo = {
      ...nodeIo,
      lstat: new Proxy(nodeIo.lstat, {
        apply(target, self, args) {
          asked.push(String(args[0]).split('/').pop() ?? '');
          return Reflect.apply(target, self, args);
        },
      }),
    };
    const files = localFiles({ root: home, owner: 'alice' }, { io });
    await fs.writeFile(join(folder, 'secret'), 'outside');
    await fs.mkdir(join(home, 'directory'));
    for (const name of ['file', 'line\nbreak', '.sallyport-1', 'really-\ufffd'])
      await fs.writeFile(join(home, name), '');
    await fs.writeFile(Buffer.concat([Buffer.from(`${home}/latin`), Buffer.from([0xe4])]), '');
    await fs.symlink('file', join(home, 'inside'));
    await fs.symlink('../secret', join(home, 'outside'));
    await fs.symlink('nowhere', join(home, 'dangling'));
    const names: string[] = [];
    for await (const batch of await files.list(ROOT, 'names')) names.push(...batch.map(({ name }) => name));
    expect(asked.sort()).toEqual(['dangling', 'inside', 'latin\ufffd', 'outside', 'really-\ufffd']);
    expect(names.sort()).toEqual(await namesOf(files, '/'));
    expect(names).toEqual(['directory', 'file', 'inside', 'really-\ufffd']);
  });

  test('leaves out what vanishes meanwhile', async () => {
    const { home } = await makeDisk();
    for (const name of ['a', 'b', 'c']) await fs.writeFile(join(home, name), '');
    const io: StorageIo = {
      ...nodeIo,
      lstat: new Proxy(nodeIo.lstat, {
        async apply(target, self, args) {
          if (String(args[0]).endsWith('/b')) await fs.unlink(join(home, 'b'));
          return Reflect.apply(target, self, args);
        },
      }),
    };
    expect(await namesOf(localFiles({ root: home, owner: 'alice' }, { io }), '/')).toEqual(['a', 'c']);
  });

  test('20,000 entries come in small batches, and the reader may leave after the first', async () => {
    const { home, files } = await makeFiles();
    for (let start = 0; start < 20_000; start += 500) {
      const names = Array.from({ length: 500 }, (_, index) => join(home, `file-${start + index}`));
      await Promise.all(names.map((name) => fs.writeFile(name, '')));
    }
    const seen = new Set<string>();
    let largest = 0;
    for await (const batch of await files.list(ROOT)) {
      largest = Math.max(largest, batch.length);
      for (const entry of batch) seen.add(entry.name);
    }
    expect(seen.size).toBe(20_000);
    expect(largest).toBeLessThanOrEqual(128);

    for await (const batch of await files.list(ROOT)) {
      expect(batch.length).toBe(128);
      break;
    }
    expect(await openHandles(home)).toEqual([]);
  });
});

test('the time of change tells of a file that was written in place and has its old time of modification', async () => {
  const { home, files } = await makeFiles();
  const file = join(home, 'a');
  await fs.writeFile(file, 'one');
  await files.setModified(path('/a'), 1_000_000_000_000);
  const before = await files.stat(path('/a'));
  await expect
    .poll(async () => {
      await fs.writeFile(file, 'two');
      await files.setModified(path('/a'), before.modifiedMs);
      return (await files.stat(path('/a'))).changedMs ?? 0;
    })
    .toBeGreaterThan(before.changedMs ?? Number.POSITIVE_INFINITY);
  expect((await files.stat(path('/a'))).modifiedMs).toBe(before.modifiedMs);
});

test('options that would lock the gateway out of its own files are refused, and unknown ones too', () => {
  expect(localStorageOptions.safeParse({ fileMode: 0o440 }).success).toBe(false);
  expect(localStorageOptions.safeParse({ directoryMode: 0o600 }).success).toBe(false);
  expect(localStorageOptions.safeParse({ filemode: 0o640 }).success).toBe(false);
  expect(localStorageOptions.parse({})).toEqual({ fileMode: 0o640, directoryMode: 0o750, sync: true });
});
