/** One or more downloads of a large file, each on a session of its own. */
import { byteFigures } from '../figures.ts';
import { empty, layFile } from '../home-files.ts';
import { measure } from '../load.ts';
import { BYTES_COLUMNS, type Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** RETR of the large file over one connection, or of one that is smaller over several at once: as many bytes. */
export function download({ repetitions, largeBytes }: Scale, streams: number): Measure {
  const bytes = largeBytes / streams;
  return {
    name: `retr-${streams}`,
    title: `RETR of ${sizeText(bytes)}, ${streams} at a time`,
    text: 'The file is in the page cache; the client throws away what it reads.',
    columns: BYTES_COLUMNS,
    server: 'kept',
    kind: 'retr',
    repetitions: streams === 1 ? repetitions : Math.min(repetitions, 3),
    prepare: (home, shared) => layFile(home, shared, { name: 'large', bytes }),
    async take({ server, load }) {
      const measured = await measure(load, server, { mode: 'retr', options: { path: 'large', connections: streams } });
      if (measured.bytes !== streams * bytes) throw new Error(`${measured.bytes} bytes came`);
      return byteFigures(measured);
    },
    clean: empty,
  };
}
