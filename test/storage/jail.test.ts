/** Nothing that a client names, and nothing that lies in its home, leads out of it. Both jails are held to it. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AssertionFailed } from '../../src/lib/assert.ts';
import { ROOT, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { nodeIo, type StorageIo } from '../../src/storage/io.ts';
import type { JailMaker } from '../../src/storage/jail.ts';
import { linuxJail } from '../../src/storage/linux-jail.ts';
import { localFiles } from '../../src/storage/local.ts';
import { portableJail } from '../../src/storage/portable-jail.ts';
import {
  APPEND,
  begin,
  download,
  EMPTY,
  entriesOf,
  faultOf,
  makeDisk,
  namesOf,
  path,
  restart,
  stagingOf,
  upload,
} from './support.ts';

const jails: { name: string; jail: JailMaker }[] = [{ name: 'portable', jail: portableJail }];
if (process.platform === 'linux') jails.unshift({ name: 'linux', jail: linuxJail });

describe.each(jails)('$name jail', ({ name, jail }) => {
  /** A home with every kind of link in it, beside a folder that it must not reach. */
  async function makeHome() {
    const { folder, home } = await makeDisk();
    await fs.mkdir(join(folder, 'outside/deep'), { recursive: true });
    await fs.writeFile(join(folder, 'outside/secret'), 'secret');
    // A sibling whose path begins with the same letters as the home's.
    await fs.mkdir(join(folder, 'home-of-another'));
    await fs.writeFile(join(folder, 'home-of-another/secret'), 'secret');
    await fs.mkdir(join(home, 'inside'));
    await fs.writeFile(join(home, 'inside/file'), 'mine');
    await fs.symlink('../outside', join(home, 'out'));
    await fs.symlink(join(folder, 'home-of-another'), join(home, 'sibling'));
    await fs.symlink('../outside/secret', join(home, 'secret-link'));
    await fs.symlink('..', join(home, 'up'));
    await fs.symlink('nowhere', join(home, 'dangling'));
    await fs.symlink('loop', join(home, 'loop'));
    await fs.symlink(join(home, 'inside'), join(home, 'absolute'));
    await fs.symlink('inside', join(home, 'relative'));
    await fs.symlink('inside/file', join(home, 'file-link'));
    return { folder, home, files: localFiles({ root: home, owner: 'alice' }, { jail }) };
  }

  const refusals: readonly [string, (files: FileSystem, place: string) => Promise<unknown>][] = [
    ['stat', (files, place) => files.stat(path(`${place}/secret`))],
    ['stat the link', (files, place) => files.stat(path(place))],
    ['enter', (files, place) => files.enter(path(place))],
    ['list', (files, place) => namesOf(files, place)],
    ['openRead', (files, place) => files.openRead(path(`${place}/secret`))],
    ['stage', (files, place) => files.stage(path(`${place}/new`), EMPTY)],
    ['stage over', (files, place) => files.stage(path(`${place}/secret`), EMPTY)],
    ['append', (files, place) => files.stage(path(`${place}/secret`), APPEND)],
    ['restart', (files, place) => files.stage(path(`${place}/secret`), restart(3))],
    ['resumableBytes', (files, place) => files.resumableBytes(path(`${place}/secret`))],
    ['makeDirectory', (files, place) => files.makeDirectory(path(`${place}/new`))],
    ['removeDirectory', (files, place) => files.removeDirectory(path(`${place}/deep`))],
    ['removeFile', (files, place) => files.removeFile(path(`${place}/secret`))],
    ['rename from', (files, place) => files.rename(path(`${place}/secret`), path('/stolen'), 'replace')],
    ['rename to', (files, place) => files.rename(path('/inside/file'), path(`${place}/given`), 'replace')],
    ['setModified', (files, place) => files.setModified(path(`${place}/secret`), 0)],
    ['setMode', (files, place) => files.setMode(path(`${place}/secret`), 0o777)],
    ['freeBytes', (files, place) => files.freeBytes(path(`${place}/secret`))],
  ];

  test.each(refusals)('%s is refused behind a symlink that leaves, whichever way it leaves', async (_, operation) => {
    const { folder, files } = await makeHome();
    const before = (await fs.readdir(folder, { recursive: true })).sort();
    for (const place of ['/out', '/sibling', '/up/outside']) {
      expect(await faultOf(operation(files, place))).toBe('PermissionDenied');
    }
    expect((await fs.readdir(folder, { recursive: true })).sort()).toEqual(before);
    expect((await fs.stat(join(folder, 'outside/secret'))).mode & 0o777).not.toBe(0o777);
    expect(await fs.readFile(join(folder, 'outside/secret'), 'utf8')).toBe('secret');
  });

  test('a crafted path with dots in it is our mistake and goes nowhere', async () => {
    const { files } = await makeHome();
    for (const text of ['/../outside/secret', '/inside/../../outside/secret', '/inside/..', '/.']) {
      // A client cannot make one: VirtualPath has no such parts.
      const crafted = text as VirtualPath;
      for (const operation of [files.stat(crafted), files.openRead(crafted), files.removeFile(crafted)]) {
        await expect(operation).rejects.toThrow(AssertionFailed);
      }
      await expect(files.stage(crafted, EMPTY)).rejects.toThrow(AssertionFailed);
      await expect(files.makeDirectory(crafted)).rejects.toThrow(AssertionFailed);
    }
  });

  test('a link to a file outside cannot be read, and an upload replaces the link, not the file', async () => {
    const { folder, home, files } = await makeHome();
    expect(await faultOf(files.openRead(path('/secret-link')))).toBe('PermissionDenied');
    expect(await faultOf(files.stat(path('/secret-link')))).toBe('PermissionDenied');
    expect(await faultOf(files.setMode(path('/secret-link'), 0o777))).toBe('PermissionDenied');
    expect(await faultOf(files.stage(path('/secret-link'), APPEND))).toBe('PermissionDenied');
    await upload(files, '/secret-link', 'mine');
    expect(await fs.readFile(join(folder, 'outside/secret'), 'utf8')).toBe('secret');
    expect((await fs.lstat(join(home, 'secret-link'))).isFile()).toBe(true);
  });

  test('links that lead nowhere are no such file, and can be replaced', async () => {
    const { files } = await makeHome();
    expect(await faultOf(files.stat(path('/dangling')))).toBe('NoSuchFile');
    expect(await faultOf(files.stat(path('/loop')))).toBe('NoSuchFile');
    expect(await faultOf(files.stage(path('/dangling'), { from: 'empty', existing: 'keep' }))).toBe('FileExists');
    await upload(files, '/dangling', 'now something');
    expect(await download(files, '/dangling')).toBe('now something');
    expect(await namesOf(files, '/')).not.toContain('nowhere');
  });

  test('links that stay inside work, absolute and relative ones', async () => {
    const { home, files } = await makeHome();
    for (const directory of ['/absolute', '/relative']) {
      await files.enter(path(directory));
      expect(await download(files, `${directory}/file`)).toBe('mine');
      expect(await faultOf(files.stage(path(directory), EMPTY))).toBe('NotAFile');
      await upload(files, `${directory}/new`, directory);
      expect(await fs.readFile(join(home, 'inside/new'), 'utf8')).toBe(directory);
    }
    expect(await download(files, '/file-link')).toBe('mine');
    await files.setMode(path('/file-link'), 0o604);
    await files.setModified(path('/file-link'), 1_000_000_000_000);
    expect(await files.stat(path('/inside/file'))).toMatchObject({ mode: 0o604, modifiedMs: 1_000_000_000_000 });
  });

  test('a listing shows links with the facts of what they lead to, and only those that stay inside', async () => {
    const { files } = await makeHome();
    const kinds = (await entriesOf(files, '/')).map((entry) => [entry.name, entry.kind, entry.sizeBytes > 4]);
    expect(kinds).toEqual([
      ['absolute', 'directory', true],
      ['file-link', 'file', false],
      ['inside', 'directory', true],
      ['relative', 'directory', true],
    ]);
  });

  test('removing and renaming are done to the link, and what it leads to stays', async () => {
    const { home, files } = await makeHome();
    await files.removeFile(path('/file-link'));
    await files.rename(path('/relative'), path('/renamed'), 'keep');
    expect(await fs.readlink(join(home, 'renamed'))).toBe('inside');
    expect(await faultOf(files.removeDirectory(path('/renamed')))).toBe('NotADirectory');
    await files.removeFile(path('/renamed'));
    await files.removeFile(path('/secret-link'));
    expect(await download(files, '/inside/file')).toBe('mine');
  });

  test('only regular files are read, written and changed: no FIFO, no socket, no directory', async () => {
    const { home, files } = await makeHome();
    execFileSync('mkfifo', [join(home, 'fifo')]);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(home, 'socket'), resolve));
    try {
      for (const other of ['/fifo', '/socket', '/inside']) {
        expect(await faultOf(files.openRead(path(other)))).toBe('NotAFile');
        expect(await faultOf(files.stage(path(other), EMPTY))).toBe('NotAFile');
        expect(await faultOf(files.stage(path(other), APPEND))).toBe('NotAFile');
      }
      expect(await faultOf(files.setMode(path('/fifo'), 0o777))).toBe('NotAFile');
      expect(await faultOf(files.setModified(path('/socket'), 0))).toBe('NotAFile');
      await fs.symlink('fifo', join(home, 'fifo-link'));
      expect(await faultOf(files.openRead(path('/fifo-link')))).toBe('NotAFile');
      expect(await faultOf(files.stage(path('/fifo-link'), APPEND))).toBe('NotAFile');
      expect((await files.stat(path('/fifo'))).kind).toBe('other');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('the names of the gateway itself cannot be made, named or seen, nor reached through a link', async () => {
    const { home, files } = await makeHome();
    const staged = await begin(files, '/inside/upload', 'arriving');
    const [own = ''] = await stagingOf(join(home, 'inside'));
    for (const name of [`/inside/${own}`, '/.sallyport-x', '/.sallyport-x/below']) {
      expect(await faultOf(files.stat(path(name)))).toBe('NoSuchFile');
      expect(await faultOf(files.openRead(path(name)))).toBe('NoSuchFile');
      expect(await faultOf(files.enter(path(name)))).toBe('NoSuchFile');
      expect(await faultOf(namesOf(files, name))).toBe('NoSuchFile');
      expect(await faultOf(files.removeFile(path(name)))).toBe('NoSuchFile');
      expect(await faultOf(files.removeDirectory(path(name)))).toBe('NoSuchFile');
      expect(await faultOf(files.setMode(path(name), 0o600))).toBe('NoSuchFile');
      expect(await faultOf(files.rename(path(name), path('/taken'), 'replace'))).toBe('NoSuchFile');
      expect(await faultOf(files.rename(path('/inside/file'), path(name), 'replace'))).toBe('BadName');
      expect(await faultOf(files.stage(path(name), EMPTY))).toBe('BadName');
      expect(await faultOf(files.makeDirectory(path(name)))).toBe('BadName');
      expect(await files.resumableBytes(path(name))).toBeUndefined();
    }
    await fs.symlink(join('inside', own), join(home, 'door'));
    expect(await faultOf(files.openRead(path('/door')))).toBe('NoSuchFile');
    expect(await namesOf(files, '/inside')).toEqual(['file']);
    await staged.abort('remove');
  });

  test('no link leads to what has the sealed name, and that name itself does', async () => {
    const { home } = await makeHome();
    const files = localFiles({ root: home, owner: 'alice', sealedName: '.Réglage' }, { jail });
    for (const [sealed, text] of [
      ['inside/.réglage', 'rules'],
      ['box/.RÉGLAGE./deep/file', 'deep'],
    ] as const) {
      await fs.mkdir(join(home, sealed, '..'), { recursive: true });
      await fs.writeFile(join(home, sealed), text);
    }
    await fs.symlink('inside/.réglage', join(home, 'plain.txt'));
    await fs.symlink('plain.txt', join(home, 'twice.txt'));
    await fs.symlink('box/.RÉGLAGE.', join(home, 'dir'));
    await fs.symlink('box/.RÉGLAGE./deep', join(home, 'deep'));
    const doors = [
      '/plain.txt',
      '/twice.txt',
      '/dir',
      '/dir/deep/file',
      '/deep',
      '/deep/file',
      '/relative/../plain.txt',
    ];
    for (const door of doors) {
      expect(await faultOf(files.stat(path(door))), door).toBe('NoSuchFile');
      expect(await faultOf(files.openRead(path(door))), door).toBe('NoSuchFile');
      expect(await faultOf(files.setModified(path(door), 0)), door).toBe('NoSuchFile');
      expect(await faultOf(files.setMode(path(door), 0o777)), door).toBe('NoSuchFile');
      expect(await faultOf(files.makeSymlink?.(path('/new'), path(door)) ?? Promise.resolve()), door).toBe(
        'NoSuchFile',
      );
    }
    for (const door of ['/dir', '/deep']) {
      expect(await faultOf(files.enter(path(door))), door).toBe('NoSuchFile');
      expect(await faultOf(namesOf(files, door)), door).toBe('NoSuchFile');
      for (const request of [EMPTY, APPEND]) {
        expect(await faultOf(files.stage(path(`${door}/new`), request)), door).toBe('NoSuchFile');
      }
    }
    expect(await namesOf(files, '/')).toEqual(['absolute', 'box', 'file-link', 'inside', 'relative']);
    expect(await faultOf(files.stage(path('/plain.txt'), restart(2)))).toBe('RestartInvalid');
    await upload(files, '/plain.txt', 'mine', APPEND);
    expect(await download(files, '/plain.txt')).toBe('mine');

    expect(await download(files, '/inside/.réglage')).toBe('rules');
    expect(await download(files, '/relative/.réglage')).toBe('rules');
    expect(await download(files, '/box/.RÉGLAGE./deep/file')).toBe('deep');
    expect((await fs.stat(join(home, 'inside/.réglage'))).mode & 0o777).not.toBe(0o777);
    await fs.symlink('.RÉGLAGE./deep', join(home, 'box/way'));
    await files.removeTree?.(path('/box'), 100);
    expect(await fs.readdir(home)).not.toContain('box');
  });

  test('whether a name is a link is told of the name itself, wherever it leads', async () => {
    const { files } = await makeHome();
    for (const link of ['/out', '/dangling', '/loop', '/absolute', '/file-link', '/relative', '/up']) {
      expect(await files.isLink?.(path(link)), link).toBe(true);
    }
    expect(await files.isLink?.(path('/relative/file'))).toBe(false);
    expect(await faultOf(files.isLink?.(path('/out/secret')) ?? Promise.resolve())).toBe('PermissionDenied');
  });

  test('the root cannot be removed, renamed, replaced or made', async () => {
    const { files } = await makeHome();
    expect(await faultOf(files.removeDirectory(ROOT))).toBe('PermissionDenied');
    expect(await faultOf(files.rename(ROOT, path('/inside/root'), 'replace'))).toBe('PermissionDenied');
    expect(await faultOf(files.rename(path('/inside'), ROOT, 'replace'))).toBe('PermissionDenied');
    expect(await faultOf(files.removeFile(ROOT))).toBe('NotAFile');
    expect(await faultOf(files.stage(ROOT, EMPTY))).toBe('NotAFile');
    expect(await faultOf(files.makeDirectory(ROOT))).toBe('FileExists');
    expect((await files.stat(ROOT)).kind).toBe('directory');
  });

  test('a home that is itself a symlink works, also after it is pointed elsewhere', async () => {
    const { folder, home } = await makeHome();
    await fs.symlink(home, join(folder, 'current'));
    const files = localFiles({ root: join(folder, 'current'), owner: 'alice' }, { jail });
    expect(await download(files, '/inside/file')).toBe('mine');
    await fs.unlink(join(folder, 'current'));
    await fs.symlink(join(folder, 'outside'), join(folder, 'current'));
    expect(await download(files, '/secret')).toBe('secret');
  });

  test('an upload whose directory was moved out of the home is not published there', async () => {
    const { folder, home, files } = await makeHome();
    const staged = await begin(files, '/inside/late', 'late');
    await fs.rename(join(home, 'inside'), join(folder, 'moved'));
    expect(await faultOf(staged.commit())).toBe(name === 'linux' ? 'PermissionDenied' : 'NoSuchFile');
    await staged.abort('remove');
    expect(await fs.readdir(join(folder, 'moved'))).not.toContain('late');
  });
});

