/** A log that somebody has altered: what is wrong is named, by the verifier and by whoever would go on with it. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { LogDamaged } from '../../src/audit/damage.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/spi/log.ts';
import { appendMany, makeDirectory, openLog } from './support.ts';
import { SIGNER } from './writer-parts.ts';

const KEYS = { keys: [SIGNER.vkey] };

/** The files of a closed log of 600 records, the journal of which has four groups, and its last checkpoint. */
let whole: Map<string, Buffer>;
let last: string;
/** The checkpoint that was published before the first record. */
let first: Buffer;

beforeAll(async () => {
  const directory = join(await fs.mkdtemp(join(tmpdir(), 'sallyport-audit-')), 'audit');
  const clock = new FakeClock();
  const parts = { directory, origin: SIGNER.name, signer: SIGNER, clock, log: silentLog, checkpointMs: 1 };
  const log = await openAuditLog(parts);
  first = await fs.readFile(join(directory, 'checkpoint'));
  await appendMany(log, 550);
  for (const count of [10, 20, 20]) {
    clock.advance(1000);
    await appendMany(log, count);
  }
  last = log.checkpoint();
  await log.close();
  whole = new Map();
  for (const entry of await fs.readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    whole.set(path.slice(directory.length + 1), await fs.readFile(path));
  }
  await fs.rm(directory, { recursive: true });
});

/** A copy of the log, with changes. Undefined takes a file away. */
async function altered(changes: Readonly<Record<string, (bytes: Buffer) => Buffer | undefined>>): Promise<string> {
  const directory = await makeDirectory();
  for (const [name, bytes] of whole) {
    const change = changes[name];
    const made = change === undefined ? bytes : change(Buffer.from(bytes));
    if (made === undefined) continue;
    await fs.mkdir(join(directory, name, '..'), { recursive: true });
    await fs.writeFile(join(directory, name), made);
  }
  return directory;
}

const publishedBefore = () => first;

const fileOf = (name: string) => whole.get(name) ?? Buffer.alloc(0);

const flipped = (at: number) => (bytes: Buffer) => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

/** Where the entry of a record begins in its bundle, and in the journal. */
function inBundle(bundle: Buffer, index: number): number {
  let offset = 0;
  for (let i = 0; i < index; i++) offset += 2 + bundle.readUInt16BE(offset);
  return offset + 2;
}
const inJournal = (n: number) => fileOf('journal').indexOf(`"n":${n}}`);

test('the log as it is, is whole', async () => {
  const directory = await altered({});
  const verdict = await verifyLog(directory, { ...KEYS, older: [last] });
  expect(verdict).toMatchObject({ problem: undefined, size: 600, publishedSize: 600, newest: last, tornBytes: 0 });
  await (await openLog(directory)).close();
  expect((await verifyLog(directory, KEYS)).problem).toBeUndefined();
});

describe('the first thing that is wrong is named', () => {
  test.each([
    ['a byte of a record', 'tile/entries/001', 100, 'record does not have the hash'],
    ['the first record', 'tile/entries/000', 0, 'record does not have the hash'],
    ['the last record of a bundle', 'tile/entries/000', 255, 'record does not have the hash'],
  ])('%s', async (_what, name, at, why) => {
    const directory = await altered({ [name]: flipped(inBundle(fileOf(name), at) + 20) });
    const base = name.endsWith('001') ? 256 : 0;
    expect((await verifyLog(directory, KEYS)).problem).toEqual({
      index: base + at,
      file: name,
      why: expect.stringContaining(why),
    });
  });

  test('the length of a record', async () => {
    const name = 'tile/entries/000';
    const directory = await altered({ [name]: flipped(inBundle(fileOf(name), 30) - 1) });
    expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ index: 30, file: name });
  });

  test('a bundle that is cut, longer, or missing', async () => {
    const name = 'tile/entries/001';
    const cut = await altered({ [name]: (bytes) => bytes.subarray(0, -1) });
    expect((await verifyLog(cut, KEYS)).problem).toMatchObject({
      index: 511,
      file: name,
      why: 'the record is cut short',
    });
    const longer = await altered({ [name]: (bytes) => Buffer.concat([bytes, Buffer.of(0)]) });
    expect((await verifyLog(longer, KEYS)).problem).toMatchObject({
      file: name,
      why: expect.stringContaining('more than'),
    });
    const missing = await altered({ [name]: () => undefined });
    expect((await verifyLog(missing, KEYS)).problem).toMatchObject({
      index: 256,
      file: name,
      why: 'the bundle is missing',
    });
  });

  test('a hash in a tile, which is told from a record', async () => {
    const directory = await altered({ 'tile/0/001': flipped(32 * 40) });
    expect((await verifyLog(directory, KEYS)).problem).toEqual({
      index: 256 + 40,
      file: 'tile/0/001',
      why: 'the hash in the tile is not that of the record',
    });
    const cut = await altered({ 'tile/0/001': (bytes) => bytes.subarray(1) });
    expect((await verifyLog(cut, KEYS)).problem).toMatchObject({ index: 256, file: 'tile/0/001' });
  });

  test('a record with its hash: the tile above knows', async () => {
    const bundle = 'tile/entries/000';
    const at = fileOf(bundle).indexOf('alice', inBundle(fileOf(bundle), 7));
    const changed = flipped(at)(Buffer.from(fileOf(bundle)));
    const start = inBundle(fileOf(bundle), 7);
    const entry = changed.subarray(start, start + changed.readUInt16BE(start - 2));
    const leaf = createHash('sha256').update(Buffer.of(0)).update(entry).digest();
    const directory = await altered({
      [bundle]: () => changed,
      'tile/0/000': (bytes) => Buffer.concat([bytes.subarray(0, 7 * 32), leaf, bytes.subarray(8 * 32)]),
    });
    expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ index: 0, file: 'tile/1/000.p/2' });
    await expect(openLog(directory)).rejects.toThrow(LogDamaged);
  });

  test.each([['tile/1/000.p/2'], ['tile/0/002.p/88'], ['tile/entries/002.p/88']])('partial tile %s', async (name) => {
    const directory = await altered({ [name]: flipped(5) });
    expect((await verifyLog(directory, KEYS)).problem).toMatchObject({
      index: name.startsWith('tile/1') ? 0 : 512,
      file: name,
    });
    const missing = await altered({ [name]: () => undefined });
    expect((await verifyLog(missing, KEYS)).problem).toMatchObject({ file: name });
  });

  test.each([[512], [545], [550], [565], [599]])('record %d in the journal', async (n) => {
    const directory = await altered({ journal: flipped(inJournal(n)) });
    expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ index: n, file: 'journal' });
    await expect(openLog(directory)).rejects.toThrow(LogDamaged);
  });

  test('the checkpoint', async () => {
    for (const at of [0, 24, 40, 90, 150]) {
      const directory = await altered({ checkpoint: flipped(at) });
      expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ file: 'checkpoint' });
      await expect(openLog(directory)).rejects.toThrow(LogDamaged);
    }
  });

  test('a key that is not the log’s', async () => {
    const directory = await altered({});
    expect((await verifyLog(directory, { keys: [] })).problem).toMatchObject({ file: 'checkpoint' });
  });
});

