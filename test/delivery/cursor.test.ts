/** The cursor: whatever is finished in whatever order, what is remembered is what is left, and no more stretches than that takes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { beginningOf, isUnfinished } from '../../src/delivery/cursor.ts';
import { Unfinished } from '../../src/delivery/unfinished.ts';

test('what is finished in the middle parts a stretch, at its ends it shortens it', () => {
  const list = new Unfinished<{ index: number }>();
  for (const index of [3, 5, 8, 13, 21]) list.add({ index });
  expect(list.stretches()).toEqual([[3, 21]]);
  list.finish(8);
  expect(list.stretches()).toEqual([
    [3, 5],
    [13, 21],
  ]);
  list.finish(3);
  list.finish(21);
  list.add({ index: 34 });
  expect(list.stretches()).toEqual([
    [5, 5],
    [13, 13],
    [34, 34],
  ]);
  expect([list.first?.index, list.size, list.finish(8)]).toEqual([5, 3, false]);
});

test('nothing is unfinished that was finished, and the other way round', () => {
  // Each record of the log: for somebody else, finished, or unfinished; and the order in which things come to be finished.
  const log = fc.array(fc.record({ mine: fc.boolean(), finished: fc.boolean(), turn: fc.nat() }), { maxLength: 60 });
  fc.assert(
    fc.property(log, fc.nat(60), (records, unread) => {
      const next = Math.max(records.length - unread, 0);
      const list = new Unfinished<{ index: number }>();
      const mine = [...records.entries()].filter(([index, { mine }]) => mine && index < next);
      for (const [index] of mine) list.add({ index });
      const finished = mine.filter(([, { finished }]) => finished).sort(([, a], [, b]) => a.turn - b.turn);
      for (const [index] of finished) list.finish(index);
      const cursor = { next, unfinished: list.stretches().map(([a, b]): [number, number] => [a, b]), failing: [] };
      for (const [index, record] of records.entries()) {
        if (record.mine) expect(isUnfinished(cursor, index)).toBe(index >= next || !record.finished);
      }
      const first = mine.find(([, { finished }]) => !finished)?.[0] ?? next;
      expect(beginningOf(cursor)).toBe(first);
      expect(cursor.unfinished.length).toBeLessThanOrEqual(finished.length + 1);
    }),
  );
});
