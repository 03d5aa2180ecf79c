import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedMap } from '../../src/lib/bounded-map.ts';

test('one entry too many forgets the one that was set longest ago', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('c', 3);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([undefined, 2, 3]);
});

test('setting an entry again makes it the youngest; getting it does not', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  map.set('a', 3);
  map.get('b');
  map.set('c', 4);
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, undefined, 4]);
});

test('a deleted entry is gone and makes room', () => {
  const map = new BoundedMap<string, number>(2);
  map.set('a', 1);
  map.set('b', 2);
  expect([map.delete('a'), map.delete('a')]).toEqual([true, false]);
  map.set('c', 3);
  expect([map.size, map.get('b'), map.get('c')]).toEqual([2, 2, 3]);
});

test('it never holds more than its bound, and always the entry that was set last', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.nat(9)), (entriesMax, keys) => {
      const map = new BoundedMap<number, number>(entriesMax);
      for (const [index, key] of keys.entries()) {
        map.set(key, index);
        expect(map.size).toBeLessThanOrEqual(entriesMax);
        expect(map.get(key)).toBe(index);
      }
    }),
  );
});
