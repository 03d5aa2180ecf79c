/** Syncs during a long upload: few, one at a time, and a failure of theirs is a failure of the upload. */
import { expect, test } from 'vitest';
import { createLocalStorage } from '../../src/storage/local.ts';
import { STRETCH_BYTES, WriteBehind } from '../../src/storage/write-behind.ts';
import { EMPTY, FailingDisk, faultOf, makeDisk, openHandles, path, stagingOf } from './support.ts';

/** A disk that takes bytes when the test says so. */
function manualDisk() {
  const syncs: PromiseWithResolvers<void>[] = [];
  const sync = () => {
    const begun = Promise.withResolvers<void>();
    syncs.push(begun);
    return begun.promise;
  };
  return { sync, syncs };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('a sync begins behind each stretch, and none while the one before is under way', async () => {
  const { sync, syncs } = manualDisk();
  const behind = new WriteBehind(sync, 1_000);
  behind.wrote(STRETCH_BYTES + 999);
  expect(syncs).toHaveLength(0);
  behind.wrote(STRETCH_BYTES + 1_000);
  expect(syncs).toHaveLength(1);
  behind.wrote(5 * STRETCH_BYTES);
  expect(syncs).toHaveLength(1);
  syncs[0]?.resolve();
  await behind.settled();
  // What came meanwhile is no part of what was synced.
  behind.wrote(5 * STRETCH_BYTES);
  expect(syncs).toHaveLength(2);
  syncs[1]?.resolve();
  await behind.settled();
  behind.wrote(6 * STRETCH_BYTES - 1);
  expect(syncs).toHaveLength(2);
});

test('of all files one is synced at a time, so that the others keep threads to be written with', async () => {
  const disk = manualDisk();
  const files = Array.from({ length: 3 }, () => new WriteBehind(disk.sync, 0));
  for (const file of files) file.wrote(STRETCH_BYTES);
  expect(disk.syncs).toHaveLength(1);
  disk.syncs[0]?.resolve();
  await files[0]?.settled();
  for (const file of files) file.wrote(STRETCH_BYTES);
  expect(disk.syncs).toHaveLength(2);
  disk.syncs[1]?.resolve();
  await files[1]?.settled();
});

test('who is at the end waits for the sync that is under way', async () => {
  const { sync, syncs } = manualDisk();
  const behind = new WriteBehind(sync, 0);
  behind.wrote(STRETCH_BYTES);
  let isSettled = false;
  const settling = behind.settled().then(() => {
    isSettled = true;
  });
  await turn();
  expect(isSettled).toBe(false);
  syncs[0]?.resolve();
  await settling;
});

test('a sync that fails is told to whoever writes on, and at the end, and frees the others', async () => {
  const disk = manualDisk();
  const [behind, other] = [new WriteBehind(disk.sync, 0), new WriteBehind(disk.sync, 0)];
  behind.wrote(STRETCH_BYTES);
  disk.syncs[0]?.reject(new Error('the disk is gone'));
  await expect(behind.settled()).rejects.toThrow('the disk is gone');
  expect(() => behind.wrote(STRETCH_BYTES + 1)).toThrow('the disk is gone');
  other.wrote(STRETCH_BYTES);
  expect(disk.syncs).toHaveLength(2);
  disk.syncs[1]?.resolve();
  await other.settled();
});

test.each(['commit', 'keep'] as const)(
  'an upload whose bytes the disk has not taken is neither published nor kept, though a later sync succeeds (%s)',
  async (ending) => {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = createLocalStorage({ io: disk.io }).filesFor({ root: home, owner: 'alice' });
    const staged = await files.stage(path('/file'), EMPTY);
    disk.arm('handle.datasync', 1, 'EIO');
    await staged.write([Buffer.alloc(STRETCH_BYTES)]);
    if (ending === 'commit') {
      expect(await faultOf(staged.commit())).toBe('Local');
      expect(await faultOf(staged.commit())).toBe('Local');
    }
    expect(disk.fired).toBe(true);
    expect(await staged.abort('keep')).toBe(0);
    expect(await stagingOf(home)).toEqual([]);
    expect(await openHandles(home)).toEqual([]);
    expect(await faultOf(files.stat(path('/file')))).toBe('NoSuchFile');
  },
);

test('what is to last is synced while it comes, and what need not last is not', async () => {
  const { home } = await makeDisk();
  for (const sync of [true, false]) {
    const disk = new FailingDisk();
    const files = createLocalStorage({ io: disk.io }).filesFor({ root: home, owner: 'alice', sync });
    const staged = await files.stage(path(`/${sync}`), EMPTY);
    await staged.write([Buffer.alloc(STRETCH_BYTES)]);
    await staged.write([Buffer.alloc(1)]);
    expect(disk.counts.get('handle.datasync') ?? 0).toBe(sync ? 1 : 0);
    await staged.commit();
    // The file and its directory.
    expect(disk.counts.get('handle.sync') ?? 0).toBe(sync ? 2 : 0);
  }
});
