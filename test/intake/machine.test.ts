/** What becomes of an upload between its last byte and its name. */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, HeldFile } from '../../src/spi/file-system.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { faultOf, gateSaying, gateWaiting, openDoors, path, until, upload, use } from './doors.ts';

const PASS = gateSaying('good', { verdict: 'pass', detail: 'clean' });

/** Intents that are left in the folder. */
function intentsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.json'));
}

describe('what is refused', () => {
  test('by a gate is held back, recorded, and never seen', async () => {
    const bad = gateSaying('scan', { verdict: 'refuse', reason: 'Eicar found', told: 'It has a virus.' });
    const doors = await openDoors({ intake: { gates: ['good', 'scan'] }, gates: [PASS, bad] });
    const refusal = await upload(doors.behind, '/in.txt', 'bytes').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Fault);
    expect(refusal).toMatchObject({ kind: 'ContentRefused', code: 550 });
    expect(refusal instanceof Fault && refusal.text).toMatch(/held back.*It has a virus\./);
    expect(doors.files.files).toEqual([]);
    expect(doors.audit.events).toEqual(['upload.quarantined']);
    expect(doors.audit.records[0]).toMatchObject({ result: 'failure', reason: 'refused by scan: Eicar found' });
    expect(doors.intake.items()).toMatchObject([
      { state: 'quarantined', account: 'partner', path: '/in.txt', bytes: 5 },
    ]);
    expect(doors.notes).toMatchObject({ publication: 'quarantined', recorded: 0 });
    expect(intentsIn(doors.directory)).toHaveLength(1);
    expect(doors.log.of('intake.moved').at(-1)).toMatchObject({ from: 'checking', to: 'quarantined' });
  });

  test('is destroyed where that is asked for', async () => {
    const bad = gateSaying('scan', { verdict: 'refuse', reason: 'no' });
    const doors = await openDoors({ intake: { gates: ['scan'], onRefused: 'destroy' }, gates: [bad] });
    expect(await faultOf(upload(doors.behind, '/in.txt', 'bytes'))).toBe('ContentRefused');
    expect(doors.audit.events).toEqual(['upload.refused']);
    expect(doors.intake.items()).toMatchObject([{ state: 'rejected' }]);
    expect(intentsIn(doors.directory)).toEqual([]);
    expect(await doors.files.freeBytes()).toBe(67_108_864);
  });

  test('a gate that throws, hangs past its time, is missing, or answers nonsense publishes nothing', async () => {
    const clock = new FakeClock();
    const hanging = gateWaiting('hang', 5_000);
    const nonsense = { ...PASS, name: 'odd', inspect: async () => JSON.parse('{"verdict":"ok"}') };
    for (const gates of [['throw'], ['missing'], ['odd'], ['hang']]) {
      const doors = await openDoors({
        ...{ clock, intake: { gates } },
        gates: [gateSaying('throw', new Error('scanner is away')), nonsense, hanging.gate],
      });
      const uploading = faultOf(upload(doors.behind, '/in.txt', 'bytes'));
      if (gates[0] === 'hang') {
        await hanging.asked;
        clock.advance(5_000);
      }
      expect(await uploading).toBe('Unchecked');
      expect(doors.files.files).toEqual([]);
      expect(doors.audit.of('upload.refused')).toMatchObject([{ object: { gates: [{ verdict: 'failed' }] } }]);
      expect(intentsIn(doors.directory)).toEqual([]);
    }
  });

  test('one refusal decides, has the others aborted, and what they had said is recorded', async () => {
    const slow = gateWaiting('slow');
    const bad = gateWaiting('bad');
    const doors = await openDoors({
      intake: { gates: ['good', 'slow', 'bad'] },
      gates: [PASS, slow.gate, bad.gate],
    });
    const uploading = faultOf(upload(doors.behind, '/in.txt', 'bytes'));
    await slow.asked;
    bad.answer({ verdict: 'refuse', reason: 'no' });
    expect(await uploading).toBe('ContentRefused');
    await slow.aborted;
    const gates = [
      { gate: 'good', verdict: 'pass', detail: 'clean' },
      { gate: 'bad', verdict: 'refuse' },
    ];
    expect(doors.audit.records[0]?.object.gates).toMatchObject(gates);
  });

  test('a failed gate waits for the others, so that it hides no refusal', async () => {
    const slow = gateWaiting('slow');
    const failing = gateSaying('failing', new Error('away'));
    const doors = await openDoors({ intake: { gates: ['failing', 'slow'] }, gates: [failing, slow.gate] });
    const uploading = faultOf(upload(doors.behind, '/in.txt', 'bytes'));
    await slow.asked;
    slow.answer({ verdict: 'refuse', reason: 'no' });
    expect(await uploading).toBe('ContentRefused');
  });

  test('while the log cannot be written nothing is begun', async () => {
    const doors = await openDoors();
    doors.audit.failure = new Error('full');
    expect(await faultOf(upload(doors.behind, '/in.txt', 'bytes'))).toBe('AuditUnavailable');
    expect(doors.intake.items()).toEqual([]);
  });

  test('storage that cannot hold takes nothing that gates have to see', async () => {
    const storage = decorate(new MemoryFiles(), {
      stage: async (to, request) => decorate(await new MemoryFiles().stage(to, request), { hold: undefined }),
    });
    const doors = await openDoors({ storage, intake: { gates: ['good'] }, gates: [PASS] });
    expect(await faultOf(upload(doors.behind, '/in.txt', 'bytes'))).toBe('Local');
    expect(doors.log.of('intake.cannot_hold')).toMatchObject([{ reason: 'this storage cannot hold files' }]);
  });

  test('without a state directory gates let nothing pass', async () => {
    const files = new MemoryFiles();
    const doors = await openDoors({ intake: { gates: ['good'] }, gates: [PASS] });
    const { Intake } = await import('../../src/intake/intake.ts');
    const intake = new Intake({ ...doors.parts, directory: undefined });
    await intake.start();
    expect(await faultOf(upload(intake.files(files, use({}, files)), '/in.txt', 'bytes'))).toBe('Local');
  });
});

