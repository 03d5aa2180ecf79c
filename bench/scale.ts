/** How much is measured: all of it, or just enough to see that everything works. */

/** Sizes in bytes, times in seconds. */
export interface Scale {
  /** Of large files; what is steadier is repeated less often. */
  readonly repetitions: number;
  /** Repetitions in front of them that do not count: compilers, caches and allocators are cold in the first. */
  readonly warmups: number;
  /** The large file, and what several streams at once come to together. */
  readonly largeBytes: number;
  /** The file of transfers that go on beside another measure. */
  readonly mediumBytes: number;
  /** How long small operations are repeated for each figure. */
  readonly seconds: number;
  /** How long the first time does that does not count: a compiler in the server needs some thousands of them. */
  readonly warmupSeconds: number;
  readonly entries: number;
  readonly sessions: number;
  /** How many uploads of small files run side by side. */
  readonly parallel: number;
  /** How long one repetition may take. */
  readonly secondsMax: number;
  /** How long a server rests before its memory is read. */
  readonly restSeconds: number;
  /** How long nothing more may be used by a server until it counts as done. */
  readonly calmSeconds: number;
  /** Who takes part in measures that others resemble: all, or the first few. */
  readonly field: 'whole' | 'small';
  /** What the hash of Sallyport's account costs: as it comes, or next to nothing. */
  readonly passwords: 'usual' | 'cheap';
}

/** For figures. */
export const FULL: Scale = {
  repetitions: 10,
  warmups: 1,
  largeBytes: 2 ** 30,
  mediumBytes: 2 ** 28,
  seconds: 1,
  warmupSeconds: 5,
  entries: 100_000,
  sessions: 300,
  parallel: 64,
  secondsMax: 180,
  restSeconds: 0.5,
  calmSeconds: 0.1,
  field: 'whole',
  passwords: 'usual',
};

/** For tests: seconds altogether, and figures that say nothing. */
export const QUICK: Scale = {
  repetitions: 1,
  warmups: 0,
  largeBytes: 2 ** 20,
  mediumBytes: 2 ** 20,
  seconds: 0.1,
  warmupSeconds: 0.1,
  entries: 20,
  sessions: 4,
  parallel: 4,
  // Tests are run on busy machines.
  secondsMax: 120,
  restSeconds: 0.01,
  calmSeconds: 0.005,
  field: 'small',
  passwords: 'cheap',
};

/** A size as people say it. */
export function sizeText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  if (bytes >= 2 ** 20) return `${bytes / 2 ** 20} MiB`;
  return bytes >= 2 ** 10 ? `${bytes / 2 ** 10} KiB` : `${bytes} bytes`;
}
