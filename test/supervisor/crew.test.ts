/** The crew of workers: who is handed what, who is replaced when, and when nobody believes in the next one. */
import { Socket } from 'node:net';
import { beforeEach, describe, expect, test } from 'vitest';
import { gatewayOptions } from '../../src/config/options.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { Arrival } from '../../src/supervisor/arrival.ts';
import { Crew, type CrewMember } from '../../src/supervisor/crew.ts';
import type { WorkerEnd, WorkerTask } from '../../src/supervisor/worker-process.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

const options = gatewayOptions.parse({ listen: [{ port: 0 }], tls: { certificate: 'x', key: 'y' } });
const TASK: WorkerTask = {
  options,
  modules: [],
  tlsKeylog: undefined,
  counted: false,
  audited: false,
  retained: false,
};
const LOST: WorkerEnd = { expected: false, exitCode: 1, signal: null, sessions: 0 };

/** A worker without a process. */
function fakeWorker(number: number, clock: FakeClock, failure: Error | undefined) {
  const { promise: ended, resolve } = Promise.withResolvers<WorkerEnd>();
  const worker = {
    ...{ number, pid: 1, sinceMs: clock.now(), ended, failure },
    ...{ reachable: true, connections: 0, handed: 0 },
    untaken: [] as Arrival[],
    got: [] as Arrival[],
    told: [] as string[],
    async make() {
      if (failure !== undefined) throw failure;
    },
    async start() {},
    hand(arrival: Arrival) {
      worker.connections += 1;
      worker.handed += 1;
      worker.got.push(arrival);
    },
    retire: () => void worker.told.push('retire'),
    endSessions: () => void worker.told.push('endSessions'),
    async close() {
      worker.told.push('close');
      worker.end({ ...LOST, expected: true, exitCode: 0 });
    },
    kill() {
      worker.told.push('kill');
      worker.end(LOST);
    },
    end(end: WorkerEnd) {
      worker.reachable = false;
      resolve(end);
    },
  };
  return worker;
}

type FakeWorker = ReturnType<typeof fakeWorker>;

let clock: FakeClock;
let log: RecordingLog;
let made: FakeWorker[];
/** What workers that are made from now on fail with. */
let failure: Error | undefined;
let failed: Error[];
let crew: Crew<FakeWorker & CrewMember>;

beforeEach(() => {
  clock = new FakeClock();
  log = new RecordingLog();
  made = [];
  failure = undefined;
  failed = [];
  crew = new Crew(
    {
      ...{ clock, log },
      startProcess({ number }) {
        const worker = fakeWorker(number, clock, failure);
        made.push(worker);
        return worker;
      },
      attach: () => undefined,
      gone: () => undefined,
      failed: (error) => failed.push(error),
    },
    TASK,
  );
});

const arrival = (): Arrival => ({ socket: new Socket(), mode: 'explicit' });

