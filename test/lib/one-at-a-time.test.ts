/** Pieces of work that are given at once run one behind the other, whatever becomes of them. */
import { expect, test } from 'vitest';
import { oneAtATime } from '../../src/lib/one-at-a-time.ts';

test('a piece begins when the one before has ended, and a failure stops nobody behind it', async () => {
  const inTurn = oneAtATime();
  const seen: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = inTurn(async () => {
    seen.push('one begins');
    await first.promise;
    seen.push('one ends');
    throw new Error('no');
  });
  const two = inTurn(async () => {
    seen.push('two');
    return 2;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(['one begins']);
  first.resolve();
  await expect(one).rejects.toThrow('no');
  expect(await two).toBe(2);
  expect(seen).toEqual(['one begins', 'one ends', 'two']);
});
