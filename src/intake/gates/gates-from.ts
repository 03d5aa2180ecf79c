/** The gates of the configuration, made out of its options. */
import { z } from 'zod';
import { unreachable } from '../../lib/assert.ts';
import type { Gate } from '../../spi/gate.ts';
import { clamdEntry, clamdGate } from './clamd.ts';
import { commandEntry, commandGate } from './command.ts';
import type { GateParts } from './gate-keys.ts';
import { httpGate, httpGateEntry } from './http.ts';
import { icapEntry, icapGate } from './icap.ts';

/** One gate. Each kind's keys stand in the file of the gate. */
export const gateEntry = z.discriminatedUnion('kind', [clamdEntry, icapEntry, commandEntry, httpGateEntry]);

/** One gate, checked and with its defaults. */
export type GateEntry = z.output<typeof gateEntry>;

/**
 * The gates of the configuration and those of programs and modules, by their names.
 *
 * @throws TypeError when two have one name.
 */
export function gatesFrom(
  entries: readonly GateEntry[],
  { more = [], ...parts }: GateParts & { readonly more?: readonly Gate[] },
): ReadonlyMap<string, Gate> {
  const gates = new Map<string, Gate>();
  for (const gate of [...entries.map((entry) => gateFrom(entry, parts)), ...more]) {
    if (gates.has(gate.name)) throw new TypeError(`two gates have the name ${gate.name}`);
    gates.set(gate.name, gate);
  }
  return gates;
}

function gateFrom(entry: GateEntry, parts: GateParts): Gate {
  switch (entry.kind) {
    case 'clamd':
      return clamdGate(entry, parts);
    case 'icap':
      return icapGate(entry, parts);
    case 'command':
      return commandGate(entry, parts);
    case 'http':
      return httpGate(entry, parts);
    default:
      return unreachable(entry);
  }
}
