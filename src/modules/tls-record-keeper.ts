/** The one record of the TLS that clients came with, in memory and in its file: what a crash loses is what came since it was saved. */
import type { Clock, Timer } from '../lib/clock.ts';
import type { Log } from '../spi/log.ts';
import { type Behaviour, type ControlBehaviour, type StrangerRefusal, TlsRecord } from './tls-record.ts';
import { readRecord, setAside, writeRecord } from './tls-record-file.ts';

/** How long what was told may be in memory alone: what a crash loses. */
const SAVE_DELAY_MS = 20_000;
const DAY_MS = 86_400_000;

/** Takes what was seen; see `TlsRecord`. */
export type TlsSightings = Pick<TlsRecord, 'see' | 'seeLogin' | 'refuse'>;

/** Where the record is, and how long it remembers. */
export interface RecordPlace {
  /** The file; absolute. */
  readonly file: string;
  /** What was not seen for so long is forgotten. */
  readonly days: number;
}

/** See the head of this file. */
export class TlsRecordKeeper implements TlsSightings {
  readonly #parts: RecordPlace & { readonly clock: Clock; readonly log: Log };
  #record: TlsRecord;
  #state: 'unread' | 'kept' | 'memory-only' = 'unread';
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();
  #changed = false;
  #failing = false;

  constructor(parts: RecordPlace & { readonly clock: Clock; readonly log: Log }) {
    this.#parts = parts;
    this.#record = new TlsRecord(parts.clock.now());
  }

  /** Reads the file, the first time. Whatever is wrong with it, the gateway starts. */
  async load(): Promise<void> {
    if (this.#state !== 'unread') return;
    const { file, clock, log } = this.#parts;
    this.#state = 'kept';
    try {
      const read = await readRecord(file);
      if (read.kind === 'record') this.#record = new TlsRecord(clock.now(), read.data);
      if (read.kind !== 'broken') return;
      log.error('tls_inventory.broken', { file, why: read.why, kept: await setAside(file) });
    } catch (error) {
      // To write would be to replace what could not be read.
      this.#state = 'memory-only';
      log.error('tls_inventory.unreadable', { file, error });
    }
  }

  /** Writes what has changed. Never throws: the record is not worth a transfer. */
  async save(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#saving = this.#saving.then(() => this.#write());
    await this.#saving;
  }

  seeLogin(account: string, behaviour: ControlBehaviour, place: { readonly network: string; readonly nowMs: number }) {
    this.#record.seeLogin(account, behaviour, place);
    this.#change();
  }

  see(account: string, behaviour: Behaviour, nowMs: number): void {
    this.#record.see(account, behaviour, nowMs);
    this.#change();
  }

  refuse(network: string, why: StrangerRefusal, nowMs: number): void {
    this.#record.refuse(network, why, nowMs);
    this.#change();
  }

  #change(): void {
    this.#changed = true;
    this.#timer ??= this.#parts.clock.after(SAVE_DELAY_MS, () => void this.save());
  }

  async #write(): Promise<void> {
    if (!this.#changed || this.#state !== 'kept') return;
    const { file, days, clock, log } = this.#parts;
    this.#changed = false;
    const nowMs = Math.max(0, Math.round(clock.now()));
    this.#record.forgetBefore(nowMs - days * DAY_MS);
    try {
      await writeRecord(file, this.#record.lines(nowMs));
      this.#failing = false;
    } catch (error) {
      // Said once, not every half a minute; the next change tries again.
      if (!this.#failing) log.error('tls_inventory.not_saved', { file, error });
      this.#failing = true;
      this.#changed = true;
    }
  }
}
