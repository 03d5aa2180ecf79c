/** What a run says of how far it has come. */
import { expect, test } from 'vitest';
import { Progress } from '../../bench/progress.ts';

test('the rest is judged by the turns of this measure, and by all turns for those that come', () => {
  let now = 0;
  const progress = new Progress([2, 4], () => now);
  progress.nextHeat();
  expect(`${progress}`).toBe('1 of 2, 0 s so far');
  now = 10_000;
  progress.turnDone(true);
  expect(`${progress}`).toBe('1 of 2, 10 s so far, about 50 s left');
  now = 20_000;
  progress.turnDone(true);
  progress.nextHeat();
  now = 50_000;
  progress.turnDone(true);
  expect(`${progress}`).toBe('2 of 2, 50 s so far, about 2 min left');
});

test('a warm-up is no turn', () => {
  let now = 0;
  const progress = new Progress([1], () => now);
  progress.nextHeat();
  now = 5_000;
  progress.turnDone(false);
  expect(`${progress}`).toBe('1 of 1, 5 s so far');
});
