/**
 * The workers of a gateway: one for each user whose files are being used, shared by all of that user's sessions. It is
 * counted by what is asked and what is open, not by sessions: one that only sits there holds no process.
 */
import type { Clock, Timer } from '../../lib/clock.ts';
import { Fault } from '../../spi/fault.ts';
import type { Log } from '../../spi/log.ts';
import type { WorkerConnection } from './connection.ts';
import type { UnixUser } from './rights.ts';
import { startWorker, type Worker, type WorkerStarter } from './worker-process.ts';

/** What workers are bounded by, and made with. */
export interface WorkersParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Workers at a time. */
  readonly workersMax: number;
  /** How long a worker stays when nothing is asked of it. */
  readonly idleMs: number;
  /** See `ConnectionParts`; 10 s by default. */
  readonly pingMs?: number;
  readonly start?: WorkerStarter;
}

/** The use of a worker, until it is released. */
export interface Lease {
  readonly connection: WorkerConnection;
  /** Lets go of the worker; more than once is as good as once. */
  release(): void;
}

/** See the head of this file. */
export class Workers {
  readonly #parts: WorkersParts;
  readonly #places = new Map<string, Place>();
  /** Processes that were told to end and may still be there. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(parts: WorkersParts) {
    this.#parts = parts;
  }

  /** Process ids of the workers that run. */
  get pids(): readonly number[] {
    return [...this.#places.values()].flatMap(({ worker }) => worker?.pid ?? []);
  }

  /**
   * The worker of this user, started if there is none.
   *
   * @throws Fault `FileBusy` when too many are in use, `Local` when it does not start.
   */
  async lease(user: UnixUser): Promise<Lease> {
    const key = `${user.uid} ${user.gid} ${user.user}`;
    const known = this.#places.get(key);
    // Given up, and its process not gone yet.
    if (known?.worker?.connection.ended) this.#end(key, known);
    const place = this.#places.get(key) ?? this.#newPlace(key, user);
    place.uses += 1;
    place.idle?.cancel();
    // The least recently used come first.
    this.#places.delete(key);
    this.#places.set(key, place);
    try {
      const { connection } = await place.starting;
      return { connection, release: once(() => this.#release(key, place)) };
    } catch (cause) {
      this.#release(key, place);
      throw new Fault('Local', { cause });
    }
  }

  /** Ends all of them. Resolves when no process is left. */
  async close(): Promise<void> {
    for (const [key, place] of this.#places) this.#end(key, place);
    await Promise.all(this.#leaving);
  }

  #newPlace(key: string, user: UnixUser): Place {
    this.#makeRoom();
    const { start = startWorker, clock, log, pingMs = PING_MS } = this.#parts;
    const place: Place = { starting: start(user, { clock, log, pingMs }), uses: 0, idle: undefined, worker: undefined };
    const forget = () => {
      if (this.#places.get(key) === place) this.#places.delete(key);
    };
    // A worker that is gone, or never came, leaves its place to the next one at once.
    place.starting
      .then((worker) => {
        place.worker = worker;
        return worker.gone;
      })
      .catch((error: unknown) => log.error('files.worker_failed', { user: user.user, error }))
      .finally(forget);
    this.#places.set(key, place);
    return place;
  }

  #makeRoom(): void {
    if (this.#places.size < this.#parts.workersMax) return;
    const unused = [...this.#places].find(([, { uses }]) => uses === 0);
    if (unused === undefined) {
      throw new Fault('FileBusy', { text: 'The server works for too many users at the moment; try again later.' });
    }
    this.#end(...unused);
  }

  #release(key: string, place: Place): void {
    place.uses -= 1;
    if (place.uses > 0 || this.#places.get(key) !== place) return;
    place.idle = this.#parts.clock.after(this.#parts.idleMs, () => this.#end(key, place));
  }

  #end(key: string, place: Place): void {
    place.idle?.cancel();
    this.#places.delete(key);
    const left: Promise<void> = place.starting
      .then(
        (worker) => worker.end(),
        // It never came, and was said to when it failed.
        () => undefined,
      )
      .finally(() => this.#leaving.delete(left));
    this.#leaving.add(left);
  }
}

/** Well above what a busy disk delays an answer to a ping, which touches none. */
const PING_MS = 10_000;

interface Place {
  readonly starting: Promise<Worker>;
  worker: Worker | undefined;
  /** Leases that were not released yet. */
  uses: number;
  idle: Timer | undefined;
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
