/** Benchmarks run as tiny as they go, and what they wrote. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';

/** Where the programs are. */
export const BENCH = fileURLToPath(new URL('../../bench', import.meta.url));

/** Compiled with every warning for an error, so that none creeps in. */
const CHECKED = 'cc -fsyntax-only -Wall -Wextra -Werror load/*.c';
const NEEDS = 'cc and the headers of OpenSSL must be installed, and the load generator must compile without a warning';
const MAX_MS = 580_000;

/** `test` where the load generator can be compiled; where it cannot, that is a failure in CI and told elsewhere. */
export function benchTest() {
  const { status, stderr } = spawnSync('sh', ['-c', CHECKED], { cwd: BENCH, encoding: 'utf8' });
  if (status !== 0 && (process.env.CI ?? '') !== '') test(NEEDS, () => expect(stderr).toBe(''));
  else if (status !== 0) test.skip(NEEDS, () => undefined);
  return test.skipIf(status !== 0);
}

/** What a table has for a figure. */
export const FIGURE = /^-?[0-9]+(\.[0-9]+)?$/;

/** A heading of a page, and the tables under it. */
export interface Section {
  readonly title: string;
  /** Rows of all its tables without their headings, cell by cell. */
  readonly rows: readonly (readonly string[])[];
}

/** Runs a benchmark and reads what it wrote: its page, and the other files beside it. Its own folder is gone behind it. */
export async function pageOf(program: string) {
  const [folder, cache] = [await lastingFolder(), await lastingFolder()];
  // Servers that change their user have to come through.
  await chmod(folder, 0o755);
  const page = join(folder, 'page.md');
  const args = [join(BENCH, program), '--quick', `--folder=${folder}`, `--out=${page}`];
  const { code, stderr } = await run(process.execPath, args, {
    timeoutMs: MAX_MS,
    // Many gateways are started, and each would compile itself anew.
    env: { NODE_COMPILE_CACHE: cache },
  });
  expect(code, stderr).toBe(0);
  const files = readdirSync(folder).toSorted();
  const text = readFileSync(page, 'utf8');
  const sections = text.split(/^## /m).slice(1).map(sectionOf);
  const measured = sections.filter(({ title }) => !['Machine', 'Contestants', 'Goals'].includes(title));
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const goals = sections.find(({ title }) => title === 'Goals')?.rows ?? [];
  return { text, measured, goals, failures: failuresIn(text), files, read };
}

/** What a page says of those who failed, for the message of a test. */
function failuresIn(text: string): string {
  return text
    .split('\n')
    .filter((line) => line.startsWith('- '))
    .join('\n');
}

function sectionOf(text: string): Section {
  const [title = '', ...lines] = text.split('\n');
  const rows = lines.filter((line, index) => line.startsWith('|') && !isHeading(lines, index));
  return { title, rows: rows.map(cellsOf) };
}

function isHeading(lines: readonly string[], index: number): boolean {
  return [lines[index], lines[index + 1]].some((line) => line?.startsWith('|---') ?? false);
}

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
