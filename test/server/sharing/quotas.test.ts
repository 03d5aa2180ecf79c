/** Quotas of several workers: decided at one place, counted by whoever asks, and given back by those that are gone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DiskPlace } from '../../../src/intake/policy/disk-place.ts';
import type { Amount, QuotaPlace, Reservation } from '../../../src/intake/policy/quota-book.ts';
import { Fault } from '../../../src/spi/fault.ts';
import { arrived } from '../../fakes/message-channel.ts';
import { sharedHouse } from '../../fixtures/shared-house.ts';

const IN = '/srv/in' as DiskPlace;

/** A directory with files of so many bytes, and how often it was counted. */
function directory(bytesMax: number, filesMax = Infinity) {
  const files: number[] = [];
  const seen = { walks: 0 };
  const amount = (): Amount => ({ bytes: files.reduce((sum, bytes) => sum + bytes, 0), files: files.length });
  const place = (count: () => Promise<Amount> = async () => amount()): QuotaPlace => ({
    ...{ place: IN, bytesMax, filesMax },
    count: () => {
      seen.walks += 1;
      return count();
    },
  });
  return { files, seen, amount, place };
}

const ONE = { bytes: 1, files: 1 };
const of = (bytes: number): Amount => ({ bytes, files: 1 });

test('two workers cannot both take the last bytes', async () => {
  const { worker } = sharedHouse();
  const [one, other] = [worker().state.quotas, worker().state.quotas];
  const { place, seen } = directory(100);
  const rooms = await Promise.all([one.reserve([place()], ONE), other.reserve([place()], ONE)]);
  const claims = await Promise.all(rooms.map((room) => room?.claim(of(60))));
  expect(claims.toSorted()).toEqual([false, true]);
  expect(await rooms[claims.indexOf(false)]?.claim(of(40))).toBe(true);
  expect(seen.walks).toBe(1);
  expect(await other.restBytes([place()])).toBe(0);
});

test('what a worker spoke for comes back when it is gone and its uploads are settled, and all is counted again', async () => {
  const { worker, failed } = sharedHouse();
  const settled = Promise.withResolvers<void>();
  const [one, other] = [worker(settled.promise), worker()];
  const { place, files } = directory(100);
  const room = await one.state.quotas.reserve([place()], of(80));
  expect(await room?.claim(of(80))).toBe(true);
  one.die();
  await arrived();
  // It may have been recorded.
  expect(await other.state.quotas.reserve([place()], of(80))).toBeUndefined();
  files.push(80);
  settled.resolve();
  await arrived();
  expect(await other.state.quotas.reserve([place()], of(80))).toBeUndefined();
  expect(await (await other.state.quotas.reserve([place()], of(20)))?.claim(of(20))).toBe(true);
  expect(failed).toEqual([]);
});

test('a worker that is gone while it counts leaves the counting to the next one', async () => {
  const { worker } = sharedHouse();
  const [one, other] = [worker(), worker()];
  const { place, seen } = directory(100);
  const lost = one.state.quotas.reserve([place(() => new Promise(() => undefined))], ONE).catch(String);
  await arrived();
  const waiting = other.state.quotas.reserve([place()], of(30));
  await arrived();
  expect(seen.walks).toBe(1);
  one.die();
  expect(await (await waiting)?.claim(of(100))).toBe(true);
  expect(seen.walks).toBe(2);
  expect(await lost).toContain('Fault');
});

test('what cannot be asked is refused', async () => {
  const { worker } = sharedHouse();
  const one = worker();
  const { place } = directory(100);
  const room = await one.state.quotas.reserve([place()], ONE);
  one.die();
  for (const call of [room?.claim(of(2)), one.state.quotas.reserve([place()], ONE)]) {
    const error: unknown = await Promise.resolve(call).catch((thrown: unknown) => thrown);
    expect(error instanceof Fault && error.kind).toBe('Busy');
  }
});

test('every worker follows what it changes as soon as one has met a quota', async () => {
  const { worker } = sharedHouse();
  const [one, other] = [worker().state.quotas, worker().state.quotas];
  expect([one.empty, other.empty]).toEqual([true, true]);
  const { place, files } = directory(100);
  files.push(90);
  expect(await one.reserve([place()], of(20))).toBeUndefined();
  await arrived();
  expect([other.empty, worker().state.quotas.empty]).toEqual([false, true]);
  const late = worker().state.quotas;
  await arrived();
  expect(late.empty).toBe(false);
  const since = await other.rounds('/srv/in/a' as DiskPlace);
  files.pop();
  other.changed('/srv/in/a' as DiskPlace, { bytes: -90, files: -1 }, since);
  await arrived();
  expect(await one.restBytes([place()])).toBe(100);
});

test('what went away is not taken off a count that was made behind it', async () => {
  const { worker, own } = sharedHouse();
  const one = worker().state.quotas;
  const { place, files } = directory(100);
  files.push(40, 40);
  await one.restBytes([place()]);
  const since = await one.rounds('/srv/in/a' as DiskPlace);
  files.pop();
  // Somebody counts before that is told.
  own.quotas.recount('everywhere');
  expect(await one.restBytes([place()])).toBe(60);
  one.changed('/srv/in/a' as DiskPlace, { bytes: -40, files: -1 }, since);
  await arrived();
  expect(await one.restBytes([place()])).toBe(60);
});

test('whatever workers upload, and whenever they end, there is never more than the quota has room for', async () => {
  const step = fc.record({
    act: fc.constantFrom('begin', 'begin', 'grow', 'publish', 'abort', 'die'),
    worker: fc.nat(2),
    upload: fc.nat(3),
    bytes: fc.integer({ min: 1, max: 60 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { worker } = sharedHouse();
      const { place, files, amount } = directory(100, 5);
      const workers = [worker(), worker(), worker()];
      const open = new Map<string, { readonly room: Reservation; bytes: number }>();
      for (const { act, worker: number, upload, bytes } of steps) {
        const at = workers[number] ?? worker();
        const key = `${number} ${upload}`;
        const one = open.get(key);
        if (act === 'begin' && one === undefined) {
          const room = await at.state.quotas.reserve([place()], of(bytes));
          if (room !== undefined) open.set(key, { room, bytes });
        } else if (act === 'grow' && one !== undefined) {
          if (await one.room.claim(of(one.bytes + bytes))) one.bytes += bytes;
        } else if (act === 'publish' && one !== undefined) {
          files.push(one.bytes);
          at.state.quotas.changed(`/srv/in/${files.length}` as DiskPlace, of(one.bytes));
          one.room.release();
          open.delete(key);
        } else if (act === 'abort' && one !== undefined) {
          one.room.release();
          open.delete(key);
        } else if (act === 'die') {
          at.die();
          for (const other of [...open.keys()]) if (other.startsWith(`${number} `)) open.delete(other);
          workers[number] = worker();
        }
        expect(amount().bytes).toBeLessThanOrEqual(100);
        expect(amount().files).toBeLessThanOrEqual(5);
      }
    }),
    { numRuns: 60 },
  );
});
