/** `npm run bench:growth`, run as tiny as it goes. Nothing is said of times. */
import { expect } from 'vitest';
import { benchTest, FIGURE, pageOf } from './bench-programs.ts';

const NAMES = ['entries', 'files', 'sessions', 'streams'];

benchTest()(
  'growth: each series has a figure of Sallyport for every step, and a drawing with its line',
  async () => {
    const { measured, text, failures, files, read } = await pageOf('growth-bench.ts');
    expect(files).toEqual([...NAMES.map((name) => `page-${name}.svg`), 'page.md']);
    expect(measured.map(({ title }) => title)).toEqual([
      ...['Transfers at once', 'LIST of a directory', 'Idle sessions', 'Files from small to large'],
    ]);
    for (const { title, rows } of measured) {
      const steps = [...new Set(rows.map(([step]) => step))];
      expect(steps.length, title).toBeGreaterThan(1);
      // The first table is that of Sallyport.
      const own = rows.slice(0, steps.length);
      for (const [step, first] of own) expect(first, `${step} in ${title}\n${failures}`).toMatch(FIGURE);
    }
    for (const name of NAMES) {
      const picture = read(`page-${name}.svg`);
      expect(text).toContain(`(page-${name}.svg)`);
      expect(picture).toContain('>Sallyport</text>');
      expect(picture).toMatch(/<path class="line l0" d="M[0-9.]+ [0-9.]+L/);
      expect(picture).not.toMatch(/NaN|undefined|Infinity/);
    }
  },
  600_000,
);
