/** What a worker leaves that is gone, while the process above and other workers go on. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { decorate } from '../../src/lib/decorate.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, HeldFile } from '../../src/spi/file-system.ts';
import { defineGate } from '../../src/spi/gate.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { faultOf, makeFolder, openDoors, path, settingsWith, startIntake, until, upload, use } from './doors.ts';

const WORKER = 'worker-1';

/** Storage whose process stops in front of, or behind, the name of a file. */
function stopping(files: FileSystem, where: 'before' | 'behind', stopped: () => void): FileSystem {
  return decorate<FileSystem>(files, {
    async held(of, id) {
      const held = await files.held?.(of, id);
      if (held === undefined) throw new Fault('NoSuchFile');
      return decorate<HeldFile>(held, {
        async publish(...words) {
          if (where === 'behind') await held.publish(...words);
          stopped();
          await new Promise<never>(() => undefined);
        },
      });
    },
  });
}

describe.each(['before', 'behind'] as const)('an upload of a worker that ended %s its name', (where) => {
  test('is finished when it is recorded, and nobody else has to start for it', async () => {
    const files = new MemoryFiles();
    const stopped = Promise.withResolvers<void>();
    // As it is in life: whoever is above begins first.
    const { intake: above, directory, audit, receipts } = await openDoors({ storage: files });
    const doors = await openDoors({
      ...{ directory, audit, receipts, worker: WORKER, filesOf: async () => files },
      storage: stopping(files, where, stopped.resolve),
    });
    void upload(doors.behind, '/in.txt', 'bytes').catch(() => undefined);
    await stopped.promise;
    const folder = join(directory, WORKER);
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{24}\.json$/)]);
    expect(receipts.written).toEqual([]);

    await above.takeOver(WORKER);
    expect(existsSync(folder)).toBe(false);
    await until(() => receipts.written.length === 1);
    expect(files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
    expect(audit.events).toEqual(['upload.published']);
    await until(() => readdirSync(directory).every((name) => !name.endsWith('.json')));
  });
});

test('an upload that its worker had not recorded is taken back', async () => {
  const files = new MemoryFiles();
  const reached = Promise.withResolvers<void>();
  const doors = await openDoors({ storage: files, worker: WORKER });
  const audit = doors.audit;
  const append = audit.append.bind(audit);
  // The worker ends while its record is on the way.
  audit.append = () => {
    reached.resolve();
    return new Promise<never>(() => undefined);
  };
  void upload(doors.behind, '/in.txt', 'bytes').catch(() => undefined);
  await reached.promise;
  audit.append = append;
  const above = await startIntake({ ...doors.parts, worker: undefined });
  await until(() => audit.events.includes('upload.undone'));
  expect(files.bytesOf(path('/in.txt'))).toBeUndefined();
  expect(existsSync(join(doors.directory, WORKER))).toBe(false);
  // Whoever had no folder has left nothing.
  await above.takeOver('worker-2');
});

