/**
 * Finishing or undoing what was cut short: by the end of the process, or by a log or a disk that failed in the middle. What
 * is left to do follows from the intent and from the last thing that the log says of the upload, and from nothing else; doing
 * it twice is the same as doing it once.
 */

import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { AuditEventName } from '../../spi/audit.ts';
import type { FileSystem, HeldFile } from '../../spi/file-system.ts';
import { checkBehind } from './behind-reply.ts';
import { heldDoor, openHeld } from './held-door.ts';
import type { Attempt, Later } from './later.ts';
import { type Spoken, spokenSince } from './log-reading.ts';
import type { Machine } from './machine.ts';
import type { Door, Waiting } from './machine-parts.ts';
import { uploadRecord } from './records.ts';
import { ALTERED, directoryOf, isPublishedAs, isThere, isUnaltered } from './same-content.ts';
import type { Intent } from './upload.ts';

/** What looking at an upload came to; `check`: gates have to be asked. */
type Looked = Attempt | 'check';

const UNDONE = 'the gateway ended before its client was answered';

/** Events behind which nothing of an upload may be left. */
const ENDS: ReadonlySet<AuditEventName> = new Set([
  'upload.refused',
  'upload.undone',
  'upload.incomplete',
  'quarantine.destroyed',
]);

/** See above. It has everything done behind replies that uploads need. */
export class Settling {
  readonly #machine: Machine;
  readonly #later: Later;
  /** Uploads of which only the log can say what became of them. */
  readonly #doubtful = new Set<string>();
  /** The files of uploads that came through this process; those of others are asked for. */
  readonly #files = new Map<string, FileSystem>();

  constructor(machine: Machine, later: Later) {
    this.#machine = machine;
    this.#later = later;
  }

  /** Has an upload checked that was accepted. */
  check(id: string, files: FileSystem | undefined): void {
    if (files !== undefined) this.#files.set(id, files);
    this.#later.add(id, (signal) => this.#attempt(id, signal));
  }

  /** Has an upload looked at again of which nobody knows what became of it. */
  doubt(id: string, files: FileSystem | undefined): void {
    if (files !== undefined) this.#files.set(id, files);
    this.#doubtful.add(id);
    this.#later.add(id, (signal) => this.#attempt(id, signal), 'after a while');
  }

  /** Has a look that waits for its time done now. */
  hurry(id: string): void {
    this.#later.hurry(id);
  }

  /** Whether it is looked at again before anybody else may touch it. */
  isDoubtful(id: string): boolean {
    return this.#doubtful.has(id);
  }

  /** The files in which an upload is held; undefined, and logged, when they cannot be reached. */
  async filesOf({ upload: { id, account, root, user, path } }: Intent): Promise<FileSystem | undefined> {
    const { filesOf, log } = this.#machine.parts;
    try {
      const files = this.#files.get(id) ?? (await filesOf(account, { root, user }));
      if (files === undefined) log.error('intake.unreachable', { upload: id, account, root, path });
      return files;
    } catch (error) {
      log.error('intake.unreachable', { upload: id, account, root, path, error });
      return undefined;
    }
  }

