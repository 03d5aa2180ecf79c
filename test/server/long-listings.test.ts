/** Listings of 100,000 entries: they begin before the directory has been read, never hold more than a piece
 * of it, and stop when their client does. */
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DirectoryEntry } from '../../src/protocol/file-facts.ts';
import { Fault } from '../../src/spi/fault.ts';
import { LocalFiles } from '../../src/storage/local-files.ts';
import { FakeDataConnection, FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, say } from '../fakes/say.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const VERBS = ['LIST', 'NLST', 'MLSD'] as const;
const ENTRIES = 100_000;
const BATCH_ENTRIES = 128;
const LF = 0x0a;

/** Node offers its collector only when asked; without it, heap sizes tell of garbage and not of what is held. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc');
}

/** A directory that is made up as it is read. */
async function endlessDirectory(read: { entries: number }): Promise<MemoryFiles> {
  const files = new MemoryFiles().put('/one', '');
  const facts = await files.stat(at('/one'));
  const batches = async function* (): AsyncGenerator<readonly DirectoryEntry[]> {
    while (read.entries < ENTRIES) {
      const from = read.entries;
      const length = Math.min(BATCH_ENTRIES, ENTRIES - from);
      read.entries += length;
      yield Array.from({ length }, (_, index) => ({ ...facts, name: `a-file-with-a-long-name-${from + index}` }));
    }
  };
  files.list = async () => batches();
  return files;
}

function lineCount(bytes: Buffer): number {
  return bytes.reduce((count, byte) => (byte === LF ? count + 1 : count), 0);
}

/** A client that takes everything and keeps nothing. */
class CountingConnection extends FakeDataConnection {
  lines = 0;
  onWrite: () => void = () => undefined;

  override async write(buffer: Buffer): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.lines += lineCount(buffer);
    this.onWrite();
  }
}

/** A client that takes one piece of a listing, and no more. */
class StoppedConnection extends FakeDataConnection {
  readonly stopped: Promise<void>;
  #stop: () => void = () => undefined;
  #lose: (fault: Fault) => void = () => undefined;

  constructor() {
    super();
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  override write(): Promise<void> {
    return new Promise((_resolve, reject) => {
      this.#lose = reject;
      this.#stop();
    });
  }

  lose(): void {
    this.#lose(new Fault('ConnectionLost'));
  }
}

test.each(VERBS)('%s holds no more of a long listing than what it sends next', async (verb) => {
  const collect = collector();
  const read = { entries: 0 };
  const connection = new CountingConnection();
  const held: number[] = [];
  const heapBytes: number[] = [];
  connection.onWrite = () => {
    held.push(read.entries - connection.lines);
    if (held.length % 20 !== 1) return;
    collect();
    heapBytes.push(process.memoryUsage().heapUsed);
  };
  const account = member({ files: await endlessDirectory(read) });
  const data = new FakeDataPort(connection);
  const answer = await say(verb, { data, account, session: { login: { state: 'LoggedIn', account } } });
  expect(answer.code).toBe(226);
  expect(connection.lines).toBeGreaterThanOrEqual(ENTRIES);
  expect(connection.lines).toBeLessThanOrEqual(ENTRIES + 1);
  // A batch of entries at most is read and not sent yet, from the first write on.
  expect(Math.max(...held)).toBeLessThanOrEqual(BATCH_ENTRIES);
  // All of the entries would take more than ten times as much.
  expect(Math.max(...heapBytes) - (heapBytes[0] ?? 0)).toBeLessThan(4_000_000);
});

test.each(VERBS)('%s reads nothing more for a client that has stopped taking it', async (verb) => {
  const read = { entries: 0 };
  const connection = new StoppedConnection();
  const account = member({ files: await endlessDirectory(read) });
  const data = new FakeDataPort(connection);
  const answer = say(verb, { data, account, session: { login: { state: 'LoggedIn', account } } });
  await connection.stopped;
  const readEntries = read.entries;
  for (let turn = 0; turn < 1_000; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(read.entries).toBe(readEntries);
  expect(readEntries).toBeLessThan(5_000);
  connection.lose();
  expect((await answer).code).toBe(426);
  expect(read.entries).toBe(readEntries);
});

describe('a directory of 100,000 files', () => {
  // One for all of them: it takes seconds to make.
  const home = mkdtempSync(join(tmpdir(), 'sallyport-long-'));
  const read = { entries: 0 };
  async function* counted(entries: AsyncIterable<readonly DirectoryEntry[]>) {
    for await (const batch of entries) {
      read.entries += batch.length;
      yield batch;
    }
  }

  beforeAll(() => {
    mkdirSync(join(home, 'd'));
    for (let index = 0; index < ENTRIES; index++) closeSync(openSync(join(home, 'd', longName(index)), 'w'));
    const list = LocalFiles.prototype.list;
    // The storage itself, counted.
    vi.spyOn(LocalFiles.prototype, 'list').mockImplementation(async function (this: LocalFiles, path) {
      return counted(await list.call(this, path));
    });
  }, 120_000);
  beforeEach(() => {
    read.entries = 0;
  });
  afterAll(() => {
    vi.restoreAllMocks();
    rmSync(home, { recursive: true });
  });

  test.each(VERBS)(
    '%s lists it whole, in bounded memory, and its first bytes come before it has been read',
    {
      timeout: 120_000,
    },
    async (verb) => {
      const gateway = await startGateway({}, { home });
      const client = await RawClient.login(gateway);
      const socket = await client.passive();
      expect(await client.send(`${verb} d`)).toMatch(/^150/);
      const startBytes = process.memoryUsage().rss;
      let readAtFirst: number | undefined;
      let peakBytes = startBytes;
      let lines = 0;
      for await (const chunk of client.secure(socket)) {
        readAtFirst ??= read.entries;
        peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
        lines += lineCount(chunk);
      }
      expect(await client.reply()).toBe(`226 Listed ${lines}.`);
      expect(read.entries).toBe(ENTRIES);
      // MLSD may list the directory itself.
      expect(lines - ENTRIES).toBeGreaterThanOrEqual(0);
      expect(lines - ENTRIES).toBeLessThanOrEqual(1);
      expect(readAtFirst).toBeLessThan(ENTRIES / 20);
      expect(peakBytes - startBytes).toBeLessThan(150_000_000);
    },
  );

  // The verb with the shortest lines, of which the buffers of the sockets hold the most.
  test('is not read for a client that takes nothing, whose listing ends', { timeout: 60_000 }, async () => {
    const gateway = await startGateway({ limits: { stallTimeoutMs: 500 } }, { home });
    const client = await RawClient.login(gateway);
    const socket = await client.passive();
    expect(await client.send('NLST d')).toMatch(/^150/);
    const secured = client.secure(socket).pause();
    expect(await client.reply()).toMatch(/^426/);
    expect(read.entries).toBeGreaterThan(0);
    expect(read.entries).toBeLessThan(ENTRIES);
    secured.destroy();
  });
});

/** Long, so that the buffers of sockets do not hold all of them. */
function longName(index: number): string {
  return `${index}-`.padEnd(120, 'x');
}
