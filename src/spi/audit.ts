/**
 * The contract of the audit log: what is written down of security events, in which words, and what is promised of it.
 * The log itself, a Merkle tree with signed checkpoints, is `audit/`; whoever has something to record sees this only.
 */

/** Everything that is recorded, with what it means. A record has one of these names and no other. */
export const AUDIT_EVENTS = {
  'gateway.started': 'The gateway began to listen; the object is where.',
  'gateway.stopped': 'The gateway ended.',
  'worker.ended':
    'A process that served sessions ended by itself, its sessions with it; the object says which and how.',
  'config.loaded': 'A configuration came into force; the object has its digest.',
  'certificate.changed': 'Certificates, keys, authorities or revocation lists were read again.',
  'log.pruned': 'Records older than the retention were dropped; their hashes stay in the tree.',
  'log.gap':
    'Records were lost while the log could not be written, or could not be kept whole; the object says how many.',
  'connection.opened': 'A client connected.',
  'connection.refused': 'A client was turned away before it was greeted.',
  'connection.closed': 'A connection ended.',
  'tls.established': 'TLS began on the control channel; the object has what was negotiated.',
  'tls.failed': 'TLS did not come about.',
  'login.succeeded': 'Somebody logged in.',
  'login.failed': 'A proof was wrong.',
  'login.ended': 'Somebody logged out.',
  'access.refused': 'A command was refused by a permission, a rule or a policy.',
  'upload.accepted': 'A file arrived whole and is being checked; it is not published yet.',
  'upload.published': 'A file arrived whole, passed its checks and has its name.',
  'upload.quarantined': 'A file arrived whole and is held back, because a check says so or could not be made.',
  'upload.refused': 'A file was not published: a check or a bound of its place refused it. Nothing of it is kept.',
  'upload.incomplete': 'An upload began and did not arrive whole; nothing was published.',
  'upload.undone':
    'An upload that was cut short by the end of the gateway was taken back; its client was told nothing.',
  'download.sent': 'A file, or the part that was asked for, was sent and taken.',
  'download.incomplete': 'A download began and did not end well.',
  'file.deleted': 'A file was deleted.',
  'file.renamed': 'A file or a directory got another name.',
  'file.changed': 'Permission bits or times of a file were changed.',
  'directory.made': 'A directory was made.',
  'directory.removed': 'A directory was removed.',
  'link.made': 'A symbolic link was made.',
  'quarantine.released': 'An operator published a file that was held back.',
  'quarantine.destroyed': 'An operator destroyed a file that was held back.',
  'delivery.made': 'A published file was handed on.',
  'delivery.failed': 'A published file could not be handed on and waits for an operator.',
  'delivery.retried': 'An operator had a delivery tried again.',
  'delivery.discarded': 'An operator gave a delivery up.',
  'administration.acted': 'An operator did something else; the object says what.',
} as const;

/** The name of an event. */
export type AuditEventName = keyof typeof AUDIT_EVENTS;

/** What a record may hold: what JSON can write down. Undefined members are left out. */
export type AuditValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly AuditValue[]
  | { readonly [key: string]: AuditValue };

/** Who did it; what is not known is left out. */
export type AuditWho = {
  /** The account; or, before a login, the name that was tried. */
  readonly account?: string | undefined;
  /** SHA-256 of the client's certificate, when it showed one that counts. */
  readonly certificate?: string | undefined;
  /** The user of the system who gave the order, for what operators do. */
  readonly operator?: string | undefined;
};

/** Where it came from. */
export type AuditOrigin = {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  /** The session's id, as in the gateway's own log. */
  readonly session?: string | undefined;
  readonly host?: string | undefined;
  /** What the client says it is. */
  readonly client?: string | undefined;
  /** `gateway` for what it does by itself, `cli` for what an operator asked for. */
  readonly program?: 'gateway' | 'cli' | undefined;
};

/** One record: who, what, when, with what result, from where, to what (PCI DSS 10.2.2). The log adds the time. */
export interface AuditRecord {
  readonly event: AuditEventName;
  readonly result: 'success' | 'failure';
  readonly who: AuditWho;
  readonly origin: AuditOrigin;
  /** What it was done to, and what is known of it: `path`, `bytes`, `sha256`, `command`, `tls` ... */
  readonly object: { readonly [key: string]: AuditValue };
  /** Why: of a failure, or in an operator's own words. */
  readonly reason?: string | undefined;
}

/** A record as it stands in the log. */
export interface LoggedRecord {
  /** Its place, from 0. */
  readonly index: number;
  /** Its exact bytes, JSON in UTF-8: what is hashed. */
  readonly entry: Buffer;
}

/** The log as those see it who write records and read them again. There is one writer. */
export interface AuditLog {
  /** Records that last: they are on the disk and under a signed checkpoint. */
  readonly size: number;
  /** Why nothing can be written; undefined while all is well. */
  readonly failure: Error | undefined;
  /**
   * Writes a record, and resolves when it lasts. Many that wait at the same time share one sync of the disk. Records have
   * the order of the calls of `append` and `note`. @throws AuditFailed (as a rejection) when it cannot be written.
   */
  append(record: AuditRecord): Promise<LoggedRecord>;
  /** The same without waiting: for what is not answered. It lasts when anything behind it does. Never throws. */
  note(record: AuditRecord): void;
  /**
   * The receipt of a record: the record on the first line, an empty line, and a C2SP tlog-proof that it is in the tree of
   * a signed checkpoint, which has the cosignatures of witnesses when one that they cosigned has the record. @throws RangeError for an index that is not in the log.
   */
  receipt(index: number): Promise<string>;
  /** The records from an index on, up to the end of the log as it is when the reading begins. */
  read(fromIndex: number): AsyncIterable<LoggedRecord>;
  /** Calls the listener behind every group of records that has come to last. @returns a function that stops it. */
  watch(listener: () => void): () => void;
}

/**
 * The log could not take a record. `append` rejects with it; the cause is the system's. As with any commit whose sync
 * fails, the record may be in the log all the same: whoever undoes what it said records that too.
 */
export class AuditFailed extends Error {
  override readonly name = 'AuditFailed';
  /** Whether the record was signed before it failed, and so stands in the log once that can be written again. */
  readonly kept: boolean;

  constructor(message: string, { cause, kept = false }: { readonly cause?: unknown; readonly kept?: boolean } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.kept = kept;
  }
}

/**
 * Has a record written as soon as the log can be, behind an `append` that failed: for what has happened all the same. Such a
 * record has `late` in its object. What is not remembered is counted in `log.gap`.
 */
export function keepLate(audit: Pick<AuditLog, 'note'>, record: AuditRecord, failure?: unknown): void {
  // A second one would say that it happened twice.
  if (failure instanceof AuditFailed && failure.kept) return;
  audit.note({ ...record, object: { ...record.object, late: true } });
}
