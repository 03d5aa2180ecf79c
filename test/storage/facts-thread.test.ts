/** The thread that asks for facts: what it says, and that nobody waits for one that is lost or hangs. */
import { execFile } from 'node:child_process';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BroadcastChannel } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Clock, FakeClock, systemClock } from '../../src/lib/clock.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { FactsThread } from '../../src/storage/facts-thread.ts';
import { factsOf, nodeIo } from '../../src/storage/io.ts';
import { localFiles } from '../../src/storage/local.ts';
import { PackedFacts } from '../../src/storage/packed-facts.ts';
import { portableJail } from '../../src/storage/portable-jail.ts';
import { entriesOf, faultOf, makeDisk, namesOf, openHandles } from './support.ts';

function makeThread(clock: Clock, program?: URL): FactsThread {
  const thread = new FactsThread(clock, program);
  onTestFinished(() => thread.close());
  return thread;
}

/** A thread that says it has started, and runs this for each question. */
function programOf(answering: string): URL {
  const lines = [
    "import { BroadcastChannel, parentPort } from 'node:worker_threads';",
    'let questions = 0;',
    'const answer = ({ id, names }) =>',
    "  parentPort.postMessage({ id, rows: new BigInt64Array(10 * names.split('/').length) });",
    `parentPort.on('message', (question) => { questions += 1; ${answering} });`,
    'parentPort.postMessage({ id: 0 });',
  ];
  return new URL(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`);
}

/** Asks until the thread has started. */
async function started(thread: FactsThread, directory: string, names: readonly string[]): Promise<PackedFacts> {
  await expect.poll(() => thread.lookUp(directory, names), { timeout: 10_000 }).toBeInstanceOf(PackedFacts);
  return (await thread.lookUp(directory, names)) ?? new PackedFacts(new BigInt64Array());
}

test('one that does not start says nothing, and another is tried a minute later', async () => {
  const { folder } = await makeDisk();
  const clock = new FakeClock();
  const begun = new BroadcastChannel(folder);
  onTestFinished(() => begun.close());
  let starts = 0;
  let heard: () => void = () => undefined;
  begun.onmessage = () => {
    starts += 1;
    heard();
  };
  const lines = [
    "import { BroadcastChannel } from 'node:worker_threads';",
    `new BroadcastChannel('${folder}').postMessage('');`,
    // Only now, or the message would be lost with the thread.
    "setTimeout(() => { throw new Error('broken'); }, 20);",
  ];
  const thread = makeThread(clock, new URL(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`));
  const first = new Promise<void>((resolve) => {
    heard = resolve;
  });
  expect(await thread.lookUp('/', ['tmp'])).toBeUndefined();
  await first;
  // It is lost some time behind its message; no clock of ours tells when.
  await expect
    .poll(
      async () => {
        clock.advance(60_000);
        await thread.lookUp('/', ['tmp']);
        return starts;
      },
      { timeout: 10_000 },
    )
    .toBeGreaterThan(1);
});

test('one that ends in the middle of a question says nothing', async () => {
  const thread = makeThread(systemClock, programOf('if (questions < 3) answer(question); else process.exit(1);'));
  await started(thread, '/', ['tmp']);
  expect(await thread.lookUp('/', ['tmp'])).toBeUndefined();
  expect(await thread.lookUp('/', ['tmp'])).toBeUndefined();
});

test('one that hangs is waited for a second, by nobody else then, and asked again once it has answered', async () => {
  const { folder } = await makeDisk();
  const late = `new BroadcastChannel('${folder}').onmessage = ({ target }) => { answer(question); target.close(); };`;
  const clock = new FakeClock();
  const thread = makeThread(clock, programOf(`if (questions === 3) { ${late} } else answer(question);`));
  await started(thread, '/', ['tmp']);
  const hanging = thread.lookUp('/', ['tmp']);
  clock.advance(1_000);
  expect(await hanging).toBeUndefined();
  expect(await thread.lookUp('/', ['tmp'])).toBeUndefined();
  const go = new BroadcastChannel(folder);
  onTestFinished(() => go.close());
  await expect
    .poll(
      () => {
        go.postMessage('');
        return thread.lookUp('/', ['tmp']);
      },
      { timeout: 10_000 },
    )
    .toBeInstanceOf(PackedFacts);
});

