/** The thread that does small jobs in one go: files are the same with it, and nobody waits for one that is lost or hangs. */
import { closeSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { DiskThread, type DiskThreadOptions } from '../../src/storage/disk-thread.ts';
import { nodeIo } from '../../src/storage/io.ts';
import { createLocalStorage, localFiles } from '../../src/storage/local.ts';
import { fileSystemConformance } from '../../src/testing/file-system-conformance.ts';
import { begin, cutOff, download, faultOf, makeDisk, openHandles, path, stagingOf, textOf, upload } from './support.ts';

function makeThread(options: DiskThreadOptions = {}, clock = systemClock): DiskThread {
  const thread = new DiskThread(clock, { asksMin: 1, ...options });
  onTestFinished(() => thread.close());
  return thread;
}

/** A thread that says it has started, and runs this for each question. */
function programOf(answering: string): URL {
  const lines = [
    "import { parentPort } from 'node:worker_threads';",
    `parentPort.on('message', ({ id, job }) => { ${answering} });`,
    'parentPort.postMessage({ id: 0 });',
  ];
  return new URL(`data:text/javascript,${encodeURIComponent(lines.join('\n'))}`);
}

async function started(thread: DiskThread): Promise<DiskThread> {
  while (!thread.mayAsk()) await new Promise((resolve) => setImmediate(resolve));
  return thread;
}

/** Counts the calls of the usual way that open files and directories. */
function counting(): { readonly io: typeof nodeIo; readonly opened: () => number } {
  let count = 0;
  const io: typeof nodeIo = {
    ...nodeIo,
    open: (...args) => {
      count += 1;
      return nodeIo.open(...args);
    },
    openPlace: (...args) => {
      count += 1;
      return nodeIo.openPlace(...args);
    },
  };
  return { io, opened: () => count };
}

const onLinux = describe.skipIf(process.platform !== 'linux');

onLinux('without an answer', () => {
  test('it is started only for files that come often', async () => {
    const clock = new FakeClock();
    const thread = makeThread({ asksMin: 3 }, clock);
    expect(thread.mayAsk()).toBe(false);
    clock.advance(10_001);
    expect([thread.mayAsk(), thread.mayAsk()]).toEqual([false, false]);
    expect(thread.isRunning).toBe(false);
    thread.mayAsk();
    expect(thread.isRunning).toBe(true);
  });

  test('one that is at work for long is asked for nothing else', async () => {
    const clock = new FakeClock();
    const thread = await started(makeThread({ program: programOf('') }, clock));
    const lost = thread.read({ path: '/a', literal: '/a' });
    expect(thread.mayAsk()).toBe(true);
    clock.advance(20);
    expect(thread.mayAsk()).toBe(false);
    expect(await thread.read({ path: '/a', literal: '/a' })).toBeUndefined();
    thread.close();
    expect(await lost).toBeUndefined();
  });

  test('one that says nothing of a file, or ends, leaves it to the usual way', async () => {
    for (const answering of ['parentPort.postMessage({ id })', 'process.exit()']) {
      const { home } = await makeDisk();
      const disk = await started(makeThread({ program: programOf(answering) }));
      const files = localFiles({ root: home, owner: 'alice', sync: false }, { disk });
      await upload(files, 'a.txt', 'one');
      await upload(files, 'a.txt', 'two');
      expect(await download(files, 'a.txt')).toBe('two');
    }
  });

  test('one that ends within the end of an upload fails it, and the next is stored', async () => {
    const { folder, home } = await makeDisk();
    const program = join(folder, 'program.mjs');
    const real = new URL('../../src/storage/disk-jobs.ts', import.meta.url).href;
    const lines = [
      "import { parentPort } from 'node:worker_threads';",
      `import { doJob } from '${real}';`,
      "parentPort.on('message', ({ id, job }) => {",
      "  if (job.kind === 'finish') process.exit();",
      '  parentPort.postMessage({ id, result: doJob(job) });',
      '});',
      'parentPort.postMessage({ id: 0 });',
    ];
    await fs.writeFile(program, lines.join('\n'));
    const disk = await started(makeThread({ program: pathToFileURL(program) }));
    const files = localFiles({ root: home, owner: 'alice', sync: false }, { disk });
    await upload(files, 'b.txt', 'known from now on');
    const staged = await begin(files, 'a.txt', 'lost');
    expect(await faultOf(staged.commit())).toBe('Local');
    expect(await staged.abort('keep')).toBe(0);
    await upload(files, 'a.txt', 'whole');
    expect(await download(files, 'a.txt')).toBe('whole');
    // Nobody knows whether the thread had closed them: they stay open, and no other file is closed in their place.
    for (const descriptor of await descriptorsIn(home)) closeSync(descriptor);
  });
});

onLinux('with it', () => {
  let disk: DiskThread;
  beforeAll(async () => {
    disk = await started(new DiskThread(systemClock, { asksMin: 1 }));
  });
  afterAll(() => disk.close());

  test('a second upload and a download open nothing by themselves', async () => {
    for (const sync of [false, true]) {
      const { home } = await makeDisk();
      const { io, opened } = counting();
      const files = localFiles({ root: home, owner: 'alice', sync }, { io, disk });
      await upload(files, 'a.txt', 'first');
      const before = opened();
      await upload(files, 'b.txt', 'second');
      expect(await download(files, 'b.txt')).toBe('second');
      expect(opened()).toBe(before);
      expect(await fs.readdir(home)).toEqual(['a.txt', 'b.txt']);
      expect(await openHandles(home)).toEqual([]);
    }
  });

  test('what was cut off is kept and gone on with, and the end of the whole removes it', async () => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice', sync: false }, { disk });
    await upload(files, 'b.txt', 'known from now on');
    expect(await cutOff(files, 'a.txt', 'half')).toBe(4);
    expect(await files.resumableBytes(path('a.txt'))).toBe(4);
    await upload(files, 'a.txt', 'whole');
    expect(await stagingOf(home)).toEqual([]);
  });

  test('many pieces and large files are whole', async () => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice', sync: false }, { disk });
    await upload(files, 'b.txt', 'known from now on');
    for (const pieces of [2, 70]) {
      const staged = await files.stage(path('a.bin'), { from: 'empty', existing: 'replace' });
      for (let i = 0; i < pieces; i++) await staged.write([Buffer.alloc(1_000, i), Buffer.alloc(24, 255 - i)]);
      await staged.commit();
      const stored = await fs.readFile(join(home, 'a.bin'));
      expect(stored.length).toBe(pieces * 1_024);
      for (let i = 0; i < pieces; i++) {
        const piece = stored.subarray(i * 1_024, (i + 1) * 1_024);
        expect(piece.equals(Buffer.concat([Buffer.alloc(1_000, i), Buffer.alloc(24, 255 - i)]))).toBe(true);
      }
      expect((await download(files, 'a.bin')).length).toBe(stored.toString().length);
    }
  });

  test("what was read is the reader's own, from any byte and as often as it is read", async () => {
    const { home } = await makeDisk();
    const files = localFiles({ root: home, owner: 'alice', sync: false }, { disk });
    await fs.writeFile(join(home, 'a.txt'), 'hello');
    const opened = await files.openRead(path('a.txt'));
    for await (const piece of opened.read(0)) piece.fill(0);
    expect(await textOf(opened.read(1))).toBe('ello');
    expect(await textOf(opened.read(5))).toBe('');
    await opened.close();
    await opened.close();
  });

  const folders: string[] = [];
  afterAll(async () => {
    for (const folder of folders) await fs.rm(folder, { recursive: true, force: true });
  });
  const make = async (): Promise<FileSystem> => {
    const folder = await fs.mkdtemp(join(tmpdir(), 'sallyport-disk-thread-'));
    folders.push(folder);
    const root = await fs.realpath(folder);
    const files = createLocalStorage({ disk }).filesFor({ root, owner: 'partner', sync: false });
    // The root is a directory that is known, and empty.
    await (await begin(files, 'known', 'x')).abort('remove');
    return files;
  };
  describe('files are as without', () => {
    for (const { name, run } of fileSystemConformance(make)) test(name, run);
  });
});

/** The descriptors that this process holds open in a folder. */
async function descriptorsIn(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const fd of await fs.readdir('/proc/self/fd')) {
    const place = await fs.readlink(`/proc/self/fd/${fd}`).catch(() => '');
    if (place.startsWith(folder)) found.push(Number(fd));
  }
  return found;
}
