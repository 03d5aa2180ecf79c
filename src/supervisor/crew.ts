/**
 * The workers of a gateway: as many as there should be, whatever becomes of single ones. Connections go to the one that has the
 * fewest. A worker that ends by itself is replaced, at once the first time and ever later when that goes on; a new generation
 * takes the place of the old one only when all of it serves.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../spi/log.ts';
import type { Arrival } from './arrival.ts';
import type { WorkerEnd, WorkerProcess, WorkerTask } from './worker-process.ts';

/** A worker, as far as its crew needs it. */
export type CrewMember = Pick<
  WorkerProcess,
  | ('number' | 'pid' | 'sinceMs' | 'ended' | 'reachable' | 'connections' | 'handed' | 'untaken')
  | ('make' | 'start' | 'hand' | 'retire' | 'endSessions' | 'close' | 'kill')
>;

/** What a crew is made with. */
export interface CrewParts<Member extends CrewMember> {
  readonly clock: Clock;
  readonly log: Log;
  /** Starts a process; `folder` is a name that no other worker has had. */
  startProcess(place: { readonly number: number; readonly folder: string }): Member;
  /** Called between making a worker and its start: whatever it may ask then has to be answered. */
  attach(worker: Member): void;
  /** Called when one is gone, however it ended, before it is replaced. */
  gone(worker: Member, end: WorkerEnd): void;
  /** Called once when no worker can be had any more. */
  failed(error: Error): void;
}

/** A worker that has lived so long did not fail at its start: the next one comes at once again. */
const STEADY_MS = 60_000;
const FIRST_WAIT_MS = 100;
const WAIT_MAX_MS = 30_000;
/** Failures in a row, with no worker left, behind which nobody believes in the next one. */
const FAILURES_MAX = 8;
/** Connections that wait for a worker while there is none; more are dropped. */
const WAITING_MAX = 1_024;
/** How long sessions of a generation that is replaced go on as if nothing were. */
const RETIRE_MS = 30_000;
/** How long replaced workers may still be at a transfer beyond the longest life of a session. */
const RETIRE_EXTRA_MS = 60_000;
const RETIRED_TEXT = 'The server has been renewed; please connect again.';

/** See the head of this file. */
export class Crew<Member extends CrewMember> {
  readonly #parts: CrewParts<Member>;
  #task: WorkerTask;
  /** Those that connections are handed to, by their numbers. */
  readonly #serving = new Map<number, Member>();
  /** All that there are: also those that begin, and those that have been replaced and still have sessions. */
  readonly #all = new Set<Member>();
  readonly #waiting = new Set<Arrival>();
  readonly #timers = new Set<Timer>();
  #failures = 0;
  #closing = false;

  constructor(parts: CrewParts<Member>, task: WorkerTask) {
    this.#parts = parts;
    this.#task = task;
  }

