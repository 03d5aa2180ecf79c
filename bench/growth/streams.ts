/** Transfers side by side: as many bytes in all, over more and more connections. */
import { join } from 'node:path';
import type { Contestant } from '../contestant.ts';
import { byteFigures } from '../figures.ts';
import { empty, layDirectory, layFile } from '../home-files.ts';
import { measure } from '../load.ts';
import type { Figures, Place } from '../measure.ts';
import { sizeText } from '../scale.ts';
import type { GrowthScale } from './growth-scale.ts';
import type { Series } from './series.ts';

/** RETR and STOR over 1 to 64 connections. */
export function streamsSeries(
  { streams, largeBytes, repetitions }: GrowthScale,
  contestants: readonly Contestant[],
): Series {
  return {
    ...{ name: 'streams', title: 'Transfers at once', axis: 'streams', axisScale: 'log', steps: streams },
    text: `${sizeText(largeBytes)} in all, divided among the streams; RETR and STOR, no fsync, no audit log.`,
    stepText: (count) => `${count}`,
    columns: ['RETR', 'STOR'].flatMap((verb) => [
      { key: `${verb}mibPerSecond`, heading: `${verb} MiB/s`, digits: 0, scale: 'linear' as const },
      { key: `${verb}cpuPerGiB`, heading: `${verb} CPU s/GiB`, digits: 2, scale: 'linear' as const },
      { key: `${verb}clientCpuPerGiB`, heading: `${verb} load's CPU s/GiB`, digits: 2 },
    ]),
    contestants,
    ...{ server: 'kept', repetitions },
    async prepare(home, shared) {
      for (const count of streams) await layFile(home, shared, { name: `large-${count}`, bytes: largeBytes / count });
      await layDirectory(home, 'in');
    },
    async walk(place) {
      const walked = new Map<number, Figures>();
      for (const count of streams) walked.set(count, await atOnce(place, count, largeBytes / count));
      return walked;
    },
    clean: empty,
  };
}

async function atOnce({ server, home, load }: Place, connections: number, bytes: number): Promise<Figures> {
  const fetched = await measure(load, server, { mode: 'retr', options: { path: `large-${connections}`, connections } });
  if (fetched.bytes !== connections * bytes) throw new Error(`${fetched.bytes} bytes came`);
  const stored = await measure(load, server, { mode: 'stor', options: { path: 'in/large', size: bytes, connections } });
  await empty(join(home, 'in'));
  return { ...prefixed('RETR', byteFigures(fetched)), ...prefixed('STOR', byteFigures(stored)) };
}

function prefixed(verb: string, figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${verb}${key}`, value]));
}
