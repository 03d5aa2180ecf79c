/** What every session of a gateway shares. */

import type { GatewayOptions } from '../config/options.ts';
import type { PhaseTable } from '../engine/phase-table.ts';
import type { Clock } from '../lib/clock.ts';
import type { Account, Authenticator } from '../spi/authenticator.ts';
import type { SessionSummary } from '../spi/command.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { VirtualHosts } from './virtual-hosts.ts';

/** The parts that a gateway is composed of; a session takes what it needs and owns none of them. */
export interface House {
  readonly options: GatewayOptions;
  readonly virtualHosts: VirtualHosts;
  readonly table: PhaseTable;
  readonly modules: readonly Module[];
  readonly authenticators: readonly Authenticator[];
  readonly clock: Clock;
  readonly log: Log;
  /** The sessions of an account that are logged in now; none for undefined. */
  sessionsOf(account: string | undefined): readonly SessionSummary[];
  /** An account's files behind its permissions. */
  filesOf(account: Account): FileSystem;
}
