/** `decorate`: what is replaced, what goes through, and what spreading would lose. */
import { expect, test } from 'vitest';
import { decorate } from '../../src/lib/decorate.ts';

class Counter {
  #count = 0;
  readonly reset?: () => void = () => {
    this.#count = 0;
  };

  get count(): number {
    return this.#count;
  }

  add(by: number): number {
    this.#count += by;
    return this.#count;
  }

  twice(by: number): number {
    return this.add(by) + this.add(by);
  }
}

test('a class with private fields keeps working, and is asked when it is used', () => {
  const counter = new Counter();
  const decorated = decorate(counter, {});
  expect(decorated.add(2)).toBe(2);
  counter.add(3);
  expect(decorated.count).toBe(5);
  const { add } = decorated;
  expect(add(1)).toBe(6);
});

test('a member of one’s own is called, with its own `this`, and can call the other', () => {
  const counter = new Counter();
  const decorated = decorate(counter, { add: (by) => counter.add(by * 10) });
  expect(decorated.add(1)).toBe(10);
  // What the base does by itself is its own business.
  expect(decorated.twice(1)).toBe(11 + 12);
});

test('an optional member can be taken away, and one that is not there stays away', () => {
  const counter = new Counter();
  expect(decorate(counter, { reset: undefined }).reset).toBeUndefined();
  expect(decorate(counter, {}).reset).toBeTypeOf('function');
  expect(decorate<{ a: number; b?: number }>({ a: 1 }, {}).b).toBeUndefined();
});
