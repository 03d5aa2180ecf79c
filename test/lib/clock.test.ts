import { expect, test } from 'vitest';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';

test('a fake clock stands still until it is moved', () => {
  const clock = new FakeClock(1_000);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1_000, 1_000]);
  clock.advance(5);
  expect([clock.now(), clock.monotonicMs()]).toEqual([1_005, 1_005]);
});

test('a call is made when it is due, once, and not a millisecond before', () => {
  const clock = new FakeClock();
  let calls = 0;
  clock.after(10, () => calls++);
  clock.advance(9);
  expect(calls).toBe(0);
  clock.advance(1);
  expect(calls).toBe(1);
  clock.advance(1_000);
  expect(calls).toBe(1);
});

test('calls are made in the order of their times, and each sees its own time', () => {
  const clock = new FakeClock(0);
  const seen: [string, number][] = [];
  clock.after(20, () => seen.push(['late', clock.now()]));
  clock.after(10, () => seen.push(['early', clock.now()]));
  clock.advance(30);
  expect(seen).toEqual([
    ['early', 10],
    ['late', 20],
  ]);
  expect(clock.now()).toBe(30);
});

test('a call that asks for another within the same stretch of time gets it', () => {
  const clock = new FakeClock(0);
  const seen: number[] = [];
  const tick = () => {
    seen.push(clock.now());
    clock.after(10, tick);
  };
  clock.after(10, tick);
  clock.advance(35);
  expect(seen).toEqual([10, 20, 30]);
});

test('a cancelled call is not made, and cancelling again does no harm', () => {
  const clock = new FakeClock();
  let calls = 0;
  const timer = clock.after(10, () => calls++);
  timer.cancel();
  timer.cancel();
  clock.advance(100);
  expect(calls).toBe(0);
});

test('one call can cancel another that is due at the same time', () => {
  const clock = new FakeClock();
  let calls = 0;
  clock.after(10, () => second.cancel());
  const second = clock.after(10, () => calls++);
  clock.advance(10);
  expect(calls).toBe(0);
});

test('the machine clock tells the time, calls back, and can be cancelled', async () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(5_000);
  expect(systemClock.monotonicMs()).toBeGreaterThan(0);
  let cancelled = true;
  systemClock
    .after(0, () => {
      cancelled = false;
    })
    .cancel();
  const hold = setInterval(() => undefined, 1_000);
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
  clearInterval(hold);
  expect(cancelled).toBe(true);
});
