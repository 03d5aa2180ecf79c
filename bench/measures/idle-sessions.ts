/** What a session costs that does nothing. */
import { setTimeout as after } from 'node:timers/promises';
import { empty } from '../home-files.ts';
import { holdSessions } from '../load.ts';
import type { Measure } from '../measure.ts';
import { usageOf } from '../process-tree.ts';
import type { Scale } from '../scale.ts';

/** How long the server has to come to rest. */
const REST_MS = 500;

/** Memory of sessions that have logged in, beyond that of the server that has just been started and has had one of them. */
export function idleSessions({ repetitions, sessions }: Scale): Measure {
  return {
    name: 'idle',
    title: `${sessions} idle sessions`,
    text: 'Proportional memory (PSS) of the server and its processes with them, less that with one, for each session more.',
    columns: [
      { key: 'kibPerSession', heading: 'KiB/session', digits: 0, better: 'lower' },
      { key: 'processes', heading: 'processes', digits: 0 },
    ],
    server: 'fresh',
    repetitions: Math.min(repetitions, 3),
    prepare: async () => undefined,
    async take({ server, load }) {
      const one = await holdSessions(load, server, 1);
      await after(REST_MS);
      const before = usageOf(server.pid).memoryKiB;
      const held = await holdSessions(load, server, sessions);
      await after(REST_MS);
      const { memoryKiB, processes } = usageOf(server.pid);
      await Promise.all([one.release(), held.release()]);
      if (before === 0) throw new Error('the memory of its processes cannot be read');
      return { kibPerSession: (memoryKiB - before) / sessions, processes };
    },
    clean: empty,
  };
}
