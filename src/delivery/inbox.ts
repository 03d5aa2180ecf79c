/** The files of one inbox on their way to one receiver: strictly one behind the other. */
import type { Clock, Timer } from '../lib/clock.ts';
import type { DeadLetter } from './dead-letters.ts';
import type { Published } from './published.ts';

/** What is known of the file. */
type PendingFile = Pick<Published, 'index' | 'upload' | 'account' | 'path' | 'inbox' | 'bytes' | 'sha256' | 'timeMs'>;

/** A file that is yet to be handed on. */
export interface Pending extends PendingFile {
  /** Failed attempts, the first of them, why the last one failed, and when the next one may be. */
  attempts: number;
  sinceMs: number | undefined;
  reason: string | undefined;
  notBeforeMs: number;
  /** Set when an operator has it tried again. */
  readonly letter: DeadLetter | undefined;
  /** Set when it need not be handed on any more. */
  over: boolean;
}

/** A file that was not tried yet. */
export function pendingOf(file: PendingFile, letter: DeadLetter | undefined): Pending {
  const { index, upload, account, path, inbox, bytes, sha256, timeMs } = file;
  return {
    ...{ index, upload, account, path, inbox, bytes, sha256, timeMs, letter },
    ...{ attempts: 0, sinceMs: undefined, reason: undefined, notBeforeMs: 0, over: false },
  };
}

/** The line of one inbox. */
export class Inbox {
  readonly key: string;
  readonly #clock: Clock;
  readonly #waiting: Pending[] = [];
  #head = 0;
  #busy = false;
  #wake: (() => void) | undefined;

  constructor(key: string, clock: Clock) {
    this.key = key;
    this.#clock = clock;
  }

  /** The file whose turn it is; what is over has none. */
  get first(): Pending | undefined {
    while (this.#waiting[this.#head]?.over === true) this.#head += 1;
    if (this.#head > 0 && this.#head * 2 >= this.#waiting.length) {
      this.#waiting.splice(0, this.#head);
      this.#head = 0;
    }
    return this.#waiting[this.#head];
  }

  add(pending: Pending): void {
    this.#waiting.push(pending);
  }

  /** Puts one in front of all others that are not being handed on at this moment. */
  addInFront(pending: Pending): void {
    void this.first;
    this.#waiting.splice(this.#head + (this.#busy ? 1 : 0), 0, pending);
    this.wake();
  }

  /** Ends a pause. */
  wake(): void {
    this.#wake?.();
  }

  /** Does something with the first one, which keeps its place meanwhile. */
  async withFirst(act: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await act();
    } finally {
      this.#busy = false;
    }
  }

  /** Waits, unless somebody wakes it before. */
  async pause(delayMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const over = Promise.withResolvers<void>();
    const wake = () => over.resolve();
    const timer: Timer = this.#clock.after(delayMs, wake);
    this.#wake = wake;
    signal.addEventListener('abort', wake, { once: true });
    try {
      await over.promise;
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
    }
  }
}
