/**
 * One delivery: it follows the audit log, and hands on what is published for it. At least once, and the files of each inbox in
 * their order; inboxes go on side by side.
 */
import { join } from 'node:path';
import { aside } from '../lib/aside.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Places } from '../lib/places.ts';
import { type AuditLog, keepLate } from '../spi/audit.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import { attempt, recordIn } from './attempt.ts';
import { type DeadLetter, DeadLetters } from './dead-letters.ts';
import { Inbox, type Pending } from './inbox.ts';
import { Ledger } from './ledger.ts';
import { deliveryRecord, keyOf, type Saying } from './published.ts';
import { Reader } from './reader.ts';
import { Undeliverable } from './undeliverable.ts';
import { type Way, whyOf } from './way.ts';

/** What deliveries stand on. */
export interface DeliverySources {
  readonly audit: AuditLog;
  /** Whether nothing is handed on while that cannot be recorded. */
  readonly auditRequired: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** The places where an account's files may be. */
  placesOf(account: string): Promise<readonly FileSystem[]>;
  /** Whether an upload that is recorded as published may not have its name yet. */
  isBetween(upload: string): Promise<boolean> | boolean;
}

/** What one delivery is made of. */
export interface DeliveryParts extends DeliverySources {
  readonly way: Way;
  /** Where it keeps what it must remember. */
  readonly folder: string;
}

/** How often it is looked whether a file that is recorded has its name. */
const NAME_WAIT_MIN_MS = 10;
const NAME_WAIT_MAX_MS = 1_000;
/** How long is waited when the log cannot be written or read. */
const LOG_WAIT_MS = 1_000;

/** See above. */
export class Delivery {
  readonly way: Way;
  readonly dead: DeadLetters;
  readonly ledger: Ledger;
  /** Attempts that came to that, since the gateway was made. */
  readonly counts = { made: 0, failed: 0 };
  readonly #parts: DeliveryParts;
  readonly #reader: Reader;
  readonly #places: Places;
  readonly #inboxes = new Map<string, Inbox>();
  readonly #running = new Set<Promise<void>>();
  #stopped = new AbortController();
  #unwatch: () => void = () => undefined;
  #again: Timer | undefined;

  constructor(parts: DeliveryParts) {
    const { way, folder, audit } = parts;
    const log = parts.log.with({ delivery: way.name, kind: way.kind });
    this.way = way;
    this.#parts = { ...parts, log };
    this.dead = new DeadLetters(join(folder, 'dead'));
    this.#places = new Places(way.parallelMax);
    this.ledger = new Ledger({ folder, log, next: () => this.#reader.next });
    this.#reader = new Reader({
      ...{ audit, log },
      hasRoom: () => this.ledger.hasRoom,
      take: (saying) => this.#take(saying),
    });
  }

  /**
   * Reads what it remembers, and where there is nothing, begins at the end of the log as it is now. To be called when the log is
   * open, before anybody can upload. @throws Error when it cannot be read, or written.
   */
  async prepare(): Promise<void> {
    const { audit, log } = this.#parts;
    this.#reader.begin(await this.ledger.open(audit.size));
    for (const name of await this.dead.load()) log.error('delivery.letter_broken', { name });
  }

  /** Begins, behind the recovery of uploads. */
  start(): void {
    this.#stopped = new AbortController();
    for (const letter of this.dead.all) if (letter.retrying) this.#retry(letter);
    this.#unwatch = this.#parts.audit.watch(() => this.#follow());
    this.#follow();
  }

  /** Aborts what runs, and resolves when it has ended and is remembered. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#again?.cancel();
    this.#reader.end();
    this.#stopped.abort(new Error('the gateway is closing'));
    // A reading that is under way comes to its end.
    await this.#reader.readOn().catch(() => undefined);
    await Promise.all(this.#running);
    await this.ledger.save();
    this.ledger.close();
    this.#inboxes.clear();
  }

  /** Has a dead letter tried again, in front of what waits in its inbox. @throws the system's error. */
  async retry({ upload }: DeadLetter): Promise<void> {
    const letter = await this.dead.markRetrying(upload);
    if (letter !== undefined) this.#retry(letter);
  }

