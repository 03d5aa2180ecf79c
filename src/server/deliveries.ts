/** The deliveries of a gateway: those of its options, and where the files that they hand on are. */
import { join } from 'node:path';
import type { GatewayOptions } from '../config/options.ts';
import { partNameFindings } from '../config/part-names.ts';
import { Deliveries } from '../delivery/deliveries.ts';
import { wayOf } from '../delivery/ways.ts';
import type { Clock } from '../lib/clock.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import type { GatewayAudit } from './audit.ts';

/** What they are composed of. */
export interface GatewayDeliveriesParts {
  readonly audit: GatewayAudit | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** See `Accounts.readableAt`. */
  filesAt(account: string, root: string | undefined): FileSystem | undefined;
  /** Whether an upload is still between the doors. */
  isBetween(upload: string): Promise<boolean> | boolean;
}

/**
 * Makes them; undefined when the options have none.
 *
 * @throws TypeError when a place of the options asks for one that there is not, or when there is no log to follow or no state
 *   directory to remember in.
 */
export function deliveriesOf(options: GatewayOptions, parts: GatewayDeliveriesParts): Deliveries | undefined {
  const { deliveries: entries, stateDirectory } = options;
  const { audit, clock, log, filesAt, isBetween } = parts;
  const names = entries.map(({ name }) => name);
  const [unknown] = partNameFindings(options, 'deliver', names);
  if (unknown !== undefined) throw new TypeError(`${unknown.path.join('.')}: ${unknown.message}`);
  if (entries.length === 0) return undefined;
  if (stateDirectory === undefined) throw new TypeError('deliveries: they need a stateDirectory');
  if (audit === undefined) throw new TypeError('deliveries: they follow the audit log, and there is none');
  return new Deliveries({
    ...{ audit, clock, log, filesAt, isBetween },
    auditRequired: audit.requirement === 'required',
    directory: join(stateDirectory, 'deliveries'),
    ways: entries.map((entry) => wayOf(entry, { clock })),
  });
}
