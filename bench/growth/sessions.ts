/** More and more sessions that do nothing. */
import { setTimeout as after } from 'node:timers/promises';
import type { Contestant } from '../contestant.ts';
import { empty } from '../home-files.ts';
import { type HeldSessions, holdSessions } from '../load.ts';
import type { Figures, Place } from '../measure.ts';
import { usageOf } from '../process-tree.ts';
import type { GrowthScale } from './growth-scale.ts';
import { OPEN_FILES_BESIDE, openFilesMax } from './open-files.ts';
import type { Series } from './series.ts';

/** 0 to 8,000 idle sessions, logged in over TLS. */
export function sessionsSeries(scale: GrowthScale, contestants: readonly Contestant[]): Series {
  const { processesMax, restSeconds } = scale;
  const room = openFilesMax(Math.max(...scale.sessionCounts) + OPEN_FILES_BESIDE) - OPEN_FILES_BESIDE;
  const steps = scale.sessionCounts.filter((count) => count <= room);
  const short = steps.length < scale.sessionCounts.length ? ` No more than ${room} files may be open here.` : '';
  return {
    ...{ name: 'sessions', title: 'Idle sessions', axis: 'sessions', axisScale: 'linear', steps },
    text:
      'Proportional memory (PSS) of the server and its processes with so many sessions that have logged in over TLS and do nothing; for each ' +
      `session, less that with none. The hash of Sallyport's account costs next to nothing here. Servers with a process for each session are followed up to ${processesMax.toLocaleString('en')}.${short}`,
    stepText: (count) => count.toLocaleString('en'),
    columns: [
      { key: 'memoryMiB', heading: 'memory MiB', digits: 0, scale: 'linear' },
      { key: 'kibPerSession', heading: 'KiB for each session', digits: 0, scale: 'log' },
      { key: 'processes', heading: 'processes', digits: 0 },
    ],
    contestants,
    ...{ server: 'fresh', repetitions: 1 },
    prepare: async () => undefined,
    async walk(place) {
      const peer = contestants.some(({ name, side }) => name === place.server.name && side === 'peer');
      return hold(place, peer ? steps.filter((count) => count <= processesMax) : steps, 1_000 * restSeconds);
    },
    clean: empty,
  };
}

/** Sessions are added to those that are there: each logs in once. */
async function hold({ server, load }: Place, steps: readonly number[], restMs: number) {
  const walked = new Map<number, Figures>();
  const held: HeldSessions[] = [];
  try {
    let [sessions, none] = [0, 0];
    for (const count of steps) {
      if (count > sessions) held.push(await holdSessions(load, server, count - sessions));
      sessions = count;
      await after(restMs);
      const { memoryKiB, processes } = usageOf(server.pid);
      if (count === 0) none = memoryKiB;
      const each = count === 0 ? {} : { kibPerSession: (memoryKiB - none) / count };
      walked.set(count, { memoryMiB: memoryKiB / 1_024, processes, ...each });
    }
    return walked;
  } finally {
    await Promise.all(held.map((each) => each.release()));
  }
}
