/** What was set out to be reached beside the peers, and by which figures it is judged. */
import { medianOf, type Outcome, spreadIn } from './outcome.ts';
import type { Goal } from './report.ts';

const ALL_CORES = 'Sallyport (workers: auto)';
const ALL_CORES_UNHASHED = 'Sallyport (unhashed, workers: auto)';
const OUTPACED = ['pyftpdlib', 'vsftpd', 'ftp-srv'];

/** The goals of `npm run bench`. Ratios are of medians. */
export function peersGoals(): Goal[] {
  return [
    ...oneStream(),
    ...[4, 16].flatMap((streams) => severalStreams(streams)),
    ...[1_024, 65_536].flatMap((bytes) => [1, 8].flatMap((connections) => smallFiles(bytes, connections))),
    ...sessions(),
    ...listings(),
  ];
}

function oneStream(): Goal[] {
  const cpu = 'cpuPerGiB';
  const beside = ['proftpd', 'vsftpd', 'ftp-srv'];
  return [
    atMost(1.05, 'RETR, 1 stream: CPU per GiB of Sallyport to that of pure-ftpd', (all) =>
      ratio(all, { measure: 'retr-1', key: cpu, of: 'Sallyport', to: ['pure-ftpd'] }),
    ),
    atMost(1.1, 'STOR, 1 stream, hash and sync off: CPU per GiB of Sallyport to that of pure-ftpd', (all) =>
      ratio(all, { measure: 'stor-1', key: cpu, of: 'Sallyport (unhashed)', to: ['pure-ftpd'] }),
    ),
    atMost(
      1,
      'STOR, 1 stream, SHA-256, fsync and audit on: CPU per GiB to the best of proftpd, vsftpd and ftp-srv',
      (all) => ratio(all, { measure: 'stor-1', key: cpu, of: 'Sallyport as it comes', to: beside, best: 'lowest' }),
    ),
    atLeast(1, 'STOR, 1 stream, SHA-256, fsync and audit on: MiB/s to the best of proftpd, vsftpd and ftp-srv', (all) =>
      ratio(all, { measure: 'stor-1', key: 'mibPerSecond', of: 'Sallyport as it comes', to: beside, best: 'highest' }),
    ),
  ];
}

/** An upload is compared in both ways: with SHA-256, as it is, and without, as the peers do it. */
function severalStreams(streams: number): Goal[] {
  const runs = [
    { verb: 'retr', of: ALL_CORES, how: '' },
    { verb: 'stor', of: ALL_CORES_UNHASHED, how: ', hash off' },
    { verb: 'stor', of: ALL_CORES, how: ', SHA-256 on' },
  ];
  return runs.flatMap(({ verb, of: who, how }) => {
    const of = { measure: `${verb}-${streams}`, key: 'mibPerSecond', of: who };
    const what = `${verb.toUpperCase()}, ${streams} streams, workers: auto${how}: MiB/s`;
    return [
      atLeast(1, `${what} to the best of pyftpdlib, vsftpd and ftp-srv`, (all) =>
        ratio(all, { ...of, to: OUTPACED, best: 'highest' }),
      ),
      atLeast(1 / 1.2, `${what} to that of pure-ftpd`, (all) => ratio(all, { ...of, to: ['pure-ftpd'] })),
    ];
  });
}

/** pure-ftpd resumes sessions in TLS 1.2 alone, and is compared with in that version. */
function smallFiles(bytes: number, connections: number): Goal[] {
  const others = ['proftpd', 'vsftpd', 'pyftpdlib', 'ftp-srv', 'pure-ftpd (TLS 1.3)'];
  return ['stor', 'retr'].flatMap((verb) => {
    const of = { measure: `small-${verb}-${bytes}-${connections}`, key: 'perSecond' };
    const what = `${verb.toUpperCase()} of ${bytes / 1_024} KiB, ${connections} at a time, workers: auto: files/s`;
    return [
      atLeast(1, `${what} to the best peer`, (all) =>
        ratio(all, { ...of, of: ALL_CORES, to: others, best: 'highest' }),
      ),
      atLeast(1, `${what} to pure-ftpd, both in TLS 1.2`, (all) =>
        ratio(all, { ...of, of: 'Sallyport (TLS 1.2, workers: auto)', to: ['pure-ftpd'] }),
      ),
    ];
  });
}

function sessions(): Goal[] {
  const asked = ['retr-1', 'retr-8', 'stor-1', 'stor-8'].map((name) => `noop-${name}`);
  return [
    atMost(60, 'KiB for each idle session', (all) => figure(all, 'idle', 'kibPerSession')),
    ...asked.map((name) =>
      atMost(5, `${name}: p99 of NOOP in ms, one process, hash and sync on`, (all) =>
        figure(all, name, 'p99Ms', 'Sallyport as it comes'),
      ),
    ),
  ];
}

function listings(): Goal[] {
  return ['list', 'mlsd'].flatMap((name) => [
    atMost(50, `${name.toUpperCase()}: ms to the first byte`, (all) => figure(all, name, 'firstMs')),
    atMost(400, `${name.toUpperCase()}: ms to the whole`, (all) => figure(all, name, 'wholeMs')),
    atMost(20, `${name.toUpperCase()}: MiB more memory`, (all) => figure(all, name, 'growthMiB')),
  ]);
}

interface Ratio {
  readonly measure: string;
  readonly key: string;
  readonly of: string;
  readonly to: readonly string[];
  /** Which of several is the one to be compared with. */
  readonly best?: 'lowest' | 'highest';
}

function ratio(all: readonly Outcome[], { measure, key, of, to, best = 'highest' }: Ratio): number | undefined {
  const outcome = named(all, measure);
  const own = outcome && medianOf(outcome, of, key);
  const others = outcome?.taken.filter(({ contestant }) => to.includes(contestant.name)) ?? [];
  const medians = others.map((one) => spreadIn(one, key)?.median).filter((median) => median !== undefined);
  if (own === undefined || medians.length === 0) return undefined;
  const base = best === 'lowest' ? Math.min(...medians) : Math.max(...medians);
  // Tiny runs take no CPU that could be counted.
  return base === 0 ? undefined : own / base;
}

function figure(all: readonly Outcome[], measure: string, key: string, of = 'Sallyport'): number | undefined {
  const outcome = named(all, measure);
  return outcome && medianOf(outcome, of, key);
}

function named(all: readonly Outcome[], name: string): Outcome | undefined {
  return all.find(({ measure }) => measure.name === name);
}

function atMost(bound: number, text: string, of: Goal['figure']): Goal {
  return { text: `${text}: at most ${bound}`, digits: 2, figure: of, reached: (value) => value <= bound };
}

function atLeast(bound: number, text: string, of: Goal['figure']): Goal {
  return {
    text: `${text}: at least ${Number(bound.toFixed(2))}`,
    digits: 2,
    figure: of,
    reached: (value) => value >= bound,
  };
}
