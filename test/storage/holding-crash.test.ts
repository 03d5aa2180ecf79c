/** Holding and publishing are cut short anywhere: by a call that fails, and by SIGKILL. */
import { fork } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/spi/fault.ts';
import type { ExistingFile, FileSystem } from '../../src/spi/file-system.ts';
import { localFiles } from '../../src/storage/local.ts';
import {
  begin,
  cutOff,
  download,
  FailingDisk,
  faultOf,
  makeDisk,
  namesOf,
  openHandles,
  path,
  stagingOf,
  textOf,
  upload,
} from './support.ts';

const ITEM = '0123456789abcdef01234567';
const NTH_MAX = 3;

interface Scenario {
  readonly name: string;
  readonly existing: ExistingFile;
  /** Content before; undefined when there is no file. */
  readonly old: string | undefined;
  /** An unfinished upload of before. */
  readonly partial?: string;
}

const scenarios: readonly Scenario[] = [
  { name: 'a new file', existing: 'replace', old: undefined },
  { name: 'a replaced file', existing: 'replace', old: 'old', partial: 'part' },
  { name: 'a file that must not be replaced', existing: 'keep', old: undefined, partial: 'part' },
];

async function prepare({ old, partial }: Omit<Scenario, 'name' | 'existing'>) {
  const { home } = await makeDisk();
  const disk = new FailingDisk();
  const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
  if (old !== undefined) await upload(files, '/file', old);
  if (partial !== undefined) await cutOff(files, '/file', partial);
  return { home, disk, files };
}

async function hold(files: FileSystem, { existing }: Pick<Scenario, 'existing'>): Promise<void> {
  const staged = await files.stage(path('/file'), { from: 'empty', existing });
  try {
    await staged.write([Buffer.from('fresh')]);
    await staged.hold?.(ITEM);
  } catch (error) {
    await staged.abort('remove');
    throw error;
  }
}

async function end(files: FileSystem, act: 'destroy' | ExistingFile): Promise<void> {
  const held = await files.held?.(path('/file'), ITEM);
  try {
    if (act === 'destroy') await held?.destroy();
    else await held?.publish(path('/file'), act);
  } finally {
    await held?.close();
  }
}

async function heldText(files: FileSystem): Promise<string | undefined> {
  try {
    const held = await files.held?.(path('/file'), ITEM);
    const text = held && (await textOf(held.read()));
    await held?.close();
    return text;
  } catch (error) {
    if (error instanceof Fault && error.kind === 'NoSuchFile') return undefined;
    throw error;
  }
}

async function visible(files: FileSystem): Promise<string | undefined> {
  return (await faultOf(files.stat(path('/file')))) === 'NoSuchFile' ? undefined : download(files, '/file');
}

/** Lets every call that `act` makes fail once, at its first, second and third time. */
async function failingEach(
  start: () => Promise<{ home: string; disk: FailingDisk; files: FileSystem }>,
  act: (files: FileSystem) => Promise<void>,
  judge: (at: string, outcome: unknown, after: { home: string; files: FileSystem }) => Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const { disk, files } = await start();
  disk.arm('', 0, '');
  await act(files);
  const calls = new Map(disk.counts);
  for (const [call, count] of calls) {
    for (let nth = 1; nth <= Math.min(count, NTH_MAX); nth++) {
      const now = await start();
      now.disk.arm(call, nth, 'ENOSPC');
      const outcome = await faultOf(act(now.files));
      const at = `${call} #${nth}: ${outcome}`;
      expect(now.disk.fired, at).toBe(true);
      now.disk.arm('', 0, '');
      expect(await openHandles(now.home), at).toEqual([]);
      await judge(at, outcome, now);
    }
  }
  return calls;
}

