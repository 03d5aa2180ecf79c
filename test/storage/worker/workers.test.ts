import { readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AssertionFailed } from '../../../src/lib/assert.ts';
import { FakeClock, systemClock } from '../../../src/lib/clock.ts';
import type { FileSystem } from '../../../src/spi/file-system.ts';
import { createUserStorage } from '../../../src/storage/worker/user-storage.ts';
import { fileSystemConformance } from '../../../src/testing.ts';
import { EMPTY, makeDisk, path } from '../support.ts';
import { eventsOf, inProcess } from './in-process.ts';

const USER = { user: 'somebody', uid: 1_234, gid: 1_234 };
const ITEM = '0123456789abcdef01234567';
const OTHER = { user: 'else', uid: 1_235, gid: 1_235 };

async function storageWith({ workersMax = 4 } = {}) {
  const clock = new FakeClock();
  const { start, started } = inProcess();
  const { log, events } = eventsOf();
  const storage = createUserStorage({ clock, log, workersMax, idleMs: 5_000, pingMs: 60_000, start });
  const { home } = await makeDisk();
  const filesFor = (user = USER): FileSystem => storage.filesFor(user, { root: home, owner: user.user, sync: false });
  return { storage, clock, started, events, home, filesFor };
}

describe('files through a worker', () => {
  const make = async () => {
    const { home } = await makeDisk();
    const storage = createUserStorage({
      clock: systemClock,
      log: eventsOf().log,
      workersMax: 1,
      idleMs: 60_000,
      ...inProcess(),
    });
    return storage.filesFor(USER, { root: home, owner: 'somebody', sync: false });
  };
  for (const { name, run } of fileSystemConformance(make)) test(name, run);
});

test('a worker tells of links, of times of change, and keeps links from what has the sealed name', async () => {
  const { home, filesFor } = await storageWith();
  await writeFile(join(home, '.ftpaccess'), 'rules');
  await symlink('.ftpaccess', join(home, 'plain.txt'));
  await symlink('nowhere', join(home, 'astray'));
  const files = filesFor();
  await expect(files.openRead(path('plain.txt'))).rejects.toMatchObject({ kind: 'NoSuchFile' });
  expect((await files.stat(path('.ftpaccess'))).changedMs).toBeGreaterThan(0);
  expect(
    await Promise.all(['plain.txt', 'astray', '.ftpaccess', 'x'].map((name) => files.isLink?.(path(name)))),
  ).toEqual([true, true, false, false]);
});

test('a worker is started by the first question, and one serves all that a user asks', async () => {
  const { started, filesFor } = await storageWith();
  const [one, two] = [filesFor(), filesFor()];
  expect(started).toEqual([]);
  await Promise.all([one.stat(path('/')), two.stat(path('/')), one.freeBytes(path('/'))]);
  expect(started).toHaveLength(1);
  await filesFor(OTHER).stat(path('/'));
  expect(started.map(({ user }) => user)).toEqual(['somebody', 'else']);
});

test('a worker that nothing is asked of ends when its time is over; what is open keeps it', async () => {
  const { storage, clock, started, filesFor } = await storageWith();
  const files = filesFor();
  const staged = await files.stage(path('a.txt'), EMPTY);
  clock.advance(60_000);
  expect(storage.pids).toEqual([1]);
  await staged.write([Buffer.from('hello')]);
  await staged.commit();
  clock.advance(4_999);
  expect(storage.pids).toEqual([1]);
  const opened = await files.openRead(path('a.txt'));
  clock.advance(60_000);
  expect(storage.pids).toEqual([1]);
  await opened.close();
  clock.advance(5_000);
  expect(storage.pids).toEqual([]);
  await files.stat(path('a.txt'));
  expect(started).toHaveLength(2);
});

test('a listing that is left early, and one that is never begun, keep no worker', async () => {
  const { storage, clock, filesFor } = await storageWith();
  const files = filesFor();
  await (await files.stage(path('a.txt'), EMPTY)).commit();
  await files.list(path('/'));
  for await (const batch of await files.list(path('/'))) {
    expect(batch.map(({ name }) => name)).toEqual(['a.txt']);
    break;
  }
  clock.advance(5_000);
  expect(storage.pids).toEqual([]);
});

test('with as many workers as there may be, one that is idle gives way, and without one the client is told to wait', async () => {
  const { storage, started, filesFor } = await storageWith({ workersMax: 1 });
  const staged = await filesFor().stage(path('a.txt'), EMPTY);
  await expect(filesFor(OTHER).stat(path('/'))).rejects.toMatchObject({ kind: 'FileBusy', code: 450 });
  await staged.abort('remove');
  await filesFor(OTHER).stat(path('/'));
  expect(started.map(({ user }) => user)).toEqual(['somebody', 'else']);
  expect(storage.pids).toEqual([2]);
});

