/** The log as the one writer sees it that it may have: what it is made of, and what can be done with it. */
import type { Clock } from '../lib/clock.ts';
import type { AuditLog } from '../spi/audit.ts';
import type { Log } from '../spi/log.ts';
import type { LogSigner } from './notes/log-key.ts';
import type { AuditIo } from './writing/disk.ts';

/** What a log is made of. */
export interface AuditLogParts {
  readonly directory: string;
  /** The log's name; the signer's as well. */
  readonly origin: string;
  readonly signer: LogSigner;
  readonly clock: Clock;
  readonly log: Log;
  /** The longest time for which the published checkpoint lags behind. */
  readonly checkpointMs: number;
  /** Vkeys of the witnesses whose cosignatures are accepted. */
  readonly witnesses?: readonly string[] | undefined;
  /** The file system, for tests. */
  readonly io?: AuditIo | undefined;
}

/** A log that is open for writing. */
export interface OpenAuditLog extends AuditLog {
  /** Records that have come to last since it was opened, and syncs of files and directories. */
  readonly counters: { readonly records: number; readonly syncs: number };
  /** The first record that was not dropped by `prune`. */
  readonly minimumIndex: number;
  /** The newest checkpoint: all records that last, with the cosignatures that there are for it. */
  checkpoint(): string;
  /**
   * Adds the cosignatures of a note over a checkpoint of this log, as a witness returned it. @returns how many are new.
   * @throws NoteRefused saying why it was not taken.
   */
  addCosignature(note: string): Promise<number>;
  /** Drops the full bundles whose records are all older, and records that. @returns how many records were dropped. */
  prune(beforeMs: number): Promise<number>;
  /** Writes what waits, publishes, and lets the directory go. @throws AuditFailed when what waits cannot be written. */
  close(): Promise<void>;
}
