/** The rates of transfers: what the configuration says, what a program says while the gateway runs, and their throttle. */
import type { Clock } from '../lib/clock.ts';
import { accountRates, liveRatesSchema, serverRates, sessionRates } from '../modules/rates.ts';
import type { DataConnection, Direction } from '../spi/data-port.ts';
import { accountIn, type Session } from '../spi/session.ts';
import type { Settings } from '../spi/settings.ts';
import type { RateBuckets } from '../transfer/buckets.ts';
import type { Rates, TransferRates } from '../transfer/throttle.ts';
import { Throttle } from '../transfer/throttle.ts';

/**
 * Rates that a program sets while the gateway runs. What is said here goes before the configuration, direction by
 * direction; 0 is no limit, and what is left out is as the configuration has it.
 */
export interface LiveRates {
  /** Of all sessions together. */
  readonly server?: Rates;
  /** Of each account: all of its sessions together. */
  readonly account?: Rates;
  /** Of each session. */
  readonly session?: Rates;
  /** Of single accounts by their names; it goes before `account` and `session`. */
  readonly accounts?: Readonly<Record<string, { readonly account?: Rates; readonly session?: Rates }>>;
}

/** A transfer's connection that is to be held to its rates. */
export interface Opened {
  readonly connection: DataConnection;
  readonly session: Session;
  readonly direction: Direction;
  readonly signal: AbortSignal;
}

/** Holds the transfers of one gateway to their rates. */
export class TransferRateKeeper {
  readonly #settings: Settings;
  readonly #throttle: Throttle;
  #live: LiveRates = {};

  /** `buckets` are those of accounts and of the server; of this process by default. */
  constructor(settings: Settings, clock: Clock, buckets?: RateBuckets) {
    this.#settings = settings;
    this.#throttle = new Throttle(clock, buckets);
  }

  /** The connection at the rates of its session; they follow every change while it lasts. */
  hold({ connection, session, direction, signal }: Opened): DataConnection {
    const account = accountIn(session)?.name ?? '';
    const rates = () => this.#ratesOf(session, account);
    return this.#throttle.throttled(connection, { session: session.id, account, direction, signal, rates });
  }

  /**
   * Takes the place of all that was set before; running transfers follow at once. @throws ZodError naming what is no rate
   * and what is no key.
   */
  set(live: LiveRates): void {
    liveRatesSchema.parse(live);
    this.#live = live;
    this.#throttle.refresh();
  }

  #ratesOf(session: Session, account: string): TransferRates {
    const { accounts = {}, ...live } = this.#live;
    const own = Object.hasOwn(accounts, account) ? accounts[account] : undefined;
    return {
      server: before(live.server, this.#settings.inSession(serverRates, session)),
      account: before(own?.account, before(live.account, this.#settings.inSession(accountRates, session))),
      session: before(own?.session, before(live.session, this.#settings.inSession(sessionRates, session))),
    };
  }
}

/** What was said first, direction by direction, and else what was said behind it. */
function before(first: Rates | undefined, behind: Rates): Rates {
  return {
    uploadBytesPerSecond: first?.uploadBytesPerSecond ?? behind.uploadBytesPerSecond,
    downloadBytesPerSecond: first?.downloadBytesPerSecond ?? behind.downloadBytesPerSecond,
  };
}
