/** Larger and larger files, one at a time. */
import { join } from 'node:path';
import type { Contestant } from '../contestant.ts';
import { empty, layDirectory, layFile } from '../home-files.ts';
import { type Load, type Measured, measure } from '../load.ts';
import type { Figures, Place } from '../measure.ts';
import { forgetPeak, peakKiB } from '../process-memory.ts';
import { sizeText } from '../scale.ts';
import type { GrowthScale } from './growth-scale.ts';
import type { Series } from './series.ts';

/** From here on one file is enough for a figure; smaller ones are moved again and again. */
const ENOUGH_BYTES = 2 ** 26;

/** RETR and STOR of files of 1 KiB to 4 GiB. */
export function fileSizesSeries(
  { fileBytes, seconds, repetitions }: GrowthScale,
  contestants: readonly Contestant[],
): Series {
  return {
    ...{ name: 'files', title: 'Files from small to large', axis: 'file', axisScale: 'log', steps: fileBytes },
    text:
      'One file at a time, sessions resumed (pure-ftpd in TLS 1.2); smaller files again and again, no fsync, no audit log. Memory is the most that was resident ' +
      `meanwhile. Downloads from ${sizeText(ENOUGH_BYTES)} on are of files with no blocks on the disk (holes).`,
    stepText: sizeText,
    columns: [
      ...['RETR', 'STOR'].map((verb) => ({
        ...{ key: `${verb}cpuPerGiB`, heading: `${verb} CPU s/GiB`, digits: 2, scale: 'log' as const },
      })),
      ...['RETR', 'STOR'].map((verb) => ({
        ...{ key: `${verb}peakMiB`, heading: `${verb} peak MiB`, digits: 0, scale: 'linear' as const },
      })),
    ],
    contestants,
    ...{ server: 'kept', repetitions: Math.min(repetitions, 2) },
    async prepare(home, shared) {
      for (const bytes of fileBytes) {
        const content = bytes < ENOUGH_BYTES ? 'random' : 'hole';
        await layFile(home, shared, { name: `file-${bytes}`, bytes, content });
      }
      await layDirectory(home, 'in');
    },
    async walk(place) {
      const walked = new Map<number, Figures>();
      for (const bytes of fileBytes) walked.set(bytes, await both(place, bytes, seconds));
      return walked;
    },
    clean: empty,
  };
}

async function both(place: Place, bytes: number, seconds: number): Promise<Figures> {
  const how = { tls: place.server.manner.smallFilesTls, ...(bytes < ENOUGH_BYTES && { seconds }) };
  const fetched = await peaked(place, { mode: 'retr', options: { path: `file-${bytes}`, ...how } });
  if (fetched.bytes !== fetched.operations * bytes) throw new Error(`${fetched.bytes} bytes came`);
  const stored = await peaked(place, { mode: 'stor', options: { path: 'in/file', size: bytes, each: 1, ...how } });
  await empty(join(place.home, 'in'));
  return {
    ...{ RETRcpuPerGiB: perGiB(fetched), RETRpeakMiB: fetched.peakMiB },
    ...{ STORcpuPerGiB: perGiB(stored), STORpeakMiB: stored.peakMiB },
  };
}

async function peaked({ server, load }: Place, what: Load): Promise<Measured & { readonly peakMiB: number }> {
  let looked = false;
  let peakMiB = 0;
  const measured = await measure(load, server, what, async () => {
    if (looked) peakMiB = peakKiB(server.pid) / 1_024;
    else forgetPeak(server.pid);
    looked = true;
  });
  return { ...measured, peakMiB };
}

function perGiB({ serverCpu, bytes }: Measured): number {
  return serverCpu / (bytes / 2 ** 30);
}