describe('an upload that is checked behind the reply', () => {
  /** A worker's doors, and what is above; storage has a place on the disk. */
  async function both(answered: () => boolean = () => true) {
    const memory = new MemoryFiles();
    const files = decorate<FileSystem>(memory, { placeOnDisk: (of) => join('/memory', of) });
    const opened = Promise.withResolvers<void>();
    const look = defineGate({
      name: 'look',
      deadlineMs: 60_000,
      async inspect({ path: of }) {
        if (of === path('/slow.txt')) await opened.promise;
        return { verdict: of === path('/bad.txt') ? ('refuse' as const) : ('pass' as const), reason: 'no' };
      },
    });
    const clock = new FakeClock();
    const above = await openDoors({ storage: files, gates: [look], clock });
    const { directory, audit, receipts } = above;
    const asked: string[] = [];
    const doors = await openDoors({
      ...{ directory, audit, receipts, worker: WORKER, storage: files, gates: [look], clock },
      intake: { gates: ['look'], verdict: 'async', collision: 'replace' },
      above: {
        async handOver(id) {
          asked.push(id);
          if (!answered()) throw new Error('nobody answers');
          await above.intake.takeIn(WORKER, id);
        },
        isChecked: async (...words) => above.intake.isChecked(...words),
        published: (newer) => above.intake.hearPublished(newer),
      },
    });
    return { memory, above, doors, audit, asked, clock, open: () => opened.resolve() };
  }

  test('is gone on with above, and the worker has nothing to do with it any more', async () => {
    const { memory, above, doors, audit, open } = await both();
    await upload(doors.behind, '/slow.txt', 'bytes');
    expect([doors.intake.waiting(), doors.intake.items()]).toEqual([[], []]);
    expect(readdirSync(join(doors.directory, WORKER))).toEqual([]);
    expect(await above.intake.isChecked('partner', path('/slow.txt'))).toBe(true);
    expect(await doors.intake.isChecked('partner', path('/slow.txt'))).toBe(true);
    open();
    await until(() => audit.events.includes('upload.published'));
    expect(memory.bytesOf(path('/slow.txt'))?.toString()).toBe('bytes');
    await until(() => above.intake.waiting().length === 0);
    expect(await doors.intake.isChecked('partner', path('/slow.txt'))).toBe(false);
  });

  test('is held back above when a gate refuses it, once', async () => {
    const { above, doors, audit } = await both();
    await upload(doors.behind, '/bad.txt', 'bytes');
    await until(() => above.intake.waiting().some(({ state, recorded }) => state === 'quarantined' && recorded));
    const [id = ''] = above.intake.waiting().map((intent) => intent.upload.id);
    // Whoever is told twice, or of what is not there, does nothing.
    await above.intake.takeIn(WORKER, id);
    await above.intake.takeIn('worker-2', id);
    await above.intake.destroy(id, 'root');
    expect(audit.events).toEqual(['upload.accepted', 'upload.quarantined', 'quarantine.destroyed']);
  });

  test("is tried to be handed over again while nobody answers, and is nobody else's meanwhile", async () => {
    let answers = false;
    const { above, doors, audit, asked, clock, open } = await both(() => answers);
    open();
    await upload(doors.behind, '/slow.txt', 'bytes');
    expect(doors.log.of('intake.not_handed_over')).toHaveLength(1);
    expect([doors.intake.waiting(), above.intake.waiting()]).toEqual([[], []]);
    expect(await above.intake.isBetween(asked[0] ?? '')).toBe(false);
    above.intake.expectWorker(WORKER);
    expect(await above.intake.isBetween(asked[0] ?? '')).toBe(true);
    answers = true;
    clock.advance(1_000);
    await until(() => audit.events.includes('upload.published'));
    expect(asked).toHaveLength(2);
  });

  test('is held back when a worker has published a newer one of its name', async () => {
    const { memory, above, doors, clock, open } = await both();
    await upload(doors.behind, '/slow.txt', 'older');
    const [older] = above.intake.waiting();
    clock.advance(5);
    const { id, account, root, path: of, arrivedMs } = older?.upload ?? expect.unreachable();
    above.intake.hearPublished({
      id: '1'.repeat(24),
      account,
      path: of,
      arrivedMs: arrivedMs + 5,
      ...(root && { root }),
    });
    open();
    await until(() => above.intake.waiting().some(({ state }) => state === 'quarantined'));
    expect(above.intake.waiting()[0]).toMatchObject({
      upload: { id },
      reason: expect.stringContaining('1'.repeat(24)),
    });
    expect(memory.bytesOf(path('/slow.txt'))).toBeUndefined();
  });
});

test('a gate is refused by a worker whose storage nobody else reaches', async () => {
  const never = { handOver: async () => undefined, isChecked: async () => false, published: () => undefined };
  const doors = await openDoors({ worker: WORKER, intake: { gates: ['look'] }, above: never });
  expect(await faultOf(upload(doors.behind, '/in.txt', 'bytes'))).toBe('Local');
});

test.each([{ retainDays: 1 }])('what one process keeps the books of is refused by a worker: %j', async (said) => {
  const files = new MemoryFiles();
  const doors = await openDoors({ storage: files, worker: WORKER, intake: said, directory: makeFolder() });
  expect(await faultOf(upload(doors.behind, '/in.txt', 'bytes'))).toBe('Local');
  expect(doors.log.of('intake.cannot_hold')).toMatchObject([
    { reason: expect.stringContaining('with several workers nobody keeps the books for') },
  ]);
  // The same is nothing to a process that is alone.
  const alone = await startIntake({ ...doors.parts, worker: undefined, settings: () => settingsWith(said) });
  await upload(alone.files(files, use({}, files)), '/in.txt', 'bytes');
  expect(files.bytesOf(path('/in.txt'))?.toString()).toBe('bytes');
});
