/** Writes what every command did into the log: transfers, logins and refusals for the operator, the rest for debugging. */
import type { LogFields } from '../spi/log.ts';
import type { Module, Request, Result } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';
import { accountIn, type Session } from '../spi/session.ts';

/** Logs each command once, behind everything else and before its reply is sent. */
export function commandLog(): Module {
  return defineModule({
    name: 'command-log',
    handlers: [
      { phase: 'LOG_CMD', verb: '*', handle: (request, result) => write(request, result) },
      { phase: 'LOG_CMD_ERR', verb: '*', handle: (request, result) => write(request, result) },
    ],
  });
}

function write({ traits, argument, context }: Request, result: Result): void {
  const { session, log } = context;
  const failed = result.reply.code >= 400;
  const account = accountIn(session)?.name;
  const fields = {
    verb: traits.verb,
    argument,
    code: result.reply.code,
    text: result.reply.lines.at(-1),
    ms: Math.round(result.durationMs),
    ...(account === undefined ? {} : { account }),
    ...(traits.class === 'auth' ? introduction(session) : {}),
    ...result.notes,
    ...(result.cause === undefined ? {} : { cause: causeOf(result.cause) }),
  };
  // What touches files, identities or protection is the operator's business; the rest is a matter of debugging.
  const matters = traits.class === 'read' || traits.class === 'write' || traits.class === 'auth';
  if (failed && matters) log.warn('command.failed', fields);
  else if (failed || !matters) log.debug('command', fields);
  else log.info('command', fields);
}

/** Where a login was tried and with what program, as far as the client has said. */
function introduction({ host, clientName }: Session): LogFields {
  return {
    ...(host === undefined ? {} : { host }),
    ...(clientName === undefined ? {} : { client: clientName }),
  };
}

/** How many causes are told: an error may be its own. */
const CAUSES_MAX = 8;

/** The words for what went wrong, the innermost last: for the log only, never for the client. */
function causeOf(cause: unknown, left = CAUSES_MAX): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause === undefined || left === 0
    ? cause.message
    : `${cause.message}: ${causeOf(cause.cause, left - 1)}`;
}
