/** What every session of a gateway shares. */

import type { GatewayOptions } from '../config/options.ts';
import type { Deliveries } from '../delivery/deliveries.ts';
import type { PhaseTable } from '../engine/phase-table.ts';
import type { Intake } from '../intake/intake.ts';
import type { Clock } from '../lib/clock.ts';
import type { Authenticator } from '../spi/authenticator.ts';
import type { SessionSummary } from '../spi/command.ts';
import type { Gate } from '../spi/gate.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';
import type { FilesOf } from './account-files.ts';
import type { GatewayAudit } from './audit.ts';
import type { IntakePolicy } from './intake-policy.ts';
import type { GatewayReceipts } from './receipts.ts';
import type { GatewaySettings } from './settings.ts';
import type { TransferRateKeeper } from './transfer-rates.ts';
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
  sessionsOf(account: string | undefined): Promise<readonly SessionSummary[]> | readonly SessionSummary[];
  /** What directives amount to. */
  readonly settings: GatewaySettings;
  /** Holds transfers to their rates. */
  readonly rates: TransferRateKeeper;
  /** The audit log; undefined where there is none. */
  readonly audit: GatewayAudit | undefined;
  /** The names of the classes that a session belongs to now. */
  classesOf(session: Session): readonly string[];
  /** What directories take and keep. */
  readonly intakePolicy: IntakePolicy;
  /** The receipts of uploads; undefined where there are none. */
  readonly receipts: GatewayReceipts | undefined;
  /** What stands between the arrival of files and their publication. */
  readonly intake: Intake;
  /** Those to whom published files are handed on; undefined where there are none. */
  readonly deliveries: Deliveries | undefined;
  /** The checks that directories may ask for, by their names. */
  readonly gates: ReadonlyMap<string, Gate>;
  /** An account's files behind its permissions and the rules, for one command. */
  readonly filesOf: FilesOf;
}
