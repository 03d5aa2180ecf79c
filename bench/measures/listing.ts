/** Listings of a large directory. */
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { empty, layEntries } from '../home-files.ts';
import { measure } from '../load.ts';
import type { Figures, Measure, Place } from '../measure.ts';
import { forgetPeak, peakKiB, residentKiB } from '../process-memory.ts';
import type { Scale } from '../scale.ts';

/** How files are asked for. */
export type ListingVerb = 'LIST' | 'MLSD';

/** LIST or MLSD of a directory of many files. */
export function listing({ repetitions, entries }: Scale, verb: ListingVerb): Measure {
  return {
    name: verb.toLowerCase(),
    title: `${verb} of ${entries.toLocaleString('en')} entries`,
    text:
      'From EPSV to the first byte, and to 226; growth is the most memory meanwhile, beyond that before. A server that lists fewer entries than ' +
      'there are is one that failed.',
    columns: [
      { key: 'cpuMs', heading: 'CPU ms', digits: 0, better: 'lower' },
      { key: 'wholeMs', heading: 'whole ms', digits: 0, better: 'lower' },
      { key: 'firstMs', heading: 'first byte ms', digits: 0, better: 'lower' },
      { key: 'growthMiB', heading: 'growth MiB', digits: 1 },
    ],
    server: 'kept',
    kind: 'listing',
    repetitions: Math.min(repetitions, 3),
    prepare: async (_home, shared) => void (await layEntries(shared, entries)),
    take: (place) => list(place, verb, entries),
    clean: empty,
  };
}

/**
 * One listing. All homes share the directory, which is moved into each in turn: laying out so many files for every server would take
 * longer than measuring.
 */
export async function list(
  { server, home, shared, load }: Place,
  verb: ListingVerb,
  entries: number,
): Promise<Figures> {
  const [laid, place] = [await layEntries(shared, entries), join(home, 'entries')];
  await rename(laid, place);
  try {
    const memory: number[] = [];
    const look = async () => {
      memory.push(memory.length === 0 ? residentKiB(server.pid) : peakKiB(server.pid));
      if (memory.length === 1) forgetPeak(server.pid);
    };
    const { serverCpu, p50, first, bytes } = await measure(
      load,
      server,
      { mode: 'list', options: { path: 'entries', verb } },
      look,
    );
    // A name alone has 16 characters.
    if (bytes < 16 * entries) throw new Error(`the listing is cut short: ${bytes} bytes`);
    const [before = 0, peak = 0] = memory;
    return {
      cpuMs: 1_000 * serverCpu,
      wholeMs: 1_000 * p50,
      firstMs: 1_000 * first,
      growthMiB: (peak - before) / 1_024,
    };
  } finally {
    await rename(place, laid);
  }
}
