/**
 * How long a session may take to log in, be silent, and live: three deadlines and one timer. It is set anew only when it has
 * run out, so that a command costs no timer, and thousands of idle sessions cost nothing until one of them is to end.
 */
import type { Clock, Timer } from '../lib/clock.ts';
import type { Limits } from '../protocol/limits.ts';

/** What has passed: the time to log in, to be silent, or to live at all. */
export type Deadline = 'login' | 'idle' | 'life';

/** The deadlines of one session, which begins when they are made. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #idleTimeoutMs: number;
  readonly #passed: (deadline: Deadline) => void;
  readonly #lifeEndsMs: number;
  /** Infinite once it has passed. */
  #loginEndsMs: number;
  #idleSinceMs: number | undefined;
  #timer: Timer | undefined;
  #timerEndsMs = Number.POSITIVE_INFINITY;

  /** `passed` is called once for each deadline; for `login` also when somebody is logged in. */
  constructor(
    clock: Clock,
    limits: Pick<Limits, 'loginTimeoutMs' | 'idleTimeoutMs' | 'sessionTimeMaxMs'>,
    passed: (deadline: Deadline) => void,
  ) {
    const nowMs = clock.monotonicMs();
    this.#clock = clock;
    this.#idleTimeoutMs = limits.idleTimeoutMs;
    this.#passed = passed;
    this.#loginEndsMs = nowMs + limits.loginTimeoutMs;
    this.#lifeEndsMs = nowMs + limits.sessionTimeMaxMs;
    this.#setTimer(nowMs);
  }

  /** Nothing is done any more: from now on silence counts. */
  rest(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#idleSinceMs = nowMs;
    if (nowMs + this.#idleTimeoutMs < this.#timerEndsMs) this.#setTimer(nowMs);
  }

  /** Something is done: silence does not count. */
  work(): void {
    this.#idleSinceMs = undefined;
  }

  /** From now on none of them passes. */
  end(): void {
    this.#timer?.cancel();
  }

  #setTimer(nowMs: number): void {
    this.#timer?.cancel();
    this.#timerEndsMs = Math.min(this.#loginEndsMs, this.#idleEndsMs, this.#lifeEndsMs);
    // Timers count whole milliseconds, and may be early by part of one.
    this.#timer = this.#clock.after(Math.ceil(this.#timerEndsMs - nowMs), () => this.#look());
  }

  get #idleEndsMs(): number {
    return this.#idleSinceMs === undefined ? Number.POSITIVE_INFINITY : this.#idleSinceMs + this.#idleTimeoutMs;
  }

  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    const late = nowMs >= this.#loginEndsMs;
    if (late) this.#loginEndsMs = Number.POSITIVE_INFINITY;
    if (nowMs >= this.#lifeEndsMs) {
      this.#passed('life');
    } else if (nowMs >= this.#idleEndsMs) {
      this.#passed('idle');
    } else {
      this.#setTimer(nowMs);
      if (late) this.#passed('login');
    }
  }
}