describe('a tail that is cut off', () => {
  test('is named when its checkpoint was published', async () => {
    const end = inJournal(590);
    const directory = await altered({ journal: (bytes) => bytes.subarray(0, end) });
    expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ index: 590, file: 'journal' });
    await expect(openLog(directory)).rejects.toThrow(LogDamaged);
  });

  test('is not hidden by taking the published checkpoint away', async () => {
    const groups = startsOfGroups();
    for (const end of [groups.at(-1), groups.at(-2)]) {
      const directory = await altered({ journal: (bytes) => bytes.subarray(0, end), checkpoint: () => undefined });
      expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ file: 'checkpoint' });
      await expect(openLog(directory)).rejects.toThrow(LogDamaged);
    }
  });

  test('is named when an older checkpoint was kept elsewhere', async () => {
    const groups = startsOfGroups();
    const directory = await altered({
      journal: (bytes) => bytes.subarray(0, groups.at(-1)),
      checkpoint: publishedBefore,
    });
    expect(await verifyLog(directory, KEYS)).toMatchObject({ problem: undefined, size: 580 });
    expect((await verifyLog(directory, { ...KEYS, older: [last] })).problem).toEqual({
      index: 580,
      file: 'journal',
      why: 'the log ends here, but a checkpoint of 600 records was signed',
    });
  });

  test('is named when the journal is gone, or empty', async () => {
    for (const change of [() => undefined, () => Buffer.alloc(0)]) {
      const directory = await altered({ journal: change });
      expect((await verifyLog(directory, KEYS)).problem).toMatchObject({ file: 'journal' });
      await expect(openLog(directory)).rejects.toThrow(LogDamaged);
    }
  });

  test('that never came to last is cut by the next writer, to the last whole group and no further', async () => {
    const groups = startsOfGroups();
    const start = groups.at(-1) ?? 0;
    const length = fileOf('journal').length;
    for (let end = start + 1; end < length; end += 97) {
      const directory = await altered({ journal: (bytes) => bytes.subarray(0, end), checkpoint: publishedBefore });
      const verdict = await verifyLog(directory, KEYS);
      expect(verdict).toMatchObject({ problem: undefined, size: 580, tornBytes: end - start });
      const log = await openLog(directory);
      expect(log.size).toBe(580);
      await appendMany(log, 1);
      await log.close();
      expect(await verifyLog(directory, KEYS)).toMatchObject({ problem: undefined, size: 581, tornBytes: 0 });
    }
  });

  test('of zeroes, as a file system leaves them, is cut as well', async () => {
    const start = startsOfGroups().at(-1) ?? 0;
    const directory = await altered({ journal: (bytes) => bytes.fill(0, start), checkpoint: publishedBefore });
    expect((await openLog(directory)).size).toBe(580);
  });
});

test('a flip of any byte is found and its file named, but for the lock, which is no part of the log', async () => {
  const names = [...whole.keys()].filter((name) => !name.startsWith('lock'));
  const places = fc
    .constantFrom(...names)
    .chain((name) => fc.tuple(fc.constant(name), fc.nat(fileOf(name).length - 1)));
  await fc.assert(
    fc.asyncProperty(places, fc.nat(7), async ([name, at], bit) => {
      const directory = await altered({
        [name]: (bytes) => {
          bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
          return bytes;
        },
      });
      const { problem } = await verifyLog(directory, KEYS);
      expect(problem?.file).toBe(name);
      await fs.rm(join(directory, '..'), { recursive: true });
    }),
    { numRuns: 60 },
  );
});

function startsOfGroups(): number[] {
  const journal = fileOf('journal');
  const starts: number[] = [];
  for (let at = journal.indexOf('SPaudit1'); at >= 0; at = journal.indexOf('SPaudit1', at + 1)) starts.push(at);
  return starts;
}
