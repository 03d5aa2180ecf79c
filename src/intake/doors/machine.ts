/**
 * The inner door: recording an upload, then giving it its name, or taking it back. Every step here can be the last one of
 * the process; what is left to do is then known by the intent and by what the log says (`recovery.ts`).
 */
import { aside } from '../../lib/aside.ts';
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import { type AuditRecord, keepLate } from '../../spi/audit.ts';
import { Fault } from '../../spi/fault.ts';
import type { NewlyPublished } from '../intake-above.ts';
import type { IssuedReceipt, ReceiptOrder } from '../receipts/receipts.ts';
import type { MachineParts, Published, Waiting } from './machine-parts.ts';
import type { ChosenName } from './name-turns.ts';
import { uploadRecord } from './records.ts';
import type { Intent, Upload } from './upload.ts';

const DAY_MS = 86_400_000;

/** Settled uploads between two notes of how far the log need not be looked through. */
const SWEEP_EVERY = 256;

/** See above. It knows every upload that is not settled. */
export class Machine {
  readonly parts: MachineParts;
  /** Intents that are on the disk. */
  readonly open = new Map<string, Intent>();
  /** Uploads that wait, and that a newer one of the same name has overtaken, each with that one's id. */
  readonly overtaken = new Map<string, string>();
  #settledCount = 0;

  constructor(parts: MachineParts) {
    this.parts = parts;
  }

  /** Refuses what could not be recorded, before anything is done. @throws Fault `AuditUnavailable`. */
  requireLog(): void {
    const { audit, auditRequired } = this.parts;
    if (auditRequired && audit?.failure !== undefined) throw new Fault('AuditUnavailable', { cause: audit.failure });
  }

  /** Writes down that an upload is about to be held. @throws Fault `Local`, and nothing has happened. */
  async begin(intent: Intent): Promise<void> {
    await written(this.parts.intents.create(intent));
    this.open.set(intent.upload.id, intent);
  }

  /** Changes what is written down of an upload. @throws Fault `Local`, and it is as it was. */
  async change(intent: Intent, lasting: 'synced' | 'unsynced'): Promise<void> {
    await written(this.parts.intents.replace(intent, lasting));
    this.open.set(intent.upload.id, intent);
  }

  /** Forgets an upload that is settled. A note that cannot be removed is met again at the next start, and changes nothing. */
  async forget(id: string): Promise<void> {
    const { intents, log } = this.parts;
    await intents.remove(id).catch((error: unknown) => log.error('intake.intent_stays', { upload: id, error }));
    this.open.delete(id);
    this.overtaken.delete(id);
    this.noteSettled();
  }

