/** Shuts addresses out that keep failing to log in. */
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import type { Limits } from '../protocol/limits.ts';
import { reply } from '../protocol/reply.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { DECLINED, defineModule, ERROR } from '../spi/module.ts';

/** Addresses remembered; an attacker with more of them pushes out the oldest, and memory stays bounded. */
const ADDRESSES_MAX = 65_536;

/**
 * Counts failed logins by address. Beyond `loginFailuresPerAddressMax` within `loginLockoutMs` the address gets 421 in
 * place of a password check, so that guessing costs it time and us no hashing. A login that succeeds clears the count.
 */
export function loginThrottle(limits: Limits, clock: Clock, log: Log): Module {
  const failures = new BoundedMap<string, { count: number; sinceMs: number }>(ADDRESSES_MAX);
  const recent = (address: string) => {
    const entry = failures.get(address);
    return entry !== undefined && clock.monotonicMs() - entry.sinceMs < limits.loginLockoutMs ? entry : undefined;
  };
  return defineModule({
    name: 'login-throttle',
    handlers: [
      {
        phase: 'PRE_CMD',
        verb: 'PASS',
        handle({ context: { session } }) {
          const count = recent(session.peer.address)?.count ?? 0;
          if (count < limits.loginFailuresPerAddressMax) return DECLINED;
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
          const address = session.peer.address;
          const entry = recent(address) ?? { count: 0, sinceMs: clock.monotonicMs() };
          failures.set(address, { ...entry, count: entry.count + 1 });
          if (entry.count + 1 === limits.loginFailuresPerAddressMax) log.warn('login.locked_out', { address });
          return DECLINED;
        },
      },
      {
        phase: 'POST_CMD',
        verb: 'PASS',
        handle({ context: { session } }) {
          failures.delete(session.peer.address);
          return DECLINED;
        },
      },
    ],
  });
}
