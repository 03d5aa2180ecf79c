/** Shuts addresses out that keep failing to log in. */
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { networkOf } from '../protocol/ip-address.ts';
import type { Limits } from '../protocol/limits.ts';
import { reply } from '../protocol/reply.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { DECLINED, defineModule, ERROR } from '../spi/module.ts';

/** Addresses remembered; an attacker with more of them pushes out the oldest, and memory stays bounded. */
const ADDRESSES_MAX = 65_536;

/** The longest name that an account can have. */
const NAME_LENGTH_MAX = 64;

/** The failures of one address since `sinceMs`, by the name that was tried. */
interface Failures {
  readonly sinceMs: number;
  readonly byUser: Map<string, number>;
}

/**
 * Counts failed logins by address (an IPv6 /64 counts as one). Beyond `loginFailuresPerAddressMax` within
 * `loginLockoutMs` the address gets 421 in place of a password check, so that guessing costs it time and us no hashing. A
 * login that succeeds clears the failures of that name alone: an account of one's own is no licence to guess others'.
 */
export function loginThrottle(limits: Limits, clock: Clock, log: Log): Module {
  const failures = new BoundedMap<string, Failures>(ADDRESSES_MAX);
  const recent = (address: string) => {
    const entry = failures.get(address);
    return entry !== undefined && clock.monotonicMs() - entry.sinceMs < limits.loginLockoutMs ? entry : undefined;
  };
  const count = (entry: Failures | undefined) => [...(entry?.byUser.values() ?? [])].reduce((a, b) => a + b, 0);
  return defineModule({
    name: 'login-throttle',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: 'PASS',
        handle({ context: { session } }) {
          if (count(recent(networkOf(session.peer.address))) < limits.loginFailuresPerAddressMax) return DECLINED;
          const fault = new Fault('LockedOut');
          return ERROR(reply(fault.code, fault.text));
        },
      },
      {
        phase: 'POST_CMD_ERR',
        verb: 'PASS',
        handle({ context: { session } }, result) {
          // Only wrong proofs count: a full queue or a limit is not the client's guess.
          if (result.reply.code !== new Fault('LoginIncorrect').code) return DECLINED;
          // A PASS that was refused unread, as in clear, has the same code; no USER was accepted before it.
          if (session.login.state !== 'ExpectPass') return DECLINED;
          // Names of accounts are no longer; a stranger's may be, and is kept for every address.
          const user = session.login.user.slice(0, NAME_LENGTH_MAX);
          const address = networkOf(session.peer.address);
          const entry = recent(address) ?? { sinceMs: clock.monotonicMs(), byUser: new Map<string, number>() };
          entry.byUser.set(user, (entry.byUser.get(user) ?? 0) + 1);
          failures.set(address, entry);
          if (count(entry) === limits.loginFailuresPerAddressMax) log.warn('login.locked_out', { address });
          return DECLINED;
        },
      },
      {
        phase: 'POST_CMD',
        verb: 'PASS',
        handle({ context: { session } }) {
          if (session.login.state === 'ExpectPass') {
            recent(networkOf(session.peer.address))?.byUser.delete(session.login.user);
          }
          return DECLINED;
        },
      },
    ],
  });
}