describe.each(scenarios)('$name, whichever call fails', (scenario) => {
  test('is held whole or not at all', async () => {
    const start = () => prepare(scenario);
    const calls = await failingEach(
      start,
      (files) => hold(files, scenario),
      async (at, outcome, { home, files }) => {
        expect(await visible(files), at).toBe(scenario.old);
        expect(await heldText(files), at).toBe(outcome === 'success' ? 'fresh' : undefined);
        if (outcome === 'success') await end(files, 'destroy');
        await upload(files, '/file', 'next');
        expect(await fs.readdir(home), at).toEqual(['file']);
      },
    );
    expect([calls.get('rename'), calls.get('handle.sync')]).toEqual([1, 2]);
  });

  test('is published whole or still held, and the next publication finishes it', async () => {
    const { existing, old } = scenario;
    const start = async () => {
      const prepared = await prepare(scenario);
      await hold(prepared.files, scenario);
      return prepared;
    };
    const calls = await failingEach(
      start,
      (files) => end(files, existing),
      async (at, outcome, { home, files }) => {
        const content = await visible(files);
        if (outcome === 'success') expect(content, at).toBe('fresh');
        else expect([old, 'fresh'], at).toContain(content);
        const held = await heldText(files);
        expect([content, held], at).toContain('fresh');
        expect(await namesOf(files, '/'), at).toEqual(content === undefined ? [] : ['file']);
        if (held !== undefined) {
          if (content !== 'fresh') {
            const [name = ''] = await stagingOf(home);
            expect((await fs.stat(join(home, name))).mode & 0o777, at).toBe(0o600);
          }
          await end(files, existing);
        }
        expect(await heldText(files), at).toBeUndefined();
        expect(await visible(files), at).toBe('fresh');
        expect((await files.stat(path('/file'))).mode, at).toBe(0o640);
        expect((await files.stat(path('/file'))).linkCount, at).toBe(1);
        expect(await fs.readdir(home), at).toEqual(['file']);
      },
    );
    expect(calls.get('handle.sync')).toBe(1);
  });

  test('is destroyed or still held', async () => {
    const start = async () => {
      const prepared = await prepare(scenario);
      await hold(prepared.files, scenario);
      return prepared;
    };
    const calls = await failingEach(
      start,
      (files) => end(files, 'destroy'),
      async (at, outcome, { home, files }) => {
        expect(await visible(files), at).toBe(scenario.old);
        const held = await heldText(files);
        if (outcome === 'success') expect(held, at).toBeUndefined();
        if (held !== undefined) await end(files, 'destroy');
        expect(await stagingOf(home), at).toEqual([]);
      },
    );
    expect(calls.get('handle.sync')).toBe(1);
  });
});

test('a sync that failed is believed no more: what was to be held is neither kept nor published', async () => {
  const { home, disk, files } = await prepare({ old: undefined });
  const staged = await begin(files, '/file', 'fresh');
  disk.arm('handle.sync', 1, 'EIO');
  expect(await faultOf(staged.hold?.(ITEM) ?? Promise.resolve())).toBe('Local');
  expect(await faultOf(staged.hold?.(ITEM) ?? Promise.resolve())).toBe('Local');
  expect(await faultOf(staged.commit())).toBe('Local');
  expect(await staged.abort('keep')).toBe(0);
  expect(await fs.readdir(home)).toEqual([]);
});

test('what could not be held can be resumed', async () => {
  const { disk, files } = await prepare({ old: undefined });
  const staged = await begin(files, '/file', 'fresh');
  // The second is that of the directory, behind the file's.
  disk.arm('handle.sync', 2, 'EIO');
  expect(await faultOf(staged.hold?.(ITEM) ?? Promise.resolve())).toBe('Local');
  expect(await staged.abort('keep')).toBe(5);
  expect(await heldText(files)).toBeUndefined();
  expect(await files.resumableBytes(path('/file'))).toBe(5);
});

