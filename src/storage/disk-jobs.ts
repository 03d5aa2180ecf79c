/**
 * What a `DiskThread` does with the disk: each job is a row of system calls, made at once and in order, where the main thread would
 * send each of them through the thread pool. A job does only what is plain. Where anything is not as expected it takes back what it has
 * begun and says nothing, and whoever asked does it call by call, with all checks, and learns there what is wrong.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { unreachable } from '../lib/assert.ts';
import type {
  DiskFailure,
  DiskJob,
  DiskResult,
  Finished,
  FinishJob,
  ReadJob,
  SmallFile,
  StageJob,
  StageOpened,
} from './disk-job.ts';
import { factsOf, identityOf, O_PATH, pathOfDescriptor } from './io.ts';
import { publishedMode, STAGED_FLAGS, STAGED_MODE } from './staged-file.ts';

/** Does a job. @returns undefined when nothing was done: it is to be done in the usual way. */
export function doJob(job: DiskJob): DiskResult | undefined {
  try {
    switch (job.kind) {
      case 'read':
        return readSmall(job);
      case 'stage':
        return stage(job);
      case 'finish':
        return finish(job);
      default:
        return unreachable(job);
    }
  } catch {
    // Whoever asked is told what is wrong when it asks in the usual way.
    return undefined;
  }
}

function readSmall({ path, literal, bytesMax }: ReadJob): SmallFile | undefined {
  return withOpen(openSync(path, O_PATH), (place) => {
    if (placeOf(place) !== literal) return undefined;
    const stats = fstatSync(place, { bigint: true });
    if (!stats.isFile() || stats.size > bytesMax) return undefined;
    const bytes = new Uint8Array(Number(stats.size));
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const isWhole = withOpen(openSync(pathOfDescriptor(place), flags), (file) => fill(file, bytes));
    return isWhole ? { facts: factsOf(stats), bytes } : undefined;
  });
}

function stage({ path, literal, identity, target, staged, existing }: StageJob): StageOpened | undefined {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK);
  let file: number | undefined;
  try {
    const within = pathOfDescriptor(directory);
    const isThere = placeOf(directory) === literal && identityOf(fstatSync(directory, { bigint: true })) === identity;
    const replaced = isThere ? lstatSync(`${within}/${target}`, { throwIfNoEntry: false }) : undefined;
    if (!isThere || (replaced !== undefined && (existing === 'keep' || !replaced.isFile()))) return undefined;
    const flags = STAGED_FLAGS | constants.O_CREAT | constants.O_EXCL;
    file = openSync(`${within}/${staged}`, flags, STAGED_MODE);
    return { directory, file };
  } finally {
    if (file === undefined) closeSync(directory);
  }
}

function finish(job: FinishJob): Finished | undefined {
  const within = pathOfDescriptor(job.directory);
  if (job.part !== 'publish') {
    if (placeOf(job.directory) !== job.literal) return undefined;
    const replaced = lstatSync(`${within}/${job.target}`, { bigint: true, throwIfNoEntry: false });
    if (replaced?.isDirectory()) return undefined;
    const failure = failureOf(() => {
      write(job.file, job.bytes, job.positionBytes);
      fchmodSync(job.file, publishedMode(replaced, job.fileMode));
    });
    if (failure !== undefined) return { published: false, failure };
  }
  if (job.part === 'settle') return { published: false };
  const failure = failureOf(() => publish(job, within));
  if (failure !== undefined) return { published: false, failure };
  // Published. What cannot be tidied up must not make it look failed.
  failureOf(() => unlinkSync(`${within}/${job.partial}`));
  failureOf(() => closeSync(job.file));
  if (job.part === 'both') failureOf(() => closeSync(job.directory));
  return { published: true };
}

/** As `StagedFile` does it. */
function publish({ staged, target, existing }: FinishJob, within: string): void {
  if (existing === 'replace') {
    renameSync(`${within}/${staged}`, `${within}/${target}`);
    return;
  }
  linkSync(`${within}/${staged}`, `${within}/${target}`);
  failureOf(() => unlinkSync(`${within}/${staged}`));
}

/** Where an open descriptor really is. */
function placeOf(descriptor: number): string {
  return readlinkSync(pathOfDescriptor(descriptor), 'latin1');
}

/** @returns false when the file ends before all is filled. */
function fill(file: number, bytes: Uint8Array): boolean {
  for (let offset = 0; offset < bytes.length; ) {
    const count = readSync(file, bytes, offset, bytes.length - offset, offset);
    if (count === 0) return false;
    offset += count;
  }
  return true;
}

function write(file: number, bytes: Uint8Array, positionBytes: number): void {
  for (let offset = 0; offset < bytes.length; ) {
    const count = writeSync(file, bytes, offset, bytes.length - offset, positionBytes + offset);
    if (count === 0) throw new Error('the disk took nothing');
    offset += count;
  }
}

function withOpen<T>(descriptor: number, use: (descriptor: number) => T): T {
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function failureOf(act: () => void): DiskFailure | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    const { code = 'EIO', errno = 0, message } = error instanceof Error ? systemError(error) : { message: `${error}` };
    return { code, errno, message };
  }
}

function systemError(error: Error & { code?: string; errno?: number }): {
  code?: string;
  errno?: number;
  message: string;
} {
  return error;
}
