/** What operators do with files that are held back; each act is recorded in front of what it does. */
import type { AuditRecord } from '../../spi/audit.ts';
import { Fault } from '../../spi/fault.ts';
import type { HeldFile } from '../../spi/file-system.ts';
import { heldDoor, openHeld } from './held-door.ts';
import type { Machine } from './machine.ts';
import type { Waiting } from './machine-parts.ts';
import type { ChosenName } from './name-turns.ts';
import { type OperatorOrder, quarantineRecord } from './records.ts';
import { ALTERED, isUnaltered } from './same-content.ts';
import type { Settling } from './settling.ts';
import type { Intent } from './upload.ts';

/** Why nothing was done; its message is for the operator. */
export class QuarantineRefused extends Error {
  override readonly name = 'QuarantineRefused';
}

/** The files that are held back. */
export class Quarantine {
  readonly #machine: Machine;
  readonly #settling: Settling;
  /** Uploads that somebody acts on now. */
  readonly #acting = new Set<string>();

  constructor(machine: Machine, settling: Settling) {
    this.#machine = machine;
    this.#settling = settling;
  }

  /** Publishes it. @throws QuarantineRefused. */
  release(id: string, order: OperatorOrder): Promise<void> {
    return this.#act(id, async (waiting, held) => {
      await this.#requireUnaltered(waiting, held);
      const name = await this.#chosen(waiting);
      using chosen = name;
      const released = quarantineRecord(waiting.intent.upload, 'quarantine.released', order);
      await this.#machine.publish(waiting, chosen, released).catch((error: unknown) => {
        this.#unreleased(released, error);
        throw error;
      });
      await this.#machine.parts.placed?.(waiting.files, waiting.intent.upload.account, chosen.path);
      // Its receipt, for one, could not be written.
      if (this.#settling.isLeft(id)) this.#settling.doubt(id, undefined);
    });
  }

  /** Removes it for good. @throws QuarantineRefused. */
  destroy(id: string, order: OperatorOrder): Promise<void> {
    return this.#act(id, async ({ intent: { upload }, door }) => {
      await this.#machine.record(quarantineRecord(upload, 'quarantine.destroyed', order));
      await door.destroy();
      this.#machine.parts.items.move(id, 'rejected', { reason: `destroyed by ${order.operator}` });
      await this.#machine.forget(id);
    });
  }

  async #act(id: string, act: Act): Promise<void> {
    const intent = this.#machine.open.get(id);
    if (intent?.state !== 'quarantined') throw new QuarantineRefused(`no upload ${id} is held back`);
    this.#requireLog(intent);
    if (this.#acting.has(id) || this.#settling.isDoubtful(id)) {
      // What the log failed for a while ago need not wait for its turn.
      this.#settling.hurry(id);
      throw new QuarantineRefused(`upload ${id} is being worked on: try again in a minute`);
    }
    this.#acting.add(id);
    try {
      await this.#opened(intent, act);
    } catch (error) {
      throw error instanceof QuarantineRefused ? error : this.#refusal(intent, error);
    } finally {
      this.#acting.delete(id);
    }
  }

  async #opened(intent: Intent, act: Act): Promise<void> {
    const { upload, outcomes } = intent;
    const files = await this.#settling.filesOf(intent);
    if (files === undefined) {
      throw new QuarantineRefused(`the files of ${upload.account} cannot be reached; the gateway's log says why`);
    }
    const held = await openHeld(files, upload.path, upload.id);
    if (held === undefined) {
      throw new QuarantineRefused(`nothing is held for ${upload.path} of ${upload.account} any more`);
    }
    try {
      await act({ intent, files, door: heldDoor(held, files, upload), outcomes: outcomes.map(detailed) }, held);
    } finally {
      await held.close();
    }
  }

  /** Receipt and record would say of it what is not so. @throws QuarantineRefused. */
  async #requireUnaltered({ intent: { upload } }: Waiting, held: HeldFile): Promise<void> {
    if (await isUnaltered(held, upload)) return;
    this.#machine.parts.log.error('intake.altered', { upload: upload.id, account: upload.account, path: upload.path });
    throw new QuarantineRefused(`upload ${upload.id} is not published: ${ALTERED}; it can only be destroyed`);
  }

  async #chosen(waiting: Waiting): Promise<ChosenName> {
    try {
      return await this.#machine.choose(waiting);
    } catch (error) {
      if (!(error instanceof Fault) || error.kind !== 'FileExists') throw error;
      throw new QuarantineRefused(`${waiting.intent.upload.path} exists, and may not be replaced: move it away first`);
    }
  }

  /** Nothing has happened yet, so that nothing is in doubt. @throws QuarantineRefused. */
  #requireLog({ upload }: Intent): void {
    try {
      this.#machine.requireLog();
    } catch (error) {
      const why = error instanceof Fault ? error.text : "the gateway's log says why";
      throw new QuarantineRefused(`upload ${upload.id} stays as it is: ${why}`, { cause: error });
    }
  }

  /** Behind a release that was recorded and that storage refused: the log says that too. */
  #unreleased(released: AuditRecord, error: unknown): void {
    if (error instanceof Fault && error.kind === 'AuditUnavailable') return;
    const why = error instanceof Error ? error.message : String(error);
    this.#machine.parts.audit?.note({ ...released, result: 'failure', reason: `it could not be published: ${why}` });
  }

  /** Behind a failure of the log nobody knows whether it was recorded, so that it is looked at again. */
  #refusal({ upload }: Intent, error: unknown): QuarantineRefused {
    const { log } = this.#machine.parts;
    log.error('intake.quarantine_failed', { upload: upload.id, account: upload.account, error });
    if (error instanceof Fault && error.kind === 'AuditUnavailable') this.#settling.doubt(upload.id, undefined);
    const why = error instanceof Fault ? error.text : "the gateway's log says why";
    return new QuarantineRefused(`upload ${upload.id} stays as it is: ${why}`, { cause: error });
  }
}

/** What is done with a file that is held back. */
type Act = (waiting: Waiting, held: HeldFile) => Promise<void>;

type Outcome = Intent['outcomes'][number];

function detailed(outcome: Outcome): Waiting['outcomes'][number] {
  return { ...outcome, detail: outcome.detail };
}
