/** The modules that every gateway has, in the order in which they are asked. */
import type { Clock } from '../lib/clock.ts';
import { commandLog } from '../modules/command-log.ts';
import { connectionLimits } from '../modules/connection-limits.ts';
import { loginThrottle } from '../modules/login-throttle.ts';
import { tlsPolicy } from '../modules/tls-policy.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';

/** Makes them. Each gateway has its own, so that two in one process count apart. */
export function builtInModules(limits: Limits, clock: Clock, log: Log): readonly Module[] {
  return [tlsPolicy(), connectionLimits(limits), loginThrottle(limits, clock, log), commandLog()];
}
