/** Listings of a large directory. */
import { empty, layEntries } from '../home-files.ts';
import { measure } from '../load.ts';
import type { Measure } from '../measure.ts';
import type { Scale } from '../scale.ts';

/** LIST or MLSD of a directory of many files. */
export function listing({ repetitions, entries }: Scale, verb: 'LIST' | 'MLSD'): Measure {
  return {
    name: verb.toLowerCase(),
    title: `${verb} of ${entries.toLocaleString('en')} entries`,
    text: 'From EPSV to the first byte, and to 226. A server that lists fewer entries than there are is one that failed.',
    columns: [
      { key: 'cpuMs', heading: 'CPU ms', digits: 0, better: 'lower' },
      { key: 'wholeMs', heading: 'whole ms', digits: 0, better: 'lower' },
      { key: 'firstMs', heading: 'first byte ms', digits: 0, better: 'lower' },
    ],
    server: 'kept',
    repetitions: Math.min(repetitions, 5),
    prepare: (home) => layEntries(home, 'entries', entries),
    async take({ server, load }) {
      const { serverCpu, p50, first, bytes } = await measure(load, server, {
        mode: 'list',
        options: { path: 'entries', verb },
      });
      // A name alone has 16 characters.
      if (bytes < 16 * entries) throw new Error(`the listing is cut short: ${bytes} bytes`);
      return { cpuMs: 1_000 * serverCpu, wholeMs: 1_000 * p50, firstMs: 1_000 * first };
    },
    clean: empty,
  };
}
