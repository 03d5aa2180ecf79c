/** Drawings of growth: where points lie, and which values axes name. */
import { expect, test } from 'vitest';
import { axisFor, stepAxis } from '../../bench/growth/axis.ts';
import { drawing } from '../../bench/growth/drawing.ts';

test('a linear axis begins at zero and ends at a round value that holds all', () => {
  const axis = axisFor('linear', [3, 870]);
  expect(axis.ticks).toEqual([0, 200, 400, 600, 800, 1_000]);
  expect([0, 500, 1_000, -1].map((value) => axis.place(value))).toEqual([0, 0.5, 1, undefined]);
});

test('a log axis ends at round values, and has no place for zero', () => {
  const axis = axisFor('log', [0, 3, 700]);
  expect(axis.ticks).toEqual([3, 10, 30, 100, 300, 1_000]);
  expect(axis.place(0)).toBeUndefined();
  expect([3, 1_000].map((value) => axis.place(value))).toEqual([0, 1]);
});

test.each([[[]], [[0]], [[5]], [[1e-3, 1e9]]])('an axis for %j has ticks that lie on it', (values) => {
  for (const axis of [axisFor('linear', values), axisFor('log', values)]) {
    expect(axis.ticks.length).toBeGreaterThan(0);
    for (const tick of axis.ticks) {
      const place = axis.place(tick) ?? Number.NaN;
      expect(place).toBeGreaterThanOrEqual(0);
      expect(place).toBeLessThanOrEqual(1 + 1e-9);
    }
  }
});

test('an axis of steps names just those', () => {
  const axis = stepAxis([1, 4, 64]);
  expect(axis.ticks).toEqual([1, 4, 64]);
  expect(axis.place(8)).toBeCloseTo(0.5);
});

test('what has no place is left out, and names are escaped', () => {
  const x = stepAxis([1, 4]);
  const y = axisFor('log', [1, 10]);
  const lines = [
    {
      name: 'a < b & "c"',
      points: [
        [1, 0],
        [4, 10],
      ] as const,
    },
  ];
  const picture = drawing('Title', [{ title: 'MiB/s', x, y, xLabel: 'streams', xText: String, lines }]);
  expect(picture).toContain('a &lt; b &amp; &quot;c&quot;');
  expect(picture.match(/class="mark m0"/g)).toHaveLength(2);
  expect(picture).toContain('prefers-color-scheme: dark');
});
