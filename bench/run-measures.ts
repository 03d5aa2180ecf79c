/**
 * Runs measures. The contestants take turns, repetition by repetition and each time in another order: what the machine does besides
 * then falls on all of them alike.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant, Running, Setup } from './contestant.ts';
import type { LoadProgram } from './load.ts';
import type { Figures, Measure } from './measure.ts';
import type { Outcome, Taken } from './outcome.ts';
import { Progress } from './progress.ts';

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
  /** As in `Scale`. */
  readonly passwords: Setup['passwords'];
  /** As in `LoadProgram`. */
  readonly calmMs: number;
  readonly watch?: LoadProgram['watch'];
  /** Ends the run: servers are stopped, and whoever waits for it is thrown the reason. */
  readonly signal: AbortSignal;
  /** Told what is being done. */
  tell(line: string): void;
}

/** Runs all of them, one after the other, and stops every server behind the last one, or when the run is ended. */
export async function runMeasures(heats: readonly Heat[], ground: Ground): Promise<Outcome[]> {
  const pits = new Pits(ground);
  const progress = new Progress(heats.map(plannedTurns));
  try {
    const outcomes: Outcome[] = [];
    for (const heat of heats) outcomes.push(await runHeat(heat, { pits, ground, progress }));
    return outcomes;
  } finally {
    await pits.stopAll();
  }
}

const COLUMNS_TOLD_MAX = 4;

interface Run {
  readonly pits: Pits;
  readonly ground: Ground;
  readonly progress: Progress;
}

interface Entrant {
  readonly contestant: Contestant;
  readonly figures: Figures[];
  failure: string | undefined;
}

async function runHeat({ measure, contestants }: Heat, run: Run): Promise<Outcome> {
  const { pits, ground, progress } = run;
  progress.nextHeat();
  ground.tell(`${measure.title} (${progress})`);
  const shared = join(ground.folder, 'shared');
  await mkdir(shared, { recursive: true });
  const entrants: Entrant[] = contestants.map((contestant) => {
    const presence = contestant.presence();
    return { contestant, figures: [], failure: 'missing' in presence ? `not run: ${presence.missing}` : undefined };
  });
  const present = entrants.filter(({ failure }) => failure === undefined);
  try {
    for (const { contestant } of present) await measure.prepare(await pits.homeOf(contestant), shared);
    const first = -warmupsOf(measure, ground);
    for (let repetition = first; repetition < measure.repetitions; repetition++) {
      const turn = (repetition - first) % Math.max(present.length, 1);
      for (const entrant of [...present.slice(turn), ...present.slice(0, turn)]) {
        const counts = repetition >= 0;
        if (entrant.failure === undefined && (counts || pits.isCold(entrant.contestant, measure))) {
          const figures = await takeOnce(entrant, measure, run, !counts);
          if (figures !== undefined && counts) entrant.figures.push(figures);
        }
        progress.turnDone(counts);
      }
    }
  } finally {
    for (const { contestant } of present) {
      pits.warmedUp(contestant, measure);
      await measure.clean(await pits.homeOf(contestant));
    }
  }
  return { measure, taken: entrants.map(taken) };
}

/** A server that begins anew each time has nothing to warm up. */
function warmupsOf({ server }: Measure, { warmups }: Ground): number {
  return server === 'fresh' ? 0 : warmups;
}

/** Warm-ups are not among them: which are needed shows only then. */
function plannedTurns({ measure, contestants }: Heat): number {
  const present = contestants.filter((contestant) => 'version' in contestant.presence());
  return present.length * measure.repetitions;
}

async function takeOnce(entrant: Entrant, measure: Measure, { pits, ground, progress }: Run, warmsUp: boolean) {
  const { contestant } = entrant;
  try {
    ground.signal.throwIfAborted();
    if (measure.server === 'fresh') await pits.stop(contestant);
    const server = await pits.running(contestant);
    const { load: path, calmMs, watch } = ground;
    const signal = AbortSignal.any([ground.signal, AbortSignal.timeout(1_000 * ground.secondsMax)]);
    const load = { path, signal, calmMs, ...(watch && { watch }) };
    const home = await pits.homeOf(contestant);
    const figures = await measure.take({ server, home, shared: join(ground.folder, 'shared'), load, warmsUp });
    ground.tell(`  ${contestant.name}: ${toldOf(figures, measure)} (${progress})`);
    return figures;
  } catch (error) {
    ground.signal.throwIfAborted();
    entrant.failure = whyFailed(error, ground.secondsMax);
    ground.tell(`  ${contestant.name} failed: ${entrant.failure}`);
    // What it is in now is not known; the next measure begins with another one.
    await pits.stop(contestant);
    return undefined;
  }
}

/** The first columns: those of a series are too many for a line. */
function toldOf(figures: Figures, { columns }: Measure): string {
  const told = columns
    .slice(0, COLUMNS_TOLD_MAX)
    .map(({ key, heading, digits }) => `${heading} ${figures[key]?.toFixed(digits) ?? '-'}`);
  return told.join(', ');
}

function whyFailed(error: unknown, secondsMax: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `a repetition took longer than ${secondsMax} s`;
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, ' ').slice(0, 300);
}

function taken({ contestant, figures, failure }: Entrant): Taken {
  return { contestant, figures, failure };
}

function kindOf({ kind, name }: Measure): string {
  return kind ?? name;
}

/** The servers that run, and their folders. */
class Pits {
  readonly #ground: Ground;
  readonly #running = new Map<string, Running>();
  /** Kinds of measures that a server has been through since it was started. */
  readonly #warm = new Map<string, Set<string>>();

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

  /** Whether the server that runs, or will, has not been through a measure of the kind yet. */
  isCold({ name }: Contestant, measure: Measure): boolean {
    return !this.#warm.get(name)?.has(kindOf(measure));
  }

  warmedUp({ name }: Contestant, measure: Measure): void {
    if (this.#running.has(name)) this.#warm.set(name, (this.#warm.get(name) ?? new Set()).add(kindOf(measure)));
  }

  async stop({ name }: Contestant): Promise<void> {
    const found = this.#running.get(name);
    this.#running.delete(name);
    this.#warm.delete(name);
    await found?.stop();
  }

  async stopAll(): Promise<void> {
    const all = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(all.map((each) => each.stop()));
  }

  #setup({ name }: Contestant): Setup {
    const { certFile, keyFile, passwords } = this.#ground;
    const folder = join(this.#ground.folder, folderNamed(name));
    return { folder, home: join(folder, 'home'), certFile, keyFile, passwords };
  }
}

/** Short, since the path of a control socket has no room for more: what differs in long names is in brackets at their end. */
function folderNamed(name: string): string {
  return name.replace(/[^A-Za-z0-9.]+/g, '-').slice(-FOLDER_LETTERS_MAX);
}

const FOLDER_LETTERS_MAX = 24;
