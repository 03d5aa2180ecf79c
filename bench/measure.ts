/** What a measure is: what it does to one server once, and how its figures are shown. */
import type { Running } from './contestant.ts';
import type { LoadProgram } from './load.ts';

/** Figures of one repetition by their columns' keys. One that a server has not is left out. */
export type Figures = Readonly<Record<string, number>>;

/** A column of a measure's table. */
export interface Column {
  readonly key: string;
  readonly heading: string;
  /** Digits behind the point. */
  readonly digits: number;
  /** Which is better. Without it the column is told and not compared. */
  readonly better?: 'lower' | 'higher';
}

/** Where a repetition takes place. */
export interface Place {
  readonly server: Running;
  readonly home: string;
  /** A folder on the same disk for what all homes have. */
  readonly shared: string;
  readonly load: LoadProgram;
  /** Whether this repetition does not count, and is there to make the server warm. */
  readonly warmsUp: boolean;
}

/** One measure. */
export interface Measure {
  readonly name: string;
  readonly title: string;
  /** What is done, for the reader of the results. */
  readonly text: string;
  /** The first is the one that counts. */
  readonly columns: readonly Column[];
  /** Whether each repetition begins with a server that has just been started. */
  readonly server: 'fresh' | 'kept';
  /** Measures of one kind warm servers up for each other; without it none does for this. */
  readonly kind?: string;
  readonly repetitions: number;
  /** Lays out the files in a home; `shared` is a folder for what all homes have. */
  prepare(home: string, shared: string): Promise<void>;
  /** One repetition. @throws Error when it does not go as it should. */
  take(place: Place): Promise<Figures>;
  /** Takes away what was laid out, and what the repetitions left. */
  clean(home: string): Promise<void>;
}

/** The columns of a measure of bytes. What the load itself takes is told, since both share the cores. */
export const BYTES_COLUMNS: readonly Column[] = [
  { key: 'cpuPerGiB', heading: 'CPU s/GiB', digits: 2, better: 'lower' },
  { key: 'mibPerSecond', heading: 'MiB/s', digits: 0, better: 'higher' },
  { key: 'clientCpuPerGiB', heading: "load's CPU s/GiB", digits: 2 },
];

/** The columns of a measure of small files. */
export const FILES_COLUMNS: readonly Column[] = [
  { key: 'cpuMs', heading: 'CPU ms/file', digits: 2, better: 'lower' },
  { key: 'perSecond', heading: 'files/s', digits: 0, better: 'higher' },
  { key: 'p99Ms', heading: 'p99 ms', digits: 1 },
  { key: 'resumedShare', heading: 'resumed', digits: 2 },
];
