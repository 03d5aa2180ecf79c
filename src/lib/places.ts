/** A bounded number of places, and a line in which those wait who found none: owners in turn, each one's own in their order. */

interface Waiter {
  admit(): void;
}

/** Places for work that may be done so many times at once. One owner with much of it does not keep the others waiting. */
export class Places {
  #max: number;
  #taken = 0;
  /** Those who wait, by owner; the owner whose turn is next stands first. */
  readonly #waiting = new Map<string, Set<Waiter>>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Places that are taken at this moment. */
  get taken(): number {
    return this.#taken;
  }

  /** Changes how many there are. Nobody loses a place; it is not given away again while there are too few. */
  set max(max: number) {
    this.#max = max;
    this.#admit();
  }

  /** Waits for a place; dispose of it to give it back. @throws the signal's reason when it aborts before there is one. */
  take(owner: string, signal: AbortSignal): Promise<Disposable> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = () => {
        this.#forget(owner, waiter);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        admit: () => {
          signal.removeEventListener('abort', leave);
          resolve(this.#place());
        },
      };
      const line = this.#waiting.get(owner) ?? new Set();
      this.#waiting.set(owner, line.add(waiter));
      signal.addEventListener('abort', leave, { once: true });
      this.#admit();
    });
  }

  #admit(): void {
    while (this.#taken < this.#max) {
      const [next] = this.#waiting;
      if (next === undefined) return;
      const [owner, line] = next;
      const [waiter] = line;
      if (waiter !== undefined) line.delete(waiter);
      // Behind all the others, for its next one.
      this.#waiting.delete(owner);
      if (line.size > 0) this.#waiting.set(owner, line);
      this.#taken += 1;
      waiter?.admit();
    }
  }

  #forget(owner: string, waiter: Waiter): void {
    const line = this.#waiting.get(owner);
    line?.delete(waiter);
    if (line?.size === 0) this.#waiting.delete(owner);
  }

  #place(): Disposable {
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        this.#taken -= 1;
        this.#admit();
      },
    };
  }
}
