/**
 * How long what runs is waited for: without a bound while somebody may read its reply, and a little longer when nobody
 * can any more. A module's handler, an authenticator or a storage that hangs must not keep a session for ever.
 */
import type { Clock, Timer } from '../lib/clock.ts';

/** What has been told to end has that long to tidy up and to be recorded. */
const GRACE_MS = 2_000;

/** The patience of one session. */
export class Patience {
  readonly #clock: Clock;
  /** For each thing that is waited for, what begins its last moments. */
  readonly #waits = new Set<() => void>();
  #isRunningOut = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on everything, also what is still to come, is waited for a bounded time only. Safe to repeat. */
  runOut(): void {
    this.#isRunningOut = true;
    for (const begin of this.#waits) begin();
  }

  /**
   * What `running` comes to; undefined when it is no longer waited for, and what it comes to then is dropped.
   *
   * @throws what `running` is rejected with.
   */
  with<T>(running: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const begin = () => {
        timer ??= this.#clock.after(GRACE_MS, () => {
          this.#waits.delete(begin);
          resolve(undefined);
        });
      };
      const end = () => {
        timer?.cancel();
        this.#waits.delete(begin);
      };
      this.#waits.add(begin);
      running.then(resolve, reject).finally(end);
      if (this.#isRunningOut) begin();
    });
  }
}
