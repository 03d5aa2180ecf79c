/** `npm run bench:intake`, run as tiny as it goes. Nothing is said of times. */
import { expect } from 'vitest';
import { benchTest, FIGURE, pageOf } from './bench-programs.ts';

benchTest()(
  'what proof costs: each row has figures, and each goal is judged by one',
  async () => {
    const { measured, goals, failures, files } = await pageOf('intake-bench.ts');
    expect(files).toEqual(['page.md']);
    expect(measured.map(({ title, rows }) => [title, rows.map(([name]) => name)])).toEqual([
      [
        'STOR of 1 MiB, 1 at a time',
        ['all off', 'SHA-256', 'SHA-256, fsync', 'all on', 'all on, encrypt_to', 'all on, a gate'],
      ],
      ...['1 KiB', '64 KiB'].map((size) => [
        `STOR of ${size} files, 4 at a time`,
        ['all off', 'SHA-256, fsync', 'all on', 'all on, encrypt_to', 'all on, a gate'],
      ]),
    ]);
    for (const { title, rows } of measured) {
      for (const [name, first] of rows) expect(first, `${name} in ${title}\n${failures}`).toMatch(FIGURE);
    }
    expect(goals).toHaveLength(3);
    for (const [, figure, verdict] of goals) {
      expect(figure).toMatch(FIGURE);
      expect(verdict).toMatch(/^(\*\*not reached\*\*|reached)$/);
    }
    // Nothing is synced where there is no log, and something is where there is one.
    const [, small] = measured;
    expect(Number(small?.rows.find(([name]) => name === 'all off')?.[1])).toBe(0);
    expect(Number(small?.rows.find(([name]) => name === 'all on')?.[1])).toBeGreaterThan(0);
  },
  600_000,
);
