/** Time as a dependency, so that a test can hold it still: the only place that reads the machine's clock. */

/** A source of time and timers. */
export interface Clock {
  /** Wall time in milliseconds since 1970 (UTC). It may jump; use it for dates, not for durations. */
  now(): number;
  /** Milliseconds that only ever grow; for durations. */
  monotonicMs(): number;
  /** Calls `act` once after `delayMs`, unless cancelled first. Pending timers do not keep the process alive. */
  after(delayMs: number, act: () => void): Timer;
}

/** A pending call of `Clock.after`. */
export interface Timer {
  /** Forgets the call; safe to repeat, and after it has happened. */
  cancel(): void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A clock that moves only when a test says so. */
export class FakeClock implements Clock {
  #nowMs: number;
  readonly #pending = new Set<{ dueMs: number; act: () => void }>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): Timer {
    const entry = { dueMs: this.#nowMs + delayMs, act };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Moves time forward and makes every call that falls due, in the order of their times. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      const due = [...this.#pending].filter((e) => e.dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#pending.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.dueMs);
      due.act();
    }
    this.#nowMs = endMs;
  }
}
