/** Shuts addresses out that keep failing to log in. */
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { networkOf } from '../protocol/ip-address.ts';
import type { Limits } from '../protocol/limits.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { DECLINED, defineModule } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';

/** A login: of which session, and from where. */
export interface LoginTry {
  readonly session: string;
  readonly address: string;
  readonly user: string;
}

/** What a login came to; `unproven` when nobody has judged its proof. */
export type LoginEnd = 'succeeded' | 'failed' | 'unproven';

/** The places that logins take while they are proven, and the failures of the past. */
export interface LoginPlaces {
  /**
   * Takes a place for a proof, or waits for one. @throws Fault `LockedOut` when the address is shut out, or comes to be while
   * this waits; `Busy` when no place comes back in time.
   */
  admit(login: LoginTry): Promise<void>;
  /** Gives the place back. One that has none changes nothing, unless it still waits for one: then it waits no more. */
  settle(login: LoginTry, end: LoginEnd): void;
}

/** What bounds guessing. */
export type LoginBounds = Pick<Limits, 'loginFailuresPerAddressMax' | 'loginLockoutMs'>;

/**
 * Counts failed logins by address (an IPv6 /64 counts as one). At `loginFailuresPerAddressMax` the address gets 421 in place
 * of a password check until `loginLockoutMs` have passed since the last failure, so that guessing costs it time and us no
 * hashing. A proof takes a place among those failures before it begins and gives it back unless it was wrong: guesses side
 * by side are no more than guesses one by one, and logins beyond the places wait for one. A login that succeeds clears the
 * failures of that name alone: an account of one's own is no licence to guess others'.
 */
export function loginThrottle(
  limits: LoginBounds,
  clock: Clock,
  log: Log,
  places: LoginPlaces = new LoginLedger(() => limits, clock, log),
): Module {
  // Behind no USER, or behind a certificate that was enough, nothing is proven.
  const tryOf = ({ id, peer, login }: Session): LoginTry | undefined =>
    login.state === 'ExpectPass' ? { session: id, address: peer.address, user: login.user } : undefined;
  const settle = (session: Session, end: LoginEnd) => {
    const login = tryOf(session);
    if (login !== undefined) places.settle(login, end);
  };
  return defineModule({
    name: 'login-throttle',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: 'PASS',
        async handle({ context: { session } }) {
          const login = tryOf(session);
          if (login !== undefined) await places.admit(login);
          return DECLINED;
        },
      },
      {
        phase: 'POST_CMD_ERR',
        verb: 'PASS',
        handle({ context: { session } }, { reply, refusedBy }) {
          // Only wrong proofs count: a full queue, a limit or another guard is not the client's guess.
          const wrong = refusedBy === undefined && reply.code === new Fault('LoginIncorrect').code;
          settle(session, wrong ? 'failed' : 'unproven');
          return DECLINED;
        },
      },
      {
        phase: 'POST_CMD',
        verb: 'PASS',
        handle({ context: { session } }) {
          settle(session, 'succeeded');
          return DECLINED;
        },
      },
    ],
  });
}

/** Addresses remembered; an attacker with more of them pushes out the oldest, and memory stays bounded. */
const ADDRESSES_MAX = 65_536;

/** Guards are given ten seconds: a wait ends before that, with a reply that says why. */
const WAIT_MAX_MS = 8_000;

/** The longest name that an account can have. A stranger's may be longer, and is kept for every address. */
const NAME_LENGTH_MAX = 64;

/** The failures of one address, by the name that was tried. */
interface Failures {
  readonly lastMs: number;
  readonly byUser: Map<string, number>;
}

/** The logins of one address that are under way, by session. There are no more than connections. */
interface UnderWay {
  /** Those whose proof may go on: each holds a place among the failures. */
  readonly proving: Set<string>;
  /** Those that wait for a place, in their order. */
  readonly waiting: Map<string, (refusal?: Fault) => void>;
}

/** The places, in the memory of this process. The limits are asked for anew each time. */
export class LoginLedger implements LoginPlaces {
  readonly #limits: () => LoginBounds;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #failures = new BoundedMap<string, Failures>(ADDRESSES_MAX);
  readonly #underWay = new Map<string, UnderWay>();

  constructor(limits: () => LoginBounds, clock: Clock, log: Log) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
  }

  admit({ session, address: from }: LoginTry): Promise<void> {
    const address = networkOf(from);
    const logins = this.#underWay.get(address) ?? { proving: new Set(), waiting: new Map() };
    this.#underWay.set(address, logins);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(WAIT_MAX_MS, () => logins.waiting.get(session)?.(new Fault('Busy')));
      logins.waiting.set(session, (refusal) => {
        timer.cancel();
        logins.waiting.delete(session);
        if (refusal === undefined) resolve();
        else reject(refusal);
      });
      this.#advance(address, logins);
    });
  }

  settle({ session, address: from, user: tried }: LoginTry, end: LoginEnd): void {
    const address = networkOf(from);
    const logins = this.#underWay.get(address);
    if (logins === undefined) return;
    logins.waiting.get(session)?.(new Fault('Busy'));
    if (logins.proving.delete(session)) {
      const user = tried.slice(0, NAME_LENGTH_MAX);
      if (end === 'failed') this.#fail(address, user);
      if (end === 'succeeded') this.#recent(address)?.byUser.delete(user);
    }
    this.#advance(address, logins);
  }

  /** Gives the places that there are to those that wait, and sends them away when there will be none. */
  #advance(address: string, { proving, waiting }: UnderWay): void {
    const places = this.#limits().loginFailuresPerAddressMax - this.#count(address);
    for (const [session, go] of waiting) {
      if (places > 0 && proving.size >= places) break;
      if (places > 0) proving.add(session);
      go(places > 0 ? undefined : new Fault('LockedOut'));
    }
    if (proving.size === 0 && waiting.size === 0) this.#underWay.delete(address);
  }

  #fail(address: string, user: string): void {
    const byUser = this.#recent(address)?.byUser ?? new Map<string, number>();
    byUser.set(user, (byUser.get(user) ?? 0) + 1);
    this.#failures.set(address, { lastMs: this.#clock.monotonicMs(), byUser });
    if (this.#count(address) === this.#limits().loginFailuresPerAddressMax)
      this.#log.warn('login.locked_out', { address });
  }

  #recent(address: string): Failures | undefined {
    const entry = this.#failures.get(address);
    const fresh = entry !== undefined && this.#clock.monotonicMs() - entry.lastMs < this.#limits().loginLockoutMs;
    return fresh ? entry : undefined;
  }

  #count(address: string): number {
    return [...(this.#recent(address)?.byUser.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }
}
