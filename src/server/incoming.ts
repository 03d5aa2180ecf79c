/** What a line of the control channel asks for, before anybody acts on it. */
import type { PhaseTable } from '../engine/phase-table.ts';
import { unreachable } from '../lib/assert.ts';
import { looksLikeHttp, parseCommandLine } from '../protocol/command-line.ts';
import type { CommandDefinition } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { ControlEvent } from '../transport/control-connection.ts';

/**
 * A command with its definition, a verb that no command has, the fault that a line deserves instead, an attack, or the end
 * of the connection.
 */
export type Incoming =
  | {
      readonly kind: 'command';
      readonly definition: CommandDefinition;
      readonly verb: string;
      /** Its bytes, one character each: which text they stand for is decided when the command's turn has come. */
      readonly argument: string;
    }
  /** Of what stood behind the verb nothing is kept: the argument of a mistyped PASS is a password. */
  | { readonly kind: 'unknown'; readonly verb: string; readonly hasArgument: boolean }
  | { readonly kind: 'bad'; readonly fault: Fault }
  | { readonly kind: 'attack'; readonly what: string }
  | { readonly kind: 'end'; readonly cause: unknown };

/** Made once: a fault keeps a trace of the stack, and thousands of refused lines may wait behind a transfer. */
const UNKNOWN = new Fault('Unknown');
const LINE_TOO_LONG = new Fault('LineTooLong');

/** Says what an event of the control connection is; `table` knows the commands. */
export function interpret(event: ControlEvent, table: PhaseTable): Incoming {
  switch (event.kind) {
    case 'end':
      return event;
    case 'tooLong':
      return { kind: 'bad', fault: LINE_TOO_LONG };
    case 'badByte':
      return { kind: 'bad', fault: UNKNOWN };
    case 'line':
      return parse(event.bytes, table);
    default:
      return unreachable(event);
  }
}

function parse(bytes: Buffer, table: PhaseTable): Incoming {
  // Verbs are ASCII in every charset; each other byte is kept as one character.
  const line = bytes.toString('latin1');
  if (looksLikeHttp(line)) return { kind: 'attack', what: 'an HTTP request on the control channel (ALPACA)' };
  const parsed = parseCommandLine(line);
  if (parsed === undefined) return { kind: 'bad', fault: UNKNOWN };
  const definition = table.find(parsed.verb);
  if (definition === undefined) return { kind: 'unknown', verb: parsed.verb, hasArgument: parsed.argument !== '' };
  // Not a Buffer: a small one would keep alive the 8 KiB that Node cuts small ones from.
  return { kind: 'command', definition, verb: parsed.verb, argument: parsed.argument };
}
