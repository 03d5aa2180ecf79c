/** Files that are encrypted on their way: gates see them while they arrive, and nobody goes on with what is there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import type { Gate, GateItem } from '../../src/spi/gate.ts';
import { arrivalOf, faultOf, gateSaying, openDoors, path, until, upload } from './doors.ts';

const identity = await generateIdentity();
const encryptTo = [await identityToRecipient(identity)];
const LARGE = Buffer.alloc(6_000_000, 'plain');
/** What no write takes that nobody holds up. */
const STANDSTILL_MS = 200;

/** A gate that reads everything and tells what it saw. */
const reading: Gate = {
  name: 'read',
  deadlineMs: 60_000,
  async inspect(item: GateItem) {
    let bytes = 0;
    for await (const piece of item.content) {
      if (!LARGE.subarray(bytes, bytes + piece.length).equals(piece))
        return { verdict: 'refuse', reason: 'other bytes' };
      bytes += piece.length;
    }
    return { verdict: 'pass', detail: `${bytes} of ${(await item.arrived).bytes}` };
  },
};

async function decrypted(bytes: Buffer | undefined): Promise<Buffer> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return Buffer.from(await decrypter.decrypt(bytes ?? Buffer.alloc(0)));
}

describe('what is encrypted', () => {
  test('is never gone on with, whatever is asked and whatever was kept', async () => {
    const doors = await openDoors({ intake: { encryptTo } });
    doors.files.put(path('/in'), 'there').putPartial(path('/in'), 'partial');
    const existing = 'replace' as const;
    const requests = [{ from: 'append', existing } as const, { from: 'restart', offsetBytes: 3, existing } as const];
    for (const request of requests)
      expect(await faultOf(doors.behind.stage(path('/in'), request))).toBe('RestartInvalid');
    expect(await doors.behind.resumableBytes(path('/in'))).toBeUndefined();
    const staged = await doors.behind.stage(path('/in2'), { from: 'empty', existing });
    await staged.write([Buffer.from('half')]);
    expect(await staged.abort('keep')).toBe(0);
    expect([...doors.files.unfinished.keys()]).toEqual(['/in']);
  });

  test('reaches gates as it was sent and the disk as ciphertext; the record tells of both', async () => {
    const doors = await openDoors({
      intake: { encryptTo, gates: ['read', 'late'] },
      gates: [reading, { ...reading, name: 'late' }],
    });
    const staged = await doors.behind.stage(path('/in'), { from: 'empty', existing: 'replace' });
    for (let from = 0; from < LARGE.length; from += 500_000) await staged.write([LARGE.subarray(from, from + 500_000)]);
    await staged.commit(arrivalOf(LARGE));
    const stored = doors.files.bytesOf(path('/in'));
    expect((await decrypted(stored)).equals(LARGE)).toBe(true);
    const [record] = doors.audit.records;
    expect(record?.object).toMatchObject({
      bytes: LARGE.length,
      encrypted_to: encryptTo,
      stored_bytes: stored?.length,
    });
    expect(record?.object.gates).toMatchObject([{ detail: '6000000 of 6000000' }, { detail: '6000000 of 6000000' }]);
  });

  test('is held back as ciphertext when a gate refuses it', async () => {
    const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
    const doors = await openDoors({ intake: { encryptTo, gates: ['scan'], verdict: 'async' }, gates });
    expect(await faultOf(upload(doors.behind, '/in', 'bytes'))).toBe('ContentRefused');
    const [item] = doors.intake.items();
    await doors.intake.release(item?.id ?? '', 'root');
    expect((await decrypted(doors.files.bytesOf(path('/in')))).toString()).toBe('bytes');
  });

  test('a gate that never reads, and one that stops reading, hold the upload up for their time at most, then fail', async () => {
    const clock = new FakeClock();
    const lazy: Gate = {
      name: 'lazy',
      deadlineMs: 30_000,
      // Looks at the size alone.
      inspect: async (item) => ({ verdict: 'pass', detail: String((await item.arrived).bytes) }),
    };
    const stuck: Gate = {
      name: 'stuck',
      deadlineMs: 5_000,
      async inspect(item) {
        const content = item.content[Symbol.asyncIterator]();
        await content.next();
        return new Promise(() => undefined);
      },
    };
    const doors = await openDoors({ clock, intake: { encryptTo, gates: ['lazy', 'stuck'] }, gates: [lazy, stuck] });
    const staged = await doors.behind.stage(path('/in'), { from: 'empty', existing: 'replace' });
    let written = 0;
    const uploading = (async () => {
      for (; written < LARGE.length; written += 500_000)
        await staged.write([LARGE.subarray(written, written + 500_000)]);
    })();
    const startMs = clock.now();
    while (written < LARGE.length) {
      const before = written;
      await sleep(STANDSTILL_MS);
      if (written === before) clock.advance(5_000);
    }
    await uploading;
    expect(clock.now() - startMs).toBeLessThan(60_000);
    const committing = faultOf(staged.commit(arrivalOf(LARGE)));
    let settled = false;
    void committing.then(() => {
      settled = true;
    });
    while (!settled) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!settled) clock.advance(100);
    }
    expect(await committing).toBe('Unchecked');
    expect(doors.files.files).toEqual([]);
    const gates = doors.audit.of('upload.refused')[0]?.object.gates;
    expect(gates).toMatchObject([
      { gate: 'lazy', verdict: 'pass', detail: '6000000' },
      { gate: 'stuck', verdict: 'failed' },
    ]);
  });

  test('an upload that breaks off aborts its gates', async () => {
    let reason: unknown;
    const gate: Gate = {
      name: 'read',
      deadlineMs: 60_000,
      async inspect(item, signal) {
        signal.addEventListener('abort', () => {
          reason = signal.reason;
        });
        for await (const piece of item.content) void piece;
        return { verdict: 'pass' };
      },
    };
    const doors = await openDoors({ intake: { encryptTo, gates: ['read'] }, gates: [gate] });
    const staged = await doors.behind.stage(path('/in'), { from: 'empty', existing: 'replace' });
    await staged.write([Buffer.from('half')]);
    await staged.abort('keep');
    await until(() => reason !== undefined);
    expect(doors.intake.items()).toMatchObject([{ state: 'incomplete' }]);
  });
});
