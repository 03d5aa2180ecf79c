/** What stands between the doors of a gateway, and how it finds the files of accounts that nobody is logged in as. */
import { join } from 'node:path';
import type { GatewayOptions } from '../config/options.ts';
import type { DeliveryNames } from '../intake/doors/machine-parts.ts';
import type { NameClaims } from '../intake/doors/name-turns.ts';
import { Intake } from '../intake/intake.ts';
import type { IntakeAbove } from '../intake/intake-above.ts';
import type { Clock } from '../lib/clock.ts';
import { ROOT } from '../protocol/virtual-path.ts';
import type { Gate } from '../spi/gate.ts';
import type { Log } from '../spi/log.ts';
import type { Settings } from '../spi/settings.ts';
import type { Accounts } from './accounts.ts';
import type { GatewayAudit } from './audit.ts';
import type { IntakePolicy } from './intake-policy.ts';
import type { GatewayReceipts } from './receipts.ts';

/** What it is composed of. */
export interface GatewayIntakeParts {
  readonly audit: GatewayAudit | undefined;
  readonly gates: ReadonlyMap<string, Gate>;
  readonly receipts: GatewayReceipts | undefined;
  readonly deliveries: DeliveryNames | undefined;
  readonly policy: IntakePolicy;
  /** See `IntakeParts.worker`. */
  readonly worker?: string | undefined;
  readonly above?: IntakeAbove | undefined;
  /** See `IntakeParts.retains`. */
  readonly retains?: boolean | undefined;
  /** See `IntakeParts.names`. */
  readonly names?: NameClaims | undefined;
  readonly clock: Clock;
  readonly log: Log;
  settings(): Settings;
  /** See `Accounts.filesAt`. */
  filesAt: Accounts['filesAt'];
}

/** Makes it. Without a state directory it lets pass what needs no check, and nothing else. */
export function intakeOf(
  { stateDirectory }: Pick<GatewayOptions, 'stateDirectory'>,
  parts: GatewayIntakeParts,
): Intake {
  const { audit, gates, receipts, deliveries, policy, worker, above, retains, names, clock, log, settings, filesAt } =
    parts;
  return new Intake({
    ...{ audit, gates, deliveries, worker, above, retains, names, clock, log, settings },
    directory: stateDirectory === undefined ? undefined : join(stateDirectory, 'intake'),
    auditRequired: audit?.requirement === 'required',
    receipts: receipts?.files,
    placed: (files, account, path) => policy.recount(files, account, path),
    async filesOf(account, place) {
      const files = filesAt(account, place);
      // A disk that is not there must not be taken for one on which nothing is held.
      await files?.enter(ROOT);
      return files && policy.retainingHeld(files, account);
    },
  });
}
