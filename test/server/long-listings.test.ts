/** Listings of 100,000 entries: they begin before the directory has been read, and never hold more than a piece of it. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { DirectoryEntry } from '../../src/protocol/file-facts.ts';
import { FakeDataConnection, FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, say } from '../fakes/say.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

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
  files.list = async function* (): AsyncGenerator<readonly DirectoryEntry[]> {
    while (read.entries < ENTRIES) {
      const from = read.entries;
      const length = Math.min(BATCH_ENTRIES, ENTRIES - from);
      read.entries += length;
      yield Array.from({ length }, (_, index) => ({ ...facts, name: `a-file-with-a-long-name-${from + index}` }));
    }
  };
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

test.each(['LIST', 'NLST', 'MLSD'])('%s holds no more of a long listing than what it sends next', async (verb) => {
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

test('a directory of 100,000 files is listed whole, and its first bytes come at once', {
  timeout: 120_000,
}, async () => {
  const gateway = await startGateway();
  mkdirSync(join(gateway.home, 'd'));
  for (let index = 0; index < ENTRIES; index++) closeSync(openSync(join(gateway.home, 'd', `file-${index}`), 'w'));
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  expect(await client.send('MLSD d')).toMatch(/^150/);
  const startMs = performance.now();
  const startBytes = process.memoryUsage().rss;
  let firstMs: number | undefined;
  let peakBytes = startBytes;
  let lines = 0;
  for await (const chunk of client.secure(socket)) {
    firstMs ??= performance.now() - startMs;
    peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
    lines += lineCount(chunk);
  }
  const wholeMs = performance.now() - startMs;
  // The directory itself comes first.
  expect(await client.reply()).toBe(`226 Listed ${ENTRIES + 1}.`);
  expect(lines).toBe(ENTRIES + 1);
  expect(firstMs).toBeLessThan(wholeMs / 2);
  expect(peakBytes - startBytes).toBeLessThan(150_000_000);
});
