/** What the thread of the disk does, called here without one: only what is plain, and nothing by halves. */
import { closeSync, constants, openSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { DiskJob, FinishJob, StageJob, StageOpened } from '../../src/storage/disk-job.ts';
import { doJob } from '../../src/storage/disk-jobs.ts';
import { identityOf } from '../../src/storage/io.ts';
import { makeDisk } from './support.ts';

const onLinux = test.skipIf(process.platform !== 'linux');

async function stageJob(home: string, more: Partial<StageJob> = {}): Promise<StageJob> {
  const identity = identityOf(await fs.stat(home, { bigint: true }));
  const names = { target: 'a.txt', staged: '.staged' } as const;
  return { kind: 'stage', path: home, literal: home, identity, ...names, existing: 'replace', ...more };
}

const begun: { readonly home: string; readonly opened: StageOpened }[] = [];
afterEach(async () => {
  for (const { home, opened } of begun.splice(0)) {
    for (const descriptor of [opened.directory, opened.file]) {
      // Those that the job has closed may be others by now.
      const place = await fs.readlink(`/proc/self/fd/${descriptor}`).catch(() => '');
      if (place.startsWith(join(home, '..'))) closeSync(descriptor);
    }
  }
});

/** Begins an upload, whose descriptors are closed behind the test. */
async function staged(home: string): Promise<StageOpened> {
  const opened = doJob(await stageJob(home));
  if (opened === undefined || !('directory' in opened)) throw new Error('it could not be begun');
  begun.push({ home, opened });
  return opened;
}

function finishJob(home: string, opened: StageOpened, more: Partial<FinishJob> = {}): FinishJob {
  return {
    ...{ kind: 'finish', part: 'both', ...opened, literal: home, bytes: Buffer.from('hello'), positionBytes: 0 },
    ...{ staged: '.staged', target: 'a.txt', partial: '.partial', existing: 'replace', fileMode: 0o640, ...more },
  };
}

const read = (path: string, literal = path): DiskJob => ({ kind: 'read', path, literal, bytesMax: 8 });

onLinux('what a link leads to is not read, nor what is no file, is large, or is not there', async () => {
  const { folder, home } = await makeDisk();
  await fs.writeFile(join(folder, 'secret'), 'secret');
  await fs.symlink(join(folder, 'secret'), join(home, 'link'));
  await fs.symlink(folder, join(home, 'out'));
  await fs.writeFile(join(home, 'large'), '123456789');
  expect(doJob(read(join(home, 'link')))).toBeUndefined();
  expect(doJob(read(join(home, 'out/secret')))).toBeUndefined();
  expect(doJob(read(join(home, 'large')))).toBeUndefined();
  expect(doJob(read(home))).toBeUndefined();
  expect(doJob(read(join(home, 'missing')))).toBeUndefined();
});

onLinux('a small file is read whole, with its facts', async () => {
  const { home } = await makeDisk();
  await fs.writeFile(join(home, 'small'), '12345678', { mode: 0o604 });
  const result = doJob(read(join(home, 'small')));
  expect(result).toMatchObject({ facts: { kind: 'file', sizeBytes: 8, linkCount: 1 } });
  expect(result !== undefined && 'bytes' in result && Buffer.from(result.bytes).toString()).toBe('12345678');
});

onLinux('nothing is begun in another directory than was meant, nor where something special has a name', async () => {
  const { folder, home } = await makeDisk();
  await fs.symlink(home, join(folder, 'link'));
  await fs.mkdir(join(home, 'directory'));
  await fs.symlink('nowhere', join(home, 'dangling'));
  await fs.writeFile(join(home, 'file'), '');
  const refused: Partial<StageJob>[] = [
    { path: join(folder, 'link'), literal: join(folder, 'link') },
    { path: folder },
    { identity: '0.0' },
    { target: 'directory' },
    { target: 'dangling' },
    { target: 'file', existing: 'keep' },
    { staged: 'file' },
  ];
  const before = await fs.readdir(home);
  for (const more of refused) expect(doJob(await stageJob(home, more)), JSON.stringify(more)).toBeUndefined();
  expect(await fs.readdir(home)).toEqual(before);
});

onLinux('an upload is not ended in a directory that has been moved, nor over one', async () => {
  const { folder, home } = await makeDisk();
  const opened = await staged(home);
  await fs.mkdir(join(home, 'a.txt'));
  expect(doJob(finishJob(home, opened))).toBeUndefined();
  await fs.rmdir(join(home, 'a.txt'));
  await fs.rename(home, join(folder, 'moved'));
  expect(doJob(finishJob(home, opened))).toBeUndefined();
  expect(await fs.readdir(join(folder, 'moved'))).toEqual(['.staged']);
});

onLinux('a name that was taken meanwhile is kept, and the upload is still there', async () => {
  const { home } = await makeDisk();
  const opened = await staged(home);
  await fs.writeFile(join(home, 'a.txt'), 'theirs');
  const result = doJob(finishJob(home, opened, { existing: 'keep' }));
  expect(result).toMatchObject({ published: false, failure: { code: 'EEXIST', errno: -17 } });
  expect(await fs.readFile(join(home, 'a.txt'), 'utf8')).toBe('theirs');
  expect(await fs.readFile(join(home, '.staged'), 'utf8')).toBe('hello');
});

onLinux('what cannot be written is told with its error, and nothing is published', async () => {
  const { home } = await makeDisk();
  const opened = await staged(home);
  const file = openSync(join(home, '.staged'), constants.O_RDONLY);
  expect(doJob(finishJob(home, { ...opened, file }))).toMatchObject({ published: false, failure: { code: 'EBADF' } });
  closeSync(file);
  expect(await fs.readdir(home)).toEqual(['.staged']);
});

onLinux('an upload is ended at once: bytes, bits, name, and no partial any more', async () => {
  const { home } = await makeDisk();
  const opened = await staged(home);
  expect((await fs.stat(join(home, '.staged'))).mode & 0o777).toBe(0o600);
  await fs.writeFile(join(home, '.partial'), 'old');
  expect(doJob(finishJob(home, opened))).toEqual({ published: true });
  expect(await fs.readdir(home)).toEqual(['a.txt']);
  expect(await fs.readFile(join(home, 'a.txt'), 'utf8')).toBe('hello');
  expect((await fs.stat(join(home, 'a.txt'))).mode & 0o777).toBe(0o640);
});

onLinux('ended in two parts it has its name behind the second, and the bits of what it replaces', async () => {
  const { home } = await makeDisk();
  await fs.writeFile(join(home, 'a.txt'), 'old');
  await fs.chmod(join(home, 'a.txt'), 0o604);
  const opened = await staged(home);
  expect(doJob(finishJob(home, opened, { part: 'settle' }))).toEqual({ published: false });
  expect(await fs.readFile(join(home, 'a.txt'), 'utf8')).toBe('old');
  expect(doJob(finishJob(home, opened, { part: 'publish', bytes: Buffer.alloc(0) }))).toEqual({ published: true });
  expect(await fs.readFile(join(home, 'a.txt'), 'utf8')).toBe('hello');
  expect((await fs.stat(join(home, 'a.txt'))).mode & 0o777).toBe(0o604);
});
