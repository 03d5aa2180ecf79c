/** The part of the storage suite about what is held between its arrival and its publication. */
import assert from 'node:assert/strict';
import type { FileSystem, HeldFile } from '../spi/file-system.ts';
import { virtualPath as at, rejectsWith } from './conformance.ts';
import { begin, bytesOf, type Checks, names, put, text } from './file-system-acts.ts';

const ITEM = '0123456789abcdef01234567';

/** The cases. They ask only what can hold; what cannot, and says so, passes. */
export const HOLDING: Checks = {
  async 'who can hold a write can also find what is held'(files) {
    const staged = await begin(files, 'a.txt', 'hello');
    assert.equal(staged.hold === undefined, files.held === undefined);
    await staged.abort('remove');
    if (files.held !== undefined) await rejectsWith(files.held(at('a.txt'), ITEM), 'NoSuchFile');
  },
  async 'what is held is seen, read and resumed by nobody'(files) {
    if (!(await holdIn(files, 'a.txt', 'hello'))) return;
    await rejectsWith(files.stat(at('a.txt')), 'NoSuchFile');
    await rejectsWith(files.openRead(at('a.txt')), 'NoSuchFile');
    assert.equal((await files.resumableBytes(at('a.txt'))) ?? 0, 0);
    assert.deepEqual(await names(files, '/'), []);
  },
  async 'what is held is found by its path and its id only'(files) {
    if (!(await holdIn(files, 'a.txt', 'hello'))) return;
    await rejectsWith(heldIn(files, 'b.txt'), 'NoSuchFile');
    await rejectsWith(heldIn(files, 'a.txt', ITEM.replace('0', 'f')), 'NoSuchFile');
    await using(heldIn(files, 'a.txt'), async (held) => {
      assert.equal(held.sizeBytes, 5);
      for (let time = 0; time < 2; time++) assert.equal((await bytesOf(held.read())).toString(), 'hello');
    });
  },
  async 'what is held is published whole, once'(files) {
    if (!(await holdIn(files, 'a.txt', 'hello'))) return;
    await using(heldIn(files, 'a.txt'), (held) => held.publish(at('a.txt'), 'keep'));
    assert.equal(await text(files, 'a.txt'), 'hello');
    assert.deepEqual(await names(files, '/'), ['a.txt']);
    await rejectsWith(heldIn(files, 'a.txt'), 'NoSuchFile');
  },
  async 'a publication that is asked for again has been done'(files) {
    if (!(await holdIn(files, 'a.txt', 'hello'))) return;
    await using(heldIn(files, 'a.txt'), async (held) => {
      for (const existing of ['keep', 'keep', 'replace'] as const) await held.publish(at('a.txt'), existing);
    });
    assert.equal(await text(files, 'a.txt'), 'hello');
  },
  async 'what is held may be published under another name, and takes the place of what has it'(files) {
    await put(files, 'b.txt', 'old and longer');
    await put(files, 'a.txt', 'old');
    if (!(await holdIn(files, 'a.txt', 'new'))) return;
    await using(heldIn(files, 'a.txt'), (held) => held.publish(at('b.txt'), 'replace'));
    assert.deepEqual([await text(files, 'a.txt'), await text(files, 'b.txt')], ['old', 'new']);
    await rejectsWith(heldIn(files, 'a.txt'), 'NoSuchFile');
  },
  async 'with `keep` a name that is taken is refused, and what is held still is'(files) {
    if (!(await holdIn(files, 'a.txt', 'mine'))) return;
    await put(files, 'a.txt', 'theirs');
    await using(heldIn(files, 'a.txt'), (held) => rejectsWith(held.publish(at('a.txt'), 'keep'), 'FileExists'));
    assert.equal(await text(files, 'a.txt'), 'theirs');
    await using(heldIn(files, 'a.txt'), (held) => held.publish(at('a.txt'), 'replace'));
    assert.equal(await text(files, 'a.txt'), 'mine');
  },
  async 'what is held is never published over a directory'(files) {
    if (!(await holdIn(files, 'a.txt', 'mine'))) return;
    await files.makeDirectory(at('a.txt'));
    await using(heldIn(files, 'a.txt'), (held) => rejectsWith(held.publish(at('a.txt'), 'replace'), 'NotAFile'));
    await files.removeDirectory(at('a.txt'));
    await using(heldIn(files, 'a.txt'), (held) => held.publish(at('a.txt'), 'replace'));
    assert.equal(await text(files, 'a.txt'), 'mine');
  },
  async 'what is held and destroyed leaves nothing'(files) {
    await put(files, 'a.txt', 'old');
    if (!(await holdIn(files, 'a.txt', 'new'))) return;
    await using(heldIn(files, 'a.txt'), (held) => held.destroy());
    await rejectsWith(heldIn(files, 'a.txt'), 'NoSuchFile');
    assert.equal(await text(files, 'a.txt'), 'old');
    assert.deepEqual(await names(files, '/'), ['a.txt']);
  },
  async 'uploads go on beside what is held, and several are held for one path'(files) {
    if (!(await holdIn(files, 'a.txt', 'first'))) return;
    await put(files, 'a.txt', 'second');
    const another = ITEM.replace('0', 'e');
    await holdIn(files, 'a.txt', 'third', another);
    assert.equal(await text(files, 'a.txt'), 'second');
    for (const [id, content] of Object.entries({ [ITEM]: 'first', [another]: 'third' })) {
      await using(heldIn(files, 'a.txt', id), async (held) => {
        assert.equal((await bytesOf(held.read())).toString(), content);
        await held.destroy();
      });
    }
  },
  async 'an unfinished upload that comes while one is held stays when that is published'(files) {
    if (!(await holdIn(files, 'a.txt', 'whole'))) return;
    const keptBytes = await (await begin(files, 'a.txt', 'newer')).abort('keep');
    await using(heldIn(files, 'a.txt'), (held) => held.publish(at('a.txt'), 'replace'));
    assert.equal((await files.resumableBytes(at('a.txt'))) ?? 0, keptBytes);
  },
  async 'a directory in which something is held is neither removed nor moved'(files) {
    for (const name of ['top', 'top/dir']) await files.makeDirectory(at(name));
    if (!(await holdIn(files, 'top/dir/a.txt', 'hello'))) return;
    await rejectsWith(files.removeDirectory(at('top/dir')), 'FileBusy');
    if (files.removeTree !== undefined) await rejectsWith(files.removeTree(at('top'), 100), 'FileBusy');
    for (const name of ['top', 'top/dir']) await rejectsWith(files.rename(at(name), at('moved'), 'keep'), 'FileBusy');
    await using(heldIn(files, 'top/dir/a.txt'), (held) => held.publish(at('top/dir/a.txt'), 'keep'));
    await files.rename(at('top'), at('moved'), 'keep');
    assert.equal(await text(files, 'moved/dir/a.txt'), 'hello');
  },
};

/** Uploads and holds. @returns false where storage cannot; then nothing is left. */
async function holdIn(files: FileSystem, name: string, content: string, id = ITEM): Promise<boolean> {
  const staged = await begin(files, name, content);
  if (staged.hold === undefined) {
    await staged.abort('remove');
    return false;
  }
  await staged.hold(id);
  return true;
}

async function heldIn(files: FileSystem, name: string, id = ITEM): Promise<HeldFile> {
  assert.ok(files.held !== undefined, 'who can hold can also find what is held');
  return files.held(at(name), id);
}

async function using(opening: Promise<HeldFile>, use: (held: HeldFile) => Promise<void>): Promise<void> {
  const held = await opening;
  try {
    await use(held);
  } finally {
    await held.close();
  }
}
