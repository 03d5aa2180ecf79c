/** The one audit log of all workers, where it is written. Each worker's records keep their order; all share the syncs. */
import type { Clock } from '../../lib/clock.ts';
import type { Answers, Correspondent } from '../../lib/correspondent.ts';
import type { AuditLog, AuditRecord, LoggedRecord } from '../../spi/audit.ts';
import { type Logged, type LogState, named, SAID } from './messages.ts';
import { OnceAmong } from './once-among.ts';

/** How often workers are told at most how far the log is. That it fails, or works again, they are told at once. */
const NEWS_EVERY_MS = 100;

/** What is read at once: so many records, or so many bytes. */
const PAGE_RECORDS_MAX = 128;
const PAGE_BYTES_MAX = 262_144;

/** See the head of this file. */
export class AuditDesk {
  readonly #audit: AuditLog;
  readonly #clock: Clock;
  readonly #workers = new Set<Correspondent>();
  readonly #once = new OnceAmong<Correspondent>();
  readonly #unwatch: () => void;
  #toldFailure: Error | undefined;
  #due = false;

  constructor(audit: AuditLog, clock: Clock) {
    this.#audit = audit;
    this.#clock = clock;
    this.#unwatch = audit.watch(() => this.#news());
  }

  /** Has a worker told how the log is, now and from now on. */
  follow(worker: Correspondent): void {
    this.#workers.add(worker);
    worker.tell(named('log'), this.#state());
    worker.onGone(() => {
      this.#workers.delete(worker);
      this.#once.leave(worker);
    });
  }

  /** Tells the workers no more. */
  end(): void {
    this.#unwatch();
    this.#workers.clear();
  }

  /** What one worker asks. */
  answers(worker: Correspondent): Answers {
    return {
      [named('append')]: ({ argument }) => this.#append(SAID.append.parse(argument)),
      [named('note')]: ({ argument }) => this.#audit.note(SAID.note.parse(argument)),
      [named('noteOnce')]: ({ argument }) => {
        const { record, what } = SAID.noteOnce.parse(argument);
        if (this.#once.isFirst(worker, what)) this.#audit.note(record);
      },
      [named('receipt')]: ({ argument }) => this.#audit.receipt(SAID.receipt.parse(argument).index),
      [named('read')]: ({ argument }) => this.#read(SAID.read.parse(argument)),
    };
  }

  async #append(record: AuditRecord): Promise<{ readonly record: Logged; readonly log: LogState }> {
    try {
      const logged = await this.#audit.append(record);
      return { record: crossed(logged), log: this.#state() };
    } finally {
      if (this.#audit.failure !== this.#toldFailure) this.#tell();
    }
  }

  async #read({ from, end }: { readonly from: number; readonly end: number }): Promise<readonly Logged[]> {
    const page: Logged[] = [];
    let bytes = 0;
    for await (const record of this.#audit.read(from)) {
      if (record.index >= end) break;
      page.push(crossed(record));
      bytes += record.entry.length;
      if (page.length >= PAGE_RECORDS_MAX || bytes >= PAGE_BYTES_MAX) break;
    }
    return page;
  }

  #news(): void {
    if (this.#audit.failure !== this.#toldFailure) this.#tell();
    if (this.#due) return;
    this.#due = true;
    this.#clock.after(NEWS_EVERY_MS, () => {
      this.#due = false;
      this.#tell();
    });
  }

  #tell(): void {
    this.#toldFailure = this.#audit.failure;
    const state = this.#state();
    for (const worker of this.#workers) worker.tell(named('log'), state);
  }

  #state(): LogState {
    const { size, failure } = this.#audit;
    return { size, failure: failure?.message ?? null };
  }
}

function crossed({ index, entry }: LoggedRecord): Logged {
  return { index, entry: entry.toString('base64') };
}
