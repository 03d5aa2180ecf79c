/** Waiting until anything happens on a connection, or nothing has for too long. */
import type { Clock, Timer } from '../lib/clock.ts';

/** See above. One waits at a time. */
export class Movement {
  readonly #clock: Clock;
  readonly #stallTimeoutMs: number;
  #wake: () => void = () => undefined;
  #timer: Timer | undefined;

  constructor(clock: Clock, stallTimeoutMs: number) {
    this.#clock = clock;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  /** Something has happened. */
  readonly happened = (): void => this.#wake();

  /** Waits for it. @returns false when nothing has happened in time. */
  async wait(limitMs = this.#stallTimeoutMs): Promise<boolean> {
    let late = false;
    this.#timer = this.#clock.after(limitMs, () => {
      late = true;
      this.#wake();
    });
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#timer.cancel();
    return !late;
  }

  /** Nobody need be told any more that nothing happens. */
  forget(): void {
    this.#timer?.cancel();
  }
}
