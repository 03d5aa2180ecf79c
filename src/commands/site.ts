/** SITE: what has no verb of its own (RFC 959 section 4.1.3): permission bits and times, in the forms that clients send. */
import { reply } from '../protocol/reply.ts';
import { parseTimeVal } from '../protocol/time.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';
import { nothing, path, something } from './arguments.ts';

/** What SITE was asked for. */
type SiteCommand =
  | { readonly kind: 'help' }
  | { readonly kind: 'chmod'; readonly mode: number; readonly target: VirtualPath }
  | { readonly kind: 'utime'; readonly modifiedMs: number; readonly target: VirtualPath };

/** SITE CHMOD, SITE UTIME and SITE HELP. */
const site = defineCommand({
  verb: 'SITE',
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  help: 'SITE CHMOD mode path|UTIME time path|HELP',

  parse(text, session): SiteCommand {
    const [, name = '', argument = ''] = /^(\S+)(?: (.*))?$/.exec(something(text)) ?? [];
    switch (name.toUpperCase()) {
      case 'CHMOD':
        return parseChmod(argument, session);
      case 'UTIME':
        return parseUtime(argument, session);
      case 'HELP':
        nothing(argument);
        return { kind: 'help' };
      default:
        throw new Fault('Parameter', { text: 'SITE knows CHMOD, UTIME and HELP.' });
    }
  },

  handle: (context, command) => carryOut(context, command),
});

/** The commands of this file. */
export const SITE = [site] as const;

/** Three octal digits, perhaps behind a 0: the set-id and sticky bits are nobody's to set. */
function parseChmod(text: string, session: Session): SiteCommand {
  const [, digits = '', name = ''] = /^0?([0-7]{3}) (.+)$/.exec(text) ?? [];
  if (digits === '') throw new Fault('Syntax');
  return { kind: 'chmod', mode: Number.parseInt(digits, 8), target: path(name, session) };
}

/** `YYYYMMDDhhmm[ss] path`, or `path accessed modified created UTC`, of which only the second time can be set. */
function parseUtime(text: string, session: Session): SiteCommand {
  const long = /^(.+) [0-9]{14} ([0-9]{14}) [0-9]{14} UTC$/i.exec(text);
  const short = /^([0-9]{12}|[0-9]{14}) (.+)$/.exec(text);
  const [time = '', name = ''] = long ? [long[2], long[1]] : [short?.[1]?.padEnd(14, '0'), short?.[2]];
  return { kind: 'utime', modifiedMs: orFault(parseTimeVal(time), 'Syntax'), target: path(name, session) };
}

async function carryOut(context: CommandContext, command: SiteCommand): Promise<Outcome> {
  if (command.kind === 'help') {
    return { reply: reply(214, 'SITE understands:', 'CHMOD mode path', 'UTIME YYYYMMDDhhmm[ss] path', 'HELP', 'End') };
  }
  context.note({ path: command.target });
  if (command.kind === 'chmod') {
    await context.files().setMode(command.target, command.mode);
    return { reply: reply(200, 'Mode set.') };
  }
  await context.files().setModified(command.target, command.modifiedMs);
  return { reply: reply(200, 'Time set.') };
}