  /** All that there are. */
  get all(): readonly Member[] {
    return [...this.#all];
  }

  /** Those that connections are handed to. */
  get serving(): readonly Member[] {
    return [...this.#serving.values()];
  }

  /** Starts `count` workers. @throws what keeps one of them from serving; none is left then. */
  async start(count: number): Promise<void> {
    this.#closing = false;
    this.#install(await this.#generation(this.#task, count));
  }

  /**
   * Starts `count` workers with another task, and has them take the place of all that there are: those end with their last
   * session, idle ones of them after a while with 421. @throws what keeps one of the new ones from serving; then everything
   * is as it was.
   */
  async renew(task: WorkerTask, count: number): Promise<void> {
    const generation = await this.#generation(task, count);
    const old = this.serving;
    this.#task = task;
    this.#install(generation);
    for (const worker of old) this.#retire(worker, task.options.limits.sessionTimeMaxMs);
  }

  /** Hands a connection to the worker with the fewest; while there is none it waits. */
  hand(arrival: Arrival): void {
    const [first, ...others] = this.serving.filter(({ reachable }) => reachable);
    if (first === undefined) {
      this.#wait(arrival);
      return;
    }
    const chosen = others.reduce((best, worker) => (hasFewer(worker, best) ? worker : best), first);
    chosen.hand(arrival);
  }

  /** Ends all of them as `Gateway.close` does. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const { socket } of this.#waiting) socket.destroy();
    this.#waiting.clear();
    await Promise.all(this.all.map((worker) => worker.close(graceMs)));
    this.#serving.clear();
  }

  #wait(arrival: Arrival): void {
    const { socket } = arrival;
    if (this.#closing || this.#waiting.size >= WAITING_MAX) {
      socket.destroy();
      return;
    }
    this.#waiting.add(arrival);
  }

  /** As many as asked for that all serve, or none. */
  async #generation(task: WorkerTask, count: number): Promise<readonly Member[]> {
    const numbers = Array.from({ length: count }, (_, index) => index + 1);
    const begun = await Promise.allSettled(numbers.map((number) => this.#begin(number, task)));
    const workers = begun.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const [failure] = begun.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    if (failure === undefined && !this.#closing) return workers;
    await Promise.all(workers.map((worker) => worker.close(0)));
    throw failure ?? new Error('the gateway is closing');
  }

  /** One that serves. @throws Error with what keeps it from that; the process is gone then. */
  async #begin(number: number, task: WorkerTask): Promise<Member> {
    const { log, startProcess, attach, gone } = this.#parts;
    const worker = startProcess({ number, folder: `worker-${randomBytes(8).toString('hex')}` });
    this.#all.add(worker);
    void worker.ended.then((end) => {
      this.#all.delete(worker);
      if (!end.expected) log.error('worker.lost', { worker: number, pid: worker.pid, ...end });
      gone(worker, end);
      for (const arrival of worker.untaken) this.#handAgain(arrival);
      this.#replace(worker);
    });
    try {
      await worker.make(task);
      attach(worker);
      await worker.start();
      return worker;
    } catch (error) {
      // Its own words say more than that it is gone.
      const crashed = !worker.reachable;
      worker.kill();
      const { exitCode, signal } = await worker.ended;
      if (!crashed || !(error instanceof Error)) throw error;
      throw new Error(`worker ${number} could not start: ${error.message} (${signal ?? `exit code ${exitCode}`})`, {
        cause: error,
      });
    }
  }

  #install(workers: readonly Member[]): void {
    this.#serving.clear();
    for (const worker of workers) this.#takeIn(worker);
    this.#handWaiting();
  }

  /** From now on it is handed connections; one that has ended since it could have been is replaced. */
  #takeIn(worker: Member): void {
    if (this.#all.has(worker)) this.#serving.set(worker.number, worker);
    else this.#beginLater(worker.number);
  }

  #handWaiting(): void {
    const arrivals = [...this.#waiting];
    this.#waiting.clear();
    for (const arrival of arrivals) this.#handAgain(arrival);
  }

  #handAgain(arrival: Arrival): void {
    if (!arrival.socket.destroyed) this.hand(arrival);
  }

  /** Behind the end of a worker that served. */
  #replace(worker: Member): void {
    const { number } = worker;
    if (this.#serving.get(number) !== worker) return;
    this.#serving.delete(number);
    if (this.#closing) return;
    const { clock } = this.#parts;
    if (clock.now() - worker.sinceMs > STEADY_MS) this.#failures = 0;
    this.#beginLater(number);
  }

  #beginLater(number: number): void {
    const { clock, log, failed } = this.#parts;
    this.#failures += 1;
    if (this.#failures > FAILURES_MAX && this.#serving.size === 0) {
      failed(new Error(`no worker can be kept running: ${this.#failures} have ended in a row; the log says how`));
      return;
    }
    const waitMs = this.#failures === 1 ? 0 : Math.min(FIRST_WAIT_MS * 2 ** this.#failures, WAIT_MAX_MS);
    const timer = clock.after(waitMs, () => {
      this.#timers.delete(timer);
      const task = this.#task;
      void this.#begin(number, task).then(
        (worker) => this.#join(worker, task),
        (error: unknown) => {
          if (this.#closing) return;
          log.error('worker.not_started', { worker: number, error });
          if (this.#task === task) this.#beginLater(number);
        },
      );
    });
    this.#timers.add(timer);
  }

  /** Takes one in that replaces another, unless a new generation has come meanwhile. */
  #join(worker: Member, task: WorkerTask): void {
    if (this.#closing || this.#task !== task || this.#serving.has(worker.number)) {
      void worker.close(0);
      return;
    }
    this.#parts.log.info('worker.replaced', { worker: worker.number, pid: worker.pid });
    this.#takeIn(worker);
    this.#handWaiting();
  }

  #retire(worker: Member, sessionTimeMaxMs: number): void {
    const { clock } = this.#parts;
    worker.retire();
    const timers = [
      clock.after(RETIRE_MS, () => worker.endSessions(RETIRED_TEXT)),
      clock.after(sessionTimeMaxMs + RETIRE_EXTRA_MS, () => worker.kill()),
    ];
    void worker.ended.then(() => {
      for (const timer of timers) timer.cancel();
    });
  }
}

/** Whoever has as many as another was handed fewer before: so idle ones take turns. */
function hasFewer(one: CrewMember, other: CrewMember): boolean {
  return one.connections === other.connections ? one.handed < other.handed : one.connections < other.connections;
}
