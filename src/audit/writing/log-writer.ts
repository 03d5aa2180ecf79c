/**
 * Writes records in groups: all that wait share one write and one sync of the journal. What was signed stays in the log,
 * also when its sync failed; what was not even written whole was never signed, and is not in it.
 */
import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../../lib/clock.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import { AuditFailed, type LoggedRecord } from '../../spi/audit.ts';
import type { Log } from '../../spi/log.ts';
import { formatCheckpoint } from '../notes/checkpoint.ts';
import { type LogSigner, signNote } from '../notes/log-key.ts';
import { leafHash, type TreeHead } from '../tree/merkle.ts';
import { TILE_WIDTH } from '../tree/tiles.ts';
import type { Disk } from './disk.ts';
import { groupBody, groupSeal, JOURNAL } from './journal.ts';
import { type LogLock, LogLocked } from './lock.ts';
import type { Tail } from './tail.ts';
import { type WaitingRecord, WaitingRecords } from './waiting-records.ts';

/** How long the writer waits behind a failure, at first and at most. */
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 15_000;

/** A tree and the checkpoint that the log has signed over it. */
export interface SignedTree extends TreeHead {
  readonly note: string;
}

/** What the writer is made of. */
export interface LogWriterParts {
  readonly disk: Disk;
  readonly lock: LogLock;
  readonly tail: Tail;
  readonly signer: LogSigner;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest checkpoint, over all of the tail. */
  readonly newest: SignedTree;
  /** Called when more records last. It must not throw. */
  readonly lasted: () => void;
  /** The record that says how many notes were lost. */
  readonly gap: (count: number) => Buffer;
}

/** The writer of a log. */
export class LogWriter {
  readonly #parts: LogWriterParts;
  readonly #waiting = new WaitingRecords();
  readonly #turn = oneAtATime();
  #journal: FileHandle | undefined;
  #signed: SignedTree;
  #durable: SignedTree;
  #awake = false;
  #failure: AuditFailed | undefined;
  #ended = false;
  #retryMs = RETRY_MIN_MS;
  #retry: Timer | undefined;

  /** Nothing can be written before `begin`. */
  constructor(parts: LogWriterParts) {
    this.#parts = parts;
    this.#signed = parts.newest;
    this.#durable = parts.newest;
  }

  /** The newest tree that lasts. */
  get durable(): SignedTree {
    return this.#durable;
  }

  /** Why nothing can be written. */
  get failure(): AuditFailed | undefined {
    return this.#failure;
  }

  /** Writes what was loaded anew and syncs it: a process that ended may have left pages that never reached the disk. */
  async begin(): Promise<void> {
    await this.#rewrite();
    if (this.#parts.tail.entries.length >= TILE_WIDTH) await this.#rotate();
  }

  /** Lets the journal go without writing anything more. */
  async abandon(): Promise<void> {
    this.#ended = true;
    await this.#letJournalGo();
  }

  /** Adds a record that somebody waits for. */
  append(entry: Buffer): Promise<LoggedRecord> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.reject(new AuditFailed('the audit log is closed'));
    const settle = Promise.withResolvers<LoggedRecord>();
    this.#waiting.push({ entry, settle });
    this.#wake();
    return settle.promise;
  }

