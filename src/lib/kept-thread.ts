/** A worker thread that is begun when it is wanted, kept while it is used, and missed by nobody when it goes. */
import type { Clock, Timer } from './clock.ts';

/** What a `Worker` is to who keeps it. */
export interface Kept {
  readonly worker: {
    on(event: 'error' | 'exit', listener: () => void): unknown;
    unref(): void;
    terminate(): Promise<unknown>;
  };
}

/** What a kept thread is made of; `Held` is the worker with what its user notes about it. */
export interface KeptThreadParts<Held extends Kept> {
  readonly clock: Clock;
  /** How long it stays without being used, in milliseconds. */
  readonly idleMs: number;
  /** Behind a loss, how long no other is begun. */
  readonly restMs: number;
  /** Begins one, listeners for its messages included. */
  begin(): Held;
  /** It has ended, or is about to: whoever waits for it must be told, who may want another one at once. */
  lose(held: Held): void;
  /** Whether somebody needs it who does not use it at the moment. Nobody, without it. */
  isNeeded?(held: Held): boolean;
}

/** See above. It keeps no process alive: who waits for it calls `ref` meanwhile. */
export class KeptThread<Held extends Kept> {
  readonly #parts: KeptThreadParts<Held>;
  #held: Held | undefined;
  #idle: Timer | undefined;
  #usedMs = Number.NEGATIVE_INFINITY;
  #beginAgainMs = Number.NEGATIVE_INFINITY;

  constructor(parts: KeptThreadParts<Held>) {
    this.#parts = parts;
  }

  /** The one there is, be it only starting. */
  get held(): Held | undefined {
    return this.#held;
  }

  /** The one there is, or a new one, which stays for a while from now on. Undefined when one was lost lately. */
  wanted(): Held | undefined {
    const { clock } = this.#parts;
    this.used();
    if (this.#held === undefined && clock.monotonicMs() >= this.#beginAgainMs) this.#begin();
    return this.#held;
  }

  /** It is used: if there is one, it stays for a while from now on. */
  used(): void {
    this.#usedMs = this.#parts.clock.monotonicMs();
  }

  /** Ends it, if there is one. What it does at the moment may be done or not. */
  close(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#forget(held);
    // One that hangs in a system call ends when that does.
    void held.worker.terminate();
  }

  #begin(): void {
    const { clock, restMs, begin } = this.#parts;
    const held = begin();
    const lost = () => {
      if (this.#held !== held) return;
      this.#beginAgainMs = clock.monotonicMs() + restMs;
      this.#forget(held);
    };
    held.worker.on('error', lost);
    held.worker.on('exit', lost);
    // Behind all listeners, each of which would count as somebody who waits for it.
    held.worker.unref();
    this.#held = held;
    this.#watch(held);
  }

  #watch(held: Held): void {
    const { clock, idleMs, isNeeded } = this.#parts;
    const unusedMs = clock.monotonicMs() - this.#usedMs;
    this.#idle = clock.after(unusedMs < idleMs ? idleMs - unusedMs : idleMs, () => {
      if (clock.monotonicMs() - this.#usedMs < idleMs || isNeeded?.(held)) this.#watch(held);
      else this.close();
    });
  }

  #forget(held: Held): void {
    this.#held = undefined;
    this.#idle?.cancel();
    this.#parts.lose(held);
  }
}
