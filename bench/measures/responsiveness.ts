/** How soon a session is answered while others move files. */
import { empty, layFile } from '../home-files.ts';
import { runBeside } from '../load.ts';
import type { Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** NOOP every 10 ms while so many downloads go on. */
export function responsiveness({ repetitions, seconds, mediumBytes }: Scale, downloads: number): Measure {
  return {
    name: 'noop',
    title: `NOOP while ${downloads} downloads run`,
    text: `One session asks every 10 ms; the others fetch ${sizeText(mediumBytes)} again and again.`,
    columns: [
      { key: 'p99Ms', heading: 'p99 ms', digits: 2, better: 'lower' },
      { key: 'p50Ms', heading: 'median ms', digits: 2 },
      { key: 'mibPerSecond', heading: 'MiB/s beside', digits: 0 },
    ],
    server: 'kept',
    repetitions: Math.min(repetitions, 5),
    prepare: (home, shared) => layFile(home, shared, { name: 'medium', bytes: mediumBytes }),
    async take({ server, load }) {
      const [noop, beside] = await runBeside(load, server, [
        { mode: 'noop', options: { seconds } },
        { mode: 'retr', options: { path: 'medium', connections: downloads, seconds } },
      ]);
      if (noop === undefined || beside === undefined || noop.operations === 0) throw new Error('nothing was answered');
      const { bytes, seconds: took } = beside;
      return { p99Ms: 1_000 * noop.p99, p50Ms: 1_000 * noop.p50, mibPerSecond: bytes / 2 ** 20 / took };
    },
    clean: empty,
  };
}
