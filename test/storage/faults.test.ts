/** Every call of the disk fails once, at its first, second and third time: old or new is visible, never anything else. */
import * as fs from 'node:fs/promises';
import { expect, test } from 'vitest';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, StageRequest } from '../../src/spi/file-system.ts';
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
  openHandles,
  path,
  restart,
  stagingOf,
  upload,
} from './support.ts';

const NTH_MAX = 3;

interface Scenario {
  readonly name: string;
  readonly request: StageRequest;
  /** Content before; undefined when there is no file. */
  readonly old: string | undefined;
  readonly partial: string | undefined;
  /** Content after success. */
  readonly fresh: string;
}

const scenarios: readonly Scenario[] = [
  { name: 'a new file', request: EMPTY, old: undefined, partial: undefined, fresh: '123' },
  { name: 'a replaced file', request: EMPTY, old: 'old', partial: 'part', fresh: '123' },
  {
    name: 'a file that must not be replaced',
    request: { from: 'empty', existing: 'keep' },
    old: undefined,
    partial: 'part',
    fresh: '123',
  },
  { name: 'an append', request: APPEND, old: 'old', partial: undefined, fresh: 'old123' },
  { name: 'a resumed upload', request: restart(4), old: 'old', partial: 'part', fresh: 'part123' },
  { name: 'a resumed upload that is cut', request: restart(3), old: undefined, partial: 'part', fresh: 'par123' },
  { name: 'a restart in the published file', request: restart(2), old: 'old', partial: undefined, fresh: 'ol123' },
];

async function prepare({ old, partial }: Scenario): Promise<{ home: string; disk: FailingDisk; files: FileSystem }> {
  const { home } = await makeDisk();
  const disk = new FailingDisk();
  const files = createLocalStorage({ io: disk.io }).filesFor({ root: home, owner: 'alice' });
  if (old !== undefined) await upload(files, '/file', old);
  if (partial !== undefined) await cutOff(files, '/file', partial);
  return { home, disk, files };
}

/** Uploads in three writes and gives up on the first failure, as a transfer does. */
async function run(files: FileSystem, request: StageRequest, ending: 'keep' | 'remove'): Promise<number | undefined> {
  const staged = await files.stage(path('/file'), request);
  try {
    for await (const piece of staged.prefix()) expect(piece.length).toBeGreaterThan(0);
    for (const digit of '123') await staged.write([Buffer.from(digit)]);
    await staged.commit();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    return await staged.abort(ending);
  }
}

async function visible(home: string): Promise<string | undefined> {
  const files = localFiles({ root: home, owner: 'somebody' });
  return (await faultOf(files.stat(path('/file')))) === 'NoSuchFile' ? undefined : download(files, '/file');
}

async function callsOf(scenario: Scenario): Promise<Map<string, number>> {
  const { disk, files } = await prepare(scenario);
  disk.counts.clear();
  await run(files, scenario.request, 'keep');
  return new Map(disk.counts);
}

for (const scenario of scenarios) {
  for (const ending of ['keep', 'remove'] as const) {
    test(`${scenario.name} is whole or not there whichever call fails (${ending})`, async () => {
      const calls = await callsOf(scenario);
      expect(calls.get('handle.writev')).toBe(NTH_MAX);
      expect(calls.get('handle.sync')).toBeGreaterThan(0);
      for (const [call, count] of calls) {
        for (let nth = 1; nth <= Math.min(count, NTH_MAX); nth++) {
          await failAt(scenario, ending, { call, nth });
        }
      }
    });
  }
}

async function failAt(scenario: Scenario, ending: 'keep' | 'remove', at: { call: string; nth: number }) {
  const what = `${at.call} #${at.nth}`;
  const { home, disk, files } = await prepare(scenario);
  disk.arm(at.call, at.nth, 'ENOSPC');
  let outcome: 'published' | 'refused' | 'aborted' = 'published';
  let kept: number | undefined;
  try {
    kept = await run(files, scenario.request, ending);
    if (kept !== undefined) outcome = 'aborted';
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    outcome = 'refused';
  }
  expect(disk.fired, what).toBe(true);
  disk.arm('', 0, '');

  const content = await visible(home);
  if (outcome === 'published') expect(content, what).toBe(scenario.fresh);
  if (outcome === 'refused') expect(content, what).toBe(scenario.old);
  expect([scenario.old, scenario.fresh], what).toContain(content);
  const isVisible = content === undefined ? [] : ['file'];
  expect(await namesOf(files, '/'), what).toEqual(isVisible);
  expect(await openHandles(home), what).toEqual([]);
  // What abort promises is what a client is then told.
  if (kept !== undefined && kept > 0) expect(await files.resumableBytes(path('/file')), what).toBe(kept);
  expect((await stagingOf(home)).length, what).toBeLessThanOrEqual(2);

  // Nothing is taken for a running upload any more, and the next one goes through and clears up.
  await upload(files, '/file', 'next');
  expect(await visible(home), what).toBe('next');
  expect(await fs.readdir(home), what).toEqual(['file']);
}

test('a directory that cannot be made as asked is not made', async () => {
  for (const call of ['chmod', 'handle.sync', 'mkdir']) {
    const { home } = await makeDisk();
    const disk = new FailingDisk();
    const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
    disk.arm(call, 1, 'ENOSPC');
    expect(await faultOf(files.makeDirectory(path('/made')))).toBe('StorageFull');
    expect(await fs.readdir(home)).toEqual([]);
  }
});

test('a rename that must keep what exists is undone when it fails halfway', async () => {
  const { home } = await makeDisk();
  const disk = new FailingDisk();
  const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
  await upload(files, '/from', 'x');
  disk.arm('unlink', 1, 'EIO');
  expect(await faultOf(files.rename(path('/from'), path('/to'), 'keep'))).toBe('Local');
  expect(await fs.readdir(home)).toEqual(['from']);
});

test('reading and listing let go of everything when a call fails', async () => {
  const { home } = await makeDisk();
  const disk = new FailingDisk();
  const files = localFiles({ root: home, owner: 'alice' }, { io: disk.io });
  await upload(files, '/file', 'x');
  await fs.symlink('file', `${home}/link`);
  const operations = [
    () => download(files, '/file'),
    () => namesOf(files, '/'),
    () => files.stat(path('/file')),
    () => files.setMode(path('/file'), 0o640),
    () => files.rename(path('/file'), path('/file'), 'replace'),
    () => files.freeBytes(path('/none')),
  ];
  for (const operation of operations) {
    disk.arm('', 0, '');
    await operation();
    const calls = new Map(disk.counts);
    for (const [call, count] of calls) {
      for (let nth = 1; nth <= Math.min(count, NTH_MAX); nth++) {
        disk.arm(call, nth, 'EMFILE');
        // A failing look at what a link leads to is the only one that may be told as anything but the failure.
        expect(['FileBusy', 'success'], `${call} #${nth}`).toContain(await faultOf(operation()));
        expect(await openHandles(home), `${call} #${nth}`).toEqual([]);
      }
    }
  }
});
