/** What a worker counts for monitoring, on its way to the process that is asked for the numbers: many at once, and seldom. */
import { z } from 'zod';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Counts } from '../modules/metrics-counters.ts';

const times = z.int().min(1);
const result = z.enum(['ok', 'failed']);
const channel = z.enum(['control', 'data']);

/** Something that was counted so many times. */
const countedItem = z.discriminatedUnion('what', [
  z.strictObject({ what: z.literal('login'), result, times }),
  z.strictObject({
    ...{ what: z.literal('transfer'), direction: z.enum(['upload', 'download', 'listing']), result, times },
    /** Of all of them together. */
    bytes: z.number().min(0),
  }),
  z.strictObject({ what: z.literal('command'), class: z.string(), result, times }),
  z.strictObject({ what: z.literal('handshake'), channel, version: z.string(), resumed: z.boolean(), times }),
  z.strictObject({ what: z.literal('handshakeFailed'), channel, times }),
]);

type CountedItem = z.output<typeof countedItem>;

/** What a worker tells. */
export const countedItems = z.array(countedItem);

/** How long a worker keeps what it has counted to itself: what a crash of it loses. */
const KEPT_MS = 1_000;

/** Gathers what is counted, and hands it on within a second. While nothing happens nothing ticks. */
export class GatheredCounts {
  readonly counts: Counts;
  readonly #clock: Clock;
  readonly #hand: (items: readonly CountedItem[]) => void;
  readonly #items = new Map<string, CountedItem>();
  #timer: Timer | undefined;

  constructor(clock: Clock, hand: (items: readonly CountedItem[]) => void) {
    this.#clock = clock;
    this.#hand = hand;
    this.counts = {
      login: (result, times = 1) => this.#add(`login ${result}`, { what: 'login', result, times }),
      transfer: (direction, result, bytes, times = 1) =>
        this.#add(`transfer ${direction} ${result}`, { what: 'transfer', direction, result, bytes, times }),
      command: (name, result, times = 1) =>
        this.#add(`command ${name} ${result}`, { what: 'command', class: name, result, times }),
      handshake: ({ channel, version, resumed }, times = 1) =>
        this.#add(`handshake ${channel} ${version} ${resumed}`, {
          ...{ what: 'handshake', channel, version, resumed, times },
        }),
      handshakeFailed: (channel, times = 1) =>
        this.#add(`failed ${channel}`, { what: 'handshakeFailed', channel, times }),
    };
  }

  /** Hands on what has been gathered. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const items = [...this.#items.values()];
    this.#items.clear();
    if (items.length > 0) this.#hand(items);
  }

  #add(key: string, item: CountedItem): void {
    const before = this.#items.get(key);
    this.#items.set(key, before === undefined ? item : sum(before, item));
    this.#timer ??= this.#clock.after(KEPT_MS, () => this.flush());
  }
}

/** Counts what a worker has counted. */
export function countAll(items: readonly CountedItem[], counts: Counts): void {
  for (const item of items) {
    switch (item.what) {
      case 'login':
        counts.login(item.result, item.times);
        break;
      case 'transfer':
        counts.transfer(item.direction, item.result, item.bytes, item.times);
        break;
      case 'command':
        counts.command(item.class, item.result, item.times);
        break;
      case 'handshake':
        counts.handshake(item, item.times);
        break;
      case 'handshakeFailed':
        counts.handshakeFailed(item.channel, item.times);
        break;
    }
  }
}

/** Both have the same key. */
function sum(one: CountedItem, other: CountedItem): CountedItem {
  const times = one.times + other.times;
  if (one.what !== 'transfer' || other.what !== 'transfer') return { ...one, times };
  return { ...one, bytes: one.bytes + other.bytes, times };
}
