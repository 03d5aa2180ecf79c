/**
 * The queue in front of the hash function. A hash takes some 30 ms of a processor and 19 MiB or more: without a queue a flood of logins
 * would take all processors and all memory.
 */
import { FairQueue } from '../lib/fair-queue.ts';
import { Fault } from '../spi/fault.ts';

/** How a queue is bounded. */
export interface PasswordQueueOptions {
  /** How many may wait: the limit `passwordQueueMax`. */
  readonly waitingMax: number;
  /** How many may run at once; two by default. */
  readonly runningMax?: number;
}

/**
 * Runs a few hashes at once, with a bound on those that wait. Sources take turns: whoever asks for one waits for at most one of each
 * other source, however many those have asked for. When no more may wait, the source that has most of them waiting gives up its
 * youngest for a source that has fewer, so that a flood fills the queue for nobody but itself.
 */
export class PasswordQueue {
  readonly #waitingMax: number;
  readonly #runningMax: number;
  readonly #waiting = new FairQueue<Waiter>();
  #running = 0;

  constructor({ waitingMax, runningMax = 2 }: PasswordQueueOptions) {
    this.#waitingMax = waitingMax;
    this.#runningMax = runningMax;
  }

  /** How many hashes wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * Runs `hash` when its turn comes. A hash that runs cannot be stopped: it keeps its place until it is done.
   *
   * @param source whom it is for, as far as fairness goes: the network of the client's address.
   * @throws Fault `Busy` when too many wait already, or come to wait while this one does; the signal's reason when it aborts before
   *   the turn comes; whatever `hash` throws.
   */
  async run<T>(hash: () => Promise<T>, signal?: AbortSignal, source = ''): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.#runningMax) this.#running++;
    else await this.#turn(source, signal);
    try {
      return await hash();
    } finally {
      this.#passOn();
    }
  }

  /** Waits until a hash that ends hands its place over. */
  #turn(source: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax) this.#makeRoomFor(source);
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(source, waiter);
        reject(signal?.reason);
      };
      const end = (refusal?: Fault) => {
        signal?.removeEventListener('abort', leave);
        if (refusal === undefined) resolve();
        else reject(refusal);
      };
      const waiter: Waiter = { end };
      this.#waiting.push(source, waiter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** @throws Fault `Busy` when no source has more of them waiting than this one would have. */
  #makeRoomFor(source: string): void {
    const youngest = this.#waiting.popOfMost(this.#waiting.countOf(source) + 1);
    if (youngest === undefined) throw new Fault('Busy');
    youngest.end(new Fault('Busy'));
  }

  /** Hands the place over directly, so that nobody who comes later can slip in between. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running--;
    else next.end();
  }
}

/** One that waits. */
interface Waiter {
  /** Its turn has come, or never will. */
  end(refusal?: Fault): void;
}