  /** Adds one that nobody waits for. @returns false when there is no room for it. */
  note(entry: Buffer): boolean {
    if (this.#ended || !this.#waiting.push({ entry })) return false;
    this.#wake();
    return true;
  }

  /** Writes what waits, and ends. @throws the failure, when there is one and it cannot be mended now. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#turn(() => this.#drain());
    if (this.#failure !== undefined) {
      await this.#turn(() => this.#recover());
      await this.#turn(() => this.#drain());
    }
    this.#retry?.cancel();
    await this.#letJournalGo();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #wake(): void {
    if (this.#awake || this.#failure !== undefined) return;
    this.#awake = true;
    void this.#turn(async () => {
      this.#awake = false;
      await this.#drain();
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      await this.#commit(this.#waiting.take());
      // When there is room again, the log itself says what is not in it.
      const lost = this.#failure === undefined && this.#waiting.length === 0 ? this.#waiting.takeDropped() : 0;
      if (lost > 0) this.#waiting.push({ entry: this.#parts.gap(lost) });
    }
  }

  async #commit(group: readonly WaitingRecord[]): Promise<void> {
    const { tail, disk, lock } = this.#parts;
    const first = tail.size;
    const entries = group.map(({ entry }) => entry);
    const leaves = entries.map(leafHash);
    const body = groupBody(first, entries, leaves);
    let signed: SignedTree;
    try {
      await this.#write(body);
      signed = this.#sign(first + entries.length, tail.hashes.edge.rootWith(leaves));
    } catch (error) {
      // It was never signed, so it need not be in the log: those who wait are refused, and their records with them.
      this.#fail(error, group, 'unsigned');
      this.#waiting.putBack(group);
      return;
    }
    tail.add(entries, leaves);
    this.#signed = signed;
    try {
      await this.#write(groupSeal(body, signed.note));
      if (this.#journal !== undefined) await disk.sync(this.#journal);
      await lock.assertHeld();
      this.#lasts();
      group.forEach(({ entry, settle }, i) => {
        settle?.resolve({ index: first + i, entry });
      });
      this.#parts.lasted();
      if (tail.entries.length >= TILE_WIDTH) await this.#rotate();
    } catch (error) {
      this.#fail(error, group, 'signed');
    }
  }

  #sign(size: number, root: Buffer): SignedTree {
    const { signer } = this.#parts;
    return { size, root, note: signNote(formatCheckpoint({ origin: signer.name, size, root }), signer) };
  }

  #lasts(): void {
    this.#durable = this.#signed;
  }

  async #write(bytes: Buffer): Promise<void> {
    if (this.#journal === undefined) throw new AuditFailed('the journal is not open');
    await this.#journal.writeFile(bytes);
  }

  /** Makes full bundles of what the journal holds. The journal goes on without them only when they last. */
  async #rotate(): Promise<void> {
    const { tail, disk } = this.#parts;
    const files = tail.full();
    await disk.write(files);
    tail.drop(files);
    await this.#rewrite();
  }

  /** Puts a new journal in the place of the old one: the whole tail in one group, under what was signed last. */
  async #rewrite(): Promise<void> {
    const { tail, disk, lock } = this.#parts;
    await lock.assertHeld();
    await this.#letJournalGo();
    const body = groupBody(tail.start, tail.entries, tail.leaves);
    const bytes = Buffer.concat([body, groupSeal(body, this.#signed.note)]);
    this.#journal = await disk.begin({ name: JOURNAL, bytes });
    await lock.assertHeld();
    this.#lasts();
  }

  /** Never trusts the open file again: a sync that succeeds after one that failed may have skipped what was lost. */
  #fail(error: unknown, group: readonly WaitingRecord[], state: 'signed' | 'unsigned'): void {
    const { log, clock } = this.#parts;
    const lost = error instanceof LogLocked;
    const message = lost ? error.message : 'the audit log cannot be written';
    this.#failure = new AuditFailed(message, { cause: error });
    log.error('audit.failed', { error, retryMs: lost ? undefined : this.#retryMs });
    // What was signed is in every journal that is written from now on, unless another process writes it.
    const kept = state === 'signed' && !lost;
    for (const { settle } of group) settle?.reject(new AuditFailed(message, { cause: error, kept }));
    this.#waiting.reject(this.#failure);
    void this.#letJournalGo();
    if (lost) return;
    this.#retry = clock.after(this.#retryMs, () => void this.#turn(() => this.#recover()));
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  async #recover(): Promise<void> {
    if (this.#failure === undefined || this.#failure.cause instanceof LogLocked) return;
    this.#retry?.cancel();
    try {
      await this.#rewrite();
      if (this.#parts.tail.entries.length >= TILE_WIDTH) await this.#rotate();
    } catch (error) {
      this.#fail(error, [], 'signed');
      return;
    }
    this.#failure = undefined;
    this.#retryMs = RETRY_MIN_MS;
    this.#parts.log.info('audit.recovered', { size: this.#durable.size });
    this.#parts.lasted();
    this.#wake();
  }

  async #letJournalGo(): Promise<void> {
    const journal = this.#journal;
    this.#journal = undefined;
    // What was written lasts or does not, whatever the closing says.
    await journal?.close().catch(() => undefined);
  }
}
