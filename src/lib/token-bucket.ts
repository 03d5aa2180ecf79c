/** A token bucket: so many of something a second, handed out in the order in which it was asked for. */
import type { Clock, Timer } from './clock.ts';

/** How much of a second's worth may gather while nobody asks: enough to make up for a late timer, and no more. */
const BURST_SECONDS = 0.25;

/** One who waits. */
interface Waiter {
  readonly count: number;
  readonly pass: () => void;
}

/**
 * Lets `rate` tokens a second pass; `undefined` lets everything pass at once. Those who wait are served in their order,
 * so that many who ask for little at a time share it evenly and nobody starves. Nothing is polled: one timer waits for
 * the first in the queue.
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();
  #rate: number | undefined;
  #tokens: number;
  #filledMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock, rate?: number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = capacityOf(rate);
    this.#filledMs = clock.monotonicMs();
  }

  /** Tokens a second; undefined is no limit. */
  get rate(): number | undefined {
    return this.#rate;
  }

  /** How many wait for their turn. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Changes the rate; who waits already is served at the new one. Where there was no limit, nothing has gathered. */
  setRate(rate: number | undefined): void {
    if (rate === this.#rate) return;
    this.#fill();
    this.#rate = rate;
    this.#tokens = Math.min(this.#tokens, capacityOf(rate));
    this.#serve();
  }

  /** Milliseconds until it is as good as new, if nobody asks for anything. */
  get fullInMs(): number {
    this.#fill();
    return this.#rate === undefined ? 0 : Math.ceil(((capacityOf(this.#rate) - this.#tokens) / this.#rate) * 1_000);
  }

  /**
   * Takes `count` tokens, when all who asked before have got theirs. More than a burst may be asked for: it is handed out
   * at once when a burst is there, and those behind wait the longer for it.
   *
   * @throws the signal's reason when it aborts before.
   */
  async take(count: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#rate === undefined) return;
    if (this.#waiting.size === 0 && this.#passes(count)) return;
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(waiter);
        this.#serve();
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        count,
        pass: () => {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting.add(waiter);
      this.#serve();
    });
  }

  /** Takes the tokens if there are as many, or a whole burst; beyond that the bucket is in debt. */
  #passes(count: number): boolean {
    if (this.#rate === undefined) return true;
    this.#fill();
    if (this.#tokens < this.#needed(count)) return false;
    this.#tokens -= count;
    return true;
  }

  #needed(count: number): number {
    // Sums of fractions miss by a hair what they should come to; a millionth of a token is no reason to wait.
    return Math.min(count, capacityOf(this.#rate)) - 1e-6;
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#rate !== undefined) {
      const gathered = this.#tokens + ((nowMs - this.#filledMs) / 1_000) * this.#rate;
      this.#tokens = Math.min(gathered, capacityOf(this.#rate));
    }
    this.#filledMs = nowMs;
  }

  /** Serves those whose turn has come, and sets the timer for the next. */
  #serve(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const waiter of this.#waiting) {
      if (!this.#passes(waiter.count)) {
        const missing = this.#needed(waiter.count) - this.#tokens;
        const waitMs = Math.max(1, Math.ceil((missing / (this.#rate ?? 1)) * 1_000));
        this.#timer = this.#clock.after(waitMs, () => this.#serve());
        return;
      }
      this.#waiting.delete(waiter);
      waiter.pass();
    }
  }
}

function capacityOf(rate: number | undefined): number {
  return rate === undefined ? 0 : rate * BURST_SECONDS;
}