  async #attempt(id: string, signal: AbortSignal): Promise<Attempt> {
    const attempt = await this.#look(id, signal);
    if (attempt === 'done') this.#files.delete(id);
    return attempt;
  }

  async #look(id: string, signal: AbortSignal): Promise<Attempt> {
    const { audit } = this.#machine.parts;
    const intent = this.#machine.open.get(id);
    if (this.#doubtful.has(id) && intent !== undefined) {
      if (audit?.failure !== undefined) return 'again';
      const spoken = audit && (await spokenSince(audit, intent.logSize)).get(id);
      const looked = await this.settle(intent, spoken);
      if (looked === 'again') return looked;
    }
    this.#doubtful.delete(id);
    const checked = this.#machine.open.get(id);
    if (checked?.state !== 'checking') return 'done';
    const files = await this.filesOf(checked);
    if (files === undefined) return 'again';
    try {
      const came = await checkBehind(this.#machine, { intent: checked, files }, signal);
      if (came === 'again' || !this.isLeft(id)) return came;
      this.#doubtful.add(id);
      return 'again';
    } catch (error) {
      this.#doubtful.add(id);
      throw error;
    }
  }

  /** Does what is left to do. @returns `again` when storage cannot be reached. @throws what log and storage say. */
  async settle(intent: Intent, spoken: Spoken | undefined): Promise<Looked> {
    const { log } = this.#machine.parts;
    const { id, account, path } = intent.upload;
    const looked = await this.#settle(intent, spoken);
    log.info('intake.recovered', { upload: id, account, path, from: intent.state, said: spoken?.event, came: looked });
    return looked;
  }

  async #settle(intent: Intent, spoken: Spoken | undefined): Promise<Looked> {
    const event = spoken?.event;
    const isWaiting = event === undefined || event === 'upload.accepted' || event === 'upload.quarantined';
    if (intent.state === 'quarantined' && isWaiting) {
      const { reason, outcomes, upload } = intent;
      if (event !== 'upload.quarantined' && intent.recorded !== true) {
        await this.#machine.record(uploadRecord(upload, 'upload.quarantined', { reason, outcomes }));
      }
      // The log may be pruned some day.
      if (intent.recorded !== true) await this.#machine.quarantineRecorded(intent);
      return 'done';
    }
    if (intent.state === 'checking' && isWaiting && intent.decided === undefined) return 'check';
    const files = await this.filesOf(intent);
    if (files === undefined) return 'again';
    if (!intent.holds) return this.#settleUnheld(intent, { spoken, files });
    const held = await openHeld(files, intent.upload.path, intent.upload.id);
    try {
      const door = held === undefined ? NOTHING_HELD : heldDoor(held, files, intent.upload);
      const waiting = { intent, files, door, outcomes: intent.outcomes };
      return await this.#finish(waiting, { spoken, held });
    } finally {
      await held?.close();
    }
  }

  async #finish(
    waiting: Waiting,
    { spoken, held }: { readonly spoken: Spoken | undefined; readonly held: HeldFile | undefined },
  ): Promise<Looked> {
    const { intent, door } = waiting;
    const { upload, decided } = intent;
    const path = spoken?.event === 'upload.published' ? spoken.path : decided;
    if (spoken !== undefined && ENDS.has(spoken.event)) {
      await door.destroy();
      this.#machine.parts.items.move(upload.id, 'rejected', { reason: spoken.event });
      await this.#machine.forget(upload.id);
    } else if (path !== undefined) {
      const index = spoken?.index;
      if (held === undefined && !(await this.#hasLeft(waiting, { spoken, path }))) return this.#lost(intent, path);
      if (held !== undefined && !(await isUnaltered(held, spoken?.content ?? upload))) {
        this.#machine.parts.log.error('intake.altered', { upload: upload.id, account: upload.account, path });
        await this.#machine.quarantine(waiting, ALTERED);
        return this.#come(intent);
      }
      try {
        if (held !== undefined) await door.publish(path, upload.collision === 'replace' ? 'replace' : 'keep');
        await this.#machine.parts.placed?.(waiting.files, upload.account, path);
      } catch (error) {
        await this.#machine.takeBack(waiting, { error, path, index });
        return 'done';
      }
      this.#machine.overtake(upload);
      await this.#machine.finish(upload, { path, index });
    } else {
      await this.#machine.reject(waiting, UNDONE, 'upload.undone');
    }
    return this.#come(intent);
  }

  /** What has been done may have left something to do: a receipt, or a record. */
  #come({ upload: { id } }: Intent): Attempt {
    return this.isLeft(id) ? 'again' : 'done';
  }

  /** Whether anything but an operator's word is missing. */
  isLeft(id: string): boolean {
    const intent = this.#machine.open.get(id);
    return intent !== undefined && !(intent.state === 'quarantined' && intent.recorded === true);
  }

  /**
   * Whether what is not held any more has had its name. It may have been taken away since, which is a consumer's business; a
   * disk that is not mounted is no reason to believe that all is done.
   */
  async #hasLeft(
    { intent, files }: Waiting,
    { spoken, path }: { readonly spoken: Spoken | undefined; readonly path: VirtualPath },
  ): Promise<boolean> {
    if (await isThere(files, path)) return true;
    if (spoken?.event !== 'upload.published' || intent.directory === undefined) return false;
    return (await directoryOf(files, path)) === intent.directory;
  }

  #lost({ upload: { id, account, root } }: Intent, path: VirtualPath): Looked {
    this.#machine.parts.log.error('intake.lost', { upload: id, account, root, path });
    return 'again';
  }

  /** What storage could not hold is published or not, and its bytes tell. */
  async #settleUnheld(
    intent: Intent,
    { spoken, files }: { readonly spoken: Spoken | undefined; readonly files: FileSystem },
  ): Promise<Looked> {
    const { upload, decided } = intent;
    const path = spoken?.event === 'upload.published' ? spoken.path : decided;
    if (path !== undefined && (await isPublishedAs(files, path, upload))) {
      await this.#machine.finish(upload, { path, index: spoken?.index });
    } else {
      const waiting = { intent, files, door: NOTHING_HELD, outcomes: [] };
      if (spoken !== undefined && ENDS.has(spoken.event)) return this.#finish(waiting, { spoken, held: undefined });
      await this.#machine.reject(waiting, UNDONE, 'upload.undone');
    }
    return this.#come(intent);
  }
}

const NOTHING_HELD: Door = {
  publish: async () => undefined,
  destroy: async () => undefined,
  waits: async () => false,
};
