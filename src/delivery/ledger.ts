/** What one delivery has yet to hand on, how often it has tried, and how far it has come; remembered on the disk. */
import { oneAtATime } from '../lib/one-at-a-time.ts';
import type { Log } from '../spi/log.ts';
import { beginningOf, type Cursor, isUnfinished, readCursor, writeCursor } from './cursor.ts';
import type { DeadLetter } from './dead-letters.ts';
import { type Pending, pendingOf } from './inbox.ts';
import { makeFolder } from './lasting-file.ts';
import type { Published } from './published.ts';
import { Unfinished } from './unfinished.ts';

/** Files that are held in memory as pending. Beyond them the log is not read on. */
const PENDING_MAX = 100_000;

/** Records behind which the place in the log is written down, also when none of them was for this delivery. */
const NOTE_EVERY = 4_096;

/** What a ledger is kept with. */
export interface LedgerParts {
  readonly folder: string;
  readonly log: Log;
  /** Up to where the log was read. */
  next(): number;
}

/** See above. */
export class Ledger {
  readonly #parts: LedgerParts;
  readonly #unfinished = new Unfinished<Pending>();
  readonly #byUpload = new Map<string, Pending>();
  readonly #retried = new Map<string, Pending>();
  readonly #tried = new Set<Pending>();
  readonly #turn = oneAtATime();
  #saving: Promise<void> | undefined;
  #savedNext = 0;
  /** What an earlier process left. */
  #cursor: Cursor = { next: 0, unfinished: [], failing: [] };

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** Files that are to be handed on, those that an operator has tried again included. */
  get pendingCount(): number {
    return this.#unfinished.size + this.#retried.size;
  }

  get hasRoom(): boolean {
    return this.#unfinished.size < PENDING_MAX;
  }

  /** When the one that has waited longest was published; undefined when none waits. */
  get oldestMs(): number | undefined {
    const times = [this.#unfinished.first, ...this.#retried.values()].flatMap((pending) => pending?.timeMs ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Files of which an attempt has failed, in the order of the log. */
  get failing(): readonly Pending[] {
    return [...this.#tried].sort((a, b) => a.index - b.index);
  }

  /** Whether much was read since it was written down. */
  get isBehind(): boolean {
    return this.#parts.next() - this.#savedNext >= NOTE_EVERY;
  }

  /**
   * Reads what an earlier process left; where there is nothing, the delivery begins at the end of the log.
   *
   * @returns from where on the log has to be read. @throws Error when it cannot be read, or written.
   */
  async open(logSize: number): Promise<number> {
    const { folder, log } = this.#parts;
    await makeFolder(folder);
    const found = await readCursor(folder);
    if (found !== undefined && found.next <= logSize) {
      this.#cursor = found;
    } else {
      // What is remembered is of another log, which nobody can go on with.
      if (found !== undefined) log.error('delivery.log_replaced', { next: found.next, size: logSize });
      this.#cursor = { next: logSize, unfinished: [], failing: [] };
      await writeCursor(folder, this.#cursor);
    }
    this.#savedNext = this.#cursor.next;
    return beginningOf(this.#cursor);
  }

  /** Takes in what the log says was published, unless it is finished. */
  take(published: Published): Pending | undefined {
    const { index, upload } = published;
    if (!isUnfinished(this.#cursor, index)) {
      this.#unfinished.pass();
      return undefined;
    }
    const pending = pendingOf(published, undefined);
    const failing = this.#cursor.failing.find((one) => one.index === index);
    if (failing !== undefined) this.#tried.add(Object.assign(pending, failing));
    this.#unfinished.add(pending);
    this.#byUpload.set(upload, pending);
    return pending;
  }

  /** Takes in what an operator has tried again. */
  retry(letter: DeadLetter): Pending {
    const pending = pendingOf(letter, letter);
    this.#retried.set(letter.upload, pending);
    return pending;
  }

  /** What is to be handed on of an upload, by the log or by an operator. */
  find(upload: string): Pending | undefined {
    return this.#retried.get(upload) ?? this.#byUpload.get(upload);
  }

  /** Notes an attempt that failed. */
  fail(pending: Pending, reason: string, nowMs: number): void {
    this.#tried.add(pending);
    pending.attempts += 1;
    pending.sinceMs ??= nowMs;
    pending.reason = reason;
  }

  /** Nothing is to be done with it any more. */
  finish(pending: Pending): void {
    const { upload, index, letter } = pending;
    pending.over = true;
    this.#tried.delete(pending);
    if (letter !== undefined) {
      this.#retried.delete(upload);
      return;
    }
    this.#unfinished.finish(index);
    if (this.#byUpload.get(upload) === pending) this.#byUpload.delete(upload);
  }

  /** Writes it down, once for all that ask while the disk is busy. Never throws: what is not remembered is done again. */
  save(): Promise<void> {
    this.#saving ??= this.#turn(async () => {
      this.#saving = undefined;
      const { folder, log } = this.#parts;
      const next = this.#parts.next();
      try {
        await writeCursor(folder, this.#cursorAt(next));
        this.#savedNext = next;
      } catch (error) {
        log.error('delivery.cursor_unwritten', { error });
      }
    });
    return this.#saving;
  }

  /** Forgets what is in memory. */
  close(): void {
    for (const known of [this.#byUpload, this.#retried, this.#tried]) known.clear();
    for (let first = this.#unfinished.first; first !== undefined; first = this.#unfinished.first) {
      this.#unfinished.finish(first.index);
    }
  }

  #cursorAt(next: number): Cursor {
    const failing = this.failing.flatMap(({ letter, index, attempts, sinceMs, notBeforeMs, reason }) =>
      letter !== undefined || sinceMs === undefined || reason === undefined
        ? []
        : [{ index, attempts, sinceMs, notBeforeMs, reason }],
    );
    const unfinished = this.#unfinished.stretches().map(([first, last]): [number, number] => [first, last]);
    // While it reads again what an earlier process had read, the rest of that is as it was.
    const { next: readBefore, unfinished: before, failing: failingBefore } = this.#cursor;
    if (next >= readBefore) return { next, unfinished, failing };
    const rest = before.flatMap(([first, last]): [number, number][] =>
      last < next ? [] : [[Math.max(first, next), last]],
    );
    const restFailing = failingBefore.filter(({ index }) => index >= next);
    return { next: readBefore, unfinished: [...unfinished, ...rest], failing: [...failing, ...restFailing] };
  }
}
