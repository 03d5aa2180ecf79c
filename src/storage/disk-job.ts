/** What a `DiskThread` can be asked to do with the disk, and what it answers: everything in it can be sent from thread to thread. */
import type { FileFacts } from '../protocol/file-facts.ts';
import type { ExistingFile } from '../spi/file-system.ts';

/** Where something lies to which no link leads. */
export interface StraightPlace {
  /** What the operating system is to be given for it. */
  readonly path: string;
  /** Where it must really be, each byte one character (Latin-1). What is elsewhere was reached over a link, or has been moved. */
  readonly literal: string;
}

/** Reads a whole small file. */
export interface ReadJob extends StraightPlace {
  readonly kind: 'read';
  readonly bytesMax: number;
}

/** A small file. */
export interface SmallFile {
  readonly facts: FileFacts;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Begins an upload from nothing: opens its directory and makes the staged file. */
export interface StageJob extends StraightPlace {
  readonly kind: 'stage';
  /** The directory's, as it was known when the name of the staged file was taken. */
  readonly identity: string;
  /** The names of target and staged file. */
  readonly target: string;
  readonly staged: string;
  readonly existing: ExistingFile;
}

/** Descriptors, which belong to whoever asked. */
export interface StageOpened {
  readonly directory: number;
  readonly file: number;
}

/**
 * Ends an upload: `settle` writes its last bytes and gives it the bits that it will have, `publish` gives it its name, removes what an earlier
 * attempt left and closes the file, `both` does one behind the other and closes the directory too.
 */
export interface FinishJob {
  readonly kind: 'finish';
  readonly part: 'settle' | 'publish' | 'both';
  readonly directory: number;
  /** Where the directory must really be. */
  readonly literal: string;
  readonly file: number;
  readonly bytes: Uint8Array;
  /** Where in the file the bytes go. */
  readonly positionBytes: number;
  readonly staged: string;
  readonly target: string;
  /** The name of what an earlier attempt may have left. */
  readonly partial: string;
  readonly existing: ExistingFile;
  readonly fileMode: number;
}

/** How far it came, and why no further. */
export interface Finished {
  readonly published: boolean;
  readonly failure?: DiskFailure;
}

/** A system call's error, as it can be sent from thread to thread. */
export interface DiskFailure {
  readonly code: string;
  readonly errno: number;
  readonly message: string;
}

/** Anything that the thread can do. */
export type DiskJob = ReadJob | StageJob | FinishJob;

/** What a job came to. */
export type DiskResult = SmallFile | StageOpened | Finished;
