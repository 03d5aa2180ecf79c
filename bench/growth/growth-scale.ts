/** How far growth is followed. */
import { FULL, QUICK, type Scale } from '../scale.ts';

/** Steps of each series, and how often each is walked. */
export interface GrowthScale extends Scale {
  readonly streams: readonly number[];
  readonly entryCounts: readonly number[];
  readonly sessionCounts: readonly number[];
  readonly fileBytes: readonly number[];
  /** Sessions of servers that have a process for each: more would measure the machine's memory. */
  readonly processesMax: number;
}

/** The growth of a scale. One walk takes minutes, and is its own warm-up: medians leave a cold first one out. */
export function growthScale(scale: Scale): GrowthScale {
  return scale.field === 'whole' ? { ...WHOLE, repetitions: Math.min(scale.repetitions, 3) } : TINY;
}

const WHOLE: GrowthScale = {
  // Thousands of sessions log in, and what their hashes cost does not grow with anything.
  ...{ ...FULL, warmups: 0, secondsMax: 1_200, passwords: 'cheap' },
  streams: [1, 2, 4, 8, 16, 32, 64],
  entryCounts: [1, 10, 100, 1_000, 10_000, 100_000],
  sessionCounts: [0, 100, 500, 1_000, 2_000, 4_000, 8_000],
  fileBytes: [10, 14, 18, 22, 26, 29, 32].map((power) => 2 ** power),
  processesMax: 1_000,
};

const TINY: GrowthScale = {
  ...QUICK,
  streams: [1, 4],
  entryCounts: [1, 20],
  sessionCounts: [0, 2, 4],
  fileBytes: [2 ** 10, 2 ** 20],
  processesMax: 2,
};
