/**
 * What becomes of a verb that no command has: it passes the phases as any command does, so that handlers of `*` see and
 * log all that clients ask for, and is refused where a command would act.
 */
import { type CommandDefinition, defineCommand } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';

/** A stand-in for the command that is missing; it is in no table, and so neither in HELP nor in FEAT. */
export function unknownCommand(verb: string): CommandDefinition {
  return defineCommand({
    verb,
    class: 'misc',
    who: 'anyone',
    unknown: true,
    // The argument of a mistyped PASS is a password.
    secret: true,
    rfc: 'none',
    argument: { syntax: '', parts: ['text'], required: 0, parse: () => undefined },
    handle: () => {
      throw new Fault('Unknown');
    },
  });
}
