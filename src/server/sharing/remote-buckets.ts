/**
 * The token buckets of accounts and of the server as a worker sees them: the process above has them, and every byte that is held
 * to a rate is taken there, in turn with the sessions of all workers. What nobody limits costs no message.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Correspondent } from '../../lib/correspondent.ts';
import { type RateBucket, type RateBuckets, SaidRates } from '../../transfer/buckets.ts';
import { asked } from './asked.ts';
import { named, TOLD } from './messages.ts';

/** The buckets of one worker. */
export class RemoteBuckets implements RateBuckets {
  readonly #above: Correspondent;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, RemoteBucket>();
  /** What the process above lets pass, for sessions of all workers. */
  readonly #rates = new Map<string, number>();

  constructor(above: Correspondent, clock: Clock) {
    this.#above = above;
    this.#clock = clock;
    above.serve({
      [named('rates')]: ({ argument }) => {
        for (const { key, rate } of TOLD.rates.parse(argument)) {
          if (rate === null) this.#rates.delete(key);
          else this.#rates.set(key, rate);
        }
      },
    });
  }

  bucket(key: string): RateBucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const made: RemoteBucket = new RemoteBucket(key, this.#above, {
      rateAbove: () => this.#rates.get(key),
      unused: () => void this.#clock.after(LINGERS_MS, () => this.#forget(key, made)),
    });
    this.#buckets.set(key, made);
    return made;
  }

  #forget(key: string, bucket: RemoteBucket): void {
    if (bucket.used || this.#buckets.get(key) !== bucket) return;
    this.#buckets.delete(key);
    bucket.end();
  }
}

/** Small transfers in a row come and go: the process above is told that all are gone when none has come for so long. */
const LINGERS_MS = 1_000;

/** The least that is asked for at once, as a share of a second: small reads at a high rate must not cost a message each. */
const SHARE_SECONDS = 0.01;

class RemoteBucket implements RateBucket {
  readonly #key: string;
  readonly #above: Correspondent;
  readonly #rateAbove: () => number | undefined;
  readonly #rates: SaidRates;
  /** The lowest that one of the users has. */
  #own: number | undefined;
  /** What the process above was told of that; null when it was told nothing. */
  #told: number | null = null;
  /** Bytes that were granted beyond what was asked for: whoever comes next takes of them. */
  #leftBytes = 0;

  constructor(key: string, above: Correspondent, around: { rateAbove(): number | undefined; unused(): void }) {
    this.#key = key;
    this.#above = above;
    this.#rateAbove = around.rateAbove;
    this.#rates = new SaidRates({ changed: () => this.#apply(), unused: around.unused });
  }

  get rate(): number | undefined {
    const above = this.#rateAbove();
    if (this.#own === undefined || above === undefined) return this.#own ?? above;
    return Math.min(this.#own, above);
  }

  get used(): boolean {
    return this.#rates.used;
  }

  set(user: object, rate: number | undefined): void {
    this.#rates.set(user, rate);
  }

  leave(user: object): void {
    this.#rates.leave(user);
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#takeLeft(bytes)) return;
    const atOnce = Math.max(bytes, Math.ceil((this.rate ?? 0) * SHARE_SECONDS));
    await asked(this.#above.ask(named('take'), { key: this.#key, bytes: atOnce }, { signal, waitMaxMs: 'long' }));
    this.#leftBytes += atOnce - bytes;
  }

  /** Nobody uses it any more. */
  end(): void {
    if (this.#told === null) return;
    this.#told = null;
    this.#above.tell(named('leaveRate'), { key: this.#key });
  }

  #takeLeft(bytes: number): boolean {
    if (this.#leftBytes < bytes) return false;
    this.#leftBytes -= bytes;
    return true;
  }

  #apply(): void {
    this.#own = this.#rates.lowest;
    if ((this.#own ?? null) === this.#told) return;
    this.#told = this.#own ?? null;
    this.#above.tell(named('rate'), { key: this.#key, rate: this.#told });
  }
}
