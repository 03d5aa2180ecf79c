/** The words behind `npm run bench --`. */
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FULL, QUICK, type Scale } from './scale.ts';

/** What was asked for. */
export interface Words {
  readonly scale: Scale;
  /** Where the page is written. */
  readonly out: string;
  /** Where the files of the measures are: on the disk that is meant. */
  readonly folder: string;
  /** Names of measures, or beginnings of them; undefined for all. */
  readonly measures: readonly string[] | undefined;
  /** Names of contestants; undefined for all. */
  readonly contestants: readonly string[] | undefined;
}

/** Reads them. @throws TypeError for one that there is not. A quick run writes nothing over the page, unless it is told where. */
export function readWords(args: readonly string[], page: string): Words {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      repetitions: { type: 'string' },
      out: { type: 'string' },
      folder: { type: 'string', default: tmpdir() },
      measures: { type: 'string' },
      contestants: { type: 'string' },
    },
  });
  const scale = values.quick ? QUICK : FULL;
  const repetitions = Number(values.repetitions ?? scale.repetitions);
  if (!Number.isInteger(repetitions) || repetitions < 1)
    throw new TypeError('--repetitions must be a number from 1 on');
  const partial = values.quick || values.measures !== undefined || values.contestants !== undefined;
  const usual = partial
    ? fileURLToPath(new URL(`../var/${page}`, import.meta.url))
    : fileURLToPath(new URL(page, import.meta.url));
  return {
    scale: { ...scale, repetitions },
    out: resolve(values.out ?? usual),
    folder: resolve(values.folder),
    measures: values.measures?.split(','),
    contestants: values.contestants?.split(OUTSIDE_BRACKETS),
  };
}

/** Commas between names, some of which have one in brackets. */
const OUTSIDE_BRACKETS = /,(?![^(]*\))/;