/** Lets everything that is ready happen. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('a crew of which one cannot start is none, and says why', async () => {
  crew = new Crew(
    {
      ...{ clock, log },
      startProcess({ number }) {
        const worker = fakeWorker(number, clock, number === 2 ? new Error('no certificate') : undefined);
        made.push(worker);
        return worker;
      },
      attach: () => undefined,
      gone: () => undefined,
      failed: (error) => failed.push(error),
    },
    TASK,
  );
  await expect(crew.start(3)).rejects.toThrow('no certificate');
  expect(made.map(({ told }) => told)).toEqual([['close'], ['kill'], ['close']]);
  expect(crew.all).toEqual([]);
});

describe('a connection', () => {
  test('goes to the worker with the fewest, and to idle ones in turn', async () => {
    await crew.start(3);
    const [first, second, third] = made;
    for (let i = 0; i < 3; i++) crew.hand(arrival());
    expect(made.map(({ got }) => got.length)).toEqual([1, 1, 1]);
    if (first === undefined || second === undefined || third === undefined) throw new Error('three were expected');
    second.connections = 0;
    crew.hand(arrival());
    expect(second.got.length).toBe(2);
    // All have gone: whoever was handed the fewest is next.
    for (const worker of made) worker.connections = 0;
    crew.hand(arrival());
    crew.hand(arrival());
    expect(made.map(({ got }) => got.length)).toEqual([2, 2, 2]);
  });

  test('waits while there is no worker, and 1,024 of them do', async () => {
    await crew.start(1);
    failure = new Error('not yet');
    made[0]?.end(LOST);
    await settled();
    const arrivals = Array.from({ length: 1_025 }, arrival);
    for (const one of arrivals) crew.hand(one);
    expect(arrivals.filter(({ socket }) => socket.destroyed)).toEqual([arrivals.at(-1)]);
    failure = undefined;
    clock.advance(0);
    await settled();
    expect(made.at(-1)?.got.length).toBe(1_024);
  });

  test('that a worker never took goes to another', async () => {
    await crew.start(2);
    const [first, second] = made;
    const [lost, gone] = [arrival(), arrival()];
    gone.socket.destroy();
    if (first !== undefined) first.untaken = [lost, gone];
    first?.end(LOST);
    await settled();
    expect(second?.got).toEqual([lost]);
  });
});

describe('a worker that ends', () => {
  test('is replaced at once, then ever later, and at once again behind a minute of work', async () => {
    await crew.start(2);
    const waits: number[] = [];
    const lose = async () => {
      crew.serving.find(({ number }) => number === 1)?.end(LOST);
      await settled();
      const before = made.length;
      let waitedMs = 0;
      clock.advance(0);
      for (; made.length === before; waitedMs += 100) clock.advance(100);
      await settled();
      waits.push(waitedMs);
    };
    for (let i = 0; i < 4; i++) await lose();
    clock.advance(60_001);
    await lose();
    expect(waits).toEqual([0, 400, 800, 1_600, 0]);
    expect(crew.serving.length).toBe(2);
    expect(failed).toEqual([]);
  });

  test('and of which eight in a row cannot be replaced ends the gateway, when there is no other', async () => {
    await crew.start(1);
    failure = new Error('out of memory');
    made[0]?.end(LOST);
    for (let i = 0; i < 20; i++) {
      await settled();
      clock.advance(30_000);
    }
    expect(failed.map(({ message }) => message)).toEqual([expect.stringContaining('no worker can be kept running')]);
    expect(log.of('worker.not_started').length).toBe(8);
  });

  test('before it was taken in is replaced too', async () => {
    const starting = crew.start(1);
    const [worker] = made;
    if (worker === undefined) throw new Error('a worker was expected');
    worker.start = async () => worker.end(LOST);
    await starting;
    clock.advance(0);
    await settled();
    expect(crew.serving).toEqual([made[1]]);
  });
});

describe('a new generation', () => {
  test('that cannot start leaves the old one as it was', async () => {
    await crew.start(2);
    const old = crew.serving;
    failure = new Error('wrong key');
    await expect(crew.renew(TASK, 2)).rejects.toThrow('wrong key');
    expect(crew.serving).toEqual(old);
    expect(old.map(({ told }) => told)).toEqual([[], []]);
  });

  test('takes the place of the old one, whose sessions are ended later, and which is killed in the end', async () => {
    await crew.start(1);
    const [old] = made;
    await crew.renew(TASK, 2);
    crew.hand(arrival());
    expect([crew.serving.length, crew.all.length, old?.got.length]).toEqual([2, 3, 0]);
    expect(old?.told).toEqual(['retire']);
    clock.advance(30_000);
    expect(old?.told).toEqual(['retire', 'endSessions']);
    clock.advance(options.limits.sessionTimeMaxMs + 60_000);
    expect(old?.told).toEqual(['retire', 'endSessions', 'kill']);
    await settled();
    // Nobody takes its place.
    expect([crew.serving.length, crew.all.length]).toEqual([2, 2]);
  });
});
