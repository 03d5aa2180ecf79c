/** What a worker leaves that is gone, while the process above and other workers go on. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decorate } from '../../src/lib/decorate.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem, HeldFile } from '../../src/spi/file-system.ts';
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
