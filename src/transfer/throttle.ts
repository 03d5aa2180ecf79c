/**
 * Holding transfers to their rates: of a session, of all sessions of an account, and of the whole server. The bytes wait
 * in token buckets that those who share a rate share, a tenth of a second's worth at a time and in turn, so that nobody
 * starves. What waits here is not taken for a connection that stands still.
 */
import type { Clock } from '../lib/clock.ts';
import type { DataConnection, Direction } from '../spi/data-port.ts';
import { OwnBuckets, type RateBucket, type RateBuckets } from './buckets.ts';

/** How fast bytes may go, in bytes a second; 0, or nothing said, is no limit. */
export interface Rates {
  /** From the client to the server. */
  readonly uploadBytesPerSecond?: number | undefined;
  /** From the server to the client. */
  readonly downloadBytesPerSecond?: number | undefined;
}

/** The rates that hold for one transfer. */
export interface TransferRates {
  /** Of its session. */
  readonly session: Rates;
  /** Of all sessions of its account together. */
  readonly account: Rates;
  /** Of all sessions together. */
  readonly server: Rates;
}

/** A transfer that is to be held to its rates. */
export interface Passage {
  /** The session's id. */
  readonly session: string;
  /** The account's name. */
  readonly account: string;
  readonly direction: Direction;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** Asked when the transfer begins, and whenever rates change. */
  rates(): TransferRates;
}

/** The share of a second that is let pass at once: small enough to be fair, large enough to be cheap. */
const SLICE_SECONDS = 0.1;

/** The transfers of one gateway that are held to rates. */
export class Throttle {
  readonly #ofSessions: RateBuckets;
  readonly #shared: RateBuckets;
  readonly #running = new Set<Held>();

  /** `shared` has the buckets of accounts and of the server; a session's own are of this process. */
  constructor(clock: Clock, shared: RateBuckets = new OwnBuckets(clock)) {
    this.#ofSessions = new OwnBuckets(clock);
    this.#shared = shared;
  }

  /** The connection, its `read` and `write` held to the rates until it is finished, refused or destroyed. */
  throttled(connection: DataConnection, passage: Passage): DataConnection {
    const { session, account, direction } = passage;
    const held = new Held(connection, passage, {
      buckets: [
        this.#ofSessions.bucket(`session ${direction} ${session}`),
        this.#shared.bucket(`account ${direction} ${account}`),
        this.#shared.bucket(`server ${direction}`),
      ],
      onEnd: () => void this.#running.delete(held),
    });
    this.#running.add(held);
    return held;
  }

  /** Asks every transfer that runs for its rates anew; they hold at once. */
  refresh(): void {
    for (const held of this.#running) held.refresh();
  }
}

/** One connection that is held to rates. */
class Held implements DataConnection {
  readonly #inner: DataConnection;
  readonly #passage: Passage;
  readonly #buckets: readonly [RateBucket, RateBucket, RateBucket];
  readonly #onEnd: () => void;

  constructor(
    inner: DataConnection,
    passage: Passage,
    parts: { readonly buckets: readonly [RateBucket, RateBucket, RateBucket]; readonly onEnd: () => void },
  ) {
    this.#inner = inner;
    this.#passage = passage;
    this.#buckets = parts.buckets;
    this.#onEnd = parts.onEnd;
    this.refresh();
  }

  get tls() {
    return this.#inner.tls;
  }

  get bytesMoved() {
    return this.#inner.bytesMoved;
  }

  get end() {
    return this.#inner.end;
  }

  refresh(): void {
    const { session, account, server } = this.#passage.rates();
    const [ofSession, ofAccount, ofServer] = this.#buckets;
    ofSession.set(this, this.#rateOf(session));
    ofAccount.set(this, this.#rateOf(account));
    ofServer.set(this, this.#rateOf(server));
  }

  async read(bytesMax = Number.POSITIVE_INFINITY): Promise<readonly Buffer[] | undefined> {
    const sliceBytes = this.#sliceBytes();
    const batch = await this.#inner.read(Math.min(bytesMax, sliceBytes));
    if (batch === undefined) return undefined;
    let leftBytes = batch.reduce((sum, { length }) => sum + length, 0);
    while (leftBytes > 0) {
      const bytes = Math.min(leftBytes, this.#sliceBytes());
      await this.#pay(bytes);
      leftBytes -= bytes;
    }
    return batch;
  }

  async write(buffer: Buffer): Promise<void> {
    for (let offset = 0; offset < buffer.length; ) {
      const piece = buffer.subarray(offset, Math.min(buffer.length, offset + this.#sliceBytes()));
      await this.#pay(piece.length);
      await this.#inner.write(piece);
      offset += piece.length;
    }
  }

  async finish(): Promise<void> {
    this.#leave();
    await this.#inner.finish();
  }

  refuse(): void {
    this.#leave();
    this.#inner.refuse();
  }

  destroy(): void {
    this.#leave();
    this.#inner.destroy();
  }

  async #pay(bytes: number): Promise<void> {
    for (const bucket of this.#buckets) {
      if (bucket.rate !== undefined) await bucket.take(bytes, this.#passage.signal);
    }
  }

  /** What may pass at once; infinite where nothing limits. */
  #sliceBytes(): number {
    const rate = Math.min(...this.#buckets.map(({ rate: limit }) => limit ?? Number.POSITIVE_INFINITY));
    return Math.max(1, Math.floor(rate * SLICE_SECONDS));
  }

  #rateOf({ uploadBytesPerSecond, downloadBytesPerSecond }: Rates): number | undefined {
    const rate = this.#passage.direction === 'receive' ? uploadBytesPerSecond : downloadBytesPerSecond;
    return rate === 0 ? undefined : rate;
  }

  #leave(): void {
    for (const bucket of this.#buckets) bucket.leave(this);
    this.#onEnd();
  }
}
