/** Deliveries behind the doors: what an operator releases is handed on once, and what is recorded and not yet there is waited for. */
import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { gateSaying, openDoors, upload } from '../intake/doors.ts';
import { begin, makeFolder, pathOf, Receiver, until } from './support.ts';

/** A receiver behind doors with a gate that refuses everything. */
async function behindDoors(files = new MemoryFiles()) {
  const receiver = new Receiver();
  const bad = gateSaying('bad', { verdict: 'refuse', reason: 'bad' });
  const doors = await openDoors({
    ...{ intake: { gates: ['bad'], deliver: ['out'] }, gates: [bad], storage: files },
    deliveries: { has: () => true, remember: async () => undefined },
  });
  const { audit, log, intake } = doors;
  const clock = new FakeClock();
  const deliveries = await begin({
    ...{ audit, log, clock, auditRequired: true, directory: makeFolder(), ways: [receiver.way()] },
    filesAt: () => files,
    isBetween: (id) => intake.isBetween(id),
  });
  await upload(doors.behind, '/a.txt', 'hello').catch(() => undefined);
  const [item] = intake.items();
  return { ...doors, receiver, deliveries, clock, item, files };
}

test('a file that was held back is handed on behind its release, once', async () => {
  const { item, intake, receiver, deliveries, audit, clock } = await behindDoors();
  expect(item?.state).toBe('quarantined');
  expect(deliveries.overview[0]?.pending).toBe(0);
  await intake.release(item?.id ?? '', 'root');
  await until(() => audit.of('delivery.made').length === 1, { clock, stepMs: 100 });
  expect(receiver.tried).toEqual([item?.id]);
  expect(audit.events).toEqual(['upload.quarantined', 'quarantine.released', 'upload.published', 'delivery.made']);
});

test('a release that storage refuses hands nothing on, and the next one does, once', async () => {
  const files = new MemoryFiles();
  const held = files.held.bind(files);
  let broken = true;
  files.held = async (...words) => {
    const file = await held(...words);
    const publish = file.publish.bind(file);
    return Object.assign(file, {
      publish: async (...more: Parameters<typeof publish>) => {
        if (broken) throw new Error('the disk is gone');
        await publish(...more);
      },
    });
  };
  const { item, intake, receiver, audit, clock, log } = await behindDoors(files);
  await expect(intake.release(item?.id ?? '', 'root')).rejects.toThrow();
  await until(() => log.of('delivery.dropped').length === 1, { clock, stepMs: 100 });
  expect(receiver.tried).toEqual([]);
  broken = false;
  await intake.release(item?.id ?? '', 'root');
  await until(() => audit.of('delivery.made').length === 1, { clock, stepMs: 100 });
  expect(receiver.tried).toEqual([item?.id]);
  expect((await files.stat(pathOf('/a.txt'))).sizeBytes).toBe(5);
});
