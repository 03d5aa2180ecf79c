/** Logins: connection, TLS handshake, password, QUIT. */
import { operationFigures } from '../figures.ts';
import { empty } from '../home-files.ts';
import { measure } from '../load.ts';
import type { Measure } from '../measure.ts';
import type { Scale } from '../scale.ts';

/** So many clients that log in and quit without a pause. */
export function logins({ repetitions, seconds }: Scale, connections: number): Measure {
  return {
    name: `logins-${connections}`,
    title: `Logins, ${connections} at a time`,
    text:
      'Connection, whole TLS handshake, password, QUIT, of one account again and again, as programs that look for files do. The hashes of ' +
      'passwords differ, and most of the cost with them; "Sallyport" computes its hash once, and "Sallyport (no cache)" at every login. Sessions end within ' +
      'the measure: CPU of processes for which their server does not wait is not seen.',
    columns: [
      { key: 'cpuMs', heading: 'CPU ms/login', digits: 2, better: 'lower' },
      { key: 'perSecond', heading: 'logins/s', digits: 0, better: 'higher' },
      { key: 'p99Ms', heading: 'p99 ms', digits: 1 },
    ],
    server: 'kept',
    repetitions: Math.min(repetitions, 3),
    prepare: async () => undefined,
    async take({ server, load }) {
      const options = { connections, seconds };
      return operationFigures(await measure(load, server, { mode: 'login', options }));
    },
    clean: empty,
  };
}
