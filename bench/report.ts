/** The results as a page of Markdown. Every figure in it comes from the run that wrote it. */
import type { Contestant } from './contestant.ts';
import type { Column } from './measure.ts';
import { type Outcome, spreadIn, type Taken } from './outcome.ts';
import type { Spread } from './statistics.ts';

/** What figures are compared with: the best of the peers, or one contestant. */
export type Reference = 'best peer' | { readonly name: string };

/** Something that was set out to be reached. */
export interface Goal {
  readonly text: string;
  /** What it is judged by; undefined where the figures for it are missing. */
  figure(outcomes: readonly Outcome[]): number | undefined;
  readonly digits: number;
  reached(figure: number): boolean;
}

/** All that a page tells. */
export interface Page {
  readonly title: string;
  readonly text: readonly string[];
  readonly date: string;
  readonly machine: readonly (readonly [string, string])[];
  readonly reference: Reference;
  readonly outcomes: readonly Outcome[];
  readonly goals: readonly Goal[];
}

/** The page. */
export function pageOf({ title, text, date, machine, reference, outcomes, goals }: Page): string {
  const lines = [`# ${title}`, '', ...text.flatMap((paragraph) => [paragraph, '']), '## Machine', ''];
  lines.push(...table(['', ''], [['date', date], ...machine]), '', '## Contestants', '');
  lines.push(...table(['name', 'version', 'setup'], contestantsIn(outcomes).map(contestantRow)), '');
  if (goals.length > 0) lines.push('## Goals', '', ...table(GOAL_HEADINGS, goals.map(goalRow(outcomes))), '');
  for (const outcome of outcomes) lines.push(...section(outcome, reference), '');
  return `${lines.join('\n').trimEnd()}\n`;
}

const GOAL_HEADINGS = ['goal', 'this run', ''];

function section({ measure, taken }: Outcome, reference: Reference): string[] {
  const headings = measure.columns.flatMap(({ heading, better }) => (better === undefined ? [heading] : [heading, '']));
  const rows = taken.map((one) => [one.contestant.name, ...cells(one, { columns: measure.columns, taken, reference })]);
  const failed = taken.filter(({ failure }) => failure !== undefined);
  return [
    `## ${measure.title}`,
    '',
    `${measure.text} Repetitions: ${measure.repetitions}.`,
    '',
    ...table(['', ...headings], rows),
    ...(failed.length === 0 ? [] : ['']),
    ...failed.map(({ contestant, failure }) => `- ${contestant.name}: ${cellText(failure ?? '')}`),
  ];
}

interface Beside {
  readonly columns: readonly Column[];
  readonly taken: readonly Taken[];
  readonly reference: Reference;
}

function cells(one: Taken, { columns, taken, reference }: Beside): string[] {
  return columns.flatMap((column) => {
    const spread = spreadIn(one, column.key);
    const shown = spread === undefined ? '-' : spreadText(spread, column.digits);
    if (column.better === undefined) return [shown];
    const base = referenceIn(taken, column, reference);
    const ratio =
      spread === undefined || base === undefined || base === 0 ? '-' : `x ${(spread.median / base).toFixed(2)}`;
    return [shown, ratio];
  });
}

function referenceIn(taken: readonly Taken[], { key, better }: Column, reference: Reference): number | undefined {
  const among = taken.filter(({ contestant }) =>
    reference === 'best peer' ? contestant.side === 'peer' : contestant.name === reference.name,
  );
  const medians = among.map((one) => spreadIn(one, key)?.median).filter((median) => median !== undefined);
  if (medians.length === 0) return undefined;
  return better === 'lower' ? Math.min(...medians) : Math.max(...medians);
}

/** A median with what lies around it. */
export function spreadText({ median, min, max }: Spread, digits: number): string {
  if (min === max) return median.toFixed(digits);
  return `${median.toFixed(digits)} (${min.toFixed(digits)}-${max.toFixed(digits)})`;
}

function contestantsIn(outcomes: readonly Outcome[]): Contestant[] {
  const all = outcomes.flatMap(({ taken }) => taken.map(({ contestant }) => contestant));
  return [...new Map(all.map((contestant) => [contestant.name, contestant])).values()];
}

/** A contestant with its version and setup. */
export function contestantRow({ name, note, presence }: Contestant): string[] {
  const found = presence();
  return [name, 'version' in found ? found.version : `not run: ${found.missing}`, note];
}

function goalRow(outcomes: readonly Outcome[]) {
  return ({ text, figure, digits, reached }: Goal): string[] => {
    const value = figure(outcomes);
    if (value === undefined) return [text, '-', 'not known: see the failures below'];
    return [text, value.toFixed(digits), reached(value) ? 'reached' : '**not reached**'];
  };
}

/** Lines of a table. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cellsOfRow: readonly string[]) => `| ${cellsOfRow.map(cellText).join(' | ')} |`;
  return [line(headings), `|${headings.map(() => '---|').join('')}`, ...rows.map(line)];
}

function cellText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replaceAll('|', '\\|');
}
