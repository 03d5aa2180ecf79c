/** Rates that sessions of several workers share: nobody gets more than with one process, and what nobody limits costs nothing. */
import { expect, test } from 'vitest';
import type { FakeClock } from '../../../src/lib/clock.ts';
import { Throttle, type TransferRates } from '../../../src/transfer/throttle.ts';
import { FakeDataConnection } from '../../fakes/data-channel.ts';
import { arrived } from '../../fakes/message-channel.ts';
import { type FakeWorker, sharedHouse } from '../../fixtures/shared-house.ts';

const NONE: TransferRates = { session: {}, account: {}, server: {} };
const DOWN = (bytes: number) => ({ downloadBytesPerSecond: bytes });
const MUCH = Buffer.alloc(100_000_000);

/** A download in a worker, which writes without end. */
function download(worker: FakeWorker, clock: FakeClock, rates: () => Partial<TransferRates>, piece = MUCH) {
  const inner = new FakeDataConnection();
  const throttle = new Throttle(clock, worker.state.buckets);
  const abort = new AbortController();
  const connection = throttle.throttled(inner, {
    ...{ session: '1', account: 'alice', direction: 'send', signal: abort.signal },
    rates: () => ({ ...NONE, ...rates() }),
  });
  const writing = (async () => {
    for (;;) {
      await connection.write(piece);
      // Where nothing limits, nothing else would ever have its turn.
      if (rates().account === undefined) await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  writing.catch(() => undefined);
  return { inner, throttle, connection, abort, writing };
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 10) {
    clock.advance(10);
    await arrived();
  }
}

test('two workers together send no more than the account may, and each its half', async () => {
  const { worker, clock } = sharedHouse();
  const rates = () => ({ account: DOWN(100_000) });
  const [one, other] = [download(worker(), clock, rates), download(worker(), clock, rates)];
  await pass(clock, 2_000);
  const sum = one.inner.bytesMoved + other.inner.bytesMoved;
  // A quarter of a second's worth may have gathered before.
  expect(sum).toBeGreaterThanOrEqual(190_000);
  expect(sum).toBeLessThanOrEqual(225_000);
  expect(Math.abs(one.inner.bytesMoved - other.inner.bytesMoved)).toBeLessThanOrEqual(20_000);
});

test('three sessions in one worker and one in another share the server evenly', async () => {
  const { worker, clock } = sharedHouse();
  const rates = () => ({ server: DOWN(100_000), account: {} });
  const [busy, calm] = [worker(), worker()];
  const all = [busy, busy, busy, calm].map((where) => download(where, clock, rates));
  await pass(clock, 4_000);
  for (const { inner } of all) {
    expect(inner.bytesMoved).toBeGreaterThan(80_000);
    expect(inner.bytesMoved).toBeLessThan(130_000);
  }
});

test('small pieces at a high rate do not cost a message each, and are held to the rate all the same', async () => {
  const { worker, clock } = sharedHouse();
  const where = worker();
  const { inner } = download(where, clock, () => ({ account: DOWN(10_000_000) }), Buffer.alloc(1_000));
  await pass(clock, 1_000);
  expect(inner.bytesMoved).toBeGreaterThan(9_000_000);
  expect(inner.bytesMoved).toBeLessThanOrEqual(12_500_000);
  expect(where.port.sent.length).toBeLessThan(200);
});

test('what nobody limits costs no message', async () => {
  const { worker, clock } = sharedHouse();
  const where = worker();
  const inner = new FakeDataConnection();
  const throttle = new Throttle(clock, where.state.buckets);
  const signal = new AbortController().signal;
  const passage = { session: '1', account: 'alice', direction: 'send', signal, rates: () => NONE } as const;
  const connection = throttle.throttled(inner, passage);
  await connection.write(MUCH);
  await connection.finish();
  clock.advance(60_000);
  await arrived();
  expect(inner.bytesMoved).toBe(MUCH.length);
  expect(where.port.sent).toEqual([]);
});

test('the lowest rate that one session says holds for all of the account, in whatever worker', async () => {
  const { worker, clock } = sharedHouse();
  const slow = download(worker(), clock, () => ({ account: DOWN(100_000) }));
  await arrived();
  const free = download(worker(), clock, () => ({}), Buffer.alloc(10_000));
  // As free as it is, it is of the same account.
  await pass(clock, 2_000);
  expect(slow.inner.bytesMoved + free.inner.bytesMoved).toBeLessThanOrEqual(240_000);
  slow.connection.destroy();
  slow.abort.abort(new Error('done'));
  // The worker lingers a second, and then nobody limits any more.
  await pass(clock, 3_000);
  const before = free.inner.bytesMoved;
  await arrived();
  expect(free.inner.bytesMoved).toBeGreaterThan(before + 10_000);
  free.connection.destroy();
  free.abort.abort(new Error('done'));
});

test('a rate that is lifted lets those go on who wait', async () => {
  const { worker, clock } = sharedHouse();
  let account: TransferRates['account'] = DOWN(1_024);
  const inner = new FakeDataConnection();
  const where = worker();
  const throttle = new Throttle(clock, where.state.buckets);
  const connection = throttle.throttled(inner, {
    ...{ session: '1', account: 'alice', direction: 'send', signal: new AbortController().signal },
    rates: () => ({ ...NONE, account }),
  });
  const writing = connection.write(Buffer.alloc(1_000_000));
  await pass(clock, 1_000);
  expect(inner.bytesMoved).toBeLessThan(2_000);
  account = {};
  throttle.refresh();
  await arrived();
  await writing;
  expect(inner.bytesMoved).toBe(1_000_000);
});

test('a worker that is gone holds nobody up, and whoever waits in it is told', async () => {
  const { worker, clock } = sharedHouse();
  const rates = () => ({ account: DOWN(100_000) });
  const [dying, living] = [worker(), worker()];
  const one = download(dying, clock, rates);
  const other = download(living, clock, rates);
  await pass(clock, 1_000);
  dying.die();
  await expect(one.writing).rejects.toMatchObject({ kind: 'Busy' });
  const before = other.inner.bytesMoved;
  await pass(clock, 1_000);
  expect(other.inner.bytesMoved - before).toBeGreaterThanOrEqual(90_000);
});

test('the rate that only a worker that is gone has said holds no longer', async () => {
  const { worker, clock } = sharedHouse();
  const [dying, living] = [worker(), worker()];
  download(dying, clock, () => ({ account: DOWN(10_000) }));
  const { inner } = download(living, clock, () => ({ account: DOWN(100_000) }));
  await pass(clock, 1_000);
  expect(inner.bytesMoved).toBeLessThan(20_000);
  dying.die();
  const before = inner.bytesMoved;
  await pass(clock, 2_000);
  expect(inner.bytesMoved - before).toBeGreaterThan(150_000);
});

test('an aborted transfer waits no longer, and the others get what it would have had', async () => {
  const { worker, clock } = sharedHouse();
  const rates = () => ({ account: DOWN(100_000) });
  const [one, other] = [download(worker(), clock, rates), download(worker(), clock, rates)];
  await pass(clock, 500);
  one.abort.abort(new Error('ABOR'));
  await expect(one.writing).rejects.toThrow('ABOR');
  one.connection.destroy();
  const before = other.inner.bytesMoved;
  await pass(clock, 1_000);
  expect(other.inner.bytesMoved - before).toBeGreaterThanOrEqual(90_000);
});

test('a new worker is told at once of what is limited already', async () => {
  const { worker, clock } = sharedHouse();
  download(worker(), clock, () => ({ server: DOWN(100_000), account: {} }));
  await arrived();
  const late = worker();
  await arrived();
  expect(late.state.buckets.bucket('server send').rate).toBe(100_000);
  expect(late.state.buckets.bucket('server receive').rate).toBeUndefined();
});
