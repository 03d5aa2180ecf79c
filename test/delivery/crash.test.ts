/** Deliveries whose process is killed at any moment: nothing is lost, and each inbox keeps its order. */
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { makeFolder } from './support.ts';

const CHILD = fileURLToPath(new URL('crash-child.ts', import.meta.url));
const KILLS = 8;
const FILES = 12;

/** Runs the process; it is killed so long after it began to deliver, or says at its end what it came to. */
async function run(folder: string, first: number, count: number, killAfterMs?: number): Promise<unknown> {
  const child = fork(CHILD, [folder, String(first), String(count)], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  const [started] = await Promise.race([once(child, 'message'), exited]);
  expect(started).toBe('started');
  if (killAfterMs === undefined) {
    const [[said]] = await Promise.all([once(child, 'message'), exited]);
    return said;
  }
  await Promise.race([after(killAfterMs), exited]);
  child.kill('SIGKILL');
  await exited;
  return undefined;
}

test('every file that the log took is brought at least once, in the order of its inbox', {
  timeout: 180_000,
}, async () => {
  const folder = makeFolder();
  const waits: number[] = [];
  for (let round = 0; round < KILLS; round++) {
    const waitMs = randomInt(0, 250);
    waits.push(waitMs);
    await run(folder, round * FILES, FILES, waitMs);
  }
  const said = await run(folder, KILLS * FILES, FILES);
  expect(said).toMatchObject({ dead: 0 });
  const lines = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n');
  const received = lines('received');
  const published = lines('published');
  const missing = published.filter((line) => !received.includes(line));
  expect({ missing, waits }).toEqual({ missing: [], waits });
  const firstSeen = [...new Set(received)];
  for (const inbox of ['/in0/', '/in1/', '/in2/']) {
    const order = firstSeen.filter((line) => line.includes(inbox));
    expect({ order, waits }).toEqual({ order: [...order].sort(), waits });
  }
  // A kill may bring one file of each inbox again, and no other.
  expect(received.length - firstSeen.length).toBeLessThanOrEqual(KILLS * 3);
});
