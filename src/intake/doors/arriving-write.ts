/**
 * An upload on its way through the doors. While bytes arrive it is the staged write of storage; its commit holds what has
 * arrived, has the gates look at it, records it, and only then gives it its name.
 */
import { randomBytes } from 'node:crypto';
import { ROOT } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { HeldFile, StagedWrite } from '../../spi/file-system.ts';
import type { Arrival, Publication } from '../../spi/intake.ts';
import { ArrivalCheck } from './arrival-check.ts';
import type { ArrivingParts } from './arriving-parts.ts';
import type { GatesVerdict } from './gate-run.ts';
import { checkHeld, heldDoor, openHeld, stagedDoor } from './held-door.ts';
import type { Waiting } from './machine-parts.ts';
import type { ChosenName } from './name-turns.ts';
import { outcomeWords, uploadRecord } from './records.ts';
import { directoryOf } from './same-content.ts';
import { arrivedIntent, type Intent, uploadOf } from './upload.ts';

const HELD_BACK = 'The file was refused by a check and is held back; nothing was published.';

/** See above. */
export class ArrivingWrite implements StagedWrite {
  readonly startBytes: number;
  readonly #parts: ArrivingParts;
  readonly #id = randomBytes(12).toString('hex');
  /** For a file that nobody here can read afterwards: gates that look at it while it arrives. */
  readonly #early: ArrivalCheck | undefined;
  #bytes: number;
  /** Whether what arrived is not the staged write's any more. */
  #handed = false;
  #publication: Publication | undefined;

