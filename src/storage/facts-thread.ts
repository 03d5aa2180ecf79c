/**
 * A thread that asks the disk for the facts of many names in one go. Asked for one by one, each costs a way through the
 * thread pool and a promise, several times what the system call does; asked for in the main thread, a disk that is slow
 * would stop every session.
 */
import { Worker } from 'node:worker_threads';
import type { Clock } from '../lib/clock.ts';
import { KeptThread } from '../lib/kept-thread.ts';
import { type FactsAnswer, type FactsQuestion, factsProgram } from './facts-thread-program.ts';
import { type FactRows, PackedFacts, rowsFor } from './packed-facts.ts';

/** A thread that is kept while it is used. It is never needed: whoever is told nothing asks in the usual way. */
export class FactsThread {
  readonly #clock: Clock;
  readonly #kept: KeptThread<Running>;
  readonly #spare: FactRows[];
  #lastId = 0;

  /**
   * @param program what runs in the thread, a module or the text of a script; of use to tests.
   * @param spare rows that may be written over, shared with other threads.
   */
  constructor(clock: Clock, program: URL | string = factsProgram(), spare: FactRows[] = []) {
    this.#clock = clock;
    this.#spare = spare;
    this.#kept = new KeptThread({
      ...{ clock, idleMs: IDLE_MS, restMs: REST_MS },
      begin: () => started(program),
      lose(running) {
        giveUp(running);
        spare.length = 0;
      },
    });
  }

  /**
   * The facts of these names of a directory, in their order. Never fails: undefined while the thread is starting, when it
   * has ended or has not answered for a second, and for what it cannot tell.
   */
  async lookUp(directory: string, names: readonly string[]): Promise<PackedFacts | undefined> {
    const running = this.#kept.wanted();
    if (running === undefined || running.state !== 'ready') return undefined;
    this.#lastId += 1;
    const question = {
      id: this.#lastId,
      directory,
      names: names.join('/'),
      rows: rowsFor(names.length, this.#spare.pop()),
    };
    const rows = await ask(running, this.#clock, question);
    return rows && new PackedFacts(rows);
  }

  /**
   * Takes back what nobody will look at any more. New rows for each question would be 8 MiB for 100,000 names, which wait
   * for the garbage collector.
   */
  giveBack({ rows }: PackedFacts): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(rows);
  }

  /** Starts it, unless it runs, and waits until it does, has failed, or a moment is over. Never fails. */
  async start(): Promise<void> {
    const running = this.#kept.wanted();
    if (running?.state !== 'starting') return;
    const timer = this.#clock.after(START_WAIT_MS, running.started.resolve);
    // Or a program with nothing else to do would end in front of its listing.
    running.worker.ref();
    await running.started.promise;
    if (running.waiting.size === 0) running.worker.unref();
    timer.cancel();
  }

  /** It does one thing at a time. */
  readonly sideBySide = 1;

  /** Whether it runs, and so answers at once. */
  get ready(): boolean {
    return this.#kept.held?.state === 'ready';
  }

  /** Ends the thread, if there is one; the next look-up starts another. */
  close(): void {
    this.#kept.close();
  }
}

interface Running {
  readonly worker: Worker;
  /** `late`: it hangs, as on a disk that does not answer; until it does answer, nobody else waits for it. */
  state: 'starting' | 'ready' | 'late';
  /** Settles also when it has not started. */
  readonly started: PromiseWithResolvers<void>;
  readonly waiting: Map<number, (rows: FactRows | undefined) => void>;
}

function started(program: URL | string): Running {
  const asText = typeof program === 'string';
  const worker = new Worker(program, { name: 'facts', env: {}, eval: asText, resourceLimits: LIMITS });
  const running: Running = { worker, state: 'starting', started: Promise.withResolvers(), waiting: new Map() };
  worker.on('message', ({ id, rows }: FactsAnswer) => {
    // Also one that is late: it does answer.
    running.state = 'ready';
    running.started.resolve();
    running.waiting.get(id)?.(rows);
  });
  return running;
}

function giveUp(running: Running): void {
  running.started.resolve();
  for (const settle of running.waiting.values()) settle(undefined);
}

/** It keeps nothing from one question to the next. */
const LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 };

/** How long it stays without being asked, with the 2 MiB that it holds: programs that look for new files come every minute. */
const IDLE_MS = 70_000;

/** One that is read and three that wait or are written: what a listing has in hand with two threads. */
const SPARE_MAX = 4;

/** A question takes a few milliseconds. */
const LATE_MS = 1_000;

/** It starts in a tenth of that, unless the machine is very busy. */
const START_WAIT_MS = 250;

/** Behind the loss of a thread, until another one is tried. */
const REST_MS = 60_000;

function ask(running: Running, clock: Clock, question: FactsQuestion): Promise<FactRows | undefined> {
  const { worker, waiting } = running;
  return new Promise((resolve) => {
    const settle = (rows: FactRows | undefined) => {
      deadline.cancel();
      waiting.delete(question.id);
      if (waiting.size === 0) worker.unref();
      resolve(rows);
    };
    const deadline = clock.after(LATE_MS, () => {
      running.state = 'late';
      settle(undefined);
    });
    waiting.set(question.id, settle);
    // Or a program with nothing else to do would end in front of the answer.
    worker.ref();
    worker.postMessage(question, [question.rows.buffer]);
  });
}
