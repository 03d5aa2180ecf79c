import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueue } from '../../src/lib/fair-queue.ts';

const item = (source: string, number: number) => ({ source, number });

function drained(queue: FairQueue<ReturnType<typeof item>>): string {
  const names: string[] = [];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) names.push(`${next.source}${next.number}`);
  return names.join(' ');
}

function filled(counts: Readonly<Record<string, number>>) {
  const queue = new FairQueue<ReturnType<typeof item>>();
  for (const [source, count] of Object.entries(counts))
    for (let number = 1; number <= count; number++) queue.push(source, item(source, number));
  return queue;
}

test('an empty queue has nothing to give', () => {
  const queue = filled({});
  expect(queue.shift()).toBeUndefined();
  expect(queue.popOfMost(0)).toBeUndefined();
  expect(queue.delete('a', item('a', 1))).toBe(false);
});

test('sources take turns, and each is served in its own order', () => {
  expect(drained(filled({ a: 4, b: 1, c: 2 }))).toBe('a1 b1 c1 a2 c2 a3 a4');
});

test('a source that comes late waits for one of each other', () => {
  const queue = filled({ a: 3, b: 3 });
  queue.shift();
  queue.push('late', item('late', 1));
  expect(drained(queue)).toBe('b1 a2 late1 b2 a3 b3');
});

test('the youngest of the source that has most is taken, if it has more than others may have', () => {
  const queue = filled({ a: 2, b: 3 });
  expect(queue.popOfMost(3)).toBeUndefined();
  expect(queue.popOfMost(2)).toEqual(item('b', 3));
  expect(queue.size).toBe(4);
  expect(drained(queue)).toBe('a1 b1 a2 b2');
});

test('whatever is done, nothing is lost, given twice or counted wrong', () => {
  const act = fc.record({
    what: fc.constantFrom('push', 'shift', 'delete', 'pop'),
    source: fc.constantFrom('a', 'b', 'c'),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const queue = new FairQueue<ReturnType<typeof item>>();
      const inside = new Set<ReturnType<typeof item>>();
      for (const [number, { what, source }] of acts.entries()) {
        const own = [...inside].filter((each) => each.source === source);
        if (what === 'push') {
          const next = item(source, number);
          queue.push(source, next);
          inside.add(next);
        } else if (what === 'delete') {
          const last = own.at(-1);
          if (last !== undefined) expect(queue.delete(source, last)).toBe(inside.delete(last));
        } else {
          const taken = what === 'shift' ? queue.shift() : queue.popOfMost(0);
          expect(taken === undefined).toBe(inside.size === 0);
          if (taken !== undefined) expect(inside.delete(taken)).toBe(true);
        }
        expect(queue.size).toBe(inside.size);
        expect(queue.countOf(source)).toBe([...inside].filter((each) => each.source === source).length);
      }
    }),
  );
});