  /** Counts an upload that is settled, here or in another process; every so often that is noted (`sweep`). */
  noteSettled(): void {
    const { log } = this.parts;
    this.#settledCount += 1;
    if (this.#settledCount % SWEEP_EVERY !== 0) return;
    aside(
      () => this.sweep('unsynced'),
      (error) => log.warn('intake.sweep_failed', { error }),
    );
  }

  /** Notes up to where the log says nothing of an upload that may still wait. */
  async sweep(lasting: 'synced' | 'unsynced'): Promise<void> {
    const { audit, intents, sweeps = true } = this.parts;
    if (audit === undefined || !sweeps) return;
    // Before the others are looked for: whatever they begin behind that is recorded behind it.
    const { size } = audit;
    const elsewhere = await intents.elsewhere();
    // Behind that: what comes here from there is here before it is gone there.
    const all = [...this.open.values(), ...elsewhere];
    // What lasts by itself cannot be lost with the power.
    const waiting = all.filter(({ state }) => state === 'arrived');
    await intents.sweep(Math.min(size, ...waiting.map(({ logSize }) => logSize)), lasting);
  }

  /**
   * Chooses the name under which an upload is published, which is then its own until it is disposed of. Nothing has happened
   * when there is none. @throws Fault `FileExists`; what storage says.
   */
  choose({ intent: { upload }, files }: Waiting): Promise<ChosenName> {
    return this.parts.turns.choose(files, upload);
  }

  /**
   * Records and publishes an upload that nothing stands against, in this order, and writes its receipt. The record of an
   * operator's order stands in front of the publication's; either both can be written or neither.
   *
   * @throws Fault `AuditUnavailable` when nobody can say whether it is recorded: then everything stays as it is, to be looked
   *   at later; what storage says: then nothing is published, and what was recorded is taken back.
   */
  async publish(waiting: Waiting, name: ChosenName, order?: AuditRecord): Promise<Published> {
    const { intent, outcomes, door } = waiting;
    const { path, existing, replaces: replaced } = name;
    const { account, root, deliver } = intent.upload;
    const { retainDays } = intent.upload;
    const retainUntilMs = retainDays && this.parts.clock.now() + retainDays * DAY_MS;
    const record = uploadRecord(intent.upload, 'upload.published', { path, outcomes, replaced, retainUntilMs });
    if (deliver.length > 0 && root !== undefined) await this.parts.deliveries?.remember(account, root);
    const ordered = this.#appendAhead(order);
    const unrecorded: unknown[] = [];
    // Deliveries follow the log: what is not recorded would stay behind.
    const index = await this.record(record, deliver.length > 0 ? 'always' : 'as configured', (cause) =>
      unrecorded.push(cause),
    );
    await ordered();
    // Without a log the intent alone can say that it was decided.
    if (index === undefined) await this.change({ ...intent, decided: path }, 'unsynced');
    try {
      await door.publish(path, existing);
    } catch (error) {
      await this.takeBack(waiting, { error, path, index });
      throw error;
    }
    for (const cause of unrecorded) this.#late(record, cause);
    this.overtake(intent.upload);
    return this.finish(intent.upload, { path, index });
  }

  /** Notes of older uploads that wait for their check that this one has their name: it must not become theirs again. */
  overtake(newer: NewlyPublished): void {
    const { id, account, root, path, arrivedMs } = newer;
    this.parts.above?.published({ id, account, path, arrivedMs, ...(root !== undefined && { root }) });
    let isBehind = false;
    for (const { state, upload } of this.open.values()) {
      isBehind ||= upload.id === id;
      // Of one process they are in the order in which they arrived; of several, the clock says.
      const isOlder = upload.arrivedMs === arrivedMs ? !isBehind : upload.arrivedMs < arrivedMs;
      if (isOlder && state === 'checking' && upload.collision === 'replace' && isSameName(upload, newer)) {
        this.overtaken.set(upload.id, id);
      }
    }
  }

  /** Lets go of an upload that another process goes on with. */
  letGo(id: string): void {
    this.open.delete(id);
    this.parts.items.forget(id);
  }

  /**
   * What comes behind the name: the receipt, and an end of the intent. Never throws: when it cannot be done, the intent stays,
   * and whoever called has it looked at again.
   */
  async finish(
    upload: Pick<Upload, 'id' | 'account' | 'receipts'>,
    published: Omit<Published, 'receipt' | 'receiptText'>,
  ): Promise<Published> {
    const { id, account } = upload;
    const { items, log } = this.parts;
    const { path, index } = published;
    try {
      const order = index === undefined ? undefined : { account, path, index, readers: upload.receipts };
      const { place: receipt, text } = (order && (await this.issue(order))) ?? {};
      await this.forget(id);
      return { ...published, receipt, receiptText: receipt === undefined ? undefined : text };
    } catch (error) {
      // It is tried again: published it is.
      log.error('intake.receipt_failed', { upload: id, account, path, error });
      return { ...published, receipt: undefined, receiptText: undefined };
    } finally {
      items.move(id, 'published', { path });
    }
  }

  /** Takes the receipt of a record from the log and writes it. @throws the system's error. */
  async issue(order: ReceiptOrder): Promise<IssuedReceipt | undefined> {
    const { audit, receipts } = this.parts;
    if (receipts?.issue !== undefined) return receipts.issue(order);
    const { account, path, index, readers } = order;
    const text = await audit?.receipt(index).catch(unlessPruned);
    return text === undefined ? undefined : { place: await receipts?.write(account, path, index, text, readers), text };
  }

  /** Refuses an upload for good: recorded, then removed. @returns the record's place. @throws what storage says. */
  async reject(waiting: Waiting, reason: string, event: RejectEvent = 'upload.refused'): Promise<number | undefined> {
    const { upload } = waiting.intent;
    const recorded = await this.#tryRecord(uploadRecord(upload, event, { reason, outcomes: waiting.outcomes }));
    await waiting.door.destroy();
    this.parts.items.move(upload.id, 'rejected', { reason, gates: waiting.outcomes });
    // Unrecorded it is met again at the next start, and recorded as undone.
    if (recorded !== 'failed') await this.forget(upload.id);
    else this.open.delete(upload.id);
    return recorded === 'failed' ? undefined : recorded;
  }

  /**
   * Holds an upload back until an operator decides. @returns the record's place. @throws the system's error when that cannot
   * be written down.
   */
  async quarantine(waiting: Waiting, reason: string): Promise<number | undefined> {
    const { items, clock } = this.parts;
    const { intent, outcomes } = waiting;
    const held: Intent = {
      ...intent,
      state: 'quarantined',
      sinceMs: clock.now(),
      reason,
      outcomes: [...outcomes],
      recorded: undefined,
    };
    await this.change(held, 'synced');
    items.move(held.upload.id, 'quarantined', { reason, gates: outcomes });
    const recorded = await this.#tryRecord(uploadRecord(held.upload, 'upload.quarantined', { reason, outcomes }));
    if (recorded === 'failed') return undefined;
    await this.quarantineRecorded(held);
    return recorded;
  }

  /** Writes down that the log says of an upload that it is held back. Never throws: at worst it is recorded once more. */
  async quarantineRecorded(held: Intent): Promise<void> {
    const { intents, log } = this.parts;
    const { id } = held.upload;
    const recorded: Intent = { ...held, recorded: true };
    // An operator may have been quicker.
    if (this.open.get(id) !== held) return;
    this.open.set(id, recorded);
    await intents.replace(recorded, 'unsynced').catch((error: unknown) => {
      log.warn('intake.not_noted', { upload: id, error });
    });
  }

  /**
   * Appends a record that must be there. Where recording is not required, one that failed is written as soon as it can be,
   * unless `unrecorded` is given, which is told why instead. @throws Fault `AuditUnavailable`, where recording is required.
   */
  async record(
    record: AuditRecord,
    required: 'always' | 'as configured' = 'as configured',
    unrecorded: (cause: unknown) => void = (cause) => this.#late(record, cause),
  ): Promise<number | undefined> {
    const { audit, auditRequired, log } = this.parts;
    if (audit === undefined) return undefined;
    try {
      return (await audit.append(record)).index;
    } catch (cause) {
      if (auditRequired || required === 'always') throw new Fault('AuditUnavailable', { cause });
      log.error('intake.unrecorded', { event: record.event, error: cause });
      unrecorded(cause);
      return undefined;
    }
  }

  #late(record: AuditRecord, failure: unknown): void {
    if (this.parts.audit !== undefined) keepLate(this.parts.audit, record, failure);
  }