test('says nothing at all when one of the names cannot be asked for', async () => {
  const { home } = await makeDisk();
  await fs.writeFile(join(home, 'a'), '');
  const thread = makeThread(systemClock);
  await started(thread, home, ['a']);
  expect(await thread.lookUp(home, ['a', 'x'.repeat(300)])).toBeUndefined();
  expect(await thread.lookUp(home, ['a'])).toBeInstanceOf(PackedFacts);
});

test('says what the system says, and nothing of what is not there', async () => {
  const { home } = await makeDisk();
  await fs.writeFile(join(home, 'file'), 'four', { mode: 0o640 });
  await fs.mkdir(join(home, 'directory'));
  await fs.symlink('file', join(home, 'link'));
  const names = ['file', 'missing', 'directory', 'link'];
  const packed = await started(makeThread(systemClock), home, names);
  expect(names.map((_, index) => packed.kind(index))).toEqual(['file', 'nothing', 'directory', 'link']);
  for (const [index, kind] of [[0, 'file'] as const, [2, 'directory'] as const]) {
    const name = `${names[index]}`;
    const facts = factsOf(await fs.lstat(join(home, name), { bigint: true }));
    expect(packed.entry(index, name, kind)).toEqual({ name, ...facts });
  }
});

test('writes into rows that were given back, as if they were new', async () => {
  const { home } = await makeDisk();
  await fs.writeFile(join(home, 'file'), '');
  const thread = makeThread(systemClock);
  const packed = await started(thread, home, ['file', 'file', 'file']);
  thread.giveBack(packed);
  const again = await thread.lookUp(home, ['missing', 'file']);
  expect([again?.kind(0), again?.kind(1)]).toEqual(['nothing', 'file']);
  // They went with the question, and so did not have to be made again.
  expect(packed.rows).toHaveLength(0);
  expect(again?.rows).toHaveLength(30);
});

test('one that nobody asks for more than a minute has ended, and is started again', async () => {
  const clock = new FakeClock();
  const thread = makeThread(clock, programOf('answer(question);'));
  await started(thread, '/', ['tmp']);
  clock.advance(69_999);
  expect(await thread.lookUp('/', ['tmp'])).toBeInstanceOf(PackedFacts);
  clock.advance(70_000);
  expect(await thread.lookUp('/', ['tmp'])).toBeUndefined();
  await started(thread, '/', ['tmp']);
});

test('a program that waits for nothing but its start goes on, and ends behind its last question', async () => {
  const { folder, home } = await makeDisk();
  const at = (file: string) => JSON.stringify(new URL(`../../src/${file}`, import.meta.url).href);
  const program = `
    const { FactsThread } = await import(${at('storage/facts-thread.ts')});
    const { systemClock } = await import(${at('lib/clock.ts')});
    const thread = new FactsThread(systemClock);
    while (!thread.ready) await thread.start();
    const facts = await thread.lookUp(${JSON.stringify(home)}, ['.']);
    console.log(facts.kind(0));
  `;
  const file = join(folder, 'program.mjs');
  await fs.writeFile(file, program);
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 15_000 });
  expect(stdout.trim()).toBe('directory');
});

