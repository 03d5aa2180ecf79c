/** What came of a measure, contestant by contestant. */
import type { Contestant } from './contestant.ts';
import type { Figures, Measure } from './measure.ts';
import { type Spread, spreadOf } from './statistics.ts';

/** What came of one contestant: its repetitions, and why there are no more of them where it failed. */
export interface Taken {
  readonly contestant: Contestant;
  readonly figures: readonly Figures[];
  readonly failure: string | undefined;
}

/** What came of one measure. */
export interface Outcome {
  readonly measure: Measure;
  readonly taken: readonly Taken[];
}

/** The spread of one column; undefined where there are no figures. A contestant that failed has none: half of a run is no result. */
export function spreadIn({ figures, failure }: Taken, key: string): Spread | undefined {
  if (failure !== undefined) return undefined;
  const values = figures.map((figure) => figure[key]).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : spreadOf(values);
}

/** The median of one column for the contestant of that name. */
export function medianOf({ taken }: Outcome, name: string, key: string): number | undefined {
  const one = taken.find(({ contestant }) => contestant.name === name);
  return one === undefined ? undefined : spreadIn(one, key)?.median;
}
