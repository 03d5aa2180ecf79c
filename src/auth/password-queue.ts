/**
 * The queue in front of the hash function. argon2 runs on the thread pool that file I/O uses (4 threads by default):
 * without a queue a flood of logins would stall every transfer.
 */
import { Fault } from '../spi/fault.ts';

/** Runs at most two hashes at once, in the order in which they were asked for, with a bound on those that wait. */
export class PasswordQueue {
  readonly #waitingMax: number;
  readonly #runningMax: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** @param options `waitingMax` is the limit `passwordQueueMax`; `runningMax` leaves pool threads to file I/O. */
  constructor(options: { readonly waitingMax: number; readonly runningMax?: number }) {
    this.#waitingMax = options.waitingMax;
    this.#runningMax = options.runningMax ?? 2;
  }

  /** How many hashes wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * Runs `hash` when its turn comes. A hash that runs cannot be stopped: it keeps its place until it is done.
   *
   * @throws Fault `Busy` when too many wait already; the signal's reason when it aborts before the turn comes; whatever
   *   `hash` throws.
   */
  async run<T>(hash: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.#runningMax) this.#running++;
    else await this.#turn(signal);
    try {
      return await hash();
    } finally {
      this.#passOn();
    }
  }

  /** Waits until a hash that ends hands its place over. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax) throw new Fault('Busy');
    return new Promise((resolve, reject) => {
      const start = () => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = () => {
        this.#waiting.delete(start);
        reject(signal?.reason);
      };
      this.#waiting.add(start);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }

  /** Hands the place to the one that waits longest, so that nobody who comes later can slip in between. */
  #passOn(): void {
    for (const start of this.#waiting) {
      this.#waiting.delete(start);
      start();
      return;
    }
    this.#running--;
  }
}
