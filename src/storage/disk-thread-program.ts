/** What runs in a `DiskThread`. */
import { parentPort, workerData } from 'node:worker_threads';
import { doJob } from './disk-jobs.ts';
import type { DiskAnswer, DiskQuestion } from './disk-thread.ts';

const done = new Int32Array(workerData);

parentPort?.on('message', ({ id, job }: DiskQuestion) => {
  const result = doJob(job);
  // In front of the answer, which nobody looks at before the event loop of the main thread has its turn.
  Atomics.add(done, 0, 1);
  const answer: DiskAnswer = { id, result };
  parentPort?.postMessage(answer, result !== undefined && 'bytes' in result ? [result.bytes.buffer] : []);
});
parentPort?.postMessage({ id: 0, result: undefined } satisfies DiskAnswer);
