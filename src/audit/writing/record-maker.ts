/** Makes the bytes of records, with a time that never goes back within one log. */
import { hash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { AuditRecord } from '../../spi/audit.ts';
import { ENTRY_BYTES_MAX } from '../tree/tiles.ts';
import { recordText } from './record-text.ts';

/** The maker of one log's records. */
export class RecordMaker {
  readonly #clock: Clock;
  #lastMs: number;

  /** @param lastMs the time of the log's last record. */
  constructor(clock: Clock, lastMs: number) {
    this.#clock = clock;
    this.#lastMs = lastMs;
  }

  /** The bytes of a record that happens now. @throws TypeError for what JSON cannot write. */
  entry(record: AuditRecord): Buffer {
    // A machine's clock may be set back; who reads the log relies on its order.
    this.#lastMs = Math.max(this.#lastMs, Math.floor(this.#clock.now()));
    return recordText(record, this.#lastMs);
  }

  /** What stands in the log instead of a record that is too long for it. */
  marker(record: AuditRecord, entry: Buffer): Buffer {
    const cut = {
      ...record,
      object: { omitted_bytes: entry.length, omitted_sha256: hash('sha256', entry) },
      reason: 'The record was too long for the log and is left out.',
    };
    const marker = this.entry(cut);
    return marker.length <= ENTRY_BYTES_MAX ? marker : this.entry({ ...cut, who: {}, origin: {} });
  }

  /** What stands in the log for records that were lost. */
  gap(count: number): Buffer {
    return this.entry({
      event: 'log.gap',
      result: 'failure',
      who: {},
      origin: { program: 'gateway' },
      object: { records: count },
      reason: 'The log could not be written, and no more could be kept in memory.',
    });
  }
}
