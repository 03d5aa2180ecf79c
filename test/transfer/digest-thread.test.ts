/** The thread that hashes large files: right sums whoever else is there, and nobody held up by one that has gone. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import { SLOT_BYTES } from '../../src/transfer/digest-slots.ts';
import { type DigestStream, DigestThread } from '../../src/transfer/digest-thread.ts';
import { Meter } from '../../src/transfer/meter.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';

const sha256Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** One that has begun. */
async function begun(program?: URL): Promise<DigestThread> {
  const thread = new DigestThread(systemClock, program);
  onTestFinished(() => thread.close());
  thread.wanted();
  await expect.poll(() => thread.ready, { timeout: 10_000 }).toBe(true);
  return thread;
}

function opened(thread: DigestThread): DigestStream {
  const stream = thread.open();
  if (stream === undefined) throw new Error('no stream');
  return stream;
}

/** As soon as it has room for one more. */
async function openedSoon(thread: DigestThread): Promise<DigestStream> {
  for (;;) {
    const stream = thread.open();
    if (stream !== undefined) return stream;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A thread that says that it has begun, and does this when the first is to be hashed. */
function programOf(acting: string): URL {
  const lines = [
    "import { parentPort, workerData } from 'node:worker_threads';",
    "parentPort.postMessage('began');",
    'Atomics.wait(new Int32Array(workerData.control), 0, 0);',
    acting,
  ];
  return new URL(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`);
}

test('no stream is given before the thread has begun, and none starts it unasked', async () => {
  const thread = new DigestThread(systemClock);
  expect(thread.open()).toBeUndefined();
  expect(thread.ready).toBe(false);
});

test('a thread that ends has its streams fail, and those that come later hash where they are', async () => {
  const thread = await begun(programOf('process.exit(1)'));
  const stream = opened(thread);
  await expect(
    (async () => {
      for (;;) await stream.add(randomBytes(SLOT_BYTES));
    })(),
  ).rejects.toThrow('has ended');
  await expect(stream.digest()).rejects.toThrow('has ended');
  stream.close();
  expect(thread.open()).toBeUndefined();
  const meter = new Meter(thread);
  meter.update([Buffer.from('bytes')]);
  expect(await meter.digest()).toBe(sha256Of(Buffer.from('bytes')));
});

test('a digest that is waited for fails with the thread', async () => {
  const thread = await begun(programOf('setInterval(() => {}, 1_000);'));
  const stream = opened(thread);
  const adding = stream.add(randomBytes(SLOT_BYTES + 1));
  await adding;
  const digest = stream.digest();
  thread.close();
  await expect(digest).rejects.toThrow('has ended');
});

describe('a thread that has begun', () => {
  test('gives what hashing in one go gives, for streams of any pieces beside each other', async () => {
    const thread = await begun();
    const pieces = fc.array(fc.integer({ min: 0, max: 3 * SLOT_BYTES }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 4 }), async (streams) => {
        const done = streams.map(async (sizes) => {
          const stream = await openedSoon(thread);
          const parts = sizes.map((bytes) => randomBytes(bytes));
          for (const part of parts) {
            // What was added belongs to its owner again.
            const copy = Buffer.from(part);
            await stream.add(copy);
            copy.fill(0);
          }
          const sha256 = await stream.digest();
          stream.close();
          return sha256 === sha256Of(Buffer.concat(parts));
        });
        expect(await Promise.all(done)).toEqual(streams.map(() => true));
      }),
      { numRuns: 40 },
    );
  });

  test('is not held up by streams that are given up, or that say nothing more', async () => {
    const thread = await begun();
    const silent = Array.from({ length: 4 }, () => opened(thread));
    // All that begin have a slot; nobody else gets one that the others need.
    expect(thread.open()).toBeUndefined();
    for (const stream of silent) await stream.add(randomBytes(SLOT_BYTES + 1));
    for (let round = 0; round < 200; round += 1) {
      const given = await openedSoon(thread);
      await given.add(randomBytes(2 * SLOT_BYTES));
      given.close();
    }
    const bytes = randomBytes(20 * SLOT_BYTES);
    const stream = await openedSoon(thread);
    await stream.add(bytes);
    expect(await stream.digest()).toBe(sha256Of(bytes));
    stream.close();
    for (const other of silent) other.close();
  });

  test('takes meters of large and small files, and those for which it has no room count as well', async () => {
    const thread = await begun();
    const sizes = [0, 1, SLOT_BYTES, SLOT_BYTES + 1, 5_000_000, 5_000_000, 7, 300_000];
    const sums = sizes.map(async (size) => {
      const meter = new Meter(thread);
      const bytes = randomBytes(size);
      for (let at = 0; at < size; at += 100_000) {
        await meter.update([bytes.subarray(at, at + 60_000), bytes.subarray(at + 60_000, at + 100_000)]);
      }
      const counted = [meter.bytes, await meter.digest()];
      meter.close();
      return [counted, [size, sha256Of(bytes)]];
    });
    for (const [counted, right] of await Promise.all(sums)) expect(counted).toEqual(right);
  });
});

test('a meter has a thread begun once enough has come, and uses it for the next file', async () => {
  const thread = new DigestThread(systemClock);
  onTestFinished(() => thread.close());
  const first = new Meter(thread);
  const bytes = randomBytes(4_194_304);
  await first.update([bytes.subarray(1)]);
  await first.update([bytes.subarray(0, 1)]);
  expect(await first.digest()).toBe(sha256Of(Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)])));
  await expect.poll(() => thread.ready, { timeout: 10_000 }).toBe(true);
});

test('it ends when nobody has used it for a minute, and not under a stream', async () => {
  const clock = new FakeClock();
  const thread = new DigestThread(clock);
  onTestFinished(() => thread.close());
  thread.wanted();
  await expect.poll(() => thread.ready, { timeout: 10_000 }).toBe(true);
  const stream = opened(thread);
  clock.advance(60_000);
  expect(thread.ready).toBe(true);
  stream.close();
  clock.advance(60_000);
  expect(thread.ready).toBe(false);
});

test('it keeps no process alive', async () => {
  const program = `
    const { DigestThread } = await import(${JSON.stringify(new URL('../../src/transfer/digest-thread.ts', import.meta.url).href)});
    const { systemClock } = await import(${JSON.stringify(new URL('../../src/lib/clock.ts', import.meta.url).href)});
    const thread = new DigestThread(systemClock);
    thread.wanted();
    while (!thread.ready) await new Promise((resolve) => setTimeout(resolve, 5));
    const stream = thread.open();
    await stream.add(Buffer.alloc(3_000_000));
    console.log(await stream.digest());
    stream.close();
  `;
  const file = join(await temporaryFolder(), 'program.mjs');
  await writeFile(file, program);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 15_000 });
  expect(stdout.trim()).toBe(sha256Of(Buffer.alloc(3_000_000)));
});
