/** Whether a storage keeps the promises of `FileSystem`: run it against your own before you trust it with files. */
import assert from 'node:assert/strict';
import { ROOT } from '../protocol/virtual-path.ts';
import type { FileSystem, StageRequest } from '../spi/file-system.ts';
import { virtualPath as at, type ConformanceCase, rejectsWith } from './conformance.ts';
import { begin, bytesOf, type Checks, EMPTY, list, names, put, text } from './file-system-acts.ts';
import { HOLDING } from './holding-conformance.ts';

const APPEND: StageRequest = { from: 'append', existing: 'replace' };
const from = (offsetBytes: number): StageRequest => ({ from: 'restart', offsetBytes, existing: 'replace' });

/**
 * The cases. `make` gives a FileSystem whose root is an empty directory, a new one at each call; two calls must not share
 * files. What a storage may lack (holding) is asked of those that have it. Unix permission bits are looked at only where a storage keeps them as they were set.
 */
export function fileSystemConformance(make: () => FileSystem | Promise<FileSystem>): readonly ConformanceCase[] {
  return Object.entries({ ...STAGING, ...RESUMING, ...HOLDING, ...READING, ...DIRECTORIES, ...NAMES, ...FACTS }).map(
    ([name, check]) => ({ name, run: async () => check(await make()) }),
  );
}

const STAGING: Checks = {
  async 'a staged write is seen by nobody until it is committed'(files) {
    const staged = await begin(files, 'a.txt', 'hello');
    await rejectsWith(files.stat(at('a.txt')), 'NoSuchFile');
    await rejectsWith(files.openRead(at('a.txt')), 'NoSuchFile');
    assert.deepEqual(await names(files, '/'), []);
    await staged.commit();
    assert.equal(await text(files, 'a.txt'), 'hello');
    assert.deepEqual(await names(files, '/'), ['a.txt']);
  },
  async 'an aborted write leaves nothing'(files) {
    const staged = await begin(files, 'a.txt', 'hello');
    assert.equal(await staged.abort('remove'), 0);
    await rejectsWith(files.stat(at('a.txt')), 'NoSuchFile');
    assert.equal((await files.resumableBytes(at('a.txt'))) ?? 0, 0);
    assert.deepEqual(await names(files, '/'), []);
  },
  async 'an aborted write leaves the file that was there'(files) {
    await put(files, 'a.txt', 'old');
    await (await begin(files, 'a.txt', 'new and longer')).abort('remove');
    assert.equal(await text(files, 'a.txt'), 'old');
  },
  async 'a commit replaces the file that was there, whole'(files) {
    await put(files, 'a.txt', 'old and longer');
    await put(files, 'a.txt', 'new');
    assert.equal(await text(files, 'a.txt'), 'new');
  },
  async 'a reader of the old file is not disturbed by its replacement'(files) {
    await put(files, 'a.txt', 'old');
    const opened = await files.openRead(at('a.txt'));
    await put(files, 'a.txt', 'new');
    assert.equal((await bytesOf(opened.read(0))).toString(), 'old');
    await opened.close();
  },
  async 'with `keep` a file that exists is refused when the write begins'(files) {
    await put(files, 'a.txt', 'old');
    await rejectsWith(files.stage(at('a.txt'), { from: 'empty', existing: 'keep' }), 'FileExists');
    assert.equal(await text(files, 'a.txt'), 'old');
  },
  async 'with `keep` a file that has come meanwhile is refused at the commit, and the write is still open'(files) {
    const staged = await files.stage(at('a.txt'), { from: 'empty', existing: 'keep' });
    await staged.write([Buffer.from('mine')]);
    await put(files, 'other.txt', 'theirs');
    await files.rename(at('other.txt'), at('a.txt'), 'keep');
    await rejectsWith(staged.commit(), 'FileExists');
    await staged.abort('remove');
    assert.equal(await text(files, 'a.txt'), 'theirs');
  },
  async 'the caller may use its buffers again once a write has resolved'(files) {
    const staged = await files.stage(at('a.txt'), EMPTY);
    const buffer = Buffer.from('hello');
    await staged.write([buffer]);
    buffer.fill('x');
    await staged.write([buffer]);
    await staged.commit();
    assert.equal(await text(files, 'a.txt'), 'helloxxxxx');
  },
  async 'an empty file is a file'(files) {
    await (await files.stage(at('empty'), EMPTY)).commit();
    assert.equal((await files.stat(at('empty'))).sizeBytes, 0);
    assert.equal(await text(files, 'empty'), '');
  },
  async 'a write goes into a directory that is there, and never over one'(files) {
    await rejectsWith(files.stage(at('missing/a.txt'), EMPTY), 'NoSuchFile', 'NotADirectory');
    await files.makeDirectory(at('dir'));
    await rejectsWith(files.stage(at('dir'), EMPTY), 'NotAFile', 'FileExists');
    await put(files, 'file', '');
    await rejectsWith(files.stage(at('file/a.txt'), EMPTY), 'NotADirectory', 'NoSuchFile');
  },
};

