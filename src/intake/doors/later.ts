/** What is left to do with uploads when nobody waits for it: a few at once, tried again ever more rarely until it is done. */
import type { Clock, Timer } from '../../lib/clock.ts';
import { Queue } from '../../lib/queue.ts';
import type { Log } from '../../spi/log.ts';

/** What a piece of work came to: it is done, or is to be tried again. */
export type Attempt = 'done' | 'again';

/** Uploads that are worked on at once: each may have a scanner read a large file. */
const AT_ONCE = 4;
const FIRST_WAIT_MS = 1_000;
const WAIT_MAX_MS = 300_000;

interface Job {
  readonly id: string;
  readonly work: (signal: AbortSignal) => Promise<Attempt>;
  attempts: number;
  /** While it waits to be tried again. */
  timer?: Timer | undefined;
}

/** The work that waits. An upload has one piece of it at a time. */
export class Later {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #ready = new Queue<Job>();
  readonly #jobs = new Map<string, Job>();
  readonly #timers = new Set<Timer>();
  readonly #running = new Set<Promise<void>>();
  #stopped = new AbortController();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Aborts when work ends because the gateway does. */
  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  /** Has it done soon; a throw means `again`. What is there already for this upload is done in its place. */
  add(id: string, work: Job['work'], when: 'soon' | 'after a while' = 'soon'): void {
    if (this.#stopped.signal.aborted) return;
    const job: Job = { id, work, attempts: 0 };
    this.#jobs.set(id, job);
    if (when === 'soon') this.#enqueue(job);
    else this.#wait(job);
  }

  /** Does now what waits to be tried again. */
  hurry(id: string): void {
    const job = this.#jobs.get(id);
    if (job?.timer === undefined) return;
    job.timer.cancel();
    this.#timers.delete(job.timer);
    this.#tryAgain(job);
  }

  /** Begins nothing any more, aborts what runs and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error('the gateway is closing'));
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#ready.clear();
    this.#jobs.clear();
    await Promise.all(this.#running);
  }

  /** Takes work again behind `stop`. */
  resume(): void {
    if (this.#stopped.signal.aborted) this.#stopped = new AbortController();
  }

  #enqueue(job: Job): void {
    this.#ready.push(job);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < AT_ONCE) {
      const job = this.#ready.shift();
      if (job === undefined) return;
      if (this.#jobs.get(job.id) !== job) continue;
      const run = this.#run(job).finally(() => {
        this.#running.delete(run);
        this.#next();
      });
      this.#running.add(run);
    }
  }

  async #run(job: Job): Promise<void> {
    const { signal } = this;
    const attempt = await job.work(signal).catch((error: unknown) => {
      this.#log.error('intake.work_failed', { upload: job.id, error });
      return 'again' as const;
    });
    // It may have left other work for this upload in its own place.
    if (this.#jobs.get(job.id) !== job || signal.aborted) return;
    if (attempt === 'done') this.#jobs.delete(job.id);
    else this.#wait(job);
  }

  #tryAgain(job: Job): void {
    job.timer = undefined;
    this.#enqueue(job);
  }

  #wait(job: Job): void {
    const timer = this.#clock.after(Math.min(FIRST_WAIT_MS * 2 ** job.attempts, WAIT_MAX_MS), () => {
      this.#timers.delete(timer);
      this.#tryAgain(job);
    });
    job.timer = timer;
    job.attempts += 1;
    this.#timers.add(timer);
  }
}
