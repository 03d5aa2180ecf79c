/** A whole run: the ground laid out, the measures taken, the page written, everything removed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { onGround } from './ground.ts';
import { machineFacts } from './machine.ts';
import { type Goal, pageOf, type Reference } from './report.ts';
import { type Heat, runMeasures } from './run-measures.ts';
import type { Scale } from './scale.ts';
import { untilAsked } from './signals.ts';
import { readWords, type Words } from './words.ts';

/** What is measured, and what the page says of it. */
export interface Bench {
  readonly title: string;
  readonly text: readonly string[];
  /** The name of the page in this folder. */
  readonly page: string;
  readonly reference: Reference;
  readonly goals: readonly Goal[];
  heats(scale: Scale): readonly Heat[] | Promise<readonly Heat[]>;
}

/** Runs it as the words ask. @throws Error when there is no compiler for the load generator, or nothing to measure. */
export async function runBench({ title, text, page, reference, goals, heats }: Bench, args: readonly string[]) {
  const words = readWords(args, page);
  const chosen = chosenHeats(await heats(words.scale), words);
  await untilAsked((signal) =>
    onGround({ folder: words.folder, scale: words.scale, signal }, async (ground) => {
      const date = new Date().toISOString().slice(0, 10);
      const machine = machineFacts(ground.folder);
      const outcomes = await runMeasures(chosen, ground);
      await mkdir(dirname(words.out), { recursive: true });
      await writeFile(words.out, pageOf({ title, text, date, machine, reference, outcomes, goals }));
      ground.tell(`Written: ${words.out}`);
    }),
  );
}

/** Those that the words name. @throws Error when nothing is left. */
export function chosenHeats(heats: readonly Heat[], { measures, contestants: names }: Words): Heat[] {
  // `stor-1` is one measure, and not the beginning of `stor-16` as well.
  const exact = new Set(heats.map(({ measure }) => measure.name));
  const isMeant = (name: string, measure: string) => (exact.has(name) ? measure === name : measure.startsWith(name));
  const chosen = heats
    .filter(({ measure }) => measures?.some((name) => isMeant(name, measure.name)) ?? true)
    .map(({ measure, contestants }) => ({
      measure,
      contestants: contestants.filter(({ name }) => names?.includes(name) ?? true),
    }))
    .filter(({ contestants }) => contestants.length > 0);
  if (chosen.length === 0) throw new Error('no measure of that name, or no contestant');
  return chosen;
}