  /** Appends at once, so that what is appended next fails with it; to be waited for behind that. */
  #appendAhead(record: AuditRecord | undefined): () => Promise<void> {
    const appended = record && this.parts.audit?.append(record);
    appended?.catch(() => undefined);
    return async () => {
      try {
        await appended;
      } catch (error) {
        // What follows it goes on: the gateway does without its log.
        if (record !== undefined) this.#late(record, error);
      }
    };
  }

  async #tryRecord(record: AuditRecord): Promise<number | 'failed' | undefined> {
    try {
      return await this.record(record);
    } catch (error) {
      this.parts.log.error('intake.unrecorded', { event: record.event, error });
      // It happens all the same.
      this.#late(record, error instanceof Fault ? error.cause : error);
      return 'failed';
    }
  }

  /**
   * Behind a record that came true only in the log: says so there. What a client waits for is removed; what was accepted is
   * held back, for nobody would send it again. Never throws: what fails is looked at again later.
   */
  async takeBack(
    waiting: Waiting,
    { error, path, index }: { readonly error: unknown; readonly path: VirtualPath; readonly index: number | undefined },
  ): Promise<void> {
    const { upload, state } = waiting.intent;
    const { log, items } = this.parts;
    log.error('intake.publish_failed', { upload: upload.id, account: upload.account, path, error });
    try {
      if (!(await waiting.door.waits())) {
        // It has its name, and only the disk did not say that this lasts: the next start looks again.
        items.move(upload.id, 'published', { path });
        return;
      }
      const reason = `it could not be published: ${error instanceof Error ? error.message : String(error)}`;
      if (state !== 'arrived') {
        await this.quarantine(waiting, reason);
        return;
      }
      const record = uploadRecord(upload, 'upload.refused', { path, reason, outcomes: waiting.outcomes });
      if (index !== undefined) await this.record(record);
      await waiting.door.destroy();
      items.move(upload.id, 'rejected', { reason });
      await this.forget(upload.id);
    } catch (failure) {
      log.error('intake.not_taken_back', { upload: upload.id, account: upload.account, path, error: failure });
    }
  }
}

/** By what is known of both, whether two uploads would have one name. */
function isSameName(one: Upload, other: NewlyPublished): boolean {
  const isOneDisk = one.root === undefined ? one.account === other.account : one.root === other.root;
  return isOneDisk && one.path === other.path;
}

/** There is no receipt of a record that retention has dropped. */
function unlessPruned(error: unknown): undefined {
  if (!(error instanceof RangeError)) throw error;
}

type RejectEvent = 'upload.refused' | 'upload.undone';

/** The state directory is the operator's: what goes wrong with it is no business of the client's. */
async function written(writing: Promise<void>): Promise<void> {
  try {
    await writing;
  } catch (cause) {
    throw new Fault('Local', { cause });
  }
}
