/** The modules that every gateway has, in the order in which they are asked. */
import type { GatewayOptions } from '../config/options.ts';
import type { Clock } from '../lib/clock.ts';
import { commandLog } from '../modules/command-log.ts';
import { connectionLimits } from '../modules/connection-limits.ts';
import { hostMembers } from '../modules/host-members.ts';
import { loginThrottle } from '../modules/login-throttle.ts';
import { tlsPolicy } from '../modules/tls-policy.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';

/** Makes them. Each gateway has its own, so that two in one process count apart. */
export function builtInModules({ hosts, limits }: GatewayOptions, clock: Clock, log: Log): readonly Module[] {
  // Who may not log in at a host must not be counted as logged in: its guard comes before the limits.
  return [tlsPolicy(), hostMembers(hosts), connectionLimits(limits), loginThrottle(limits, clock, log), commandLog()];
}
