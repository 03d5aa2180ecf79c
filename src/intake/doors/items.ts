/** What is between the doors now, and what has left lately: for operators, who see each item and each move that it makes. */
import type { Clock } from '../../lib/clock.ts';
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { GateOutcome } from '../../spi/gate.ts';
import type { Log } from '../../spi/log.ts';
import { type ItemState, isSettled, moved } from './item-state.ts';

/** An upload as operators see it. */
export interface IntakeItem {
  /** Its name in log, records, receipts and quarantine. */
  readonly id: string;
  readonly state: ItemState;
  readonly account: string;
  /** Where it would be, or is, published. */
  readonly path: VirtualPath;
  /** Bytes that have arrived. */
  readonly bytes: number;
  /** When it came into its state: milliseconds since 1970 (UTC). */
  readonly sinceMs: number;
  /** Known once it has arrived whole. */
  readonly sha256?: string | undefined;
  /** Why it is quarantined or was rejected. */
  readonly reason?: string | undefined;
  /** What the gates said. */
  readonly gates?: readonly GateOutcome[] | undefined;
}

/** Settled items that are still shown. */
const SETTLED_MAX = 256;

/** What changes of an item beside its state. */
export type ItemChange = Partial<Pick<IntakeItem, 'path' | 'bytes' | 'sha256' | 'reason' | 'gates'>>;

/** Every item. */
export class Items {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #live = new Map<string, IntakeItem>();
  #settled: IntakeItem[] = [];

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Those that are not settled, the oldest first, and behind them those that were settled last. */
  get all(): readonly IntakeItem[] {
    return [...this.#live.values(), ...this.#settled];
  }

  get(id: string): IntakeItem | undefined {
    return this.#live.get(id);
  }

  /** Takes a new item in, or one that an earlier process left. */
  add(item: Omit<IntakeItem, 'sinceMs'> & { readonly sinceMs?: number }): void {
    const { id, state, account, path } = item;
    this.#live.set(id, { ...item, sinceMs: item.sinceMs ?? this.#clock.now() });
    this.#log.debug('intake.item', { upload: id, state, account, path });
  }

  /** Shows an item no more that is between the doors of another process. */
  forget(id: string): void {
    this.#live.delete(id);
  }

  /** Changes what is known of an item that is not settled. */
  update(id: string, change: ItemChange): void {
    const item = this.#live.get(id);
    if (item !== undefined) this.#live.set(id, { ...item, ...change });
  }

  /** Moves an item on, once; one that is settled stays as it is. @throws AssertionFailed for a move that there is not. */
  move(id: string, to: ItemState, change: ItemChange = {}): void {
    const item = this.#live.get(id);
    if (item === undefined || item.state === to) {
      this.update(id, change);
      return;
    }
    const { state: from, account } = item;
    const next = { ...item, ...change, state: moved(from, to), sinceMs: this.#clock.now() };
    const fields = { upload: id, from, to, account, path: next.path, bytes: next.bytes, reason: next.reason };
    // Each upload makes the plain moves, and the command's own entry tells of it; the others are the operator's business.
    if (to === 'quarantined' || to === 'rejected') this.#log.warn('intake.moved', fields);
    else if (from === 'quarantined') this.#log.info('intake.moved', fields);
    else this.#log.debug('intake.moved', fields);
    if (!isSettled(to)) {
      this.#live.set(id, next);
      return;
    }
    this.#live.delete(id);
    this.#settled.push(next);
    if (this.#settled.length > SETTLED_MAX * 2) this.#settled = this.#settled.slice(-SETTLED_MAX);
  }
}
