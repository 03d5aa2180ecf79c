import { expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import type { Direction } from '../../src/spi/data-port.ts';
import type { Rates, TransferRates } from '../../src/transfer/throttle.ts';
import { Throttle } from '../../src/transfer/throttle.ts';
import { FakeDataConnection } from '../fakes/data-channel.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let i = 0; i < ms; i++) {
    clock.advance(1);
    await settled();
  }
}

const DOWN = (bytes: number): Rates => ({ downloadBytesPerSecond: bytes });
const UP = (bytes: number): Rates => ({ uploadBytesPerSecond: bytes });
const NONE: TransferRates = { session: {}, account: {}, server: {} };

interface Setting {
  readonly session?: string;
  readonly account?: string;
  readonly direction?: Direction;
  readonly signal?: AbortSignal;
  readonly rates: () => Partial<TransferRates>;
}

function connectionIn(throttle: Throttle, setting: Setting, inner = new FakeDataConnection()) {
  const connection = throttle.throttled(inner, {
    session: setting.session ?? '1',
    account: setting.account ?? 'alice',
    direction: setting.direction ?? 'send',
    signal: setting.signal ?? new AbortController().signal,
    rates: () => ({ ...NONE, ...setting.rates() }),
  });
  return { connection, inner };
}

const FOREVER = 100_000_000;

test('whoever waits is told at once of an abort, and the others go on', async () => {
  const clock = new FakeClock();
  const throttle = new Throttle(clock);
  const abort = new AbortController();
  const rates = () => ({ account: DOWN(1_000) });
  const first = connectionIn(throttle, { session: '1', signal: abort.signal, rates });
  const second = connectionIn(throttle, { session: '2', rates });
  const failing = first.connection.write(Buffer.alloc(FOREVER));
  void second.connection.write(Buffer.alloc(FOREVER));
  await pass(clock, 1_000);
  abort.abort(new Error('ABOR'));
  await expect(failing).rejects.toThrow('ABOR');
  first.connection.destroy();
  expect(first.inner.state).toBe('destroyed');
  const before = second.inner.bytesMoved;
  await pass(clock, 1_000);
  expect(second.inner.bytesMoved - before).toBe(1_000);
});

test('without rates a transfer is passed through, in the pieces that it came in', async () => {
  const { connection, inner } = connectionIn(new Throttle(new FakeClock()), { rates: () => NONE });
  await connection.write(Buffer.alloc(5_000_000));
  expect(inner.sent.map(({ length }) => length)).toEqual([5_000_000]);
});

test('a download moves at its rate, to the byte', async () => {
  const clock = new FakeClock();
  const { connection, inner } = connectionIn(new Throttle(clock), { rates: () => ({ session: DOWN(10_000) }) });
  void connection.write(Buffer.alloc(FOREVER));
  await pass(clock, 99);
  expect(inner.bytesMoved).toBe(0);
  await pass(clock, 1);
  expect(inner.bytesMoved).toBe(1_000);
  await pass(clock, 9_899);
  expect(inner.bytesMoved).toBe(99_000);
  await pass(clock, 1);
  expect(inner.bytesMoved).toBe(100_000);
});

test('an upload is read no faster than its rate, and downloads are not held by it', async () => {
  const clock = new FakeClock();
  const throttle = new Throttle(clock);
  const pieces = Array.from({ length: 200 }, () => Buffer.alloc(1_000));
  const rates = () => ({ session: UP(10_000) });
  const up = connectionIn(throttle, { direction: 'receive', rates }, new FakeDataConnection(pieces));
  const down = connectionIn(throttle, { rates });
  await down.connection.write(Buffer.alloc(5_000_000));
  let taken = 0;
  void (async () => {
    for (;;) {
      const batch = await up.connection.read();
      if (batch === undefined) return;
      taken += batch.reduce((sum, { length }) => sum + length, 0);
    }
  })();
  await pass(clock, 10_050);
  expect(taken).toBe(100_000);
});

test('the lowest of the three rates holds', async () => {
  for (const level of ['session', 'account', 'server'] as const) {
    const clock = new FakeClock();
    const rates = () => ({ session: DOWN(50_000), account: DOWN(50_000), server: DOWN(50_000), [level]: DOWN(10_000) });
    const { connection, inner } = connectionIn(new Throttle(clock), { rates });
    void connection.write(Buffer.alloc(FOREVER));
    await pass(clock, 10_050);
    expect(inner.bytesMoved).toBe(100_000);
  }
});

test('sessions of an account share its rate evenly, and another account has one of its own', async () => {
  const clock = new FakeClock();
  const throttle = new Throttle(clock);
  const rates = () => ({ account: DOWN(10_000) });
  const shared = ['1', '2', '3'].map((session) => connectionIn(throttle, { session, rates }));
  const alone = connectionIn(throttle, { session: '4', account: 'bob', rates });
  for (const { connection } of [...shared, alone]) void connection.write(Buffer.alloc(FOREVER));
  await pass(clock, 30_050);
  const moved = shared.map(({ inner }) => inner.bytesMoved);
  expect(moved.reduce((a, b) => a + b, 0)).toBe(300_000);
  expect(Math.max(...moved) - Math.min(...moved)).toBeLessThanOrEqual(1_000);
  expect(alone.inner.bytesMoved).toBe(300_000);
});

test('new rates hold at once for what runs: faster, slower and not at all', async () => {
  const clock = new FakeClock();
  const throttle = new Throttle(clock);
  let bytes = 10_000;
  const { connection, inner } = connectionIn(throttle, { rates: () => ({ server: DOWN(bytes) }) });
  const writing = connection.write(Buffer.alloc(1_000_000));
  await pass(clock, 1_000);
  const movedIn = async (ms: number) => {
    const before = inner.bytesMoved;
    await pass(clock, ms);
    return inner.bytesMoved - before;
  };
  bytes = 40_000;
  throttle.refresh();
  expect(Math.abs((await movedIn(5_000)) - 200_000)).toBeLessThanOrEqual(4_000);
  bytes = 2_000;
  throttle.refresh();
  // A slice of the faster time is paid for at the slower rate first.
  expect(await movedIn(10_000)).toBeLessThanOrEqual(22_000);
  bytes = 0;
  throttle.refresh();
  await writing;
  expect(inner.bytesMoved).toBe(1_000_000);
});

test('many small transfers in a row are no way around a rate', async () => {
  const clock = new FakeClock();
  const throttle = new Throttle(clock);
  let moved = 0;
  let running = true;
  const work = (async () => {
    while (running) {
      const { connection, inner } = connectionIn(throttle, { rates: () => ({ session: DOWN(10_000) }) });
      await connection.write(Buffer.alloc(100));
      await connection.finish();
      moved += inner.bytesMoved;
    }
  })();
  await pass(clock, 10_000);
  running = false;
  await pass(clock, 1_000);
  await work;
  expect(moved).toBeLessThanOrEqual(100_200);
  expect(moved).toBeGreaterThanOrEqual(99_000);
});
