/**
 * Runs measures. The contestants take turns, repetition by repetition and each time in another order: what the machine does besides
 * then falls on all of them alike.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant, Running, Setup } from './contestant.ts';
import type { Figures, Measure } from './measure.ts';
import type { Outcome, Taken } from './outcome.ts';

/** A measure, and who takes part in it. */
export interface Heat {
  readonly measure: Measure;
  readonly contestants: readonly Contestant[];
}

/** What all measures need. */
export interface Ground {
  /** A folder on the disk that is to be measured, which may be filled. */
  readonly folder: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** The load generator. */
  readonly load: string;
  /** Repetitions that do not count, and how long one may take: as in `Scale`. */
  readonly warmups: number;
  readonly secondsMax: number;
  /** Told what is being done. */
  tell(line: string): void;
}

/** Runs all of them, one after the other, and stops every server behind the last one. */
export async function runMeasures(heats: readonly Heat[], ground: Ground): Promise<Outcome[]> {
  const pits = new Pits(ground);
  try {
    const outcomes: Outcome[] = [];
    for (const heat of heats) outcomes.push(await runHeat(heat, pits, ground));
    return outcomes;
  } finally {
    await pits.stopAll();
  }
}

interface Turn {
  readonly measure: Measure;
  readonly pits: Pits;
  readonly ground: Ground;
}

interface Entrant {
  readonly contestant: Contestant;
  readonly figures: Figures[];
  failure: string | undefined;
}

async function runHeat({ measure, contestants }: Heat, pits: Pits, ground: Ground): Promise<Outcome> {
  ground.tell(measure.title);
  const shared = join(ground.folder, 'shared');
  await mkdir(shared, { recursive: true });
  const entrants: Entrant[] = contestants.map((contestant) => {
    const presence = contestant.presence();
    return { contestant, figures: [], failure: 'missing' in presence ? `not run: ${presence.missing}` : undefined };
  });
  const present = entrants.filter(({ failure }) => failure === undefined);
  try {
    for (const { contestant } of present) await measure.prepare(await pits.homeOf(contestant), shared);
    // A server that begins anew each time has nothing to warm up.
    const first = measure.server === 'fresh' ? 0 : -ground.warmups;
    for (let repetition = first; repetition < measure.repetitions; repetition++) {
      const turn = (repetition - first) % Math.max(present.length, 1);
      for (const entrant of [...present.slice(turn), ...present.slice(0, turn)]) {
        if (entrant.failure !== undefined) continue;
        const figures = await takeOnce(entrant, { measure, pits, ground });
        if (figures !== undefined && repetition >= 0) entrant.figures.push(figures);
      }
    }
  } finally {
    for (const { contestant } of present) await measure.clean(await pits.homeOf(contestant));
  }
  return { measure, taken: entrants.map(taken) };
}

async function takeOnce(entrant: Entrant, { measure, pits, ground }: Turn): Promise<Figures | undefined> {
  const { contestant } = entrant;
  try {
    if (measure.server === 'fresh') await pits.stop(contestant);
    const server = await pits.running(contestant);
    const load = { path: ground.load, signal: AbortSignal.timeout(1_000 * ground.secondsMax) };
    const figures = await measure.take({ server, home: await pits.homeOf(contestant), load });
    const told = measure.columns.map(
      ({ key, heading, digits }) => `${heading} ${figures[key]?.toFixed(digits) ?? '-'}`,
    );
    ground.tell(`  ${contestant.name}: ${told.join(', ')}`);
    return figures;
  } catch (error) {
    entrant.failure = whyFailed(error, ground.secondsMax);
    ground.tell(`  ${contestant.name} failed: ${entrant.failure}`);
    // What it is in now is not known; the next measure begins with another one.
    await pits.stop(contestant);
    return undefined;
  }
}

function whyFailed(error: unknown, secondsMax: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `a repetition took longer than ${secondsMax} s`;
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 300);
}

function taken({ contestant, figures, failure }: Entrant): Taken {
  return { contestant, figures, failure };
}

/** The servers that run, and their folders. */
class Pits {
  readonly #ground: Ground;
  readonly #running = new Map<string, Running>();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  async homeOf(contestant: Contestant): Promise<string> {
    const { home } = this.#setup(contestant);
    await mkdir(home, { recursive: true });
    return home;
  }

  async running(contestant: Contestant): Promise<Running> {
    const found = this.#running.get(contestant.name);
    if (found !== undefined) return found;
    await this.homeOf(contestant);
    const started = await contestant.start(this.#setup(contestant));
    this.#running.set(contestant.name, started);
    return started;
  }

  async stop({ name }: Contestant): Promise<void> {
    const found = this.#running.get(name);
    this.#running.delete(name);
    await found?.stop();
  }

  async stopAll(): Promise<void> {
    const all = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(all.map((each) => each.stop()));
  }

  #setup({ name }: Contestant): Setup {
    const { certFile, keyFile } = this.#ground;
    const folder = join(this.#ground.folder, name.replace(/[^A-Za-z0-9.]+/g, '-'));
    return { folder, home: join(folder, 'home'), certFile, keyFile };
  }
}