  constructor(parts: ArrivingParts) {
    this.#parts = parts;
    this.startBytes = parts.staged.startBytes;
    this.#bytes = this.startBytes;
    const { items } = parts.machine.parts;
    const { use, path, terms, signal } = parts;
    const account = use.account.name;
    items.add({ id: this.#id, state: 'receiving', account, path, bytes: this.#bytes });
    if (terms.encryptedTo.length === 0 || terms.gates.length === 0) return;
    const item = { id: this.#id, account, path, address: use.session.peer.address };
    this.#early = new ArrivalCheck(item, terms.gates, { ...parts.machine.parts, signal });
  }

  get publication(): Publication | undefined {
    return this.#publication;
  }

  get opaque(): boolean {
    return this.#parts.staged.opaque ?? false;
  }

  prefix(): AsyncIterable<Buffer> {
    return this.#parts.staged.prefix();
  }

  async write(buffers: readonly Buffer[]): Promise<void> {
    await Promise.all([this.#parts.staged.write(buffers), this.#early?.write(buffers)]);
    this.#bytes += buffers.reduce((sum, { length }) => sum + length, 0);
    this.#parts.machine.parts.items.update(this.#id, { bytes: this.#bytes });
  }

  async replacesFile(): Promise<boolean | undefined> {
    return this.#parts.staged.replacesFile?.();
  }

  async abort(partial: 'keep' | 'remove'): Promise<number> {
    if (this.#handed) return 0;
    this.#early?.abandon();
    const encrypted = this.#parts.terms.encryptedTo.length > 0;
    const keptBytes = await this.#parts.staged.abort(encrypted ? 'remove' : partial);
    const { items } = this.#parts.machine.parts;
    if (items.get(this.#id)?.state === 'receiving') items.move(this.#id, 'incomplete', { bytes: keptBytes });
    return keptBytes;
  }

  async commit(arrival?: Arrival): Promise<void> {
    const { machine, staged, use, terms } = this.#parts;
    machine.requireLog();
    // What is recorded has to be known; whoever commits knows it.
    if (arrival === undefined) throw new Fault('Local', { cause: new Error('commit was told of no arrival') });
    this.#early?.arrive(arrival);
    const intent = this.#intentOf(arrival, await directoryOf(this.#parts.files, this.#parts.path));
    use.note({ upload: this.#id });
    await machine.begin(intent);
    try {
      if (staged.hold === undefined) return await this.#commitUnheld(intent, arrival);
    } catch (error) {
      await this.#leave();
      throw error;
    }
    try {
      await staged.hold(this.#id);
    } catch (error) {
      // It is still the staged write's, and its abort is to come.
      await machine.forget(this.#id);
      throw error;
    }
    this.#handed = true;
    const { bytes, sha256 } = arrival;
    machine.parts.items.move(this.#id, 'checking', { bytes, sha256 });
    const stored = { ...intent, upload: { ...intent.upload, ...this.#parts.stored?.() } };
    try {
      const later = this.#parts.answersFirst && terms.gates.length > 0 && this.#early === undefined;
      await (later ? this.#accept(stored) : this.#settle(stored));
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  /** What failed and is not settled by that is held back, or is looked at again by what the log says of it then. */
  async #leave(): Promise<void> {
    const { machine, files, lookLater, holdBack } = this.#parts;
    const intent = machine.open.get(this.#id);
    if (intent === undefined) return;
    const isHeldBack = intent.state === 'quarantined' && intent.recorded === true;
    await (isHeldBack ? holdBack : lookLater)(this.#id, files);
  }

  #intentOf(arrival: Arrival, directory: string | undefined): Intent {
    const { machine, use, files, path, terms, staged } = this.#parts;
    const { clock, audit } = machine.parts;
    const root = files.onDisk?.(ROOT) ?? files.placeOnDisk?.(ROOT);
    const user = files.systemUser;
    const upload = uploadOf(use, { id: this.#id, root, user, path, arrivedMs: clock.now(), arrival, terms });
    return arrivedIntent(upload, { logSize: audit?.size ?? 0, holds: staged.hold !== undefined, directory });
  }

  /** The client waits for what the gates say. */
  async #settle(intent: Intent): Promise<void> {
    const { files, path } = this.#parts;
    const held = await openHeld(files, path, this.#id);
    if (held === undefined) throw new Fault('Local', { cause: new Error('what was held is gone') });
    try {
      const verdict = await this.#verdict(intent, held);
      const { outcomes } = verdict;
      const waiting = { intent, files, door: heldDoor(held, files, intent.upload), outcomes };
      if (outcomes.length > 0) this.#parts.use.note({ gates: outcomes.map(outcomeWords) });
      if (verdict.verdict !== 'pass') await this.#refuse(waiting, verdict);
      await this.#publish(waiting);
    } finally {
      await held.close();
    }
  }

  async #verdict({ upload }: Intent, held: HeldFile): Promise<GatesVerdict> {
    const { machine, signal, use } = this.#parts;
    if (this.#early !== undefined) return this.#early.verdict;
    return checkHeld(upload, held, { ...machine.parts, signal, address: use.session.peer.address });
  }

  /** @throws Fault always: the client is told. */
  async #refuse(waiting: Waiting, { verdict, reason = '', told }: GatesVerdict): Promise<never> {
    const { machine, use, terms } = this.#parts;
    const cause = new Error(reason);
    if (verdict === 'refuse' && terms.onRefused === 'quarantine') {
      const recorded = await machine.quarantine(waiting, reason);
      use.note({ publication: 'quarantined', recorded });
      throw new Fault('ContentRefused', { cause, text: told === undefined ? HELD_BACK : `${HELD_BACK} ${told}` });
    }
    const recorded = await machine.reject(waiting, reason);
    use.note({ publication: 'refused', recorded });
    if (verdict === 'failed') throw new Fault('Unchecked', { cause });
    throw new Fault('ContentRefused', { cause, ...(told !== undefined && { text: told }) });
  }

  async #publish(waiting: Waiting): Promise<void> {
    const { machine, use, receiptInReply } = this.#parts;
    using name = await this.#chosen(waiting);
    const { path, index, receipt, receiptText } = await machine.publish(waiting, name);
    // Its receipt, for one, could not be written.
    if (machine.open.has(this.#id)) await this.#leave();
    use.note({ publication: 'published', recorded: index, ...(receipt !== undefined && { receipt }) });
    this.#publication = {
      ...{ state: 'published', id: this.#id, path, index },
      receipt: receiptInReply === 'no' ? undefined : receipt,
      receiptText: receiptInReply === 'text' ? receiptText : undefined,
    };
  }

  /** A name that cannot be had is known before anything is recorded. */
  async #chosen(waiting: Waiting): Promise<ChosenName> {
    const { machine, use } = this.#parts;
    try {
      return await machine.choose(waiting);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      use.note({ publication: 'refused', recorded: await machine.reject(waiting, reason) });
      throw error;
    }
  }

  /** The client is answered now, so that the upload must outlive everything from here on. */
  async #accept(arrived: Intent): Promise<void> {
    const { machine, files, use, path, checkLater } = this.#parts;
    const intent: Intent = { ...arrived, state: 'checking', sinceMs: machine.parts.clock.now() };
    await machine.change(intent, 'synced');
    const index = await machine.record(uploadRecord(intent.upload, 'upload.accepted'));
    use.note({ publication: 'accepted', recorded: index });
    this.#publication = { state: 'accepted', id: this.#id, path, index, receipt: undefined };
    await checkLater(this.#id, files);
  }

  /** Storage that cannot hold publishes in one step with the arrival: it is recorded in front of that. */
  async #commitUnheld(intent: Intent, arrival: Arrival): Promise<void> {
    const { staged, files, machine } = this.#parts;
    const { bytes, sha256 } = arrival;
    const door = stagedDoor(staged, arrival);
    machine.parts.items.move(this.#id, 'checking', { bytes, sha256 });
    await this.#publish({ intent, files, door, outcomes: [] });
    this.#handed = true;
  }
}
