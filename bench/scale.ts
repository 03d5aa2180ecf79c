/** How much is measured: all of it, or just enough to see that everything works. */

/** Sizes in bytes, times in seconds. */
export interface Scale {
  /** Of large files; what is steadier is repeated less often. */
  readonly repetitions: number;
  /** Repetitions in front of them that do not count: compilers, caches and allocators are cold in the first. */
  readonly warmups: number;
  /** The large file. */
  readonly largeBytes: number;
  /** The file of each of several streams at once, and of downloads that go on beside another measure. */
  readonly mediumBytes: number;
  /** How long small operations are repeated for each figure. */
  readonly seconds: number;
  readonly entries: number;
  readonly sessions: number;
  /** How many uploads of small files run side by side. */
  readonly parallel: number;
  /** How long one repetition may take. */
  readonly secondsMax: number;
}

/** For figures. */
export const FULL: Scale = {
  repetitions: 10,
  warmups: 1,
  largeBytes: 2 ** 30,
  mediumBytes: 2 ** 28,
  seconds: 2,
  entries: 100_000,
  sessions: 300,
  parallel: 64,
  secondsMax: 180,
};

/** For tests: seconds altogether, and figures that say nothing. */
export const QUICK: Scale = {
  repetitions: 1,
  warmups: 0,
  largeBytes: 2 ** 20,
  mediumBytes: 2 ** 20,
  seconds: 0.1,
  entries: 20,
  sessions: 4,
  parallel: 4,
  secondsMax: 30,
};

/** A size as people say it. */
export function sizeText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${bytes / 2 ** 30} GiB`;
  return bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`;
}
