/** Lets a test make any dependency fail at its n-th call. */

/** Failures that are planned for named operations, and how often each operation has been called. */
export class Failures {
  readonly #planned = new Map<string, unknown>();
  readonly #counts = new Map<string, number>();

  /** The `n`-th call of `operation`, counted from 1, will throw `error`. */
  plan(operation: string, n: number, error: unknown): void {
    this.#planned.set(`${operation} ${n}`, error);
  }

  /** Counts a call. @throws the error that was planned for it. */
  met(operation: string): void {
    const n = this.count(operation) + 1;
    this.#counts.set(operation, n);
    const key = `${operation} ${n}`;
    if (this.#planned.has(key)) throw this.#planned.get(key);
  }

  count(operation: string): number {
    return this.#counts.get(operation) ?? 0;
  }
}
