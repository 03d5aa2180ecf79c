/** Ending an upload by way of a thread that does all of it in one go (`disk-thread.ts`). */
import { type BigIntStats, lstatSync } from 'node:fs';
import type { ExistingFile } from '../spi/file-system.ts';
import type { DiskFailure, FinishJob } from './disk-job.ts';
import type { DiskThread } from './disk-thread.ts';
import type { HeldDirectory } from './jail.ts';
import type { StagedHandle } from './plain-handle.ts';
import type { StagingNames } from './staging-names.ts';

/** What ends an upload, and what it is told of its directory. */
export interface AtOnce {
  readonly disk: DiskThread;
  /** Where the directory must be, see `StraightPlace`. */
  readonly literal: string;
  /** Its descriptor. */
  readonly directory: number;
  /** Whether the name of the target was looked for a moment ago, so that asking for it again asks no disk. */
  isFresh(): boolean;
}

/** What of an upload in progress has to do with its end. */
export interface EndingParts {
  readonly directory: HeldDirectory;
  /** The staged file, open for reading and writing. */
  readonly handle: StagedHandle;
  readonly names: StagingNames;
  /** The name under which it will be published. */
  readonly target: string;
  readonly existing: ExistingFile;
  /** Permission bits of a file that replaces none. */
  readonly fileMode: number;
  /** What may end it in one go, and where its directory must be for that; undefined where it is ended call by call. */
  readonly atOnce?: AtOnce;
}

/** What of an upload is not on the disk yet, and what the upload is called. */
export type Unfinished = Pick<FinishJob, 'part' | 'bytes' | 'positionBytes' | 'staged'>;

/**
 * Does a part of the end of an upload.
 *
 * @returns false when nothing has been done. @throws the system's error; what was not published is as it was then, but for its bits
 *   and bytes. Fault `Local` when nobody knows.
 */
export async function finishAtOnce(parts: EndingParts, how: Unfinished): Promise<boolean> {
  const { atOnce, handle, target, names, existing, fileMode } = parts;
  if (atOnce === undefined) return false;
  const { disk, literal, directory } = atOnce;
  const job = { ...how, literal, directory, file: handle.fd, target, partial: names.partial, existing, fileMode };
  const finished = await disk.finish(job);
  if (finished?.failure !== undefined) throw errorOf(finished.failure);
  return finished !== undefined;
}

/**
 * What has the target's name now; nothing when that has to be asked of a thread. The kernel keeps names in memory, also those that
 * nothing has.
 */
export function lookAgain({
  atOnce,
  directory,
  target,
}: EndingParts): { readonly stats: BigIntStats | undefined } | undefined {
  if (atOnce?.isFresh() !== true) return undefined;
  return { stats: lstatSync(directory.at(target), { bigint: true, throwIfNoEntry: false }) };
}

function errorOf({ message, code, errno }: DiskFailure): Error {
  return Object.assign(new Error(message), { code, errno });
}
