/**
 * The audit log of a gateway: opened before it listens, closed behind the last session, and told what happens to the gateway
 * itself. Everybody else sees the log through this, also before it is open: what is asked of it then fails as with a full disk.
 */
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { openAuditLog } from '../audit/audit-log.ts';
import { readOrMakeLogKey } from '../audit/notes/log-key.ts';
import type { OpenAuditLog } from '../audit/open-log.ts';
import type { GatewayOptions } from '../config/options.ts';
import { aside } from '../lib/aside.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { deadline, within } from '../lib/deadline.ts';
import { type AuditRequirement, requireAudit } from '../modules/audit-trail.ts';
import {
  AuditFailed,
  type AuditLog,
  type AuditRecord,
  type AuditValue,
  keepLate,
  type LoggedRecord,
} from '../spi/audit.ts';
import type { Log } from '../spi/log.ts';
import { optionsDigest } from './options-digest.ts';
import { packageVersion } from './package-version.ts';
import type { ReloadedPart } from './reload.ts';
import type { SharedAudit } from './shared-state.ts';
import type { UsersRead } from './users-read.ts';

/** What of the options concerns the audit log. */
type AuditPart = Pick<GatewayOptions, 'audit' | 'stateDirectory'>;

/** Thrown when the log is required and cannot be opened; the message says what to do. */
export class AuditNotOpened extends Error {
  override readonly name = 'AuditNotOpened';
}

/** Where the log is to be; undefined when there is none. */
export function auditDirectory({ audit, stateDirectory }: AuditPart): string | undefined {
  return audit.requirement === 'off' || stateDirectory === undefined ? undefined : join(stateDirectory, 'audit');
}

/** The log's name when the configuration gives none: that of the machine, which is the operator's to choose. */
export function auditOrigin({ audit }: Pick<GatewayOptions, 'audit'>): string {
  const machine = hostname().replace(/[^A-Za-z0-9.-]/g, '-');
  return audit.origin ?? `${machine === '' ? 'localhost' : machine}/sallyport`;
}

/** Makes it; undefined when there is none: switched off, or a program that gives neither a log nor a state directory. */
export function auditOf(
  options: GatewayOptions,
  { given, shared, clock, log }: AuditSources,
): GatewayAudit | undefined {
  const { requirement } = options.audit;
  if (requirement === 'off' || (shared ?? given ?? auditDirectory(options)) === undefined) return undefined;
  return new GatewayAudit(options, { given: shared?.log ?? given, shared, requirement, clock, log });
}

/** Where the log of a gateway comes from, and what it is made with. */
export interface AuditSources {
  /** A log of the program's own. */
  readonly given: AuditLog | undefined;
  /** The log of several processes, in one of them that does not write it. */
  readonly shared?: SharedAudit | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is told of the log, for monitoring. Counted from the making of the gateway. */
export interface AuditNumbers {
  readonly records: number;
  /** Syncs of its files and directories; none of a log that the program gave. */
  readonly syncs: number;
  readonly failures: number;
  readonly writable: boolean;
}

interface AuditParts extends AuditSources {
  readonly requirement: AuditRequirement;
}

/** Where the gateway listens. */
interface ListeningAt {
  readonly host: string;
  readonly port: number;
  readonly tls: string;
}

const DAY_MS = 86_400_000;
/** How long each step of closing may take. */
const CLOSE_MAX_MS = 8_000;
const NEVER = new AbortController().signal;

/** The log, while it is open and while it is not. */
export class GatewayAudit implements AuditLog {
  readonly requirement: AuditRequirement;
  readonly #options: GatewayOptions;
  readonly #given: AuditLog | undefined;
  /** Where it is another process that records what happens to the gateway itself. */
  readonly #shared: SharedAudit | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<() => void>();
  #current: AuditLog | undefined;
  #own: OpenAuditLog | undefined;
  /** Why there is no log to write to. */
  #closed: Error = new AuditFailed('the audit log is not open');
  #unwatch: () => void = () => undefined;
  #daily: Timer | undefined;
  #started = false;
  #sizeAtOpen = 0;
  /** Records that were written until the log was closed the last time. */
  #recordsBefore = 0;
  #syncsBefore = 0;
  #failures = 0;
  /** SHA-256 of the users file that is in force. */
  #usersFile: string | undefined;

  constructor(options: GatewayOptions, { given, shared, requirement, clock, log }: AuditParts) {
    this.#options = options;
    this.#given = given;
    this.#shared = shared;
    this.requirement = requirement;
    this.#clock = clock;
    this.#log = log;
  }

  get size(): number {
    return this.#current?.size ?? 0;
  }

  get failure(): Error | undefined {
    return this.#current === undefined ? this.#closed : this.#current.failure;
  }

