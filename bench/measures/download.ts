/** One or more downloads of a large file, each on a session of its own. */
import { byteFigures } from '../figures.ts';
import { empty, layFile } from '../home-files.ts';
import { measure } from '../load.ts';
import { BYTES_COLUMNS, type Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** RETR of the large file over so many connections at once. */
export function download({ repetitions, largeBytes, mediumBytes }: Scale, streams: number): Measure {
  const bytes = streams === 1 ? largeBytes : mediumBytes;
  return {
    name: `retr-${streams}`,
    title: `RETR of ${sizeText(bytes)}, ${streams} at a time`,
    text: 'The file is in the page cache; the client throws away what it reads.',
    columns: BYTES_COLUMNS,
    server: 'kept',
    repetitions,
    prepare: (home, shared) => layFile(home, shared, { name: 'large', bytes }),
    async take({ server, load }) {
      const measured = await measure(load, server, { mode: 'retr', options: { path: 'large', connections: streams } });
      if (measured.bytes !== streams * bytes) throw new Error(`${measured.bytes} bytes came`);
      return byteFigures(measured);
    },
    clean: empty,
  };
}
