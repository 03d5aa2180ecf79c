/** Listings of larger and larger directories. */
import type { Contestant } from '../contestant.ts';
import { empty, layEntries } from '../home-files.ts';
import type { Figures } from '../measure.ts';
import { list } from '../measures/listing.ts';
import type { GrowthScale } from './growth-scale.ts';
import type { Series } from './series.ts';

/** LIST of 1 to 100,000 entries. */
export function entriesSeries({ entryCounts, repetitions }: GrowthScale, contestants: readonly Contestant[]): Series {
  return {
    ...{ name: 'entries', title: 'LIST of a directory', axis: 'entries', axisScale: 'log', steps: entryCounts },
    text: 'From EPSV to the first byte, and to 226; growth is the most memory meanwhile, beyond that before.',
    stepText: (count) => count.toLocaleString('en'),
    columns: [
      { key: 'wholeMs', heading: 'whole ms', digits: 1, scale: 'log' },
      { key: 'firstMs', heading: 'first byte ms', digits: 1, scale: 'log' },
      { key: 'growthMiB', heading: 'growth MiB', digits: 1 },
    ],
    contestants,
    ...{ server: 'kept', repetitions },
    async prepare(_home, shared) {
      for (const count of entryCounts) await layEntries(shared, count);
    },
    async walk(place) {
      const walked = new Map<number, Figures>();
      for (const count of entryCounts) walked.set(count, await list(place, 'LIST', count));
      return walked;
    },
    clean: empty,
  };
}
