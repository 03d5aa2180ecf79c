/** A thread's life: begun when wanted, ended when nobody uses it, and not begun again at once when it was lost. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { KeptThread } from '../../src/lib/kept-thread.ts';

/** Ends when it is told to. */
const PROGRAM = "require('node:worker_threads').parentPort.on('message', (code) => process.exit(code));";

function keptThread(isNeeded = () => false) {
  const clock = new FakeClock();
  const begun: Worker[] = [];
  const lost: Worker[] = [];
  const kept = new KeptThread({
    ...{ clock, idleMs: 1_000, restMs: 5_000, isNeeded },
    begin() {
      const worker = new Worker(PROGRAM, { eval: true, env: {} });
      begun.push(worker);
      return { worker };
    },
    lose: ({ worker }) => lost.push(worker),
  });
  onTestFinished(() => kept.close());
  return { clock, kept, begun, lost };
}

test('there is none until it is wanted, and then one for all who want it', () => {
  const { kept, begun } = keptThread();
  kept.used();
  expect(kept.held).toBeUndefined();
  const held = kept.wanted();
  expect(held).toBeDefined();
  expect(kept.wanted()).toBe(held);
  expect(kept.held).toBe(held);
  expect(begun).toHaveLength(1);
});

test('it ends when it has not been used for a while, and another one is begun at once', async () => {
  const { clock, kept, begun, lost } = keptThread();
  kept.wanted();
  clock.advance(900);
  kept.used();
  clock.advance(900);
  expect(kept.held).toBeDefined();
  clock.advance(100);
  expect(kept.held).toBeUndefined();
  expect(lost[0]).toBe(begun[0]);
  expect(lost).toHaveLength(1);
  const [first] = begun;
  if (first !== undefined) await once(first, 'exit');
  kept.wanted();
  expect(begun).toHaveLength(2);
});

test('who needs it without using it keeps it', () => {
  let needed = true;
  const { clock, kept } = keptThread(() => needed);
  kept.wanted();
  clock.advance(10_000);
  expect(kept.held).toBeDefined();
  needed = false;
  clock.advance(1_000);
  expect(kept.held).toBeUndefined();
});

test('behind a loss there is none for a while', async () => {
  const { clock, kept, begun, lost } = keptThread();
  const held = kept.wanted();
  held?.worker.postMessage(1);
  await expect.poll(() => kept.held).toBeUndefined();
  expect(lost[0]).toBe(begun[0]);
  expect(lost).toHaveLength(1);
  clock.advance(4_999);
  expect(kept.wanted()).toBeUndefined();
  clock.advance(1);
  expect(kept.wanted()).toBeDefined();
});

test('what an old one says on its way out is not laid on the new one', async () => {
  const { kept, begun, lost } = keptThread();
  kept.wanted();
  kept.close();
  const second = kept.wanted();
  const [first] = begun;
  if (first !== undefined) await once(first, 'exit');
  expect(kept.held).toBe(second);
  expect(lost[0]).toBe(first);
  expect(lost).toHaveLength(1);
});
