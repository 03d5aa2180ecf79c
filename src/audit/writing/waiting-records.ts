/** Records that wait for the next group, in the order they were given. */
import type { LoggedRecord } from '../../spi/audit.ts';

/** A record that waits; `settle` only when somebody waits for it. */
export interface WaitingRecord {
  readonly entry: Buffer;
  readonly settle?: PromiseWithResolvers<LoggedRecord> | undefined;
}

/** The largest group, in bytes: what a failed write has to be repeated, and what lies in memory twice. */
const GROUP_BYTES_MAX = 8_388_608;

/** Protects memory from notes that come faster than the disk takes them, or while it takes none. */
const NOTES_MAX = 16_384;
const NOTES_BYTES_MAX = 16_777_216;

/** The queue. Whoever waits for a record bounds those by waiting; notes are bounded here. */
export class WaitingRecords {
  #records: WaitingRecord[] = [];
  #notes = 0;
  #noteBytes = 0;
  #dropped = 0;

  get length(): number {
    return this.#records.length;
  }

  /** @returns false for a note for which there is no room: it is counted and dropped. */
  push(record: WaitingRecord): boolean {
    if (record.settle === undefined) {
      if (this.#notes >= NOTES_MAX || this.#noteBytes + record.entry.length > NOTES_BYTES_MAX) {
        this.#dropped += 1;
        return false;
      }
      this.#count(record, 1);
    }
    this.#records.push(record);
    return true;
  }

  /** Takes the next group. */
  take(): WaitingRecord[] {
    let bytes = 0;
    const count = this.#records.findIndex(({ entry }, i) => {
      bytes += entry.length;
      return i > 0 && bytes > GROUP_BYTES_MAX;
    });
    const group = count < 0 ? this.#records : this.#records.slice(0, count);
    this.#records = count < 0 ? [] : this.#records.slice(count);
    for (const record of group) this.#count(record, -1);
    return group;
  }

  /** Rejects all that somebody waits for, and keeps the notes. */
  reject(error: Error): void {
    const waiting = this.#records;
    this.#records = this.#records.filter(({ settle }) => settle === undefined);
    for (const { settle } of waiting) settle?.reject(error);
  }

  /** Puts the notes of a group that was not written back to where they came from. */
  putBack(group: readonly WaitingRecord[]): void {
    const notes = group.filter(({ settle }) => settle === undefined);
    for (const note of notes) this.#count(note, 1);
    this.#records = [...notes, ...this.#records];
  }

  /** How many notes were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #count({ entry, settle }: WaitingRecord, by: 1 | -1): void {
    if (settle !== undefined) return;
    this.#notes += by;
    this.#noteBytes += by * entry.length;
  }
}
