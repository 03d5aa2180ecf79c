/** What a start does with what it finds, whatever was lost or broken of it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decorate } from '../../src/lib/decorate.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, HeldFile } from '../../src/spi/file-system.ts';
import { localFiles } from '../../src/storage/local.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { RecordingLog } from '../fixtures/gateway.ts';
import {
  type Doors,
  type DoorsOptions,
  gateSaying,
  makeFolder,
  openDoors,
  path,
  settingsWith,
  startIntake,
  until,
  upload,
  use,
} from './doors.ts';

function intentsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.json'));
}

/** What is done to what is held. */
type Act = 'publish' | 'destroy';

/** Storage whose process stops at its first call of `act`, in front of it or behind it, and never comes back. */
function stopping(files: FileSystem, act: Act, where: 'before' | 'behind', stopped: () => void): FileSystem {
  const stop = () => {
    stopped();
    return new Promise<never>(() => undefined);
  };
  return decorate<FileSystem>(files, {
    async held(of, id) {
      const held = await files.held?.(of, id);
      if (held === undefined) throw new Fault('NoSuchFile');
      const stops = async (does: () => Promise<void>) => {
        if (where === 'behind') await does();
        await stop();
      };
      return decorate<HeldFile>(held, {
        ...(act === 'publish' && {
          publish: (...words: Parameters<HeldFile['publish']>) => stops(() => held.publish(...words)),
        }),
        ...(act === 'destroy' && { destroy: () => stops(() => held.destroy()) }),
      });
    },
  });
}

/** Doors whose process has stopped in the middle of an upload of `/in.txt`. */
async function stoppedAt(act: Act, where: 'before' | 'behind', options: DoorsOptions = {}): Promise<Doors> {
  const files = new MemoryFiles();
  const stopped = Promise.withResolvers<void>();
  const storage = stopping(files, act, where, stopped.resolve);
  const doors = await openDoors({ ...options, storage, filesOf: async () => files });
  void upload(doors.behind, '/in.txt', 'bytes').catch(() => undefined);
  await stopped.promise;
  return { ...doors, files };
}

