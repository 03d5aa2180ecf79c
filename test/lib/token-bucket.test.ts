import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { TokenBucket } from '../../src/lib/token-bucket.ts';

/** Lets promises that are settled be heard of. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let i = 0; i < ms; i++) {
    clock.advance(1);
    await settled();
  }
}

test('who has given up before asking takes nothing', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 1_000);
  await expect(bucket.take(250, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  await bucket.take(250);
});

test('who gives up while waiting is told at once, and the next one moves up', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 1_000);
  await bucket.take(250);
  const gone = new AbortController();
  const first = bucket.take(250, gone.signal);
  let secondPassed = false;
  const second = bucket.take(10).then(() => {
    secondPassed = true;
  });
  gone.abort(new Error('gone'));
  await expect(first).rejects.toThrow('gone');
  expect(bucket.waitingCount).toBe(1);
  await pass(clock, 10);
  expect(secondPassed).toBe(true);
  await second;
});

test('a quarter of a second’s worth passes at once, then the rate to the millisecond', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 1_000);
  const started = clock.monotonicMs();
  const times: number[] = [];
  const taking = (async () => {
    for (let i = 0; i < 10; i++) {
      await bucket.take(100);
      times.push(clock.monotonicMs() - started);
    }
  })();
  await settled();
  await pass(clock, 1_000);
  await taking;
  expect(times).toEqual([0, 0, 50, 150, 250, 350, 450, 550, 650, 750]);
});

test('what gathers while nobody asks is bounded', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 1_000);
  clock.advance(60_000);
  await bucket.take(250);
  let passed = false;
  void bucket.take(100).then(() => {
    passed = true;
  });
  await pass(clock, 99);
  expect(passed).toBe(false);
  await pass(clock, 1);
  expect(passed).toBe(true);
});

test('more than a burst is paid for afterwards', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 1_000);
  await bucket.take(1_250);
  let passed = false;
  void bucket.take(1).then(() => {
    passed = true;
  });
  await pass(clock, 1_000);
  expect(passed).toBe(false);
  await pass(clock, 1);
  expect(passed).toBe(true);
});

test('those who wait share it evenly, however long one of them has been at it', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 1_000);
  const counts = [0, 0, 0];
  let running = true;
  const work = async (index: number) => {
    while (running) {
      await bucket.take(10);
      counts[index] = (counts[index] ?? 0) + 10;
    }
  };
  const workers = [0, 1, 2].map(work);
  await pass(clock, 3_000);
  running = false;
  const total = counts.reduce((a, b) => a + b, 0);
  expect(total).toBe(3_250);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(10);
  clock.advance(1_000);
  await Promise.all(workers);
});

test('a new rate holds for those who wait already, and no limit lets them all go', async () => {
  const clock = new FakeClock();
  const bucket = new TokenBucket(clock, 10);
  await bucket.take(10);
  let passed = 0;
  const count = () => {
    passed += 1;
  };
  const all = [bucket.take(10).then(count), bucket.take(10).then(count)];
  await pass(clock, 100);
  expect(passed).toBe(0);
  bucket.setRate(1_000);
  await pass(clock, 7);
  expect(passed).toBe(0);
  // The debt of seven and a half that the first one left is paid at the new rate, and one more millisecond buys nothing.
  await pass(clock, 11);
  expect(passed).toBe(1);
  bucket.setRate(undefined);
  await Promise.all(all);
  expect(passed).toBe(2);
  await bucket.take(1_000_000);
});

test('never more than the burst and the rate allow, whatever is asked for and when', async () => {
  const asked = fc.array(
    fc.record({ count: fc.integer({ min: 1, max: 400 }), idleMs: fc.integer({ min: 0, max: 300 }) }),
    {
      minLength: 1,
      maxLength: 20,
    },
  );
  await fc.assert(
    fc.asyncProperty(asked, fc.integer({ min: 1, max: 5_000 }), async (requests, rate) => {
      const clock = new FakeClock();
      const bucket = new TokenBucket(clock, rate);
      const startMs = clock.monotonicMs();
      let taken = 0;
      let last = 0;
      for (const { count, idleMs } of requests) {
        clock.advance(idleMs);
        let done = false;
        const taking = bucket.take(count).then(() => {
          done = true;
        });
        await settled();
        for (let i = 0; !done && i < 1_000; i++) {
          clock.advance(1_000);
          await settled();
        }
        await taking;
        // The debt of the last one alone may go beyond.
        const seconds = (clock.monotonicMs() - startMs) / 1_000;
        expect(taken).toBeLessThanOrEqual(rate * (seconds + 0.25) + last + 1e-3);
        taken += count;
        last = count;
      }
    }),
    { numRuns: 50 },
  );
});
