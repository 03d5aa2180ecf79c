/** The log as those see it who write to it and read from it. */
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LogDamaged } from '../../src/audit/damage.ts';
import { openCheckpoint } from '../../src/audit/notes/checkpoint.ts';
import { signerOf } from '../../src/audit/notes/log-key.ts';
import { NoteRefused } from '../../src/audit/notes/signed-note.ts';
import { consistency } from '../../src/audit/verifying/consistency.ts';
import { verifyReceipt } from '../../src/audit/verifying/receipt.ts';
import { verifyLog } from '../../src/audit/verifying/verify-log.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { AuditFailed } from '../../src/spi/audit.ts';
import { type Log, silentLog } from '../../src/spi/log.ts';
import { allOf, appendMany, makeDirectory, objectOf, openLog } from './support.ts';
import { keyFrom, ORIGIN, recordOf, SIGNER } from './writer-parts.ts';

const KEYS = { keys: [SIGNER.vkey] };

/** A log that keeps the names of what it was told. */
function hearingLog(): { readonly log: Log; readonly events: string[] } {
  const events: string[] = [];
  const hear = (event: string) => void events.push(event);
  const log: Log = { ...silentLog, info: hear, warn: hear, error: hear, with: () => log };
  return { log, events };
}

describe('what is refused', () => {
  test('a record that is longer than the format allows; a note leaves a mark in its place', async () => {
    const { log: hearing, events } = hearingLog();
    const log = await openLog(await makeDirectory(), { log: hearing });
    const text = 'x'.repeat(70_000);
    await expect(log.append(recordOf({ text }))).rejects.toThrow(AuditFailed);
    expect(log.failure).toBeUndefined();
    log.note(recordOf({ text }));
    log.note(recordOf({ text }, { who: { account: text } }));
    const after = await log.append(recordOf({ n: 1 }));
    expect(after.index).toBe(2);
    const [first, second] = await allOf(log.read(0));
    expect(JSON.parse(first?.entry.toString() ?? '')).toMatchObject({
      event: 'file.deleted',
      who: { account: 'alice' },
      object: { omitted_bytes: expect.any(Number), omitted_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(JSON.parse(second?.entry.toString() ?? '').who).toEqual({});
    expect(events.filter((event) => event === 'audit.record_too_long')).toHaveLength(2);
  });

  test('a note that JSON cannot write is told and does not throw', async () => {
    const { log: hearing, events } = hearingLog();
    const log = await openLog(await makeDirectory(), { log: hearing });
    const round: { self?: unknown } = {};
    round.self = round;
    log.note(recordOf(round as never));
    await expect(log.append(recordOf(round as never))).rejects.toThrow(TypeError);
    expect(events).toContain('audit.record_lost');
  });

  test('everything behind the close', async () => {
    const { log: hearing, events } = hearingLog();
    const log = await openLog(await makeDirectory(), { log: hearing });
    await log.close();
    await expect(log.append(recordOf({}))).rejects.toThrow('closed');
    log.note(recordOf({}));
    expect(events).toContain('audit.record_lost');
    await log.close();
  });

  test('a key that is not the log’s', async () => {
    const directory = await makeDirectory();
    const log = await openLog(directory);
    await appendMany(log, 2);
    await log.close();
    await expect(openLog(directory, { signer: signerOf(keyFrom('another'), ORIGIN) })).rejects.toThrow(LogDamaged);
    await expect(openLog(directory, { signer: signerOf(keyFrom('log'), 'other') })).rejects.toThrow(TypeError);
    // The attempt has not left the log locked.
    expect((await openLog(directory)).size).toBe(2);
  });

  test('receipts of records that are not there', async () => {
    const log = await openLog(await makeDirectory());
    await appendMany(log, 2);
    for (const index of [-1, 2, 0.5, Number.NaN]) await expect(log.receipt(index)).rejects.toThrow(RangeError);
  });
});

describe('records', () => {
  test('have the order of the calls, and the members the order of the contract', async () => {
    const log = await openLog(await makeDirectory());
    log.note(recordOf({ n: 0 }));
    const first = log.append({
      reason: 'no',
      object: { path: '/a\n\u001b\u009b\u202e' },
      origin: { client: 'curl', address: '192.0.2.1' },
      who: { certificate: 'ab', account: 'alice' },
      result: 'failure',
      event: 'access.refused',
    });
    log.note(recordOf({ n: 2 }));
    expect((await first).index).toBe(1);
    expect((await first).entry.toString()).toBe(
      '{"time":"2026-01-01T00:00:00.000Z","event":"access.refused","result":"failure",' +
        '"who":{"account":"alice","certificate":"ab"},"origin":{"address":"192.0.2.1","client":"curl"},' +
        '"object":{"path":"/a\\n\\u001b\\u009b\\u202e"},"reason":"no"}',
    );
    await appendMany(log, 1);
    expect((await allOf(log.read(0))).map(objectOf).map(({ n }) => n)).toEqual([0, undefined, 2, 3]);
  });

  test('never go back in time, also across a restart', async () => {
    const directory = await makeDirectory();
    const times = async (startMs: number) => {
      const log = await openLog(directory, { clock: new FakeClock(startMs) });
      await appendMany(log, 1);
      await log.close();
      return (await openedTimes(directory)).at(-1);
    };
    const openedTimes = async (path: string) => {
      const log = await openLog(path);
      const all = (await allOf(log.read(0))).map(({ entry }) => JSON.parse(entry.toString()).time);
      await log.close();
      return all;
    };
    expect(await times(5000)).toBe('1970-01-01T00:00:05.000Z');
    expect(await times(3000)).toBe('1970-01-01T00:00:05.000Z');
    expect(await times(6000)).toBe('1970-01-01T00:00:06.000Z');
  });

  test('that wait together share one sync', async () => {
    const log = await openLog(await makeDirectory(), { checkpointMs: 1_000_000 });
    const before = log.counters;
    await appendMany(log, 64);
    expect(log.counters.syncs - before.syncs).toBe(1);
    expect(log.counters.records).toBe(64);
    // Each of its own session: what comes while the disk works makes the next group.
    const late = [0, 1, 2, 3].map(async (n) => {
      for (let i = 0; i < 16; i++) await log.append(recordOf({ n, i }));
    });
    await Promise.all(late);
    expect(log.counters.syncs - before.syncs).toBeLessThan(40);
    expect(log.counters.records).toBe(128);
  });

  test('are watched', async () => {
    const log = await openLog(await makeDirectory());
    const sizes: number[] = [];
    const stop = log.watch(() => void sizes.push(log.size));
    log.watch(() => {
      throw new Error('an observer fails alone');
    });
    await appendMany(log, 3);
    await appendMany(log, 2);
    stop();
    await appendMany(log, 1);
    expect(sizes).toEqual([3, 5]);
  });
});

describe('a log of many bundles', () => {
  test('is read from anywhere, proves everything, and is the same when it is opened again', async () => {
    const directory = await makeDirectory();
    const first = await openLog(directory);
    await appendMany(first, 700);
    await appendMany(first, 1);
    await first.close();
    const log = await openLog(directory);
    await appendMany(log, 100);
    expect(log.size).toBe(801);
    const all = await allOf(log.read(0));
    expect(all.map(({ index }) => index)).toEqual(Array.from({ length: 801 }, (_, i) => i));
    expect(all.map((record) => objectOf(record).n)).toEqual(Array.from({ length: 801 }, (_, i) => i));
    expect((await allOf(log.read(600))).map(({ index }) => index)[0]).toBe(600);
    expect(await allOf(log.read(801))).toEqual([]);
    for (const index of [0, 1, 255, 256, 511, 512, 767, 768, 800]) {
      const receipt = verifyReceipt(await log.receipt(index), [SIGNER.vkey]);
      expect(receipt).toMatchObject({ origin: ORIGIN, index, size: 801, record: { object: { n: index } } });
    }
    expect(await verifyLog(directory, KEYS)).toMatchObject({ problem: undefined, size: 801, minimumIndex: 0 });
    await log.close();
    expect(await verifyLog(directory, KEYS)).toMatchObject({ problem: undefined, size: 801, publishedSize: 801 });
    const names = await fs.readdir(join(directory, 'tile'), { recursive: true });
    expect(names).toEqual(
      expect.arrayContaining(['0/000', '0/002', 'entries/002', '0/003.p/33', '1/000.p/3', 'entries/003.p/33']),
    );
  });

  test('gives receipts while it grows', async () => {
    const log = await openLog(await makeDirectory());
    await appendMany(log, 250);
    const growing = (async () => {
      for (let i = 0; i < 40; i++) await appendMany(log, 13);
    })();
    for (let i = 0; i < 60; i++) {
      const index = (i * 37) % log.size;
      const receipt = verifyReceipt(await log.receipt(index), [SIGNER.vkey]);
      expect(receipt.record).toMatchObject({ object: { n: index } });
    }
    await growing;
  });

  test('is consistent with each of its checkpoints, and not with those of another', async () => {
    const directory = await makeDirectory();
    const log = await openLog(directory);
    const notes = [log.checkpoint()];
    for (const count of [1, 5, 250, 1, 300, 7]) {
      await appendMany(log, count);
      notes.push(log.checkpoint());
    }
    for (const [i, older] of notes.entries()) {
      for (const newer of notes.slice(i)) {
        expect(await consistency(directory, older, newer, KEYS)).toMatchObject({ consistent: true });
      }
    }
    expect(await verifyLog(directory, { ...KEYS, older: notes })).toMatchObject({ problem: undefined });
    const other = await openLog(await makeDirectory(), { clock: new FakeClock(1) });
    await appendMany(other, 400);
    const foreign = other.checkpoint();
    const [first = '', last = ''] = [notes[1], notes.at(-1)];
    expect(await consistency(directory, foreign, last, KEYS)).toMatchObject({
      consistent: false,
      why: expect.stringContaining('older'),
    });
    expect(await consistency(directory, first, foreign, KEYS)).toMatchObject({
      consistent: false,
      why: expect.stringContaining('newer'),
    });
    expect(await consistency(directory, last, first, KEYS)).toMatchObject({ consistent: false });
    const verdict = await verifyLog(directory, { ...KEYS, older: [foreign] });
    expect(verdict.problem).toMatchObject({ file: 'an older checkpoint' });
    await expect(consistency(directory, first, last, { keys: [] })).rejects.toThrow(NoteRefused);
  });
});

describe('the published checkpoint', () => {
  test('comes when it is due, and with the close', async () => {
    const directory = await makeDirectory();
    const clock = new FakeClock();
    const log = await openLog(directory, { clock, checkpointMs: 5000 });
    const published = async () =>
      openCheckpoint(await fs.readFile(join(directory, 'checkpoint'), 'utf8'), [SIGNER.vkey]).size;
    expect(await published()).toBe(0);
    await appendMany(log, 10);
    clock.advance(4999);
    expect(await published()).toBe(0);
    clock.advance(1);
    await expect.poll(published, { timeout: 10_000 }).toBe(10);
    await appendMany(log, 300);
    await log.close();
    expect(await published()).toBe(310);
    // The bundle is full now, and its partial one is gone.
    expect(await fs.readdir(join(directory, 'tile/0'))).toEqual(['000', '001.p']);
  });
});
