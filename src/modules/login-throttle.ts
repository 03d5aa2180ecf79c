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

/**
 * Counts failed logins by address (an IPv6 /64 counts as one). At `loginFailuresPerAddressMax` the address gets 421 in place
 * of a password check until `loginLockoutMs` have passed since the last failure, so that guessing costs it time and us no
 * hashing. A proof takes a place among those failures before it begins and gives it back unless it was wrong: guesses side
 * by side are no more than guesses one by one, and logins beyond the places wait for one. A login that succeeds clears the
 * failures of that name alone: an account of one's own is no licence to guess others'.
 */
export function loginThrottle(limits: Limits, clock: Clock, log: Log): Module {
  const throttle = new Throttle(limits, clock, log);
  return defineModule({
    name: 'login-throttle',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: 'PASS',
        async handle({ context: { session } }) {
          // Behind no USER, or behind a certificate that was enough, nothing is proven.
          if (session.login.state === 'ExpectPass') await throttle.admit(session);
          return DECLINED;
        },
      },
      {
        phase: 'POST_CMD_ERR',
        verb: 'PASS',
        handle({ context: { session } }, { reply, refusedBy }) {
          // Only wrong proofs count: a full queue, a limit or another guard is not the client's guess.
          const wrong = refusedBy === undefined && reply.code === new Fault('LoginIncorrect').code;
          throttle.settle(session, wrong ? 'failed' : 'unproven');
          return DECLINED;
        },
      },
      {
        phase: 'POST_CMD',
        verb: 'PASS',
        handle({ context: { session } }) {
          throttle.settle(session, 'succeeded');
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

class Throttle {
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #failures = new BoundedMap<string, Failures>(ADDRESSES_MAX);
  readonly #underWay = new Map<string, UnderWay>();

  constructor(limits: Limits, clock: Clock, log: Log) {
    this.#limits = limits;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Takes a place for a proof, or waits for one. @throws Fault `LockedOut` when the address is shut out, or comes to be while
   * this waits; `Busy` when no place comes back in time.
   */
  admit({ id, peer }: Session): Promise<void> {
    const address = networkOf(peer.address);
    const logins = this.#underWay.get(address) ?? { proving: new Set(), waiting: new Map() };
    this.#underWay.set(address, logins);
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(WAIT_MAX_MS, () => logins.waiting.get(id)?.(new Fault('Busy')));
      logins.waiting.set(id, (refusal) => {
        timer.cancel();
        logins.waiting.delete(id);
        if (refusal === undefined) resolve();
        else reject(refusal);
      });
      this.#advance(address, logins);
    });
  }

  /** What a login came to. One that had no place changes nothing. */
  settle({ id, peer, login }: Session, end: 'succeeded' | 'failed' | 'unproven'): void {
    const address = networkOf(peer.address);
    const logins = this.#underWay.get(address);
    if (logins === undefined) return;
    if (logins.proving.delete(id) && login.state === 'ExpectPass') {
      const user = login.user.slice(0, NAME_LENGTH_MAX);
      if (end === 'failed') this.#fail(address, user);
      if (end === 'succeeded') this.#recent(address)?.byUser.delete(user);
    }
    this.#advance(address, logins);
  }

  /** Gives the places that there are to those that wait, and sends them away when there will be none. */
  #advance(address: string, { proving, waiting }: UnderWay): void {
    const places = this.#limits.loginFailuresPerAddressMax - this.#count(address);
    for (const [id, go] of waiting) {
      if (places > 0 && proving.size >= places) break;
      if (places > 0) proving.add(id);
      go(places > 0 ? undefined : new Fault('LockedOut'));
    }
    if (proving.size === 0 && waiting.size === 0) this.#underWay.delete(address);
  }

  #fail(address: string, user: string): void {
    const byUser = this.#recent(address)?.byUser ?? new Map<string, number>();
    byUser.set(user, (byUser.get(user) ?? 0) + 1);
    this.#failures.set(address, { lastMs: this.#clock.monotonicMs(), byUser });
    if (this.#count(address) === this.#limits.loginFailuresPerAddressMax)
      this.#log.warn('login.locked_out', { address });
  }

  #recent(address: string): Failures | undefined {
    const entry = this.#failures.get(address);
    const fresh = entry !== undefined && this.#clock.monotonicMs() - entry.lastMs < this.#limits.loginLockoutMs;
    return fresh ? entry : undefined;
  }

  #count(address: string): number {
    return [...(this.#recent(address)?.byUser.values() ?? [])].reduce((sum, count) => sum + count, 0);
  }
}
