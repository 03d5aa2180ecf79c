/** What a session costs that does nothing. */
import { setTimeout as after } from 'node:timers/promises';
import { empty } from '../home-files.ts';
import { holdSessions, measure } from '../load.ts';
import type { Measure } from '../measure.ts';
import { usageOf } from '../process-tree.ts';
import type { Scale } from '../scale.ts';

/** Clients that log in and leave before anything is measured. */
const EARLIER_CLIENTS = 8;

/**
 * Memory of sessions that have logged in, beyond that of the server with one of them. As many have come and gone before: what
 * a server needs to become warm (compiled code, a larger heap, buffers of its threads for hashing) is not what a session costs.
 */
export function idleSessions({ repetitions, sessions, restSeconds }: Scale): Measure {
  return {
    name: 'idle',
    title: `${sessions} idle sessions`,
    text:
      'Proportional memory (PSS) of the server and its processes with them, less that with one, for each session more. As many ' +
      'have logged in and left before.',
    columns: [
      { key: 'kibPerSession', heading: 'KiB/session', digits: 0, better: 'lower' },
      { key: 'processes', heading: 'processes', digits: 0 },
    ],
    server: 'fresh',
    repetitions: Math.min(repetitions, 2),
    prepare: async () => undefined,
    async take({ server, load }) {
      const count = Math.ceil(sessions / EARLIER_CLIENTS);
      await measure(load, server, { mode: 'login', options: { connections: EARLIER_CLIENTS, count } });
      const one = await holdSessions(load, server, 1);
      await after(1_000 * restSeconds);
      const before = usageOf(server.pid).memoryKiB;
      const held = await holdSessions(load, server, sessions);
      await after(1_000 * restSeconds);
      const { memoryKiB, processes } = usageOf(server.pid);
      await Promise.all([one.release(), held.release()]);
      if (before === 0) throw new Error('the memory of its processes cannot be read');
      return { kibPerSession: (memoryKiB - before) / sessions, processes };
    },
    clean: empty,
  };
}