  /** Tries a file now that waits behind a failure. */
  hurry(pending: Pending): void {
    pending.notBeforeMs = 0;
    this.#inboxes.get(inboxKey(pending))?.wake();
  }

  /** Gives a file up, whatever is being done with it. @throws the system's error. */
  async discard(upload: string): Promise<void> {
    const pending = this.ledger.find(upload);
    if (this.dead.get(upload) !== undefined) await this.dead.remove(upload);
    if (pending !== undefined) this.#drop(pending, 'discarded');
    await this.ledger.save();
  }

  #retry(letter: DeadLetter): void {
    const pending = this.ledger.retry(letter);
    this.#inboxOf(pending).addInFront(pending);
  }

  #follow(): void {
    if (this.#stopped.signal.aborted) return;
    aside(
      async () => {
        await this.#reader.readOn();
        if (this.ledger.isBehind) await this.ledger.save();
      },
      (error) => {
        const { log, clock } = this.#parts;
        log.error('delivery.log_unread', { error });
        this.#again?.cancel();
        this.#again = clock.after(LOG_WAIT_MS, () => this.#follow());
      },
    );
  }

  #take(saying: Saying): void {
    const { upload } = saying.said === 'published' ? saying.published : saying;
    const isMine = saying.said === 'taken back' || saying.published.deliver.includes(this.way.name);
    const earlier = this.ledger.find(upload);
    // Published once more behind a failure: the newer record is the one that came true.
    if (isMine && earlier !== undefined && earlier.letter === undefined) this.#drop(earlier, saying.said);
    if (!isMine || saying.said === 'taken back') return;
    const pending = this.ledger.take(saying.published);
    if (pending !== undefined) this.#inboxOf(pending).add(pending);
  }

  #drop(pending: Pending, why: string): void {
    this.#parts.log.info('delivery.dropped', { upload: pending.upload, account: pending.account, reason: why });
    this.ledger.finish(pending);
    this.#inboxes.get(inboxKey(pending))?.wake();
  }

  /** The inbox of a file, which is worked on from now on until nothing is in it. */
  #inboxOf(pending: Pending): Inbox {
    const key = inboxKey(pending);
    const found = this.#inboxes.get(key);
    if (found !== undefined) return found;
    const inbox = new Inbox(key, this.#parts.clock);
    this.#inboxes.set(key, inbox);
    // Not before the caller has put something into it.
    const running = Promise.resolve().then(() => this.#work(inbox));
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
    return inbox;
  }

  async #work(inbox: Inbox): Promise<void> {
    const { signal } = this.#stopped;
    const { clock, log } = this.#parts;
    let lookMs = NAME_WAIT_MIN_MS;
    while (!signal.aborted) {
      const pending = inbox.first;
      if (pending === undefined) {
        this.#inboxes.delete(inbox.key);
        // What had no room has some now.
        this.#follow();
        return;
      }
      try {
        // The clock may have been set back since.
        const dueMs = Math.min(pending.notBeforeMs - clock.now(), this.way.retryMaxMs);
        if (dueMs > 0) {
          await inbox.pause(dueMs, signal);
        } else if (await this.#parts.isBetween(pending.upload)) {
          await inbox.pause(lookMs, signal);
          lookMs = Math.min(lookMs * 2, NAME_WAIT_MAX_MS);
        } else {
          lookMs = NAME_WAIT_MIN_MS;
          await inbox.withFirst(() => this.#handOn(inbox, pending));
        }
      } catch (error) {
        if (signal.aborted) return;
        log.error('delivery.delayed', { upload: pending.upload, error });
        await inbox.pause(LOG_WAIT_MS, signal);
      }
    }
  }

  /** One attempt. @throws what keeps its outcome from being written down; it is then made again. */
  async #handOn(inbox: Inbox, pending: Pending): Promise<void> {
    const { audit, auditRequired, clock } = this.#parts;
    const { signal } = this.#stopped;
    using _place = await this.#places.take(inbox.key, signal);
    // What was recorded and could not be published is taken back in the log.
    await this.#reader.readOn();
    if (pending.over) return;
    if (auditRequired && audit.failure !== undefined) throw audit.failure;
    const began = clock.monotonicMs();
    try {
      await attempt({ ...this.#parts, recordOf: () => this.#recordOf(pending) }, pending, signal);
    } catch (error) {
      signal.throwIfAborted();
      await this.#failed(pending, error);
      return;
    }
    await this.#made(pending, Math.round(clock.monotonicMs() - began));
  }

  async #made(pending: Pending, tookMs: number): Promise<void> {
    const { log } = this.#parts;
    const { upload, account, path, index } = pending;
    const attempts = pending.attempts + 1;
    this.counts.made += 1;
    log.info('delivery.made', { upload, account, path, record: index, attempts, tookMs });
    await this.#note(pending, attempts);
    if (pending.letter !== undefined) await this.dead.remove(upload);
    this.ledger.finish(pending);
    await this.ledger.save();
  }

  async #failed(pending: Pending, error: unknown): Promise<void> {
    const { clock, log } = this.#parts;
    const { upload, account, path, index } = pending;
    const { attemptsMax = Number.POSITIVE_INFINITY, giveUpAfterMs, retryMinMs, retryMaxMs } = this.way;
    const now = clock.now();
    const reason = whyOf(error);
    this.counts.failed += 1;
    // Discarded meanwhile.
    if (pending.over) return;
    this.ledger.fail(pending, reason, now);
    const { attempts, sinceMs = now } = pending;
    if (attempts >= attemptsMax || now - sinceMs >= giveUpAfterMs || error instanceof Undeliverable) {
      await this.#giveUp(pending, reason);
      return;
    }
    const waitMs = Math.min(retryMinMs * 2 ** Math.min(attempts - 1, 40), retryMaxMs);
    pending.notBeforeMs = now + waitMs;
    log.warn('delivery.attempt_failed', { upload, account, path, record: index, attempts, waitMs, reason });
    await this.ledger.save();
  }

  async #giveUp(pending: Pending, reason: string): Promise<void> {
    const { clock, log } = this.#parts;
    const { upload, account, path, index, inbox, bytes, sha256, timeMs, attempts } = pending;
    log.error('delivery.failed', { upload, account, path, record: index, attempts, reason });
    // Without its record nobody can hand it on; who looks into the list sees at least what it was.
    const record = await this.#recordOf(pending).catch(() => '');
    const facts = { upload, index, account, path, inbox, bytes, sha256, timeMs };
    await this.dead.put({ ...facts, attempts, reason, deadMs: clock.now(), retrying: false }, record);
    await this.#note(pending, attempts, reason);
    this.ledger.finish(pending);
    await this.ledger.save();
  }

  /** The record of a file as text. @throws Undeliverable when nobody has it any more. */
  async #recordOf({ upload, index, letter }: Pending): Promise<string> {
    const kept = letter === undefined ? undefined : await this.dead.recordOf(upload);
    return kept || recordIn(this.#parts.audit, index);
  }

  /** Nothing is lost when it cannot be recorded: what was done is done. */
  async #note(pending: Pending, attempts: number, reason?: string): Promise<void> {
    const { audit, log } = this.#parts;
    const { name: delivery, kind } = this.way;
    const key = keyOf(pending.upload, delivery);
    const record = deliveryRecord({ delivery, kind, key, attempts, published: pending }, reason);
    try {
      await audit.append(record);
    } catch (error) {
      keepLate(audit, record, error);
      log.error('delivery.unrecorded', { upload: pending.upload, reason, error });
    }
  }
}

function inboxKey({ account, inbox }: Pending): string {
  return `${account}\0${inbox}`;
}