test('the name is on the disk after the bytes, and both before it is held; with `sync` off nothing is waited for', async () => {
  for (const sync of [true, false]) {
    const { home } = await makeDisk();
    const order: string[] = [];
    const disk = new FailingDisk();
    const noted = (what: string) => void order.push(`${what} after ${disk.counts.get('handle.sync') ?? 0} syncs`);
    const io = {
      ...disk.io,
      rename: async (...words: Parameters<typeof fs.rename>) => {
        noted('rename');
        await disk.io.rename(...words);
      },
    };
    const files = localFiles({ root: home, owner: 'alice', sync }, { io });
    await hold(files, { existing: 'replace' });
    noted('held');
    await end(files, 'replace');
    noted('published');
    // What is gone was published, and whoever concludes that must not see it come back with the next power loss.
    expect(await heldText(files)).toBeUndefined();
    noted('not held');
    const syncs = sync ? [0, 2, 2, 3, 4] : [0, 0, 0, 0, 0];
    const steps = ['rename', 'held', 'rename', 'published', 'not held'];
    expect(order).toEqual(steps.map((step, index) => `${step} after ${syncs[index]} syncs`));
    expect(await visible(files)).toBe('fresh');
  }
});

test('what was killed with bits that nobody can read with is found all the same', async () => {
  const { home, disk, files } = await prepare({ old: undefined });
  await hold(files, { existing: 'replace' });
  const [name = ''] = await stagingOf(home);
  await fs.chmod(join(home, name), 0o200);
  // The second call opens the held file, behind the directory. Root may read what it likes.
  disk.arm('open', 2, 'EACCES');
  expect(await heldText(files)).toBe('fresh');
  expect(disk.fired).toBe(true);
  expect((await fs.stat(join(home, name))).mode & 0o777).toBe(0o600);
});

test('what was cut short between its two names is published, also over itself', async () => {
  for (const existing of ['keep', 'replace'] as const) {
    const { home, files } = await prepare({ old: undefined });
    await hold(files, { existing });
    const [name = ''] = await stagingOf(home);
    await fs.link(join(home, name), join(home, 'file'));
    expect(await heldText(files)).toBe('fresh');
    await end(files, existing);
    expect(await fs.readdir(home)).toEqual(['file']);
    expect((await files.stat(path('/file'))).linkCount).toBe(1);
  }
});

/** Runs a holder until its nth call and kills it there. @returns the call, or `done` when it made fewer. */
async function killAt(home: string, existing: ExistingFile, nth: number): Promise<unknown> {
  const child = fork(join(import.meta.dirname, 'holder.ts'), [home, existing, `${nth}`, 'boot-1', ITEM, 'fresh']);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const message = await new Promise((resolve) => {
    child.once('message', resolve);
    child.once('exit', () => resolve('ended too early'));
  });
  child.kill('SIGKILL');
  await ended;
  return message;
}

describe.each(scenarios)('$name, killed in front of any change', ({ existing, old, partial }) => {
  test('is held, published, to be resumed or not there, and can be finished or undone', {
    timeout: 120_000,
  }, async () => {
    const stops: unknown[] = [];
    for (let nth = 1; stops.at(-1) !== 'done'; nth++) {
      const { home } = await prepare({ old, ...(partial !== undefined && { partial }) });
      const stop = await killAt(home, existing, nth);
      stops.push(stop);
      const at = `${stop} #${nth}`;
      expect(stop, at).not.toBe('ended too early');
      expect(nth, at).toBeLessThan(40);

      const files = localFiles({ root: home, owner: 'alice' }, { bootId: 'boot-1' });
      const content = await visible(files);
      const held = await heldText(files);
      expect([old, 'fresh'], at).toContain(content);
      expect([undefined, 'fresh'], at).toContain(held);
      if (stop === 'done') expect([content, held]).toEqual(['fresh', undefined]);
      if (held !== undefined) await end(files, stops.length % 2 === 0 || content === 'fresh' ? existing : 'destroy');
      expect(await heldText(files), at).toBeUndefined();
      expect([old, 'fresh'], at).toContain(await visible(files));
      await upload(files, '/file', 'next');
      expect(await fs.readdir(home), at).toEqual(['file']);
      expect((await files.stat(path('/file'))).linkCount, at).toBe(1);
    }
    expect(stops).toContain('rename');
    expect(stops).toContain('handle.sync');
  });
});
