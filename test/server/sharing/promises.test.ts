/** What has to be kept, of several workers: promised and changed in one order, whichever of them it is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { DiskPlace } from '../../../src/intake/policy/disk-place.ts';
import type { Promises } from '../../../src/intake/policy/keeping.ts';
import { RetentionBook } from '../../../src/intake/policy/retention.ts';
import { FakeClock } from '../../../src/lib/clock.ts';
import { Fault } from '../../../src/spi/fault.ts';
import { arrived } from '../../fakes/message-channel.ts';
import { sharedHouse } from '../../fixtures/shared-house.ts';

const DAY_MS = 86_400_000;
const A = '/srv/in/a' as DiskPlace;
const IN = '/srv/in' as DiskPlace;

/** A book, and workers that ask it. */
async function shared() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-promises-'));
  const clock = new FakeClock();
  const book = await RetentionBook.open(folder, clock);
  onTestFinished(async () => {
    await book.close();
    rmSync(folder, { recursive: true });
  });
  const house = sharedHouse({}, { promisesOf: () => book });
  const worker = () => {
    const { state, die } = house.worker();
    const { promises } = state;
    if (promises === undefined) throw new Error('workers have promises here');
    return { promises, die };
  };
  return { book, clock, worker, failed: house.failed };
}

/** How something ends, and how it is let go on. */
function held() {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const seen = { begun: false };
  const act = () => {
    seen.begun = true;
    return promise;
  };
  return { act, seen, end: () => resolve(), fail: (error: Error) => reject(error) };
}

const came = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error: unknown) => (error instanceof Fault ? error.kind : String(error)),
  );
const nothing = async () => undefined;

/** Until messages and the disk have nothing more to say. */
async function settled(until: () => boolean): Promise<void> {
  await expect.poll(until, { timeout: 10_000, interval: 5 }).toBe(true);
}

test('what one worker has promised the others may not change, nor what lies above it or where a link leads', async () => {
  const { worker, book, clock } = await shared();
  const [one, other] = [worker().promises, worker().promises];
  expect(await came(one.keep(A, { days: 2 }, nothing))).toBe('done');
  expect(book.untilMs(A)).toBe(clock.now() + 2 * DAY_MS);
  expect(await other.latestMs([A])).toBe(clock.now() + 2 * DAY_MS);
  expect(await other.latestMs([IN])).toBe(0);
  const link = '/home/link' as DiskPlace;
  for (const touched of [{ places: [A] }, { places: [IN] }, { places: [link], behind: [IN] }]) {
    expect(await came(other.changing(touched, nothing))).toBe('Retained');
  }
  expect(await came(other.changing({ places: [link], behind: ['/srv/out' as DiskPlace] }, nothing))).toBe('done');
  expect(await came(other.keep('/srv/in/b' as DiskPlace, { days: 1, replaces: [A] }, nothing))).toBe('Retained');
});

test('a promise waits for a change that another worker has begun, also for one that may touch anything', async () => {
  const { worker } = await shared();
  const [one, other] = [worker().promises, worker().promises];
  for (const begin of [
    (act: () => Promise<void>) => other.changing({ places: [A] }, act),
    (act: () => Promise<void>) => other.changeAnywhere(act),
  ]) {
    const changing = held();
    const change = came(begin(changing.act));
    await settled(() => changing.seen.begun);
    const publication = held();
    const kept = came(one.keep(A, { days: 0.000_001 }, publication.act));
    await arrived();
    expect(publication.seen.begun).toBe(false);
    changing.end();
    await settled(() => publication.seen.begun);
    publication.end();
    expect(await Promise.all([change, kept])).toEqual(['done', 'done']);
  }
});

test('a promise whose name was taken is taken back, and one of which nobody knows how it ended stands', async () => {
  const { worker, book } = await shared();
  const one = worker();
  const taken = one.promises.keep(A, { days: 2 }, () => Promise.reject(new Fault('FileExists')));
  expect(await came(taken)).toBe('FileExists');
  await settled(() => book.untilMs(A) === undefined);
  expect(await came(one.promises.keep(A, { days: 2 }, () => Promise.reject(new Error('disk'))))).toContain('disk');
  await settled(() => book.untilMs(A) !== undefined);
});

test('a worker that is gone stands in nobody’s way, and what it was publishing stays promised', async () => {
  const { worker, book, failed } = await shared();
  const [one, other] = [worker(), worker()];
  const [publication, change] = [held(), held()];
  void came(one.promises.keep(A, { days: 2 }, publication.act));
  void came(one.promises.changing({ places: ['/srv/in/b' as DiskPlace] }, change.act));
  await settled(() => publication.seen.begun && change.seen.begun);
  const waits = came(other.promises.keep('/srv/in/b' as DiskPlace, { days: 1 }, nothing));
  one.die();
  expect(await waits).toBe('done');
  expect(book.untilMs(A)).toBeDefined();
  expect(await came(one.promises.keep(A, { days: 1 }, nothing))).toBe('Busy');
  expect(failed).toEqual([]);
});

test('one that is gone in front of its turn has promised nothing', async () => {
  const { worker, book } = await shared();
  const [one, other] = [worker(), worker()];
  const change = held();
  const changed = came(other.promises.changing({ places: [A] }, change.act));
  await settled(() => change.seen.begun);
  void came(one.promises.keep(A, { days: 2 }, nothing));
  await settled(() => book.untilMs(A) !== undefined);
  one.die();
  change.end();
  expect(await changed).toBe('done');
  await settled(() => book.untilMs(A) === undefined);
});

test('what is said of an upload that is held every worker knows', async () => {
  const { worker, book } = await shared();
  const [one, other] = [worker().promises, worker().promises];
  await one.hold('1', 3);
  expect(await other.held('1')).toEqual({ days: 3, at: undefined });
  expect(book.unused).toBe(false);
  await other.settle('1');
  await expect.poll(() => other.held('1')).toBeUndefined();
});

test('whatever workers do at once, nothing that was promised is changed', async () => {
  const step = fc.record({
    act: fc.constantFrom('keep', 'change', 'die'),
    worker: fc.nat(2),
    name: fc.constantFrom('a', 'b'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { maxLength: 5 }), async (rounds) => {
      const { worker, book } = await shared();
      const workers = [worker(), worker(), worker()];
      const violations: string[] = [];
      const act = async (promises: Promises, name: string, what: string) => {
        const place = `/srv/in/${name}` as DiskPlace;
        if (what === 'keep') await came(promises.keep(place, { days: 1, replaces: [place] }, nothing));
        else {
          await came(
            promises.changing({ places: [place] }, async () => {
              if (kept.has(name)) violations.push(name);
              await arrived();
              if (kept.has(name)) violations.push(name);
            }),
          );
        }
        if (what === 'keep' && book.untilMs(place) !== undefined) kept.add(name);
      };
      const kept = new Set<string>();
      for (const steps of rounds) {
        const doing = steps.map(({ act: what, worker: number, name }) => {
          const at = workers[number] ?? worker();
          if (what !== 'die') return act(at.promises, name, what);
          at.die();
          workers[number] = worker();
          return undefined;
        });
        await Promise.all(doing);
      }
      expect(violations).toEqual([]);
    }),
    { numRuns: 25 },
  );
});
