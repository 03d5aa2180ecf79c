/** Threads that share the facts of a listing. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import type { DirectoryEntry } from '../../src/protocol/file-facts.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { FactsThreads } from '../../src/storage/facts-threads.ts';
import { nodeIo } from '../../src/storage/io.ts';
import { localFiles } from '../../src/storage/local.ts';
import { entriesOf, makeDisk, openHandles } from './support.ts';

function makeThreads(program?: URL): FactsThreads {
  const clock = program === undefined ? systemClock : new FakeClock();
  const threads = new FactsThreads(clock, { count: 2, ...(program !== undefined && { program }) });
  onTestFinished(() => threads.close());
  return threads;
}

/** What this does with each question; `answer` tells which thread it is in the place of a creation. */
function programOf(answering: string): URL {
  const lines = [
    "import { parentPort, threadId } from 'node:worker_threads';",
    'let questions = 0;',
    'const answer = ({ id, rows }) => { rows[4] = BigInt(threadId); parentPort.postMessage({ id, rows }); };',
    `parentPort.on('message', (question) => { questions += 1; ${answering} });`,
    'parentPort.postMessage({ id: 0 });',
  ];
  return new URL(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`);
}

/** The threads that answer so many questions that are asked at once. */
async function answering(threads: FactsThreads, questions: number): Promise<Set<number | undefined>> {
  const told = await Promise.all(Array.from({ length: questions }, () => threads.lookUp('/', ['tmp'])));
  return new Set(told.map((facts) => facts?.entry(0, 'tmp', 'other').createdMs));
}

async function inOrder(files: FileSystem): Promise<readonly DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for await (const batch of await files.list(ROOT)) entries.push(...batch);
  return entries;
}

async function makeHome(count: number): Promise<string> {
  const { home } = await makeDisk();
  for (let start = 0; start < count; start += 500) {
    const names = Array.from({ length: 500 }, (_, index) => join(home, `file-${start + index}`));
    await Promise.all(names.map((name) => fs.writeFile(name, 'x')));
  }
  return home;
}

test('say nothing as long as none has started', async () => {
  expect(await makeThreads(programOf('answer(question);')).lookUp('/', ['tmp'])).toBeUndefined();
});

test('one is enough for few questions at a time, and a second one takes its part of many', async () => {
  const threads = makeThreads(programOf('answer(question);'));
  await threads.start();
  expect(threads.ready).toBe(true);
  for (let turn = 0; turn < 20; turn++) expect((await answering(threads, 1)).size).toBe(1);
  for (let turn = 0; turn < 20; turn++) expect((await answering(threads, 4)).size).toBe(1);
  await expect.poll(async () => (await answering(threads, 5)).size, { timeout: 10_000 }).toBe(2);
  expect((await answering(threads, 1)).size).toBe(1);
});

test('tell of a long listing what is told without them, in the same order', async () => {
  const home = await makeHome(20_000);
  const without = localFiles({ root: home, owner: 'alice' }, { io: { ...nodeIo } });
  const threaded = localFiles({ root: home, owner: 'alice' }, { thread: makeThreads() });
  const told = await inOrder(without);
  expect(told).toHaveLength(20_000);
  // The first one starts them.
  for (let turn = 0; turn < 3; turn++) expect(await inOrder(threaded)).toEqual(told);
});

test('a listing is whole, and holds nothing open, when both are lost on the way or it is left early', async () => {
  const home = await makeHome(10_000);
  const threads = makeThreads(
    programOf('if (questions === 2) process.exit(1); parentPort.postMessage({ id: question.id });'),
  );
  const files = localFiles({ root: home, owner: 'alice' }, { thread: threads });
  for (let turn = 0; turn < 2; turn++) expect(await entriesOf(files, '/')).toHaveLength(10_000);
  let entries = 0;
  for await (const batch of await files.list(ROOT)) {
    entries += batch.length;
    if (entries > 3_000) break;
  }
  expect(await openHandles(home)).toEqual([]);
});
