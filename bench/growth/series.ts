/** How figures grow with something: one repetition of one contestant walks through all the steps. */
import type { Contestant } from '../contestant.ts';
import type { Column, Figures, Measure, Place } from '../measure.ts';
import { type Outcome, spreadIn } from '../outcome.ts';
import type { Heat } from '../run-measures.ts';
import type { Spread } from '../statistics.ts';
import type { AxisScale } from './axis.ts';

/** What is measured at every step; drawn where it has a scale. */
export interface GrowthColumn extends Column {
  readonly scale?: AxisScale;
}

/** What grows, and what is measured meanwhile. */
export interface Series {
  readonly name: string;
  readonly title: string;
  readonly text: string;
  /** What the steps are. */
  readonly axis: string;
  readonly axisScale: AxisScale;
  readonly steps: readonly number[];
  stepText(step: number): string;
  readonly columns: readonly GrowthColumn[];
  readonly contestants: readonly Contestant[];
  readonly server: Measure['server'];
  readonly repetitions: number;
  prepare(home: string, shared: string): Promise<void>;
  /** Walks through the steps; those that are too far for a server are left out. @throws Error when anything does not go as it should. */
  walk(place: Place): Promise<ReadonlyMap<number, Figures>>;
  clean(home: string): Promise<void>;
}

/** It as a measure with a column for each figure of each step. */
export function heatOf(series: Series): Heat {
  const { name, title, text, steps, columns, contestants, server, repetitions, prepare, clean } = series;
  const measure: Measure = {
    ...{ name, title, text, server, repetitions, prepare, clean },
    columns: steps.flatMap((step) =>
      columns.map(({ key, heading, digits }) => ({
        ...{ key: keyOf(step, key), heading: `${series.stepText(step)}: ${heading}`, digits },
      })),
    ),
    async take(place) {
      const walked = await series.walk(place);
      return Object.fromEntries(
        [...walked].flatMap(([step, figures]) =>
          Object.entries(figures).map(([key, figure]) => [keyOf(step, key), figure]),
        ),
      );
    },
  };
  return { measure, contestants };
}

/** What came of one column at one step for a contestant; undefined where it has no figures. */
export function spreadAt({ taken }: Outcome, name: string, at: { step: number; key: string }): Spread | undefined {
  const one = taken.find(({ contestant }) => contestant.name === name);
  return one && spreadIn(one, keyOf(at.step, at.key));
}

function keyOf(step: number, key: string): string {
  return `${step}/${key}`;
}
