/** When a measure went on, and what the threads of the server used meanwhile. */
import type { Running } from '../contestant.ts';
import type { Span } from './cpu-profile.ts';
import { addedSeconds, threadSeconds } from './threads.ts';

/** One repetition. */
export interface Look extends Span {
  /** CPU seconds by name of thread. */
  readonly threads: ReadonlyMap<string, number>;
}

/** Looks at the server when the load begins and when it is done. */
export class Watched {
  readonly looks: Look[] = [];
  #from = 0;
  #before: ReadonlyMap<string, number> = new Map();

  look(moment: 'begins' | 'done', { pid }: Running): void {
    const micros = Number(process.hrtime.bigint() / 1_000n);
    const threads = threadSeconds(pid);
    if (moment === 'done')
      this.looks.push({ from: this.#from, to: micros, threads: addedSeconds(this.#before, threads) });
    [this.#from, this.#before] = [micros, threads];
  }
}
