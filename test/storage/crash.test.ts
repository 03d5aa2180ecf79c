/** What a crash leaves: of the process alone, and of the machine. */
import { type ChildProcess, fork } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLocalStorage, localFiles } from '../../src/storage/local.ts';
import {
  APPEND,
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

/** Uploads in a process of its own and kills it when `bytes` have been written. */
async function killInMidUpload(home: string, from: 'empty' | 'append', bytes: number, bootId: string): Promise<void> {
  const child: ChildProcess = fork(join(import.meta.dirname, 'uploader.ts'), [home, from, String(bytes), bootId]);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const message = await new Promise((resolve) => {
    child.once('message', resolve);
    child.once('exit', () => resolve('ended too early'));
  });
  expect(message).toBe('written');
  child.kill('SIGKILL');
  await ended;
}

describe('after the gateway was killed in mid-upload', () => {
  test('nothing is visible, and the next process goes on where it stopped', async () => {
    const { home } = await makeDisk();
    await killInMidUpload(home, 'empty', 3_000_000, 'boot-1');
    const files = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-1' });
    expect(await namesOf(files, '/')).toEqual([]);
    expect(await faultOf(files.stat(path('/file')))).toBe('NoSuchFile');
    expect(await files.resumableBytes(path('/file'))).toBe(3_000_000);

    const staged = await files.stage(path('/file'), restart(3_000_000));
    expect((await textOf(staged.prefix())) === 'u'.repeat(3_000_000)).toBe(true);
    await staged.write([Buffer.from('end')]);
    await staged.commit();
    expect((await download(files, '/file')) === `${'u'.repeat(3_000_000)}end`).toBe(true);
    expect(await stagingOf(home)).toEqual([]);
  });

  test('the old file stands, and an upload from the beginning replaces it', async () => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-1' });
    await upload(files, '/file', 'old');
    await killInMidUpload(home, 'append', 100, 'boot-1');
    expect(await download(files, '/file')).toBe('old');
    expect(await files.resumableBytes(path('/file'))).toBe(103);
    const staged = await files.stage(path('/file'), EMPTY);
    expect(await files.resumableBytes(path('/file'))).toBe(103);
    await staged.commit();
    expect(await stagingOf(home)).toEqual([]);
  });

  test('nobody else is offered what it left', async () => {
    const { home } = await makeDisk();
    await killInMidUpload(home, 'empty', 10, 'boot-1');
    const bob = localFiles({ root: home, owner: 'bob' }, { bootId: 'boot-1' });
    expect(await bob.resumableBytes(path('/file'))).toBeUndefined();
    expect(await faultOf(bob.stage(path('/file'), restart(10)))).toBe('RestartInvalid');
  });

  test('what it left is synced before it may outlive a power loss, and removed when that fails', async () => {
    const { home } = await makeDisk();
    await killInMidUpload(home, 'empty', 10, 'boot-1');
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-1', io: disk.io });
    disk.arm('handle.datasync', 1, 'EIO');
    expect(await faultOf(files.stage(path('/file'), restart(10)))).toBe('Local');
    expect(disk.fired).toBe(true);
    expect(await files.resumableBytes(path('/file'))).toBeUndefined();
    expect(await stagingOf(home)).toEqual([]);
  });

  test('what it left with bits that forbid writing is removed and blocks nobody', async () => {
    const { home } = await makeDisk();
    await killInMidUpload(home, 'empty', 10, 'boot-1');
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-1', io: disk.io });
    // The second call opens the leftover, behind the directory.
    disk.arm('open', 2, 'EACCES');
    await upload(files, '/file', 'new');
    expect(disk.fired).toBe(true);
    expect(await fs.readdir(home)).toEqual(['file']);
  });
});

describe('after the power went in mid-upload', () => {
  test('what may never have reached the disk is not gone on with', async () => {
    const { home } = await makeDisk();
    await killInMidUpload(home, 'empty', 10, 'boot-1');
    const files = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-2' });
    expect(await files.resumableBytes(path('/file'))).toBeUndefined();
    expect(await faultOf(files.stage(path('/file'), restart(10)))).toBe('RestartInvalid');
    const staged = await files.stage(path('/file'), APPEND);
    expect(staged.startBytes).toBe(0);
    await staged.abort('remove');
  });

  test('a kept partial is, but not once it was gone on with', async () => {
    const { home } = await makeDisk();
    const before = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-1' });
    await cutOff(before, '/file', 'partial');
    const after = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-2' });
    expect(await after.resumableBytes(path('/file'))).toBe(7);
    const staged = await after.stage(path('/file'), restart(7));
    await staged.write([Buffer.from('+')]);
    const third = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-3' });
    expect(await third.resumableBytes(path('/file'))).toBeUndefined();
    await staged.abort('remove');
  });
});

test('a commit that was cut short between its two names has published, and its leftover is not gone on with', async () => {
  const { home } = await makeDisk();
  const storage = createLocalStorage({ bootId: 'boot-1' });
  const files = storage.filesFor({ root: home, owner: 'alice' });
  const staged = await files.stage(path('/file'), { from: 'empty', existing: 'keep' });
  await staged.write([Buffer.from('whole')]);
  const [name = ''] = await stagingOf(home);
  await staged.commit();
  await fs.link(join(home, 'file'), join(home, name));
  expect(await files.resumableBytes(path('/file'))).toBeUndefined();
  await cutOff(files, '/file', 'another attempt');
  expect(await download(files, '/file')).toBe('whole');
  expect((await files.stat(path('/file'))).linkCount).toBe(1);
});
