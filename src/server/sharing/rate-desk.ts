/** The token buckets that all workers share, where they are: each worker says what holds for its sessions, and takes its share. */
import type { Correspondent } from '../../lib/correspondent.ts';
import type { OwnBuckets, RateBucket } from '../../transfer/buckets.ts';
import { named } from './messages.ts';

/** Tells every worker what the shared buckets let pass: sessions that have no limit of their own share them all the same. */
export class RateNews {
  readonly #workers = new Set<Correspondent>();

  /** Told by the buckets. */
  readonly changed = (key: string, rate: number | undefined): void => {
    for (const worker of this.#workers) worker.tell(named('rates'), [{ key, rate: rate ?? null }]);
  };

  /** Has a worker told from now on, and at once of what holds already. */
  follow(worker: Correspondent, { rates }: Pick<OwnBuckets, 'rates'>): void {
    const now = [...rates].map(([key, rate]) => ({ key, rate }));
    if (now.length > 0) worker.tell(named('rates'), now);
    this.#workers.add(worker);
    worker.onGone(() => this.#workers.delete(worker));
  }
}

/** What one worker has to do with the shared buckets. To the bucket it is one user, however many sessions it has. */
export class RateSeat {
  readonly #buckets: OwnBuckets;
  readonly #used = new Map<string, RateBucket>();

  constructor(buckets: OwnBuckets) {
    this.#buckets = buckets;
  }

  /** The lowest rate that one of the worker's sessions has. */
  say(key: string, rate: number | undefined): void {
    const bucket = this.#used.get(key) ?? this.#buckets.bucket(key);
    this.#used.set(key, bucket);
    bucket.set(this, rate);
  }

  /** None of the worker's sessions uses the bucket any more. */
  leave(key: string): void {
    this.#used.get(key)?.leave(this);
    this.#used.delete(key);
  }

  /** Takes for one of the worker's sessions, in turn with all others. */
  async take(key: string, bytes: number, signal: AbortSignal): Promise<void> {
    // One that nobody uses any more limits nobody.
    await this.#buckets.known(key)?.take(bytes, signal);
  }

  /** The worker is gone. */
  end(): void {
    for (const key of [...this.#used.keys()]) this.leave(key);
  }
}
