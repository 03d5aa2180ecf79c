/**
 * What all sessions of a gateway share, wherever they run: what must be counted, remembered or claimed once for the whole house.
 * A gateway of one process has all of it in its memory; one of several workers asks the process that stands above them, which
 * has the same parts in its own.
 */
import { type CodeLedger, TotpLedger } from '../auth/totp.ts';
import { type NameClaims, OwnNames } from '../intake/doors/name-turns.ts';
import type { Promises } from '../intake/policy/keeping.ts';
import { QuotaBook, type Quotas } from '../intake/policy/quota-book.ts';
import type { Clock } from '../lib/clock.ts';
import {
  type ConnectionBounds,
  type ConnectionCounts,
  connectionCounts,
  type OwnCounts,
} from '../modules/connection-limits.ts';
import { type LoginBounds, LoginLedger, type LoginPlaces } from '../modules/login-throttle.ts';
import type { TlsSightings } from '../modules/tls-record-keeper.ts';
import type { AuditLog, AuditRecord } from '../spi/audit.ts';
import type { SessionSummary } from '../spi/command.ts';
import type { Log } from '../spi/log.ts';
import { type LiveUploads, OwnUploads } from '../storage/staging-names.ts';
import { OwnBuckets, type RateBuckets, type RateListener } from '../transfer/buckets.ts';

/** See the head of this file. Each part is described where it is used. */
export interface SharedState {
  /** Connections: in all, of an address, of an account. */
  readonly connections: ConnectionCounts;
  /** Failed logins of addresses, and the logins that are under way. */
  readonly logins: LoginPlaces;
  /** Codes of authenticator apps that were used. */
  readonly codes: CodeLedger;
  /** Token buckets of accounts and of the server. */
  readonly buckets: RateBuckets;
  /** Uploads that run, by the hidden names that they have. */
  readonly uploads: LiveUploads;
  /** Names under which a file is being published. */
  readonly names: NameClaims;
  /** What lies in places with a quota, and what uploads have spoken for. */
  readonly quotas: Quotas;
  /** What has to be kept; undefined where this process has the book, or nothing can be promised. */
  readonly promises: Promises | undefined;
  /** The sessions of all; undefined where those of this process are all that there are. */
  readonly sessions: SessionsElsewhere | undefined;
  /** With what TLS clients come; undefined where this process keeps its own record, or nobody asks for one. */
  readonly sightings: TlsSightings | undefined;
  /** The one audit log of several processes; undefined where this process has its own, or none. */
  readonly audit: SharedAudit | undefined;
}

/** The sessions of the other workers, for commands that show a client what else its account does. */
export interface SessionsElsewhere {
  /** Those of an account that are logged in elsewhere. */
  of(account: string): Promise<readonly SessionSummary[]>;
}

/** An audit log whose writer is another process, which records for all of them what concerns the gateway as such. */
export interface SharedAudit {
  readonly log: AuditLog;
  /**
   * Tells what each of the processes notices, such as that a file of users has changed; it is recorded once. What they notice
   * is the same when `what` is.
   */
  noteOnce(record: AuditRecord, what: string): void;
}

/** What the own state of a process is made with. */
export interface OwnStateParts {
  /** The limits in force, asked for anew each time. */
  readonly limits: () => ConnectionBounds & LoginBounds;
  readonly clock: Clock;
  readonly log: Log;
  /** Told the rates of the shared buckets whenever they change. */
  readonly ratesChanged?: RateListener | undefined;
  /** Told when the first quota has been met. */
  readonly quotasMet?: (() => void) | undefined;
}

/** The state in the memory of this process. */
export interface OwnState extends SharedState {
  readonly connections: OwnCounts;
  readonly codes: TotpLedger;
  readonly buckets: OwnBuckets;
  readonly uploads: OwnUploads;
  readonly names: OwnNames;
  readonly quotas: QuotaBook;
}

/** Makes the state of a gateway that is one process, and of the process that stands above several. */
export function ownState({ limits, clock, log, ratesChanged, quotasMet }: OwnStateParts): OwnState {
  return {
    connections: connectionCounts(limits),
    logins: new LoginLedger(limits, clock, log),
    codes: new TotpLedger(clock),
    buckets: new OwnBuckets(clock, ratesChanged),
    uploads: new OwnUploads(),
    names: new OwnNames(),
    quotas: new QuotaBook(clock, quotasMet),
    promises: undefined,
    sessions: undefined,
    sightings: undefined,
    audit: undefined,
  };
}
