/** Waiting until anything happens on a connection, or nothing has for too long. */
import type { Clock, Timer } from '../lib/clock.ts';

/** See above. One waits at a time. */
export class Movement {
  readonly #clock: Clock;
  readonly #stallTimeoutMs: number;
  #wake: () => void = () => undefined;
  #timer: Timer | undefined;
  #timerMs = Number.POSITIVE_INFINITY;
  /** When whoever waits has waited for too long: infinite while nobody does, `PASSED` when that has come. */
  #lateMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, stallTimeoutMs: number) {
    this.#clock = clock;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /** Something has happened. */
  readonly happened = (): void => this.#wake();

  /** Waits for it. @returns false when nothing has happened in time. */
  async wait(limitMs = this.#stallTimeoutMs): Promise<boolean> {
    const lateMs = this.#clock.monotonicMs() + limitMs;
    this.#lateMs = lateMs;
    if (this.#timer === undefined || lateMs < this.#timerMs) this.#setTimer(lateMs);
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    const late = this.#lateMs === PASSED;
    this.#lateMs = Number.POSITIVE_INFINITY;
    return !late;
  }

  /** Nobody need be told any more that nothing happens. */
  forget(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** One timer for many waits, set anew only when it runs out: most waits are over long before. */
  #setTimer(atMs: number): void {
    this.#timer?.cancel();
    this.#timerMs = atMs;
    this.#timer = this.#clock.after(Math.ceil(atMs - this.#clock.monotonicMs()), () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#lateMs === Number.POSITIVE_INFINITY) return;
    if (this.#clock.monotonicMs() < this.#lateMs) {
      this.#setTimer(this.#lateMs);
    } else {
      this.#lateMs = PASSED;
      this.#wake();
    }
  }
}

const PASSED = Number.NEGATIVE_INFINITY;
