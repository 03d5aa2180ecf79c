/** How soon sessions are answered while others move files. */
import { empty, layDirectory, layFile } from '../home-files.ts';
import { type Load, runBeside } from '../load.ts';
import type { Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** What goes on, and how many ask meanwhile. */
export interface Asking {
  readonly beside: 'downloads' | 'uploads';
  readonly connections: number;
}

/** Transfers that go on beside. */
const TRANSFERS = 4;
/** Between the questions of one session: enough of them for a 99th of 100. */
const PAUSE_MS = 4;

/** NOOP on some sessions while four others move files. */
export function responsiveness(scale: Scale, { beside, connections }: Asking): Measure {
  const { repetitions, mediumBytes } = scale;
  // The more ask, the sooner there are enough answers.
  const seconds = connections === 1 ? 2 * scale.seconds : scale.seconds;
  const transfers: Load =
    beside === 'downloads'
      ? { mode: 'retr', options: { path: 'medium', connections: TRANSFERS, seconds } }
      : {
          mode: 'stor',
          options: { path: 'in/medium', size: mediumBytes, connections: TRANSFERS, seconds },
        };
  return {
    name: `noop-${transfers.mode}-${connections}`,
    title: `NOOP while ${TRANSFERS} ${beside} run, ${connections} at a time`,
    text: `Each asks every ${PAUSE_MS} ms; the others move ${sizeText(mediumBytes)} again and again.`,
    columns: [
      { key: 'p99Ms', heading: 'p99 ms', digits: 2, better: 'lower' },
      { key: 'p50Ms', heading: 'median ms', digits: 2 },
      { key: 'mibPerSecond', heading: 'MiB/s beside', digits: 0 },
    ],
    server: 'kept',
    kind: 'noop',
    repetitions: Math.min(repetitions, 3),
    async prepare(home, shared) {
      if (beside === 'downloads') await layFile(home, shared, { name: 'medium', bytes: mediumBytes });
      else await layDirectory(home, 'in');
    },
    async take({ server, load }) {
      const asking: Load = { mode: 'noop', options: { connections, pause: PAUSE_MS, seconds } };
      const [noop, other] = await runBeside(load, server, [asking, transfers]);
      if (noop === undefined || other === undefined || noop.operations === 0) throw new Error('nothing was answered');
      return { p99Ms: 1_000 * noop.p99, p50Ms: 1_000 * noop.p50, mibPerSecond: other.bytes / 2 ** 20 / other.seconds };
    },
    clean: empty,
  };
}
