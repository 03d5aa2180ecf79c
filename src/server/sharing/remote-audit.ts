/** The audit log as a worker sees it: the process above writes it. While that cannot be reached, nothing can be recorded. */
import type { Correspondent } from '../../lib/correspondent.ts';
import { Unanswered } from '../../lib/correspondent.ts';
import { AuditFailed, type AuditLog, type AuditRecord, type LoggedRecord } from '../../spi/audit.ts';
import type { SharedAudit } from '../shared-state.ts';
import { ANSWERED, type Logged, type LogState, named, TOLD } from './messages.ts';

/** The log above. */
export class RemoteAudit implements AuditLog, SharedAudit {
  readonly #above: Correspondent;
  readonly #listeners = new Set<() => void>();
  #size = 0;
  #failure: Error | undefined = new AuditFailed('nothing is known of the audit log yet');

  constructor(above: Correspondent) {
    this.#above = above;
    above.serve({ [named('log')]: ({ argument }) => this.#hear(TOLD.log.parse(argument)) });
  }

  get log(): AuditLog {
    return this;
  }

  /** As far as it is known here: never more than there is. */
  get size(): number {
    return this.#size;
  }

  get failure(): Error | undefined {
    const { gone } = this.#above;
    return gone === undefined ? this.#failure : new AuditFailed('the audit log is out of reach', { cause: gone });
  }

  async append(record: AuditRecord): Promise<LoggedRecord> {
    try {
      const answer = ANSWERED.append.parse(await this.#above.ask(named('append'), record, { waitMaxMs: 'long' }));
      this.#hear(answer.log);
      return arrived(answer.record);
    } catch (error) {
      if (error instanceof AuditFailed) throw error;
      throw new AuditFailed('the record did not reach the audit log', { cause: error });
    }
  }

  note(record: AuditRecord): void {
    this.#above.tell(named('note'), record);
  }

  noteOnce(record: AuditRecord, what: string): void {
    this.#above.tell(named('noteOnce'), { record, what });
  }

  async receipt(index: number): Promise<string> {
    return ANSWERED.receipt.parse(await this.#reached(this.#above.ask(named('receipt'), { index })));
  }

  async *read(fromIndex: number): AsyncGenerator<LoggedRecord> {
    const end = this.#size;
    for (let from = fromIndex; from < end; ) {
      const page = ANSWERED.read.parse(await this.#reached(this.#above.ask(named('read'), { from, end })));
      for (const record of page) yield arrived(record);
      const last = page.at(-1);
      // What was dropped by retention is not there any more.
      if (last === undefined) return;
      from = last.index + 1;
    }
  }

  watch(listener: () => void): () => void {
    const mine = () => listener();
    this.#listeners.add(mine);
    return () => void this.#listeners.delete(mine);
  }

  #hear({ size, failure }: LogState): void {
    const grown = size > this.#size;
    this.#size = size;
    if (failure === null) this.#failure = undefined;
    else if (failure !== this.#failure?.message) this.#failure = new AuditFailed(failure);
    if (grown) for (const listener of this.#listeners) listener();
  }

  async #reached(answer: Promise<unknown>): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof Unanswered) throw new AuditFailed('the audit log did not answer', { cause: error });
      throw error;
    }
  }
}

function arrived({ index, entry }: Logged): LoggedRecord {
  return { index, entry: Buffer.from(entry, 'base64') };
}