const RESUMING: Checks = {
  async 'what was kept can be resumed where it ended'(files) {
    assert.equal(await (await begin(files, 'a.txt', 'hello, ')).abort('keep'), 7);
    await rejectsWith(files.stat(at('a.txt')), 'NoSuchFile');
    assert.equal(await files.resumableBytes(at('a.txt')), 7);
    const resumed = await files.stage(at('a.txt'), from(7));
    assert.equal(resumed.startBytes, 7);
    assert.equal((await bytesOf(resumed.prefix())).toString(), 'hello, ');
    await resumed.write([Buffer.from('world')]);
    await resumed.commit();
    assert.equal(await text(files, 'a.txt'), 'hello, world');
  },
  async 'a restart goes on behind part of a published file'(files) {
    await put(files, 'a.txt', '0123456789');
    const staged = await begin(files, 'a.txt', 'abc', from(4));
    assert.equal(staged.startBytes, 4);
    await staged.commit();
    assert.equal(await text(files, 'a.txt'), '0123abc');
  },
  async 'a restart behind the end is refused'(files) {
    await put(files, 'a.txt', 'hello');
    await rejectsWith(files.stage(at('a.txt'), from(6)), 'RestartInvalid');
    await rejectsWith(files.stage(at('b.txt'), from(1)), 'RestartInvalid');
  },
  async 'an append adds to the published file, in one step'(files) {
    await put(files, 'a.txt', 'hello, ');
    const staged = await begin(files, 'a.txt', 'world', APPEND);
    assert.equal(await text(files, 'a.txt'), 'hello, ');
    await staged.commit();
    assert.equal(await text(files, 'a.txt'), 'hello, world');
  },
  async 'an append to nothing makes a file'(files) {
    await (await begin(files, 'a.txt', 'hello', APPEND)).commit();
    assert.equal(await text(files, 'a.txt'), 'hello');
  },
};

const READING: Checks = {
  async 'a large file comes back as it was'(files) {
    const content = Buffer.alloc(3_000_001, 'a line of some length\r\n');
    const staged = await files.stage(at('large'), EMPTY);
    for (let start = 0; start < content.length; start += 700_000) {
      await staged.write([
        content.subarray(start, start + 300_000),
        content.subarray(start + 300_000, start + 700_000),
      ]);
    }
    await staged.commit();
    const opened = await files.openRead(at('large'));
    assert.equal(opened.facts.sizeBytes, content.length);
    assert.ok((await bytesOf(opened.read(0))).equals(content));
    await opened.close();
  },
  async 'reading begins at the offset, and gives nothing at or behind the end'(files) {
    await put(files, 'a.txt', '0123456789');
    const opened = await files.openRead(at('a.txt'));
    assert.equal((await bytesOf(opened.read(4))).toString(), '456789');
    assert.equal((await bytesOf(opened.read(10))).length, 0);
    await opened.close();
  },
  async 'only files can be read'(files) {
    await files.makeDirectory(at('dir'));
    await rejectsWith(files.openRead(at('dir')), 'NotAFile');
    await rejectsWith(files.openRead(at('missing')), 'NoSuchFile');
  },
};

const DIRECTORIES: Checks = {
  async 'the root is a directory and is there'(files) {
    await files.enter(ROOT);
    assert.equal((await files.stat(ROOT)).kind, 'directory');
  },
  async 'directories are made, entered, listed and removed'(files) {
    await files.makeDirectory(at('dir'));
    await files.makeDirectory(at('dir/sub'));
    await put(files, 'dir/a.txt', 'hello');
    await files.enter(at('dir/sub'));
    assert.deepEqual(await names(files, '/dir'), ['a.txt', 'sub']);
    await rejectsWith(files.removeDirectory(at('dir')), 'DirectoryNotEmpty');
    await files.removeDirectory(at('dir/sub'));
    await rejectsWith(files.enter(at('dir/sub')), 'NoSuchFile');
  },
  async 'what is there is not made again'(files) {
    await files.makeDirectory(at('dir'));
    await put(files, 'file', '');
    await rejectsWith(files.makeDirectory(at('dir')), 'FileExists');
    await rejectsWith(files.makeDirectory(at('file')), 'FileExists');
    await rejectsWith(files.makeDirectory(at('missing/dir')), 'NoSuchFile', 'NotADirectory');
  },
  async 'a file is no directory'(files) {
    await put(files, 'file', '');
    await rejectsWith(files.enter(at('file')), 'NotADirectory');
    await rejectsWith(files.removeDirectory(at('file')), 'NotADirectory');
    await rejectsWith(list(files, '/file'), 'NotADirectory');
    await rejectsWith(list(files, '/missing'), 'NoSuchFile');
  },
  async 'a directory is no file'(files) {
    await files.makeDirectory(at('dir'));
    await rejectsWith(files.removeFile(at('dir')), 'NotAFile');
    await rejectsWith(files.removeFile(at('missing')), 'NoSuchFile');
  },
  async 'a long directory is listed whole, each entry once'(files) {
    const made = Array.from({ length: 300 }, (_, index) => `file-${String(index).padStart(3, '0')}`);
    for (const name of made) await (await files.stage(at(name), EMPTY)).commit();
    assert.deepEqual(await names(files, '/'), made);
  },
};

