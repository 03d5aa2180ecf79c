/** A value that must never reach a log, an error text or a JSON document by accident. */
import { inspect } from 'node:util';

/** Holds a secret; everything that would print it prints `[secret]` instead. Call `reveal()` where it is used. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself; keep it in a local variable and no longer than needed. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
