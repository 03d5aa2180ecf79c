/** The audit log as whoever has it open sees it: records in, receipts and records out. */
import { aside } from '../../lib/aside.ts';
import { oneAtATime } from '../../lib/one-at-a-time.ts';
import { AuditFailed, type AuditRecord, type LoggedRecord } from '../../spi/audit.ts';
import { LogDamaged } from '../damage.ts';
import type { Cosigned } from '../notes/cosigned.ts';
import type { AuditLogParts, OpenAuditLog } from '../open-log.ts';
import type { Bundles } from '../tree/bundles.ts';
import { leafHash, rootOfInclusion } from '../tree/merkle.ts';
import { ENTRY_BYTES_MAX } from '../tree/tiles.ts';
import { formatReceipt } from '../verifying/receipt.ts';
import type { Disk } from './disk.ts';
import type { LogLock } from './lock.ts';
import { LogReader } from './log-reader.ts';
import { LogWriter, type SignedTree } from './log-writer.ts';
import { Publisher } from './publisher.ts';
import { RecordMaker } from './record-maker.ts';
import type { Tail } from './tail.ts';

/** The parts of an open log, once the directory is locked and loaded. */
export interface LoadedParts extends AuditLogParts {
  readonly disk: Disk;
  readonly lock: LogLock;
  readonly tail: Tail;
  readonly newest: SignedTree;
  readonly publishedSize: number | undefined;
  readonly bundles: Bundles;
  readonly cosigned: Cosigned;
  /** The time of the last record. */
  readonly lastMs: number;
}

/** The log. Made by `openAuditLog`. */
export class DiskLog implements OpenAuditLog {
  readonly #parts: LoadedParts;
  readonly #maker: RecordMaker;
  readonly #writer: LogWriter;
  readonly #reader: LogReader;
  readonly #publisher: Publisher;
  readonly #turn = oneAtATime();
  readonly #listeners = new Set<() => void>();
  readonly #firstSize: number;
  #closing: Promise<void> | undefined;

  constructor(parts: LoadedParts) {
    this.#parts = parts;
    this.#firstSize = parts.newest.size;
    this.#reader = new LogReader(parts.tail, parts.bundles);
    this.#maker = new RecordMaker(parts.clock, parts.lastMs);
    this.#writer = new LogWriter({ ...parts, lasted: () => this.#lasted(), gap: (count) => this.#maker.gap(count) });
    this.#publisher = new Publisher({ ...parts, newest: () => this.#newest() });
  }

  /** Makes what was loaded last, and publishes it. @throws what the file system throws; nothing is left open then. */
  async begin(): Promise<void> {
    try {
      await this.#writer.begin();
      await this.#publisher.publish();
    } catch (error) {
      await this.#writer.abandon();
      throw error;
    }
  }

  get size(): number {
    return this.#writer.durable.size;
  }

  get failure(): Error | undefined {
    return this.#writer.failure;
  }

  get minimumIndex(): number {
    return this.#parts.bundles.minimumIndex;
  }

  get counters(): { readonly records: number; readonly syncs: number } {
    return { records: this.size - this.#firstSize, syncs: this.#parts.disk.syncs };
  }

  async append(record: AuditRecord): Promise<LoggedRecord> {
    const entry = this.#maker.entry(record);
    if (entry.length <= ENTRY_BYTES_MAX) return this.#writer.append(entry);
    throw new AuditFailed(
      `a record of ${entry.length} bytes is longer than the ${ENTRY_BYTES_MAX} that the log can hold`,
    );
  }

  note(record: AuditRecord): void {
    const { log } = this.#parts;
    try {
      const entry = this.#maker.entry(record);
      if (entry.length > ENTRY_BYTES_MAX) {
        log.error('audit.record_too_long', { event: record.event, bytes: entry.length });
        this.#writer.note(this.#maker.marker(record, entry));
      } else if (!this.#writer.note(entry)) {
        log.error('audit.record_lost', { event: record.event });
      }
    } catch (error) {
      log.error('audit.record_lost', { event: record.event, error });
    }
  }

  checkpoint(): string {
    return this.#newest().note;
  }

  async receipt(index: number): Promise<string> {
    // With the words of witnesses, as soon as there are some.
    const tree = this.#parts.cosigned.covering(index) ?? this.#newest();
    if (!Number.isSafeInteger(index) || index < 0 || index >= tree.size) {
      throw new RangeError(`the audit log has no record ${index}`);
    }
    const entry = await this.#reader.entry(index);
    const hashes = await this.#parts.tail.hashes.inclusion(index, tree.size);
    // A receipt that does not verify would be believed by us and by nobody else.
    const root = rootOfInclusion(leafHash(entry), { index, size: tree.size }, hashes);
    if (root === undefined || !root.equals(tree.root)) {
      throw new LogDamaged({ index, file: 'tile', why: 'the record or its hashes are not what was signed' });
    }
    return formatReceipt(entry, { index, hashes, checkpoint: tree.note });
  }

  read(fromIndex: number): AsyncIterable<LoggedRecord> {
    return this.#reader.records(fromIndex, this.size);
  }

  watch(listener: () => void): () => void {
    // One of its own, so that who watches twice stops twice.
    const mine = () => listener();
    this.#listeners.add(mine);
    return () => void this.#listeners.delete(mine);
  }

  async addCosignature(note: string): Promise<number> {
    const added = await this.#turn(() => this.#parts.cosigned.add(note, this.size));
    if (added > 0) this.#publisher.changed();
    return added;
  }

  prune(beforeMs: number): Promise<number> {
    return this.#turn(async () => {
      const { bundles, tail } = this.#parts;
      const minimum = await bundles.minimumBefore(beforeMs, tail.start);
      const count = minimum - bundles.minimumIndex;
      if (count === 0) return 0;
      // First the record: what is missing without one was taken by somebody else.
      await this.append({
        event: 'log.pruned',
        result: 'success',
        who: {},
        origin: { program: 'gateway' },
        object: { minimum_index: minimum, records: count, before: new Date(beforeMs).toISOString() },
      });
      await bundles.drop(minimum);
      return count;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { lock } = this.#parts;
    try {
      await this.#writer.end();
      await this.#publisher.publish();
    } finally {
      this.#publisher.end();
      // Left behind, it is stale as soon as this process is gone.
      await lock.release().catch(() => undefined);
    }
  }

  #newest(): SignedTree {
    return this.#parts.cosigned.on(this.#writer.durable);
  }

  #lasted(): void {
    this.#publisher.changed();
    for (const listener of this.#listeners) {
      aside(listener, (error) => this.#parts.log.error('audit.listener_failed', { error }));
    }
  }
}
