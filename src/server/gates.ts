/** The gates of a gateway: those of its options, of its modules and of the program that it is in. */
import type { GatewayOptions } from '../config/options.ts';
import { partNameFindings } from '../config/part-names.ts';
import { gatesFrom } from '../intake/gates/gates-from.ts';
import type { Clock } from '../lib/clock.ts';
import { type Gate, gateMistake } from '../spi/gate.ts';
import type { Module } from '../spi/module.ts';

/** Where gates come from besides the options. */
export interface GateSources {
  readonly clock: Clock;
  readonly modules: readonly Module[];
  /** Those of the program. */
  readonly given: readonly Gate[];
}

/**
 * All of them, by their names.
 *
 * @throws TypeError when two have one name, one cannot be, or a place of the options asks for one that there is not.
 */
export function gatesOf(options: GatewayOptions, { clock, modules, given }: GateSources): ReadonlyMap<string, Gate> {
  for (const gate of given) {
    const mistake = gateMistake(gate);
    if (mistake !== undefined) throw new TypeError(mistake);
  }
  const more = [...modules.flatMap((module) => module.gates ?? []), ...given];
  const gates = gatesFrom(options.gates, { clock, more });
  const [unknown] = partNameFindings(options, 'gates', [...gates.keys()]);
  if (unknown !== undefined) throw new TypeError(`${unknown.path.join('.')}: ${unknown.message}`);
  return gates;
}
