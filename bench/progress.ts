/** How far a run has come and how long the rest will take, for whoever waits for it. */

/** Counts turns: one repetition of one contestant. */
export class Progress {
  readonly #now: () => number;
  readonly #beganMs: number;
  /** Turns that are planned, measure by measure. */
  readonly #planned: readonly number[];
  #heat = -1;
  #heatBeganMs = 0;
  #inHeat = 0;
  #before = 0;

  constructor(planned: readonly number[], now: () => number = () => performance.now()) {
    this.#planned = planned;
    this.#now = now;
    this.#beganMs = now();
  }

  /** The next measure begins. */
  nextHeat(): void {
    this.#before += this.#inHeat;
    this.#inHeat = 0;
    this.#heat++;
    this.#heatBeganMs = this.#now();
  }

  /** A turn is over, or will not come. What does not count was not planned either; it shows in how long the others take. */
  turnDone(counts: boolean): void {
    if (counts) this.#inHeat++;
  }

  /** "3 of 22, 4 min so far, about 20 min left"; the last part once there is something to judge by. */
  toString(): string {
    const passed = this.#now() - this.#beganMs;
    const left = this.#leftMs();
    const words = [`${this.#heat + 1} of ${this.#planned.length}`, `${minutes(passed)} so far`];
    return [...words, ...(left === undefined ? [] : [`about ${minutes(left)} left`])].join(', ');
  }

  #leftMs(): number | undefined {
    const done = this.#before + this.#inHeat;
    if (done === 0) return undefined;
    const usual = (this.#now() - this.#beganMs) / done;
    // What goes on now says more of itself than all before.
    const here = this.#inHeat === 0 ? usual : (this.#now() - this.#heatBeganMs) / this.#inHeat;
    const coming = this.#planned.slice(this.#heat + 1).reduce((sum, turns) => sum + turns, 0);
    return here * Math.max((this.#planned[this.#heat] ?? 0) - this.#inHeat, 0) + usual * coming;
  }
}

function minutes(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
