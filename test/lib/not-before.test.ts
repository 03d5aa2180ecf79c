/** Failures take their time, whatever they come from; success does not. */
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { failNotBefore } from '../../src/lib/not-before.ts';

/** Starts an attempt that takes `tookMs`; `settled` says what has become of it. */
function started(tookMs: number, act: () => string) {
  const clock = new FakeClock();
  const state = { settled: '' };
  const attempt = async () => {
    await new Promise<void>((resolve) => void clock.after(tookMs, resolve));
    return act();
  };
  failNotBefore(clock, 500, attempt).then(
    (value) => {
      state.settled = value;
    },
    (error: unknown) => {
      state.settled = String(error);
    },
  );
  const pass = async (ms: number) => {
    clock.advance(ms);
    // Everything that can happen without the clock happens within a turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { state, pass };
}

const fail = () => {
  throw new Error('no');
};

test('a failure that came early is told at the time, not before', async () => {
  const { state, pass } = started(30, fail);
  await pass(30);
  expect(state.settled).toBe('');
  await pass(469);
  expect(state.settled).toBe('');
  await pass(1);
  expect(state.settled).toBe('Error: no');
});

test('a failure that came late is told at once', async () => {
  const { state, pass } = started(700, fail);
  await pass(699);
  expect(state.settled).toBe('');
  await pass(1);
  expect(state.settled).toBe('Error: no');
});

test('success does not wait', async () => {
  const { state, pass } = started(30, () => 'yes');
  await pass(30);
  expect(state.settled).toBe('yes');
});