describe('behind the record of its publication', () => {
  test.each(['before', 'behind'] as const)('an upload that was cut short %s its name is finished', async (where) => {
    const doors = await stoppedAt('publish', where);
    await startIntake(doors.parts);
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(doors.audit.events).toEqual(['upload.published']);
    expect(doors.receipts.written).toMatchObject([{ path: '/in.txt', index: 0 }]);
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('its intent being lost with the power, the log says what to do', async () => {
    const doors = await stoppedAt('publish', 'before');
    for (const name of intentsIn(doors.directory)) rmSync(join(doors.directory, name));
    await startIntake(doors.parts);
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(doors.receipts.written).toMatchObject([{ index: 0 }]);
    expect(doors.log.of('intake.recovered')).toMatchObject([{ came: 'orphan' }]);
  });

  test('its name being taken meanwhile, it is taken back', async () => {
    const doors = await stoppedAt('publish', 'before', { intake: { collision: 'refuse' } });
    doors.files.put(path('/in.txt'), 'another');
    await startIntake(doors.parts);
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('another');
    expect(doors.audit.events).toEqual(['upload.published', 'upload.refused']);
    expect(doors.receipts.written).toEqual([]);
    expect(await doors.files.freeBytes()).toBe(67_108_864 - 'another'.length);
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('its file being nowhere, as on a disk that is not mounted, it stays and is told of', async () => {
    const doors = await stoppedAt('publish', 'before');
    const other = new MemoryFiles();
    const stat = async (of: VirtualPath) => ({ ...(await other.stat(of)), unique: 'another disk' });
    await startIntake({ ...doors.parts, filesOf: async () => decorate<FileSystem>(other, { stat }) });
    expect(doors.log.of('intake.lost')).toMatchObject([{ account: 'partner', path: '/in.txt' }]);
    expect(intentsIn(doors.directory)).toHaveLength(1);
    await startIntake(doors.parts);
    expect(doors.files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(intentsIn(doors.directory)).toEqual([]);
  });
});

test('what is checked again takes no name that is recorded for another upload', async () => {
  const files = new MemoryFiles();
  const stopped = Promise.withResolvers<void>();
  const storage = stopping(files, 'publish', 'before', stopped.resolve);
  const good = gateSaying('good', { verdict: 'pass' });
  const said = { gates: ['good'], collision: 'version' as const };
  const doors = await openDoors({ intake: said, gates: [good], storage, filesOf: async () => files });
  // Both wait: the second is recorded, and the first, which is older, is to be checked again.
  const away = { ...good, inspect: () => new Promise<never>(() => undefined) };
  const answering = { settings: () => settingsWith({ ...said, verdict: 'async' }), gates: new Map([['good', away]]) };
  const slow = await startIntake({ ...doors.parts, ...answering });
  await upload(slow.files(files, use({}, files)), '/in.txt', 'first');
  void upload(doors.behind, '/in.txt', 'second');
  await stopped.promise;
  await slow.stop();
  const recorded = doors.audit.of('upload.published')[0]?.object.upload;
  // The disk of the one that is recorded takes its time, in which the other one could have been checked.
  const tardy = decorate<FileSystem>(files, {
    async held(of, id) {
      for (let turn = 0; turn < 50 && id === recorded; turn++) await new Promise((resolve) => setImmediate(resolve));
      return files.held(of, id);
    },
  });
  await startIntake({ ...doors.parts, filesOf: async () => tardy });
  await until(() => intentsIn(doors.directory).length === 0);
  expect(files.files).toEqual(['/in.txt', '/in~2.txt']);
  expect(files.bytesOf(path('/in.txt'))?.toString()).toBe('second');
  expect(doors.audit.of('upload.quarantined')).toEqual([]);
});

describe('behind a refusal', () => {
  test.each(['before', 'behind'] as const)('cut short %s the removal, nothing is left', async (where) => {
    const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
    const doors = await stoppedAt('destroy', where, { intake: { gates: ['scan'], onRefused: 'destroy' }, gates });
    await startIntake(doors.parts);
    expect(doors.audit.events).toEqual(['upload.refused']);
    expect(await doors.files.freeBytes()).toBe(67_108_864);
    expect(intentsIn(doors.directory)).toEqual([]);
  });

  test('held back and not yet recorded, it is recorded', async () => {
    const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
    const doors = await openDoors({ intake: { gates: ['scan'] }, gates });
    const hung = doors.audit.hang();
    void upload(doors.behind, '/in.txt', 'bytes').catch(() => undefined);
    await until(() => doors.audit.waiting === 1);
    const { memoryAuditLog } = await import('../fixtures/memory-audit-log.ts');
    const audit = memoryAuditLog();
    const next = await startIntake({ ...doors.parts, audit });
    expect(audit.of('upload.quarantined')).toMatchObject([{ reason: 'refused by scan: no' }]);
    expect(next.items()).toMatchObject([{ state: 'quarantined' }]);
    hung();
  });
});

describe('before the record', () => {
  test('what was held is destroyed, and recorded as undone', async () => {
    const doors = await openDoors();
    doors.audit.hang();
    void upload(doors.behind, '/in.txt', 'bytes').catch(() => undefined);
    await until(() => doors.audit.waiting === 1);
    const { memoryAuditLog } = await import('../fixtures/memory-audit-log.ts');
    const audit = memoryAuditLog();
    const next = await startIntake({ ...doors.parts, audit });
    expect(audit.records).toMatchObject([{ event: 'upload.undone', result: 'failure', object: { path: '/in.txt' } }]);
    expect(await doors.files.freeBytes()).toBe(67_108_864);
    expect(next.items()).toMatchObject([{ state: 'rejected' }]);
    // Another start does nothing more.
    await startIntake({ ...doors.parts, audit });
    expect(audit.records).toHaveLength(1);
  });

  test('without a log, the intent alone says that it was decided', async () => {
    const files = new MemoryFiles();
    const stopped = Promise.withResolvers<void>();
    const gates = [gateSaying('good', { verdict: 'pass' })];
    const doors = await openDoors({
      ...{ audit: undefined, receipts: undefined, intake: { gates: ['good'] }, gates },
      ...{ storage: stopping(files, 'publish', 'before', stopped.resolve), filesOf: async () => files },
    });
    void upload(doors.behind, '/in.txt', 'bytes');
    await stopped.promise;
    await startIntake(doors.parts);
    expect(files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(intentsIn(doors.directory)).toEqual([]);
  });
});

describe('storage that cannot hold', () => {
  test.each([
    ['has published', 'bytes', 'upload.published'],
    ['has not published', undefined, 'upload.undone'],
    ['has something else there', 'other', 'upload.undone'],
  ] as const)('%s: what is there tells', async (_case, there, event) => {
    const files = new MemoryFiles();
    const stopped = Promise.withResolvers<void>();
    const storage = decorate<FileSystem>(files, {
      stage: async (to, request) =>
        decorate(await files.stage(to, request), {
          hold: undefined,
          commit: () => {
            stopped.resolve();
            return new Promise(() => undefined);
          },
        }),
    });
    const doors = await openDoors({ storage });
    void upload(doors.behind, '/in.txt', 'bytes');
    await stopped.promise;
    if (there !== undefined) files.put(path('/in.txt'), there);
    await startIntake(doors.parts);
    expect(doors.audit.events.at(-1)).toBe(event);
    expect(intentsIn(doors.directory)).toEqual([]);
  });
});

describe('intents', () => {
  test('that are broken are put aside and told of; those that were never written are removed', async () => {
    const directory = makeFolder();
    const [broken, empty] = ['a'.repeat(24), 'b'.repeat(24)];
    writeFileSync(join(directory, `${broken}.json`), '{"version":1,');
    writeFileSync(join(directory, `${empty}.json`), '');
    writeFileSync(join(directory, `${empty}.json.tmp`), 'half');
    const doors = await openDoors({ directory });
    expect(readdirSync(directory).sort()).toEqual([`${broken}.broken`, 'swept']);
    expect(doors.log.of('intake.intent_broken')).toEqual([{ upload: broken }]);
  });

  test('are for the gateway alone to read', async () => {
    const doors = await openDoors();
    doors.audit.hang();
    void upload(doors.behind, '/in.txt', 'bytes').catch(() => undefined);
    await until(() => doors.audit.waiting === 1);
    const { statSync } = await import('node:fs');
    const [name = ''] = intentsIn(doors.directory);
    expect(statSync(join(doors.directory, name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(doors.directory, name), 'utf8'))).toMatchObject({
      ...{ version: 1, state: 'arrived', logSize: 0, holds: true },
      upload: { account: 'partner', path: '/in.txt', bytes: 5, who: { account: 'partner' } },
    });
  });

  test('of a log that cannot be read wait until it can', async () => {
    const doors = await stoppedAt('publish', 'before');
    doors.audit.failure = new Error('away');
    const log = new RecordingLog();
    await startIntake({ ...doors.parts, auditRequired: false, log });
    expect(doors.files.files).toEqual([]);
    doors.audit.failure = undefined;
    await until(() => doors.files.files.length === 1);
    expect(doors.audit.events).toEqual(['upload.published']);
  });
});

test('an account that nobody has written down is found where it was', async () => {
  const folder = makeFolder();
  const home = join(folder, 'home');
  mkdirSync(home);
  const local = localFiles({ root: home, owner: 'partner' });
  const stopped = Promise.withResolvers<void>();
  const asked: (string | undefined)[] = [];
  const doors = await openDoors({
    storage: stopping(local, 'publish', 'before', stopped.resolve),
    async filesOf(_account, { root }) {
      asked.push(root);
      return root === undefined ? undefined : localFiles({ root, owner: 'partner' });
    },
  });
  void upload(doors.behind, '/in.txt', 'bytes');
  await stopped.promise;
  for (const name of intentsIn(doors.directory)) rmSync(join(doors.directory, name));
  await startIntake(doors.parts);
  expect(asked).toEqual([home]);
  expect(readdirSync(home)).toEqual(['in.txt']);
});

test('files that a user of the system reached are asked for with that user, with and without the intent', async () => {
  for (const has of ['intent', 'nothing']) {
    const home = makeFolder();
    const systemUser = { user: 'alice', uid: 1_001, gid: 1_002 };
    const local = localFiles({ root: home, owner: 'partner' });
    const alices = decorate<FileSystem>(local, { systemUser, onDisk: undefined, placeOnDisk: () => home });
    const stopped = Promise.withResolvers<void>();
    const asked: unknown[] = [];
    const doors = await openDoors({
      storage: stopping(alices, 'publish', 'before', stopped.resolve),
      async filesOf(_account, place) {
        asked.push(place);
        return undefined;
      },
    });
    void upload(doors.behind, '/in.txt', 'bytes');
    await stopped.promise;
    if (has === 'nothing') for (const name of intentsIn(doors.directory)) rmSync(join(doors.directory, name));
    await startIntake(doors.parts);
    expect(asked[0]).toEqual({ root: home, user: systemUser });
    expect(readdirSync(home)).not.toContain('in.txt');
  }
});

describe('what a consumer or an owner did meanwhile', () => {
  test('a file that was published and taken away before its end was noted is finished', async () => {
    const doors = await stoppedAt('publish', 'behind');
    await doors.files.removeFile(path('/in.txt'));
    await startIntake(doors.parts);
    expect(doors.receipts.written).toMatchObject([{ path: '/in.txt', index: 0 }]);
    expect(intentsIn(doors.directory)).toEqual([]);
    expect(doors.log.of('intake.lost')).toEqual([]);
  });

  test.each(['with', 'without'] as const)(
    'what was changed while it was held is not published, %s its intent',
    async (has) => {
      const home = makeFolder();
      const local = localFiles({ root: home, owner: 'partner' });
      const stopped = Promise.withResolvers<void>();
      const storage = stopping(local, 'publish', 'before', stopped.resolve);
      const doors = await openDoors({ storage, filesOf: async () => local });
      void upload(doors.behind, '/in.txt', 'bytes');
      await stopped.promise;
      alterHeld(home, 'bytez');
      if (has === 'without') for (const name of intentsIn(doors.directory)) rmSync(join(doors.directory, name));
      const next = await startIntake(doors.parts);
      expect(readdirSync(home)).not.toContain('in.txt');
      expect(doors.audit.events).toEqual([
        'upload.published',
        has === 'with' ? 'upload.quarantined' : 'upload.refused',
      ]);
      expect(doors.receipts.written).toEqual([]);
      expect(doors.log.of('intake.altered')).toMatchObject([{ path: '/in.txt' }]);
      expect(next.items()).toMatchObject(has === 'with' ? [{ state: 'quarantined' }] : []);
    },
  );
});

test('an upload that is held back is recorded once, also when the log has forgotten it', async () => {
  const gates = [gateSaying('scan', { verdict: 'refuse', reason: 'no' })];
  const doors = await openDoors({ intake: { gates: ['scan'] }, gates });
  await expect(upload(doors.behind, '/in.txt', 'bytes')).rejects.toThrow('ContentRefused');
  await doors.intake.stop();
  const pruned = decorate<typeof doors.audit>(doors.audit, { read: async function* () {} });
  const next = await startIntake({ ...doors.parts, audit: pruned });
  expect(next.items()).toMatchObject([{ state: 'quarantined' }]);
  expect(doors.audit.events).toEqual(['upload.quarantined']);
});

/** Changes what is held, as its owner may who finds it on the disk. */
function alterHeld(home: string, text: string): void {
  const held = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(held).toHaveLength(1);
  for (const { parentPath, name } of held) writeFileSync(join(parentPath, name), text);
}
