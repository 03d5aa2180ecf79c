import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Queue } from '../../src/lib/queue.ts';

test('an empty queue has nothing to give, before and after it held something', () => {
  const queue = new Queue<{ n: number }>();
  expect([queue.length, queue.first, queue.shift()]).toEqual([0, undefined, undefined]);
  queue.push({ n: 1 });
  queue.shift();
  expect([queue.length, queue.first, queue.shift()]).toEqual([0, undefined, undefined]);
  queue.push({ n: 2 });
  queue.clear();
  expect([queue.length, queue.first, queue.shift()]).toEqual([0, undefined, undefined]);
});

test('whatever is pushed and taken, it does as an array does', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('push', 'shift') },
    { weight: 1, arbitrary: fc.constant('clear') },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const queue = new Queue<{ n: number }>();
      const array: { n: number }[] = [];
      for (const [n, what] of steps.entries()) {
        if (what === 'push') {
          queue.push({ n });
          array.push({ n });
        } else if (what === 'shift') {
          expect(queue.shift()).toEqual(array.shift());
        } else {
          queue.clear();
          array.length = 0;
        }
        expect([queue.length, queue.first]).toEqual([array.length, array[0]]);
      }
    }),
  );
});
