/** Small files, one behind the other on each connection: what a file costs besides its bytes. */
import { join } from 'node:path';
import { operationFigures } from '../figures.ts';
import { empty, layDirectory, layFile } from '../home-files.ts';
import { measure } from '../load.ts';
import { FILES_COLUMNS, type Measure } from '../measure.ts';
import { type Scale, sizeText } from '../scale.ts';

/** How small, and over how many connections at once. */
export interface SmallFiles {
  readonly bytes: number;
  readonly connections: number;
}

const TEXT =
  'EPSV and a new data connection for each file; sessions are resumed where the server can (the last column tells the share).';

/** STOR of small files, each under a name of its own. */
export function smallUploads({ repetitions, ...times }: Scale, { bytes, connections }: SmallFiles): Measure {
  return {
    name: `small-stor-${bytes}-${connections}`,
    title: `STOR of ${sizeText(bytes)} files, ${connections} at a time`,
    text: TEXT,
    columns: FILES_COLUMNS,
    server: 'kept',
    kind: 'small-stor',
    repetitions: Math.min(repetitions, 3),
    prepare: async (home) => void (await layDirectory(home, 'in')),
    async take({ server, home, load, warmsUp }) {
      const how = { connections, seconds: secondsOf(times, warmsUp), tls: server.manner.smallFilesTls };
      const options = { path: 'in/small', size: bytes, each: 1, ...how };
      const measured = await measure(load, server, { mode: 'stor', options });
      await empty(join(home, 'in'));
      return operationFigures(measured);
    },
    clean: empty,
  };
}

/** RETR of one small file again and again. */
export function smallDownloads({ repetitions, ...times }: Scale, { bytes, connections }: SmallFiles): Measure {
  return {
    name: `small-retr-${bytes}-${connections}`,
    title: `RETR of ${sizeText(bytes)} files, ${connections} at a time`,
    text: TEXT,
    columns: FILES_COLUMNS,
    server: 'kept',
    kind: 'small-retr',
    repetitions: Math.min(repetitions, 3),
    prepare: (home, shared) => layFile(home, shared, { name: 'small', bytes }),
    async take({ server, load, warmsUp }) {
      const seconds = secondsOf(times, warmsUp);
      const options = { path: 'small', connections, seconds, tls: server.manner.smallFilesTls };
      const measured = await measure(load, server, { mode: 'retr', options });
      if (measured.bytes !== measured.operations * bytes) throw new Error(`${measured.bytes} bytes came`);
      return operationFigures(measured);
    },
    clean: empty,
  };
}

function secondsOf({ seconds, warmupSeconds }: Pick<Scale, 'seconds' | 'warmupSeconds'>, warmsUp: boolean): number {
  return warmsUp ? warmupSeconds : seconds;
}