describe('what passes', () => {
  test('is recorded, then published, then has its receipt', async () => {
    const doors = await openDoors({ intake: { gates: ['good'] }, gates: [PASS] });
    const release = doors.audit.hang();
    const uploading = upload(doors.behind, '/in.txt', 'bytes');
    await until(() => doors.audit.waiting > 0);
    expect(doors.files.files).toEqual([]);
    expect(doors.intake.items()).toMatchObject([{ state: 'checking' }]);
    release();
    const { publication } = await uploading;
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(publication).toMatchObject({
      state: 'published',
      path: '/in.txt',
      index: 0,
      receipt: '/.receipts/in.txt.0.receipt',
    });
    const [record] = doors.audit.records;
    expect(record).toMatchObject({
      event: 'upload.published',
      result: 'success',
      who: { account: 'partner' },
      origin: { address: '192.0.2.7', port: 50_000, session: 'session1' },
    });
    expect(Object.keys(record?.object ?? {})).toEqual([
      ...['upload', 'path', 'bytes', 'sha256', 'started', 'arrived', 'verb', 'end', 'data_tls', 'control_tls', 'gates'],
    ]);
    expect(record?.object).toMatchObject({ verb: 'STOR', end: 'authenticated', data_tls: { resumed: true } });
    expect(doors.receipts.written).toMatchObject([{ account: 'partner', path: '/in.txt', index: 0 }]);
    expect(doors.notes).toMatchObject({ upload: publication?.id, recorded: 0, publication: 'published' });
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('what nobody checks or records goes past untouched', async () => {
    const doors = await openDoors({ audit: undefined, receipts: undefined });
    const staged = await doors.behind.stage(path('/in.txt'), { from: 'empty', existing: 'replace' });
    expect(staged.constructor.name).toBe('MemoryStagedWrite');
    await staged.abort('remove');
  });

  test('gates read what is held, each by itself', async () => {
    const read = async (item: { content: AsyncIterable<Buffer> }) => {
      const pieces: Buffer[] = [];
      for await (const piece of item.content) pieces.push(piece);
      return { verdict: 'pass', detail: Buffer.concat(pieces).toString() } as const;
    };
    const gates = ['one', 'two'].map((name) => ({ name, deadlineMs: 60_000, inspect: read }));
    const doors = await openDoors({ intake: { gates: ['one', 'two'] }, gates });
    await upload(doors.behind, '/in.txt', 'bytes');
    expect(doors.audit.records[0]?.object.gates).toMatchObject([{ detail: 'bytes' }, { detail: 'bytes' }]);
  });

  test('an upload that did not arrive whole is shown as such, and storage keeps it', async () => {
    const doors = await openDoors();
    const staged = await doors.behind.stage(path('/in.txt'), { from: 'empty', existing: 'replace' });
    await staged.write([Buffer.from('half')]);
    expect(doors.intake.items()).toMatchObject([{ state: 'receiving', bytes: 4 }]);
    expect(await staged.abort('keep')).toBe(4);
    expect(doors.intake.items()).toMatchObject([{ state: 'incomplete', bytes: 4 }]);
    expect(await doors.behind.resumableBytes(path('/in.txt'))).toBe(4);
  });

  test('storage that cannot hold is recorded in front of its commit', async () => {
    const files = new MemoryFiles();
    const storage = decorate<FileSystem>(files, {
      stage: async (to, request) => decorate(await files.stage(to, request), { hold: undefined }),
    });
    const doors = await openDoors({ storage });
    const { publication } = await upload(doors.behind, '/in.txt', 'bytes');
    expect(publication).toMatchObject({ state: 'published', index: 0 });
    expect(files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(intentsIn(doors.directory)).toEqual([]);
  });
});

describe('a name that is taken', () => {
  test('is refused, and recorded as refused', async () => {
    const doors = await openDoors({ intake: { collision: 'refuse' } });
    const first = await doors.behind.stage(path('/a.csv'), { from: 'empty', existing: 'replace' });
    await upload(doors.behind, '/a.csv', 'one');
    await first.write([Buffer.from('two')]);
    expect(await faultOf(first.commit({ bytes: 3, sha256: 'x', startedMs: 0 }))).toBe('FileExists');
    expect(doors.audit.events).toEqual(['upload.published', 'upload.refused']);
    expect(doors.files.bytesOf(path('/a.csv'))?.toString()).toBe('one');
    expect(await faultOf(upload(doors.behind, '/a.csv', 'three'))).toBe('FileExists');
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('gives versions, each of its own, in record, receipt and directory alike', async () => {
    const doors = await openDoors({ intake: { collision: 'version' } });
    const texts = Array.from({ length: 12 }, (_, index) => `text ${index}`);
    await Promise.all(texts.map((text) => upload(doors.behind, '/a.csv', text)));
    expect(doors.files.files).toHaveLength(12);
    const found = doors.files.files.map((name) => doors.files.bytesOf(name)?.toString() ?? '');
    expect(found.sort()).toEqual([...texts].sort());
    expect(doors.audit.records.map(({ object }) => object.path).sort()).toEqual([...doors.files.files]);
    expect(doors.receipts.written.map((receipt) => receipt.path).sort()).toEqual([...doors.files.files]);
  });

  test('is chosen by one upload at a time, while records are waited for', async () => {
    const doors = await openDoors({ intake: { collision: 'version' } });
    const release = doors.audit.hang();
    const uploads = ['one', 'two', 'three'].map((text) => upload(doors.behind, '/a.csv', text));
    // They share the sync of the log: none waits for another.
    await until(() => doors.audit.waiting === 3);
    release();
    await Promise.all(uploads);
    expect(doors.files.files).toEqual(['/a.csv', '/a~2.csv', '/a~3.csv']);
    expect(doors.audit.events).toEqual(['upload.published', 'upload.published', 'upload.published']);
  });

  test('is refused to whoever comes second, before anything of it is recorded as published', async () => {
    const doors = await openDoors({ intake: { collision: 'refuse' } });
    const release = doors.audit.hang();
    const uploads = ['one', 'two'].map((text) => faultOf(upload(doors.behind, '/a.csv', text)));
    await until(() => doors.audit.waiting === 1 && doors.intake.items().every(({ state }) => state === 'checking'));
    release();
    expect((await Promise.all(uploads)).sort()).toEqual(['FileExists', 'none']);
    expect(doors.audit.events).toEqual(['upload.published', 'upload.refused']);
    expect(doors.audit.records[1]?.object.upload).not.toBe(doors.audit.records[0]?.object.upload);
  });

  test('is replaced, and the record says so; the last record is what is there', async () => {
    const doors = await openDoors();
    await Promise.all(['one', 'two', 'three'].map((text) => upload(doors.behind, '/a.csv', text)));
    const last = doors.audit.records.at(-1);
    expect(doors.audit.records.map(({ object }) => object.replaced)).toEqual([undefined, true, true]);
    expect(String(doors.files.bytesOf(path('/a.csv'))?.length)).toBe(String(last?.object.bytes));
  });

  test('an account that may not overwrite does not', async () => {
    const doors = await openDoors();
    await upload(doors.behind, '/a.csv', 'one');
    const again = upload(doors.behind, '/a.csv', 'two', { from: 'empty', existing: 'keep' });
    expect(await faultOf(again)).toBe('FileExists');
  });
});

describe('what fails behind the record', () => {
  const failing = (files: MemoryFiles, failure: Error): FileSystem =>
    decorate<FileSystem>(files, {
      async held(to, id) {
        const held = await files.held(to, id);
        return decorate<HeldFile>(held, { publish: () => Promise.reject(failure) });
      },
    });

  test('is taken back in the log, removed, and has no receipt', async () => {
    const files = new MemoryFiles();
    const doors = await openDoors({ storage: failing(files, new Fault('StorageFull')) });
    expect(await faultOf(upload(doors.behind, '/a', 'bytes'))).toBe('StorageFull');
    expect(doors.audit.events).toEqual(['upload.published', 'upload.refused']);
    const [published, refused] = doors.audit.records;
    expect(refused?.object.upload).toBe(published?.object.upload);
    expect(doors.receipts.written).toEqual([]);
    expect(await files.freeBytes()).toBe(67_108_864);
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('a record that may or may not be there leaves everything, until the log says which', async () => {
    const doors = await openDoors();
    doors.audit.rejectNext = new Error('disk');
    expect(await faultOf(upload(doors.behind, '/a', 'bytes'))).toBe('AuditUnavailable');
    expect(doors.files.files).toEqual([]);
    expect(intentsIn(doors.directory)).toHaveLength(1);
    // Looked at again behind the reply: the log has nothing of it.
    await until(() => doors.audit.events.includes('upload.undone'));
    await until(() => intentsIn(doors.directory).length === 0);
    expect(await doors.files.freeBytes()).toBe(67_108_864);
  });

  test('a log that is not required is done without', async () => {
    const doors = await openDoors({ auditRequired: false });
    doors.audit.failure = new Error('full');
    const { publication } = await upload(doors.behind, '/a', 'bytes');
    expect(publication).toMatchObject({ state: 'published', index: undefined, receipt: undefined });
    expect(doors.files.files).toEqual(['/a']);
    expect(doors.log.of('intake.unrecorded')).toHaveLength(1);
    expect(intentsIn(doors.directory)).toEqual([]);
    doors.audit.failure = undefined;
    expect(doors.audit.records).toMatchObject([{ event: 'upload.published', object: { path: '/a', late: true } }]);
  });

  test('a receipt that cannot be written is written by the next start', async () => {
    const doors = await openDoors();
    doors.receipts.failure = new Error('full');
    const { publication } = await upload(doors.behind, '/a', 'bytes');
    expect(publication).toMatchObject({ state: 'published', receipt: undefined });
    doors.receipts.failure = undefined;
    const { startIntake } = await import('./doors.ts');
    await startIntake(doors.parts);
    expect(doors.receipts.written).toMatchObject([{ path: '/a', index: 0 }]);
    expect(intentsIn(doors.directory)).toEqual([]);
  });
});