describe('a long listing', () => {
  const COUNT = 6_000;

  /** A directory with files, and with everything else that a directory may hold. */
  async function makeHome() {
    const { home, folder } = await makeDisk();
    for (let start = 0; start < COUNT; start += 500) {
      const names = Array.from({ length: 500 }, (_, index) => join(home, `file-${start + index}`));
      await Promise.all(names.map((name) => fs.writeFile(name, 'x')));
    }
    await fs.writeFile(join(folder, 'secret'), 'outside');
    await fs.mkdir(join(home, 'directory'));
    for (let index = 0; index < 30; index++) {
      await fs.symlink('file-1', join(home, `inside-${index}`));
      await fs.symlink('../secret', join(home, `outside-${index}`));
      await fs.symlink('nowhere', join(home, `dangling-${index}`));
      await fs.writeFile(join(home, `.sallyport-${index}`), '');
      await fs.writeFile(join(home, `line\n${index}`), '');
      await fs.writeFile(Buffer.concat([Buffer.from(`${home}/latin${index}`), Buffer.from([0xe4])]), '');
    }
    return home;
  }

  /** The names that a listing told, with something done behind its first batch. */
  async function listed(files: FileSystem, behindFirst: () => Promise<unknown> = async () => undefined) {
    const names: string[] = [];
    for await (const batch of await files.list(ROOT)) {
      if (names.length === 0) await behindFirst();
      expect(batch.length).toBeLessThanOrEqual(128);
      names.push(...batch.map(({ name }) => name));
    }
    return names.sort();
  }

  test.each([
    ['linux', undefined],
    ['portable', portableJail],
  ])('tells with a thread what it tells without one (%s)', async (_, jail) => {
    if (jail === undefined && process.platform !== 'linux') return;
    const home = await makeHome();
    const machine = jail === undefined ? {} : { jail };
    const thread = makeThread(systemClock);
    await started(thread, home, ['file-1']);
    const without = localFiles({ root: home, owner: 'alice' }, { ...machine, io: { ...nodeIo } });
    const threaded = localFiles({ root: home, owner: 'alice' }, { ...machine, thread });
    const entries = await entriesOf(threaded, '/');
    expect(entries).toEqual(await entriesOf(without, '/'));
    expect(entries).toHaveLength(COUNT + 30 + 1);
  });

  test.each([
    ['dies at its first question', 'process.exit(1);'],
    ['dies in the middle', 'if (questions < 4) parentPort.postMessage({ id: question.id }); else process.exit(1);'],
    ['never answers', ''],
    ['can tell nothing', 'parentPort.postMessage({ id: question.id });'],
  ])('is whole with a thread that %s', async (_, answering) => {
    const home = await makeHome();
    const thread = makeThread(systemClock, programOf(answering));
    const files = localFiles({ root: home, owner: 'alice' }, { thread });
    // Twice, since it may only be starting during the first one.
    for (let turn = 0; turn < 2; turn++) expect(await listed(files)).toHaveLength(COUNT + 30 + 1);
    expect(await openHandles(home)).toEqual([]);
  });

  test('has each file once that was there all the time, whatever comes and goes meanwhile', async () => {
    const home = await makeHome();
    const thread = makeThread(systemClock);
    await started(thread, home, ['file-1']);
    const files = localFiles({ root: home, owner: 'alice' }, { thread });
    const names = await listed(files, async () => {
      for (let index = 0; index < COUNT; index += 2) await fs.unlink(join(home, `file-${index}`));
      for (let index = 0; index < 500; index++) await fs.writeFile(join(home, `new-${index}`), '');
    });
    const stayed = Array.from({ length: COUNT / 2 }, (_, index) => `file-${2 * index + 1}`);
    expect(names.filter((name) => /^file-[0-9]*[13579]$/.test(name))).toEqual(stayed.sort());
    expect(new Set(names).size).toBe(names.length);
  });

  test('of a directory that is removed meanwhile ends without an error', async () => {
    const home = await makeHome();
    const thread = makeThread(systemClock);
    await started(thread, home, ['file-1']);
    const files = localFiles({ root: home, owner: 'alice' }, { thread });
    const names = await listed(files, () => fs.rm(home, { recursive: true }));
    expect(names.length).toBeGreaterThan(0);
    expect(names.length).toBeLessThan(COUNT);
    expect(await faultOf(namesOf(files, '/'))).toBe('NoSuchFile');
  });

  test('that is left early holds nothing open', async () => {
    const home = await makeHome();
    const thread = makeThread(systemClock);
    await started(thread, home, ['file-1']);
    let entries = 0;
    for await (const batch of await localFiles({ root: home, owner: 'alice' }, { thread }).list(ROOT)) {
      entries += batch.length;
      if (entries > 3_000) break;
    }
    expect(await openHandles(home)).toEqual([]);
  });
});
