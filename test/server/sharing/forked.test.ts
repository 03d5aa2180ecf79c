/** The shared state of workers that are processes of their own, and that are killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { Correspondent } from '../../../src/lib/correspondent.ts';
import { DEFAULT_LIMITS } from '../../../src/protocol/limits.ts';
import { ownState } from '../../../src/server/shared-state.ts';
import { crossing } from '../../../src/server/sharing/crossing.ts';
import { processPort } from '../../../src/server/sharing/process-port.ts';
import { RateNews } from '../../../src/server/sharing/rate-desk.ts';
import { StateDesk } from '../../../src/server/sharing/state-desk.ts';
import { silentLog } from '../../../src/spi/log.ts';
import { memoryAuditLog } from '../../fixtures/memory-audit-log.ts';

const children: ChildProcess[] = [];

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

function house(connectionsMax: number) {
  const rateNews = new RateNews();
  const limits = { ...DEFAULT_LIMITS, connectionsMax };
  const own = ownState({ limits: () => limits, clock: systemClock, log: silentLog, ratesChanged: rateNews.changed });
  const audit = memoryAuditLog();
  const desk = new StateDesk({ ...own, ...{ rateNews, audit, clock: systemClock, sessionsOf: async () => [] } });
  const worker = () => {
    const child = fork(new URL('worker-child.ts', import.meta.url), [], { execArgv: [] });
    children.push(child);
    const failures: unknown[] = [];
    const correspondent = new Correspondent(processPort(child), {
      ...{ clock: systemClock, waitMaxMs: 20_000, failures: crossing },
      failed: (error) => void failures.push(error),
    });
    desk.attach(correspondent);
    const gone = new Promise<void>((resolve) => correspondent.onGone(resolve));
    return { child, correspondent, gone };
  };
  return { audit, worker };
}

test('three processes let in exactly as many as there may be, and what a killed one held comes back', async () => {
  const { worker } = house(10);
  const [one, other, third] = [worker(), worker(), worker()];
  const letIn = await Promise.all(
    [one, other, third].map(({ correspondent }) => correspondent.ask('test.connect', 20)),
  );
  expect(letIn.reduce((sum: number, count) => sum + Number(count), 0)).toBe(10);
  expect(await one.correspondent.ask('test.claim', null)).toBe(true);
  expect(await other.correspondent.ask('test.claim', null)).toBe(false);
  one.child.kill('SIGKILL');
  other.child.kill('SIGKILL');
  await Promise.all([one.gone, other.gone]);
  expect(await third.correspondent.ask('test.isBusy', null)).toBe(false);
  expect(await third.correspondent.ask('test.connect', 20)).toBe(Number(letIn[0]) + Number(letIn[1]));
});

test('records of several processes are in one log, and what was answered is there, whoever is killed', async () => {
  const { worker, audit } = house(10);
  const [dying, living] = [worker(), worker()];
  const written = new Map<number, string>();
  const write = async ({ correspondent }: typeof dying, path: string) => {
    written.set(Number(await correspondent.ask('test.record', path)), path);
  };
  const lost = Array.from({ length: 200 }, async (_, i) => {
    await write(dying, `dying ${i}`).catch(() => undefined);
    if (i === 20) dying.child.kill('SIGKILL');
  });
  const kept = Array.from({ length: 200 }, (_, i) => write(living, `living ${i}`));
  await Promise.all([...lost, ...kept]);
  expect([...written.values()].filter((path) => path.startsWith('living'))).toHaveLength(200);
  expect(written.size).toBeGreaterThan(220);
  for (const [index, path] of written) expect(audit.records[index]?.object.path).toBe(path);
});

test('a process whose channel ends is not left behind', async () => {
  const { worker } = house(10);
  const { child, correspondent } = worker();
  await correspondent.ask('test.isBusy', null);
  const exited = once(child, 'exit');
  child.disconnect();
  expect(await exited).toEqual([0, null]);
  expect(correspondent.gone).toBeInstanceOf(Error);
});