const NAMES: Checks = {
  async 'a file is renamed, and removed under its new name'(files) {
    await put(files, 'a.txt', 'hello');
    await files.rename(at('a.txt'), at('b.txt'), 'keep');
    await rejectsWith(files.stat(at('a.txt')), 'NoSuchFile');
    assert.equal(await text(files, 'b.txt'), 'hello');
    await files.removeFile(at('b.txt'));
    await rejectsWith(files.stat(at('b.txt')), 'NoSuchFile');
  },
  async 'a rename replaces or keeps the file that has the name, as it is told'(files) {
    await put(files, 'a.txt', 'new');
    await put(files, 'b.txt', 'old');
    await rejectsWith(files.rename(at('a.txt'), at('b.txt'), 'keep'), 'FileExists');
    assert.equal(await text(files, 'b.txt'), 'old');
    await files.rename(at('a.txt'), at('b.txt'), 'replace');
    assert.equal(await text(files, 'b.txt'), 'new');
  },
  async 'a rename never takes the place of a directory'(files) {
    await put(files, 'a.txt', 'hello');
    await files.makeDirectory(at('dir'));
    await rejectsWith(files.rename(at('a.txt'), at('dir'), 'replace'), 'FileExists');
    await rejectsWith(files.rename(at('missing'), at('b.txt'), 'replace'), 'NoSuchFile');
  },
  async 'a directory is renamed with what is in it'(files) {
    await files.makeDirectory(at('dir'));
    await put(files, 'dir/a.txt', 'hello');
    await files.rename(at('dir'), at('moved'), 'keep');
    assert.equal(await text(files, 'moved/a.txt'), 'hello');
    await rejectsWith(files.stat(at('dir')), 'NoSuchFile');
  },
  async 'what is not there, or is a file or a directory, is no link'(files) {
    await put(files, 'a.txt', 'hello');
    await files.makeDirectory(at('dir'));
    for (const name of ['a.txt', 'dir', 'dir/missing', 'missing/a.txt', 'a.txt/below', '/']) {
      assert.equal((await files.isLink?.(at(name))) ?? false, false, name);
    }
  },
  async 'names keep their letters, spaces and signs'(files) {
    for (const name of [
      'a b',
      ' leading',
      'trailing ',
      'ünïcode',
      '日本語.csv',
      'a"quote',
      "it's",
      '*?[x]',
      '-rf',
      '#1%20',
    ]) {
      await put(files, name, name);
      assert.equal(await text(files, name), name);
    }
  },
};

const FACTS: Checks = {
  async 'facts tell kind, size and identity'(files) {
    await put(files, 'a.txt', 'hello');
    await put(files, 'b.txt', '');
    const [first, second] = [await files.stat(at('a.txt')), await files.stat(at('b.txt'))];
    assert.deepEqual([first.kind, first.sizeBytes, second.sizeBytes], ['file', 5, 0]);
    assert.notEqual(first.unique, second.unique);
    const listed = (await list(files, '/')).find(({ name }) => name === 'a.txt');
    assert.deepEqual([listed?.kind, listed?.sizeBytes, listed?.unique], ['file', 5, first.unique]);
  },
  async 'the time of modification is kept as it was set, to the second'(files) {
    await put(files, 'a.txt', 'hello');
    const modifiedMs = Date.UTC(2001, 8, 9, 1, 46, 40);
    await files.setModified(at('a.txt'), modifiedMs);
    assert.equal(Math.floor((await files.stat(at('a.txt'))).modifiedMs / 1_000) * 1_000, modifiedMs);
    await rejectsWith(files.setModified(at('missing'), modifiedMs), 'NoSuchFile');
  },
  async 'permission bits can be set on what is there only'(files) {
    await put(files, 'a.txt', 'hello');
    await files.setMode(at('a.txt'), 0o640);
    await rejectsWith(files.setMode(at('missing'), 0o640), 'NoSuchFile');
  },
  async 'free space is a number, or not known'(files) {
    const free = await files.freeBytes(ROOT);
    assert.ok(free === undefined || (Number.isSafeInteger(free) && free >= 0), String(free));
  },
};
