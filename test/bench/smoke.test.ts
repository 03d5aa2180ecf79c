/**
 * Both benchmarks, run as tiny as they go, so that they still run when somebody wants figures. Nothing is said of times. Peers that are
 * installed take part; which of them are is not for this test to say.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';

const BENCH = fileURLToPath(new URL('../../bench', import.meta.url));
const buildable = spawnSync('cc', ['-fsyntax-only', join(BENCH, 'load/ftps-load.c')]).status === 0;
const NEEDS = 'cc and the headers of OpenSSL must be installed for these tests';
if (!buildable && (process.env.CI ?? '') !== '') test(NEEDS, () => expect(buildable).toBe(true));
else if (!buildable) test.skip(NEEDS, () => undefined);

const testBench = test.skipIf(!buildable);

testBench(
  'Sallyport and its peers: each measure has a row for every contestant, with figures or with why there are none',
  async () => {
    const { tables, text } = await pageOf('peers-bench.ts');
    expect(tables.map(({ title }) => title)).toEqual([
      ...['RETR of 1 MiB, 1 at a time', 'RETR of 1 MiB, 4 at a time'],
      ...['STOR of 1 MiB, 1 at a time', 'STOR of 1 MiB, 4 at a time'],
      ...['STOR of 1 KiB files, 1 at a time', 'STOR of 1 KiB files, 8 at a time'],
      ...['RETR of 1 KiB files, 1 at a time', 'RETR of 1 KiB files, 8 at a time'],
      ...['STOR of 64 KiB files, 1 at a time', 'STOR of 64 KiB files, 8 at a time'],
      ...['RETR of 64 KiB files, 1 at a time', 'RETR of 64 KiB files, 8 at a time'],
      ...['Logins, 8 at a time', 'NOOP while 4 downloads run', 'LIST of 20 entries', '4 idle sessions'],
    ]);
    for (const { title, rows } of tables) {
      expect(rows.slice(0, 1).map(([name]) => name?.startsWith('Sallyport'))).toEqual([true]);
      for (const name of [
        'Sallyport',
        'Sallyport as it comes',
        'pure-ftpd',
        'proftpd',
        'vsftpd',
        'pyftpdlib',
        'ftp-srv',
      ]) {
        const row = rows.find(([first]) => first === name);
        if (row?.[1] === '-') expect(text, `${name} in ${title}`).toContain(`- ${name}: `);
        else expect(row?.[1], `${name} in ${title}`).toMatch(FIGURE);
      }
      // Ours are measured in any case.
      for (const [name, first] of rows) if (name?.startsWith('Sallyport')) expect(first, title).toMatch(FIGURE);
    }
  },
  300_000,
);

testBench(
  'what proof costs: each row has figures, and each goal is judged by one',
  async () => {
    const { tables, goals } = await pageOf('intake-bench.ts');
    expect(tables.map(({ title, rows }) => [title, rows.map(([name]) => name)])).toEqual([
      [
        'STOR of 1 MiB, 1 at a time',
        ['all off', 'SHA-256', 'SHA-256, fsync', 'all on', 'all on, encrypt_to', 'all on, a gate'],
      ],
      ...['1 KiB', '64 KiB'].map((size) => [
        `STOR of ${size} files, 4 at a time`,
        ['all off', 'SHA-256, fsync', 'all on', 'all on, encrypt_to', 'all on, a gate'],
      ]),
    ]);
    for (const { rows } of tables) for (const [name, first] of rows) expect(first, name).toMatch(FIGURE);
    expect(goals).toHaveLength(3);
    for (const [, figure, verdict] of goals) {
      expect(figure).toMatch(FIGURE);
      expect(verdict).toMatch(/^(\*\*not reached\*\*|reached)$/);
    }
    // Nothing is synced where there is no log, and something is where there is one.
    const [, small] = tables;
    expect(Number(small?.rows.find(([name]) => name === 'all off')?.[1])).toBe(0);
    expect(Number(small?.rows.find(([name]) => name === 'all on')?.[1])).toBeGreaterThan(0);
  },
  300_000,
);

const FIGURE = /^-?[0-9]+(\.[0-9]+)?$/;

/** Runs a benchmark and reads the page that it wrote. Its own folder is empty again behind it. */
async function pageOf(program: string) {
  const folder = await lastingFolder();
  // Servers that change their user have to come through.
  await chmod(folder, 0o755);
  const page = join(folder, 'page.md');
  const args = [join(BENCH, program), '--quick', `--folder=${folder}`, `--out=${page}`];
  const { code, stderr } = await run(process.execPath, args, { timeoutMs: 280_000 });
  expect(code, stderr).toBe(0);
  expect(readdirSync(folder)).toEqual(['page.md']);
  const text = readFileSync(page, 'utf8');
  const sections = text.split(/^## /m).slice(1).map(sectionOf);
  const tables = sections.filter(({ title }) => !['Machine', 'Contestants', 'Goals'].includes(title));
  return { text, tables, goals: sections.find(({ title }) => title === 'Goals')?.rows ?? [] };
}

function sectionOf(text: string) {
  const [title = '', ...lines] = text.split('\n');
  const [, , ...rows] = lines.filter((line) => line.startsWith('|'));
  return {
    title,
    rows: rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    ),
  };
}