test('what was open when a worker is lost fails and publishes nothing; the next question starts another', async () => {
  const { started, events, home, filesFor } = await storageWith();
  const files = filesFor();
  const staged = await files.stage(path('a.txt'), EMPTY);
  await staged.write([Buffer.from('half')]);
  await (await files.stage(path('b.txt'), EMPTY)).commit();
  const opened = await files.openRead(path('b.txt'));
  await started[0]?.lose();
  await expect(staged.write([Buffer.from('more')])).rejects.toMatchObject({ kind: 'Local' });
  await expect(staged.commit()).rejects.toMatchObject({ kind: 'Local' });
  await expect(staged.abort('keep')).rejects.toMatchObject({ kind: 'Local' });
  await expect(opened.read(0)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'Local' });
  await opened.close();
  await expect(files.stat(path('a.txt'))).rejects.toMatchObject({ kind: 'NoSuchFile' });
  expect(started).toHaveLength(2);
  expect((await readdir(home)).filter((name) => !name.startsWith('.sallyport-'))).toEqual(['b.txt']);
  expect(events).not.toContain('files.worker_failed');
});

test('what is held outlives its worker, tells nobody where it lies, and is published through the next one', async () => {
  const { started, home, filesFor } = await storageWith();
  const files = filesFor();
  const staged = await files.stage(path('a.txt'), EMPTY);
  await staged.write([Buffer.from('whole')]);
  await staged.hold?.(ITEM);
  expect(await staged.abort('remove')).toBe(0);
  const lost = await files.held?.(path('a.txt'), ITEM);
  expect([lost?.sizeBytes, lost?.onDisk]).toEqual([5, undefined]);
  await started[0]?.lose();
  await expect(lost?.publish(path('a.txt'), 'keep')).rejects.toMatchObject({ kind: 'Local' });
  await expect(lost?.destroy()).rejects.toMatchObject({ kind: 'Local' });
  await expect(lost?.read()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ kind: 'Local' });
  await lost?.close();
  const found = await files.held?.(path('a.txt'), ITEM);
  await found?.publish(path('a.txt'), 'keep');
  await found?.close();
  expect(started).toHaveLength(2);
  expect(await readdir(home)).toEqual(['a.txt']);
});

test('what is held and open keeps its worker, and what is closed does not', async () => {
  const { storage, clock, filesFor } = await storageWith();
  const files = filesFor();
  const staged = await files.stage(path('a.txt'), EMPTY);
  await staged.hold?.(ITEM);
  const held = await files.held?.(path('a.txt'), ITEM);
  clock.advance(60_000);
  expect(storage.pids).toEqual([1]);
  await held?.close();
  await held?.close();
  clock.advance(60_000);
  expect(storage.pids).toEqual([]);
  await storage.close();
});

test('an id or a place that nothing is held under is our mistake, and no worker hears of it', async () => {
  const { filesFor } = await storageWith();
  const files = filesFor();
  const staged = await files.stage(path('a.txt'), EMPTY);
  await expect((async () => staged.hold?.('../a'))()).rejects.toThrow(AssertionFailed);
  await expect((async () => files.held?.(path('a.txt'), `${ITEM}0`))()).rejects.toThrow(AssertionFailed);
  await staged.hold?.(ITEM);
  const held = await files.held?.(path('a.txt'), ITEM);
  await expect((async () => held?.publish(path('dir/a.txt'), 'keep'))()).rejects.toThrow(AssertionFailed);
  await held?.destroy();
  await held?.close();
});

test('a worker that does not start fails the question, says why in the log, and leaves its place free', async () => {
  const { log, events } = eventsOf();
  const storage = createUserStorage({
    clock: new FakeClock(),
    log,
    workersMax: 1,
    idleMs: 1_000,
    start: () => Promise.reject(new Error('no')),
  });
  const { home } = await makeDisk();
  const files = storage.filesFor(USER, { root: home, owner: 'somebody' });
  for (let turn = 1; turn <= 2; turn++) await expect(files.stat(path('/'))).rejects.toMatchObject({ kind: 'Local' });
  expect(events).toEqual(['files.worker_failed', 'files.worker_failed']);
  await storage.close();
});

test('closing ends every worker, and fails what is open', async () => {
  const { storage, filesFor } = await storageWith();
  const staged = await filesFor().stage(path('a.txt'), EMPTY);
  await filesFor(OTHER).stat(path('/'));
  await storage.close();
  expect(storage.pids).toEqual([]);
  await expect(staged.commit()).rejects.toMatchObject({ kind: 'Local' });
});

test('user number 0 is never served', async () => {
  const { storage } = await storageWith();
  expect(storage.whyNot({ user: 'root', uid: 0, gid: 0 })).toMatch('never');
});

test('a write of any size arrives whole', async () => {
  const { filesFor } = await storageWith();
  const files = filesFor();
  const buffers = [1, 3_000_000, 0, 2_097_152, 5].map((length, index) => Buffer.alloc(length, index + 1));
  const staged = await files.stage(path('a.bin'), EMPTY);
  await staged.write(buffers);
  await staged.commit();
  const opened = await files.openRead(path('a.bin'));
  const pieces: Buffer[] = [];
  for await (const piece of opened.read(0)) pieces.push(piece);
  await opened.close();
  expect(Buffer.concat(pieces).equals(Buffer.concat(buffers))).toBe(true);
});
