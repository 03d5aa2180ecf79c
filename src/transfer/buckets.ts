/** Token buckets that several transfers go through, each known by a key; the lowest rate that one of them says holds for all. */
import type { Clock } from '../lib/clock.ts';
import { TokenBucket } from '../lib/token-bucket.ts';

/** A bucket, as one of the transfers that share it sees it. */
export interface RateBucket {
  /** Bytes a second that are let pass at this moment; undefined is no limit, and then there is nothing to take. */
  readonly rate: number | undefined;
  /** Says which rate holds for this user of it; undefined is none of its own. */
  set(user: object, rate: number | undefined): void;
  /** Uses it no more. */
  leave(user: object): void;
  /** Takes so many bytes' worth when its turn has come. @throws the signal's reason when it aborts before. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Gives the buckets. */
export interface RateBuckets {
  /** The bucket of a key, for as long as somebody uses it. */
  bucket(key: string): RateBucket;
}

/** Told the rate of a bucket whenever it changes; undefined when it limits nothing. */
export type RateListener = (key: string, rate: number | undefined) => void;

/** Buckets in the memory of this process. */
export class OwnBuckets implements RateBuckets {
  readonly #clock: Clock;
  readonly #changed: RateListener;
  readonly #buckets = new Map<string, OwnBucket>();

  constructor(clock: Clock, changed: RateListener = () => undefined) {
    this.#clock = clock;
    this.#changed = changed;
  }

  bucket(key: string): RateBucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const made: OwnBucket = new OwnBucket(this.#clock, {
      changed: (rate) => this.#changed(key, rate),
      // Forgotten when it is as good as new: sooner, small transfers in a row would each begin with a fresh burst.
      unused: () => void this.#clock.after(made.fullInMs, () => this.#forget(key, made)),
    });
    this.#buckets.set(key, made);
    return made;
  }

  /** The bucket of a key, if somebody uses it, or has used it lately. */
  known(key: string): RateBucket | undefined {
    return this.#buckets.get(key);
  }

  /** The rates that hold now, by key. */
  get rates(): ReadonlyMap<string, number> {
    const limited = [...this.#buckets].flatMap(([key, { rate }]) => (rate === undefined ? [] : [[key, rate] as const]));
    return new Map(limited);
  }

  #forget(key: string, bucket: OwnBucket): void {
    if (bucket.used || this.#buckets.get(key) !== bucket) return;
    this.#buckets.delete(key);
    if (bucket.rate !== undefined) this.#changed(key, undefined);
  }
}

/** The rates that the users of a bucket say. */
export class SaidRates {
  readonly #rates = new Map<object, number | undefined>();
  readonly #told: { changed(): void; unused(): void };

  /** `changed` is told that `lowest` may be another one, `unused` that the last user has left. */
  constructor(told: { changed(): void; unused(): void }) {
    this.#told = told;
  }

  /** Whether anybody uses it. */
  get used(): boolean {
    return this.#rates.size > 0;
  }

  /** The lowest; undefined when nobody says one. */
  get lowest(): number | undefined {
    const said = [...this.#rates.values()].filter((rate) => rate !== undefined);
    return said.length === 0 ? undefined : Math.min(...said);
  }

  set(user: object, rate: number | undefined): void {
    this.#rates.set(user, rate);
    this.#told.changed();
  }

  /** What the last user said stands until somebody says another rate: it is what was used up. */
  leave(user: object): void {
    if (!this.#rates.delete(user)) return;
    if (this.used) this.#told.changed();
    else this.#told.unused();
  }
}

/** A bucket and those who use it. */
class OwnBucket implements RateBucket {
  readonly #bucket: TokenBucket;
  readonly #rates: SaidRates;
  readonly #changed: (rate: number | undefined) => void;

  constructor(clock: Clock, told: { changed(rate: number | undefined): void; unused(): void }) {
    this.#bucket = new TokenBucket(clock);
    this.#rates = new SaidRates({ changed: () => this.#apply(), unused: told.unused });
    this.#changed = told.changed;
  }

  get rate(): number | undefined {
    return this.#bucket.rate;
  }

  get used(): boolean {
    return this.#rates.used;
  }

  /** Milliseconds until it is as good as new, if nobody asks for anything. */
  get fullInMs(): number {
    return this.#bucket.fullInMs;
  }

  set(user: object, rate: number | undefined): void {
    this.#rates.set(user, rate);
  }

  leave(user: object): void {
    this.#rates.leave(user);
  }

  take(bytes: number, signal: AbortSignal): Promise<void> {
    return this.#bucket.take(bytes, signal);
  }

  #apply(): void {
    const before = this.#bucket.rate;
    this.#bucket.setRate(this.#rates.lowest);
    if (this.#bucket.rate !== before) this.#changed(this.#bucket.rate);
  }
}
