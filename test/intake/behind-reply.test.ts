/** Uploads that are answered before they are checked, and what operators do with those that are held back. */
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, HeldFile } from '../../src/spi/file-system.ts';
import type { Gate } from '../../src/spi/gate.ts';
import type { Settings } from '../../src/spi/settings.ts';
import { localFiles } from '../../src/storage/local.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import {
  type Doors,
  gateSaying,
  gateWaiting,
  makeFolder,
  openDoors,
  path,
  settingsWith,
  startIntake,
  until,
  upload,
} from './doors.ts';

/** Intents that are left in the folder. */
function intentsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.json'));
}

async function heldBack(
  collision: 'refuse' | 'version' = 'refuse',
  storage?: FileSystem,
): Promise<Doors & { readonly id: string }> {
  const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
  const doors = await openDoors({ intake: { gates: ['scan'], collision }, gates, ...(storage && { storage }) });
  await expect(upload(doors.behind, '/in.txt', 'bytes')).rejects.toThrow('ContentRefused');
  return { ...doors, id: doors.intake.items()[0]?.id ?? '' };
}

describe('what was accepted', () => {
  test('is checked behind the reply, and then published with a receipt', async () => {
    const scan = gateWaiting('scan');
    const doors = await openDoors({ intake: { gates: ['scan'], verdict: 'async' }, gates: [scan.gate] });
    const { publication } = await upload(doors.behind, '/in.txt', 'bytes');
    expect(publication).toMatchObject({ state: 'accepted', index: 0, receipt: undefined });
    expect(doors.audit.events).toEqual(['upload.accepted']);
    expect(doors.files.files).toEqual([]);
    expect(doors.intake.isChecked('partner', path('/in.txt'))).toBe(true);
    await scan.asked;
    scan.answer({ verdict: 'pass' });
    await until(() => !doors.intake.isChecked('partner', path('/in.txt')));
    expect(intentsIn(doors.directory)).toEqual([]);
    expect(doors.audit.events).toEqual(['upload.accepted', 'upload.published']);
    expect(doors.files.files).toEqual(['/in.txt']);
    expect(doors.receipts.written).toMatchObject([{ index: 1 }]);
  });

  test('is held back or destroyed when a gate refuses it', async () => {
    for (const [onRefused, event] of [
      ['quarantine', 'upload.quarantined'],
      ['destroy', 'upload.refused'],
    ] as const) {
      const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
      const doors = await openDoors({ intake: { gates: ['scan'], verdict: 'async', onRefused }, gates });
      await upload(doors.behind, '/in.txt', 'bytes');
      await until(() => doors.audit.events.length === 2);
      expect(doors.audit.events).toEqual(['upload.accepted', event]);
      expect(doors.files.files).toEqual([]);
    }
  });

  test('is checked again, ever more rarely, and held back after 24 hours', async () => {
    const clock = new FakeClock();
    let asked = 0;
    const away: Gate = {
      name: 'scan',
      deadlineMs: 60_000,
      inspect: async () => {
        asked += 1;
        throw new Error('away');
      },
    };
    const doors = await openDoors({ clock, intake: { gates: ['scan'], verdict: 'async' }, gates: [away] });
    await upload(doors.behind, '/in.txt', 'bytes');
    // Each attempt has ended when the item has its outcome and the next one waits for its time.
    const times: number[] = [];
    while (!doors.audit.events.includes('upload.quarantined')) {
      const before = asked;
      clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
      if (asked > before) times.push(clock.now());
      if (times.length > 12) clock.advance(86_400_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const waits = times.slice(1, 12).map((time, index) => Math.round((time - (times[index] ?? 0)) / 1_000));
    expect(waits[0]).toBeLessThan(waits[3] ?? 0);
    expect(Math.max(...waits)).toBeLessThanOrEqual(310);
    expect(doors.audit.records.at(-1)?.reason).toMatch(/no gate's answer within 24 hours/);
  });

  test('goes on behind a restart', async () => {
    const waiting = gateWaiting('scan');
    const doors = await openDoors({ intake: { gates: ['scan'], verdict: 'async' }, gates: [waiting.gate] });
    await upload(doors.behind, '/in.txt', 'bytes');
    await waiting.asked;
    await doors.intake.stop();
    const scan = gateSaying('scan', { verdict: 'pass' });
    const next = await startIntake({ ...doors.parts, gates: new Map([['scan', scan]]) });
    await until(() => doors.files.files.length === 1);
    expect(scan.seen).toMatchObject([{ account: 'partner', path: '/in.txt', address: undefined }]);
    await until(() => next.items()[0]?.state === 'published');
    expect(doors.audit.events).toEqual(['upload.accepted', 'upload.published']);
  });

  test('is held back when its name has been taken meanwhile: nobody would send it again', async () => {
    const scan = gateWaiting('scan');
    const doors = await openDoors({
      intake: { gates: ['scan'], verdict: 'async', collision: 'refuse' },
      gates: [scan.gate],
    });
    await upload(doors.behind, '/in.txt', 'bytes');
    doors.files.put(path('/in.txt'), 'another');
    scan.answer({ verdict: 'pass' });
    await until(() => doors.audit.events.includes('upload.quarantined'));
    expect(doors.intake.items()).toMatchObject([{ state: 'quarantined' }]);
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('another');
  });
});

describe('an operator', () => {
  test('is refused what is not held back, and a name that is taken', async () => {
    const doors = await heldBack();
    await expect(doors.intake.release('0'.repeat(24), 'root')).rejects.toThrow(/no upload .* is held back/);
    doors.files.put(path('/in.txt'), 'another');
    await expect(doors.intake.release(doors.id, 'root')).rejects.toThrow(/exists, and may not be replaced/);
    doors.audit.failure = new Error('full');
    await expect(doors.intake.destroy(doors.id, 'root')).rejects.toThrow(/stays as it is/);
    expect(doors.intake.items()).toMatchObject([{ state: 'quarantined' }]);
  });

  test('releases: recorded, published under a free name, with a receipt', async () => {
    const doors = await heldBack('version');
    doors.files.put(path('/in.txt'), 'another');
    await doors.intake.release(doors.id, 'root');
    expect(doors.audit.events).toEqual(['upload.quarantined', 'quarantine.released', 'upload.published']);
    expect(doors.audit.records[1]).toMatchObject({ who: { operator: 'root' }, object: { upload: doors.id } });
    expect(doors.audit.records[2]).toMatchObject({
      who: { account: 'partner' },
      object: { path: '/in~2.txt', asked: '/in.txt', gates: [{ verdict: 'refuse' }] },
    });
    expect(doors.files.bytesOf(path('/in~2.txt'))?.toString()).toBe('bytes');
    expect(doors.receipts.written).toMatchObject([{ path: '/in~2.txt', index: 2 }]);
    expect(intentsIn(doors.directory)).toEqual([]);
    await expect(doors.intake.release(doors.id, 'root')).rejects.toThrow(/no upload/);
  });

  test('whose release cannot be recorded has released nothing, is told so, and may try again', async () => {
    const doors = await heldBack();
    doors.audit.failure = new Error('full');
    for (let time = 0; time < 2; time++) {
      await expect(doors.intake.release(doors.id, 'root')).rejects.toThrow(/stays as it is: .*audit log/);
    }
    doors.audit.failure = undefined;
    // A log that fails in the middle has neither record, or both.
    const go = doors.audit.hang();
    const release = doors.intake.release(doors.id, 'root');
    const refused = expect(release).rejects.toThrow(/stays as it is/);
    await until(() => doors.audit.waiting === 2);
    doors.audit.failure = new Error('full');
    go();
    await refused;
    doors.audit.failure = undefined;
    expect(doors.audit.events).toEqual(['upload.quarantined']);
    expect(doors.files.bytesOf(path('/in.txt'))).toBeUndefined();
    // What the log says of it is looked at as soon as somebody asks, however long that was to wait.
    await expect(doors.intake.release(doors.id, 'root')).rejects.toThrow(/being worked on/);
    await until(() => doors.log.of('intake.recovered').length > 0);
    await doors.intake.release(doors.id, 'root');
    expect(doors.audit.events.slice(1)).toEqual(['quarantine.released', 'upload.published']);
  });

  test('whose release storage refuses finds that in the log too, behind the release', async () => {
    const files = new MemoryFiles();
    const full = decorate<FileSystem>(files, {
      async held(to, id) {
        const publish = () => Promise.reject(new Fault('StorageFull'));
        return decorate<HeldFile>(await files.held(to, id), { publish });
      },
    });
    const doors = await heldBack('refuse', full);
    await expect(doors.intake.release(doors.id, 'root')).rejects.toThrow(/stays as it is/);
    const released = doors.audit.of('quarantine.released');
    expect(released.map(({ result }) => result)).toEqual(['success', 'failure']);
    expect(doors.intake.items()).toMatchObject([{ state: 'quarantined' }]);
  });

  test('destroys: recorded, and nothing is left, also when the act was cut short behind its record', async () => {
    const doors = await heldBack();
    await doors.intake.destroy(doors.id, 'root');
    expect(doors.audit.events).toEqual(['upload.quarantined', 'quarantine.destroyed']);
    expect(await doors.files.freeBytes()).toBe(67_108_864);
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('finds it again behind a restart', async () => {
    const doors = await heldBack();
    await doors.intake.stop();
    const next = await startIntake(doors.parts);
    expect(next.items()).toMatchObject([
      { id: doors.id, state: 'quarantined', reason: 'refused by scan: no', bytes: 5 },
    ]);
    expect(doors.audit.events).toEqual(['upload.quarantined']);
    await next.release(doors.id, 'root');
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
  });

  test('acts once, however often it is told', async () => {
    const doors = await heldBack();
    const acts = await Promise.allSettled([1, 2, 3].map(() => doors.intake.release(doors.id, 'root')));
    expect(acts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(doors.audit.of('upload.published')).toHaveLength(1);
  });
});

test('what cannot be reached stays, is logged, and keeps nobody from starting', async () => {
  const doors = await heldBack();
  await doors.intake.stop();
  const next = await startIntake({ ...doors.parts, filesOf: async () => undefined });
  expect(next.items()).toMatchObject([{ id: doors.id, state: 'quarantined' }]);
  await expect(next.release(doors.id, 'root')).rejects.toThrow(/cannot be reached/);
  expect(doors.log.of('intake.unreachable')).toMatchObject([{ account: 'partner' }]);
  expect(intentsIn(doors.directory)).toHaveLength(1);
});

describe('an older upload that is checked for longer than a newer one of its name', () => {
  async function overtaken() {
    const [first, second] = [gateWaiting('scan'), gateWaiting('scan')];
    let asked = 0;
    const scan: Gate = {
      ...first.gate,
      inspect: (item, signal) => (asked++ === 0 ? first : second).gate.inspect(item, signal),
    };
    const doors = await openDoors({
      intake: { gates: ['scan'], verdict: 'async', collision: 'replace' },
      gates: [scan],
    });
    await upload(doors.behind, '/in.txt', 'older');
    await first.asked;
    await upload(doors.behind, '/in.txt', 'newer');
    await second.asked;
    second.answer({ verdict: 'pass' });
    await until(() => doors.audit.events.includes('upload.published') && intentsIn(doors.directory).length === 1);
    return { doors, first };
  }

  test('is held back, and the newer one keeps the name', async () => {
    const { doors, first } = await overtaken();
    first.answer({ verdict: 'pass' });
    await until(() => doors.audit.events.includes('upload.quarantined'));
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('newer');
    expect(doors.audit.records.at(-1)?.reason).toMatch(/a newer upload of its name was published/);
  });

  test('is held back also behind a restart', async () => {
    const { doors } = await overtaken();
    await doors.intake.stop();
    const gates = new Map([['scan', gateSaying('scan', { verdict: 'pass' })]]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await startIntake({ ...doors.parts, gates });
    await until(() => doors.audit.events.includes('upload.quarantined'));
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('newer');
  });
});

test('a receipt that could not be written is tried again, and nobody is told that the file is being checked', async () => {
  const clock = new FakeClock();
  const gates = [gateSaying('scan', { verdict: 'pass' })];
  const doors = await openDoors({ clock, intake: { gates: ['scan'], verdict: 'async' }, gates });
  doors.receipts.failure = new Error('full');
  await upload(doors.behind, '/in.txt', 'bytes');
  await until(() => doors.log.of('intake.receipt_failed').length === 1);
  expect(doors.intake.isChecked('partner', path('/in.txt'))).toBe(false);
  expect(intentsIn(doors.directory)).toHaveLength(1);
  doors.receipts.failure = undefined;
  await until(() => {
    clock.advance(1_000);
    return intentsIn(doors.directory).length === 0;
  });
  expect(doors.receipts.written).toMatchObject([{ path: '/in.txt', index: 1 }]);
  expect(doors.audit.events).toEqual(['upload.accepted', 'upload.published']);
});

test('the receipt of an upload whose client waited is tried again too', async () => {
  const clock = new FakeClock();
  const doors = await openDoors({ clock });
  doors.receipts.failure = new Error('full');
  const { publication } = await upload(doors.behind, '/in.txt', 'bytes');
  expect(publication).toMatchObject({ state: 'published', receipt: undefined });
  doors.receipts.failure = undefined;
  await until(() => {
    clock.advance(1_000);
    return doors.receipts.written.length === 1;
  });
});

test('an upload that was held back and could not be recorded is recorded as soon as it can be', async () => {
  const clock = new FakeClock();
  const gate: Gate = {
    ...{ name: 'scan', deadlineMs: 60_000 },
    inspect: async () => {
      doors.audit.failure = new Error('full');
      return { verdict: 'refuse', reason: 'no' };
    },
  };
  const doors: Doors = await openDoors({ clock, intake: { gates: ['scan'] }, gates: [gate] });
  await expect(upload(doors.behind, '/in.txt', 'bytes')).rejects.toThrow('ContentRefused');
  expect(doors.audit.events).toEqual([]);
  doors.audit.failure = undefined;
  await until(() => {
    clock.advance(1_000);
    return doors.audit.events.length > 0;
  });
  expect(doors.audit.events).toEqual(['upload.quarantined']);
});

test('what was changed on the disk while it was held back is not released', async () => {
  const doors = await heldBack();
  const files = decorate<FileSystem>(doors.files, {
    async held(of, id) {
      const held = await doors.files.held(of, id);
      const read = async function* () {
        yield Buffer.from('bytez');
      };
      return decorate(held, { read });
    },
  });
  await doors.intake.stop();
  const next = await startIntake({ ...doors.parts, filesOf: async () => files });
  await expect(next.release(doors.id, 'root')).rejects.toThrow(/not what arrived/);
  expect(doors.audit.events).toEqual(['upload.quarantined']);
  expect(doors.log.of('intake.altered')).toHaveLength(1);
  expect(next.items()).toMatchObject([{ id: doors.id, state: 'quarantined' }]);
});

test('a link that leads to a directory with other terms is no way past them', async () => {
  const home = makeFolder();
  mkdirSync(join(home, 'in'));
  mkdirSync(join(home, 'out'));
  symlinkSync(join(home, 'in'), join(home, 'al'));
  symlinkSync(join(home, 'out'), join(home, 'ol'));
  const gated = settingsWith({ gates: ['scan'] });
  const settings: Settings = {
    inSession: settingsWith({}).inSession,
    atDirectory: (directive, session, of) =>
      (of === '/in' ? gated : settingsWith({})).atDirectory(directive, session, of),
  };
  const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
  const storage = localFiles({ root: home, owner: 'partner' });
  const doors = await openDoors({ storage, gates, settings: () => settings });
  await expect(upload(doors.behind, '/al/evil', 'bytes')).rejects.toThrow('PermissionDenied');
  await expect(upload(doors.behind, '/in/evil', 'bytes')).rejects.toThrow('ContentRefused');
  await upload(doors.behind, '/ol/good', 'bytes');
  expect(doors.log.of('intake.link_refused')).toMatchObject([{ path: '/al/evil', leads_to: '/in/evil' }]);
});
