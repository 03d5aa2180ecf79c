/** The deadlines of a session: each at its time, and one timer for all of them. */
import { expect, test } from 'vitest';
import { FakeClock, type Timer } from '../../src/lib/clock.ts';
import { type Deadline, Deadlines } from '../../src/server/deadlines.ts';

const LIMITS = { loginTimeoutMs: 60, idleTimeoutMs: 900, sessionTimeMaxMs: 5_000 };

/** A clock that counts the timers that were set. */
class CountingClock extends FakeClock {
  setCount = 0;

  override after(delayMs: number, act: () => void): Timer {
    this.setCount += 1;
    return super.after(delayMs, act);
  }
}

function session() {
  const clock = new CountingClock();
  const startMs = clock.now();
  const passed: string[] = [];
  const deadlines = new Deadlines(clock, LIMITS, (which: Deadline) => passed.push(`${which} ${clock.now() - startMs}`));
  return { clock, deadlines, passed };
}

test('each passes at its time, however often the client was heard before', () => {
  const { clock, deadlines, passed } = session();
  for (let command = 0; command < 100; command++) {
    deadlines.rest();
    clock.advance(7);
    deadlines.work();
    clock.advance(3);
  }
  deadlines.rest();
  clock.advance(899);
  expect(passed).toEqual(['login 60']);
  clock.advance(1);
  expect(passed).toEqual(['login 60', 'idle 1900']);
});

test('work is no silence, and life ends all the same', () => {
  const { clock, deadlines, passed } = session();
  deadlines.rest();
  deadlines.work();
  clock.advance(10_000);
  expect(passed).toEqual(['login 60', 'life 5000']);
});

test('silence that begins late ends late', () => {
  const { clock, deadlines, passed } = session();
  deadlines.work();
  clock.advance(1_234);
  deadlines.rest();
  clock.advance(10_000);
  expect(passed).toEqual(['login 60', 'idle 2134']);
});

test('nothing passes behind the end', () => {
  const { clock, deadlines, passed } = session();
  deadlines.rest();
  deadlines.end();
  clock.advance(10_000);
  expect(passed).toEqual([]);
});

test('a thousand commands set hardly a timer', () => {
  const { clock, deadlines } = session();
  for (let command = 0; command < 1_000; command++) {
    deadlines.rest();
    deadlines.work();
    clock.advance(1);
  }
  expect(clock.setCount).toBeLessThan(6);
});
