/** The page about growth: a drawing and a table for each series. */

import type { Outcome } from '../outcome.ts';
import { contestantRow, spreadText, table } from '../report.ts';
import { axisFor, stepAxis } from './axis.ts';
import { type Diagram, drawing } from './drawing.ts';
import { type GrowthColumn, type Series, spreadAt } from './series.ts';

/** A series and what came of it. */
export interface Grown {
  readonly series: Series;
  readonly outcome: Outcome;
}

/** All that the page tells. */
export interface GrowthPage {
  readonly date: string;
  readonly machine: readonly (readonly [string, string])[];
  readonly grown: readonly Grown[];
  /** The name of the file with a series' drawing. */
  drawingName(series: Series): string;
}

/** The page. */
export function growthPageOf({ date, machine, grown, drawingName }: GrowthPage): string {
  const contestants = new Map(
    grown.flatMap(({ series }) => series.contestants.map((each) => [each.name, each] as const)),
  );
  const lines = [
    '# How Sallyport grows',
    '',
    'Written and drawn by `npm run bench:growth`; [docs/performance.md](../docs/performance.md) tells how to read it. Median (lowest-highest) of ' +
      'the repetitions. CPU is that of the server and of all its processes.',
    '',
    ...['## Machine', '', ...table(['', ''], [['date', date], ...machine]), ''],
    ...['## Contestants', '', ...table(['name', 'version', 'setup'], [...contestants.values()].map(contestantRow)), ''],
    ...grown.flatMap((one) => [...section(one, drawingName(one.series)), '']),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** The drawing of a series: a diagram for each column that has a scale. */
export function drawingOf({ series, outcome }: Grown): string {
  const drawn = series.columns.filter(({ scale }) => scale !== undefined);
  return drawing(
    series.title,
    drawn.map((column) => diagram(series, outcome, column)),
  );
}

function diagram(series: Series, outcome: Outcome, { key, heading, scale = 'linear' }: GrowthColumn): Diagram {
  const { axis, axisScale, steps, contestants, stepText } = series;
  const lines = contestants.map(({ name }) => ({
    name,
    points: steps.flatMap((step) => {
      const spread = spreadAt(outcome, name, { step, key });
      return spread === undefined ? [] : [[step, spread.median] as const];
    }),
  }));
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value));
  const x = axisScale === 'log' ? stepAxis(steps) : axisFor('linear', steps);
  const note = [axisScale === 'log' && 'horizontal', scale === 'log' && 'vertical'].filter((word) => word !== false);
  const xLabel = note.length === 0 ? axis : `${axis} (log scale: ${note.join(' and ')})`;
  return { title: heading, x, y: axisFor(scale, values), xLabel, xText: stepText, lines };
}

function section({ series, outcome }: Grown, picture: string): string[] {
  const tables = series.contestants.flatMap(({ name }) => [
    '',
    `**${name}**`,
    '',
    ...tableOf({ series, outcome }, name),
  ]);
  const failed = outcome.taken.filter(({ failure }) => failure !== undefined);
  return [
    `## ${series.title}`,
    '',
    `${series.text} Repetitions: ${series.repetitions}.`,
    '',
    `![${series.title}](${picture})`,
    ...tables,
    ...(failed.length === 0
      ? []
      : ['', ...failed.map(({ contestant, failure }) => `- ${contestant.name}: ${failure}`)]),
  ];
}

function tableOf({ series, outcome }: Grown, name: string): string[] {
  const rows = series.steps.map((step) => [
    series.stepText(step),
    ...series.columns.map(({ key, digits }) => {
      const spread = spreadAt(outcome, name, { step, key });
      return spread === undefined ? '-' : spreadText(spread, digits);
    }),
  ]);
  return table([series.axis, ...series.columns.map(({ heading }) => heading)], rows);
}