test.runIf(process.platform === 'linux')(
  'what had the sealed name when it was opened is refused though it was replaced since',
  async () => {
    const { home } = await makeDisk();
    const rules = join(home, '.ftpaccess');
    await fs.writeFile(rules, 'old');
    await fs.symlink('.ftpaccess', join(home, 'plain.txt'));
    const io: StorageIo = {
      ...nodeIo,
      async open(name, ...more) {
        const handle = await nodeIo.open(name, ...more);
        if (String(name).endsWith('plain.txt')) {
          await fs.writeFile(join(home, 'next'), 'new');
          await fs.rename(join(home, 'next'), rules);
        }
        return handle;
      },
    };
    const files = localFiles({ root: home, owner: 'alice' }, { io });
    expect(await faultOf(files.openRead(path('/plain.txt')))).toBe('NoSuchFile');
  },
);

test.runIf(process.platform === 'linux')('what exists behind a symlink that leaves cannot be found out', async () => {
  const { home, folder } = await makeDisk();
  await fs.writeFile(join(folder, 'exists'), '');
  await fs.symlink(folder, join(home, 'out'));
  const files = localFiles({ root: home, owner: 'alice' });
  for (const name of ['exists', 'missing', 'exists/below', 'missing/below']) {
    expect(await faultOf(files.stat(path(`/out/${name}`)))).toBe('PermissionDenied');
    expect(await faultOf(files.enter(path(`/out/${name}`)))).toBe('PermissionDenied');
  }
});

test.runIf(process.platform === 'linux')(
  'a name outside that differs only in a byte that is no UTF-8 is outside',
  async () => {
    const { folder } = await makeDisk();
    const named = (byte: number) => Buffer.concat([Buffer.from(`${folder}/h`), Buffer.from([byte])]);
    await fs.mkdir(named(0xfe));
    await fs.mkdir(named(0xff));
    await fs.symlink(named(0xfe), join(folder, 'root'));
    await fs.symlink(named(0xff), Buffer.concat([named(0xfe), Buffer.from('/other')]));
    const files = localFiles({ root: join(folder, 'root'), owner: 'alice' });
    await files.enter(ROOT);
    expect(await faultOf(files.enter(path('/other')))).toBe('PermissionDenied');
  },
);
