/** Waiting that ends, and calls that nobody waits for. */
import { expect, test } from 'vitest';
import { aside } from '../../src/lib/aside.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { deadline, within } from '../../src/lib/deadline.ts';

const never = () => new Promise<never>(() => undefined);

test('nobody is called when the signal has aborted already', async () => {
  let called = false;
  const call = () => {
    called = true;
  };
  await expect(within(AbortSignal.abort(new Error('gone')), call)).rejects.toThrow('gone');
  expect(called).toBe(false);
});

test('what does not listen to its signal is left when the time is up', async () => {
  const clock = new FakeClock();
  const { signal } = deadline(clock, 100, new AbortController().signal);
  const waiting = within(signal, never);
  clock.advance(100);
  await expect(waiting).rejects.toThrow('no answer within 100 ms');
});

test('a call that aborts its own signal and throws is heard once', async () => {
  const own = new AbortController();
  const call = () => {
    own.abort(new Error('aborted'));
    throw new Error('thrown');
  };
  await expect(within(own.signal, call)).rejects.toThrow('thrown');
});

test('an answer in time is the answer, promised or not', async () => {
  const { signal } = new AbortController();
  expect(await within(signal, () => 1)).toBe(1);
  expect(await within(signal, async () => 2)).toBe(2);
});

test('what fails aside is told, at once or later, whatever it returned', async () => {
  const told: unknown[] = [];
  const failed = (error: unknown) => void told.push(error);
  aside(() => {
    throw 'now';
  }, failed);
  aside(() => Promise.reject('later'), failed);
  aside(() => 42, failed);
  expect(told).toEqual(['now']);
  await expect.poll(() => told).toEqual(['now', 'later']);
});