  get numbers(): AuditNumbers {
    const records = this.#recordsBefore + this.size - this.#sizeAtOpen;
    const syncs = this.#syncsBefore + (this.#own?.counters.syncs ?? 0);
    return { records, syncs, failures: this.#failures, writable: this.failure === undefined };
  }

  /** @throws Fault `AuditUnavailable` while the log is required and cannot be written. */
  require(): void {
    requireAudit({ audit: this, requirement: this.requirement });
  }

  async append(record: AuditRecord): Promise<LoggedRecord> {
    try {
      if (this.#current === undefined) throw this.#closed;
      return await this.#current.append(record);
    } catch (error) {
      this.#failures += 1;
      throw error;
    }
  }

  note(record: AuditRecord): void {
    this.#current?.note(record);
  }

  async receipt(index: number): Promise<string> {
    if (this.#current === undefined) throw this.#closed;
    return this.#current.receipt(index);
  }

  async *read(fromIndex: number): AsyncIterable<LoggedRecord> {
    const current = this.#current;
    if (current === undefined) throw this.#closed;
    yield* current.read(fromIndex);
  }

  /** Listeners stay when the log is closed and opened again. */
  watch(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Opens it, unless it is open, and records the configuration that comes into force.
   *
   * @throws AuditNotOpened when it is required and cannot be opened or written.
   */
  async open(): Promise<void> {
    if (this.#current !== undefined) return;
    try {
      this.#current = this.#given ?? (await this.#openOwn());
      this.#sizeAtOpen = this.#current.size;
      this.#unwatch = this.#current.watch(() => {
        for (const listener of this.#listeners) this.#call(listener);
      });
    } catch (cause) {
      await this.#refuse(cause);
      return;
    }
    if (this.#shared !== undefined) return;
    try {
      await this.append(
        this.#record('config.loaded', { digest: optionsDigest(this.#options), users_file_sha256: this.#usersFile }),
      );
    } catch (cause) {
      // One that goes on without it may have it back when there is space again.
      if (this.requirement === 'required') await this.#refuse(cause);
      else this.#log.error('audit.unavailable', { error: cause });
    }
    await this.#prune();
  }

  /**
   * Takes the cosignatures of a witness's note, and gives the number of those that are new. @throws NoteRefused saying why
   * it takes none; AuditFailed when the log is not this gateway's own, or not open.
   */
  async addCosignature(note: string): Promise<number> {
    if (this.#own === undefined)
      throw this.#given === undefined ? this.#closed : new AuditFailed('the log is not ours');
    return this.#own.addCosignature(note);
  }

  /** Records that the gateway listens. @throws AuditNotOpened when it is required and cannot be written. */
  async started(addresses: readonly ListeningAt[]): Promise<void> {
    if (this.#shared !== undefined) return;
    const listen = addresses.map(({ host, port, tls }) => ({ host, port, tls }));
    try {
      await this.append(this.#record('gateway.started', { version: packageVersion(), listen }));
      this.#started = true;
    } catch (cause) {
      if (this.requirement === 'required') throw new AuditNotOpened(this.#advice(cause), { cause });
      this.#log.error('audit.unavailable', { error: cause });
    }
  }

  /** Records that other options are in force from now on. */
  renewed(options: GatewayOptions): void {
    this.note(this.#record('config.loaded', { digest: optionsDigest(options), users_file_sha256: this.#usersFile }));
  }

  /** Records that a process that served sessions has ended by itself. Resolves when that lasts, or cannot be written. */
  async workerEnded(object: AuditRecord['object']): Promise<void> {
    const record = {
      ...this.#record('worker.ended', object),
      result: 'failure',
      reason: 'it ended by itself',
    } as const;
    await this.append(record).catch((error: unknown) => {
      this.#log.error('audit.lost', { event: record.event, error });
      keepLate(this, record, error);
    });
  }

  /** Records that certificates, keys, authorities or revocation lists were read again, or were refused. */
  certificateChanged(object: AuditRecord['object'], refusal?: string): void {
    const record = this.#record('certificate.changed', object);
    const told: AuditRecord = refusal === undefined ? record : { ...record, result: 'failure', reason: refusal };
    this.#noteOfGateway(told, JSON.stringify(told));
  }

  /** Records that the users file has changed, and which accounts; the one of the start is in the record of the start. */
  usersRead({ sha256, changes }: UsersRead): void {
    this.#usersFile = sha256;
    if (changes === undefined) return;
    const told = Object.entries(changes).map(([which, names]) => [which, namesIn(names)]);
    // By what it is now: whoever reads it more seldom finds more changed at once.
    this.#noteOfGateway(
      this.#record('config.loaded', { part: USERS_FILE, sha256, ...Object.fromEntries(told) }),
      `${USERS_FILE} ${sha256}`,
    );
  }

  /** Records what else was read again because the operator asked for it. */
  reloaded(parts: readonly ReloadedPart[]): void {
    if (this.#shared !== undefined) return;
    for (const one of parts) {
      if (SELF_RECORDED.has(one.part) || one.outcome === 'unchanged') continue;
      // What has changed in it is recorded by whoever read it, whether or not it was asked for.
      if (one.part === USERS_FILE && one.outcome === 'reloaded') continue;
      const record = this.#record('config.loaded', { part: one.part });
      this.note(one.outcome === 'refused' ? { ...record, result: 'failure', reason: one.reason } : record);
    }
  }

  /** Records the end, and closes the log. Never throws. */
  async close(): Promise<void> {
    if (this.#current === undefined) return;
    try {
      const stopped = this.#record('gateway.stopped', { version: packageVersion() });
      if (this.#started) await this.#inTime(() => this.append(stopped));
    } catch (error) {
      this.#log.error('audit.lost', { event: 'gateway.stopped', error });
    }
    this.#started = false;
    await this.#shut();
    this.#closed = new AuditFailed('the audit log is closed');
  }

  /** What each of several processes notices is recorded once. */
  #noteOfGateway(record: AuditRecord, what: string): void {
    if (this.#shared === undefined) this.note(record);
    else this.#shared.noteOnce(record, what);
  }

  async #openOwn(): Promise<OpenAuditLog> {
    const { audit, stateDirectory = '' } = this.#options;
    const origin = auditOrigin(this.#options);
    const keyFile = audit.keyFile ?? join(stateDirectory, 'audit.key');
    const directory = join(stateDirectory, 'audit');
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o700 });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const signer = readOrMakeLogKey(keyFile, origin);
    const { checkpointMs, witnesses } = audit;
    this.#own = await openAuditLog({
      ...{ directory, origin, signer, checkpointMs, witnesses },
      ...{ clock: this.#clock, log: this.#log },
    });
    return this.#own;
  }

  async #shut(): Promise<void> {
    this.#daily?.cancel();
    this.#daily = undefined;
    this.#unwatch();
    this.#unwatch = () => undefined;
    const own = this.#own;
    const syncs = own?.counters.syncs ?? 0;
    this.#syncsBefore += syncs;
    this.#own = undefined;
    try {
      if (own !== undefined) await this.#inTime(() => own.close());
    } catch (error) {
      this.#log.error('audit.close_failed', { error });
    }
    this.#syncsBefore += (own?.counters.syncs ?? 0) - syncs;
    this.#recordsBefore = this.numbers.records;
    this.#current = undefined;
    this.#sizeAtOpen = 0;
  }

  async #refuse(cause: unknown): Promise<void> {
    await this.#shut();
    const refused = new AuditNotOpened(this.#advice(cause), { cause });
    this.#closed = refused;
    if (this.requirement === 'required') throw refused;
    this.#log.error('audit.unavailable', { error: refused });
  }

  /** Drops what need not be kept, now and once a day. What goes wrong is logged: the records are then still there. */
  async #prune(): Promise<void> {
    const { retainDays } = this.#options.audit;
    const own = this.#own;
    if (retainDays === undefined || own === undefined) return;
    const beforeMs = this.#clock.now() - retainDays * DAY_MS;
    try {
      // It records what it drops.
      await own.prune(beforeMs);
    } catch (error) {
      this.#log.error('audit.prune_failed', { error });
    }
    this.#daily = this.#clock.after(DAY_MS, () => void this.#prune());
  }

  /** A disk that hangs must not keep the gateway from ending. */
  async #inTime<T>(act: () => Promise<T>): Promise<T> {
    using bounded = deadline(this.#clock, CLOSE_MAX_MS, NEVER);
    return await within(bounded.signal, act);
  }

  #record(event: AuditRecord['event'], object: AuditRecord['object']): AuditRecord {
    return { event, result: 'success', who: {}, origin: { program: 'gateway' }, object };
  }

  #advice(cause: unknown): string {
    const why = cause instanceof Error ? cause.message : String(cause);
    const where = this.#given === undefined ? ` in ${auditDirectory(this.#options)}` : '';
    return (
      `the audit log${where} cannot be written: ${why}. Without it nothing is accepted: let state_directory name a ` +
      'directory that this user can write and no other gateway uses, or set audit.requirement to preferred or off.'
    );
  }

  #call(listener: () => void): void {
    aside(listener, (error) => this.#log.error('audit.listener_failed', { error }));
  }
}

/** What tells of itself that it was read again, also when its files have changed and nobody has asked. */
const SELF_RECORDED: ReadonlySet<string> = new Set(['certificates', 'client authorities']);

const USERS_FILE = 'users_file';
/** A record holds 65,535 bytes; more accounts than these are counted. */
const NAMES_MAX = 200;

function namesIn(names: readonly string[]): AuditValue {
  if (names.length === 0) return undefined;
  return names.length <= NAMES_MAX ? names : [...names.slice(0, NAMES_MAX), `and ${names.length - NAMES_MAX} more`];
}
