import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Places } from '../../src/lib/places.ts';

const NEVER = new AbortController().signal;

/** Lets everything that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('who no longer waits gets no place, and keeps nobody from one', async () => {
  const places = new Places(1);
  const held = await places.take('a', NEVER);
  const gone = new AbortController();
  const given = places.take('a', gone.signal);
  const next = places.take('b', NEVER);
  gone.abort(new Error('late'));
  await expect(given).rejects.toThrow('late');
  await expect(places.take('a', gone.signal)).rejects.toThrow('late');
  held[Symbol.dispose]();
  (await next)[Symbol.dispose]();
  expect(places.taken).toBe(0);
});

test('a place that is given back twice is one place', async () => {
  const places = new Places(1);
  const held = await places.take('a', NEVER);
  held[Symbol.dispose]();
  held[Symbol.dispose]();
  await places.take('a', NEVER);
  let third = false;
  void places.take('a', NEVER).then(() => {
    third = true;
  });
  await settled();
  expect({ third, taken: places.taken }).toEqual({ third: false, taken: 1 });
});

test('owners have their turns, and each one its own order', async () => {
  const places = new Places(1);
  const order: string[] = [];
  const work = async (name: string) => {
    using _place = await places.take(name.slice(0, 1), NEVER);
    order.push(name);
    await settled();
  };
  await Promise.all(['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'c1'].map(work));
  expect(order).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2', 'a4']);
});

test('there may be more or fewer of them later', async () => {
  const places = new Places(1);
  const held = [await places.take('a', NEVER)];
  for (const owner of ['a', 'b', 'c']) void places.take(owner, NEVER).then((place) => held.push(place));
  await settled();
  expect(held.length).toBe(1);
  places.max = 3;
  await settled();
  expect(held.length).toBe(3);
  places.max = 1;
  held[0]?.[Symbol.dispose]();
  held[1]?.[Symbol.dispose]();
  await settled();
  expect(held.length).toBe(3);
  held[2]?.[Symbol.dispose]();
  await settled();
  expect(held.length).toBe(4);
});

test('whatever happens, there are never too many, and everybody who waits gets one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.boolean()), { maxLength: 40 }),
      async (max, visitors) => {
        const places = new Places(max);
        let within = 0;
        let served = 0;
        const visits = visitors.map(async ([owner, leaves]) => {
          const gone = new AbortController();
          const given = places.take(owner, gone.signal);
          if (leaves) gone.abort(new Error('gone'));
          try {
            using _place = await given;
            within += 1;
            expect(within).toBeLessThanOrEqual(max);
            await settled();
            served += 1;
            within -= 1;
          } catch (error) {
            expect(leaves && String(error)).toContain('gone');
          }
        });
        await Promise.all(visits);
        expect(served).toBeGreaterThanOrEqual(visitors.filter(([, leaves]) => !leaves).length);
        expect(places.taken).toBe(0);
      },
    ),
  );
});
