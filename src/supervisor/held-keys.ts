/** What of a configuration only another start of the whole gateway can change: it is not the workers', or lasts longer than they. */
import type { GatewayOptions } from '../config/options.ts';

/** The keys. Whoever stands above listens, writes the log, hands on what it says was published, and answers for the numbers. */
const HELD = [
  'listen',
  'stateDirectory',
  'audit',
  'deliveries',
  'metrics',
] as const satisfies readonly (keyof GatewayOptions)[];

/** The options that can be in force now, and the keys whose new values cannot. */
export function heldKeys(
  before: GatewayOptions,
  wanted: GatewayOptions,
): { readonly options: GatewayOptions; readonly later: readonly string[] } {
  const later = HELD.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(wanted[key]));
  const held = Object.fromEntries(HELD.map((key) => [key, before[key]]));
  return { options: { ...wanted, ...held }, later };
}
