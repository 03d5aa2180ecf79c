/** Reads the audit log for one delivery: what is to be handed on, and what is not to be any more. */
import { oneAtATime } from '../lib/one-at-a-time.ts';
import type { AuditLog } from '../spi/audit.ts';
import type { Log } from '../spi/log.ts';
import { type Saying, sayingOf } from './published.ts';

/** What a reader works on. */
export interface ReaderParts {
  readonly audit: AuditLog;
  readonly log: Log;
  /** Whether there is room for more. */
  hasRoom(): boolean;
  /** Called with each record that says something, in the order of the log. */
  take(saying: Saying): void;
}

/** A place in the log that moves on. */
export class Reader {
  readonly #parts: ReaderParts;
  readonly #turn = oneAtATime();
  #next = 0;
  #ended = false;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Up to where it has read. */
  get next(): number {
    return this.#next;
  }

  /** Goes to a place. */
  begin(next: number): void {
    this.#next = next;
    this.#ended = false;
  }

  /** Reads nothing any more. */
  end(): void {
    this.#ended = true;
  }

  /** Reads to the end of the log as it is now, while there is room. @throws what the log says. */
  readOn(): Promise<void> {
    return this.#turn(async () => {
      const { audit, hasRoom } = this.#parts;
      while (!this.#ended && audit.failure === undefined && this.#next < audit.size && hasRoom()) {
        const before = this.#next;
        await this.#readSome();
        if (this.#next === before) return;
      }
    });
  }

  async #readSome(): Promise<void> {
    const { audit, log, take, hasRoom } = this.#parts;
    for await (const logged of audit.read(this.#next)) {
      const { index } = logged;
      // Nobody can be told any more what was in them.
      if (index > this.#next) log.error('delivery.records_dropped', { from: this.#next, records: index - this.#next });
      const saying = sayingOf(logged);
      this.#next = index + 1;
      if (saying !== undefined) take(saying);
      if (this.#ended || !hasRoom()) return;
    }
  }
}
