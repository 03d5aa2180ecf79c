/** About the server and the dialogue itself: FEAT (RFC 2389), HELP, SYST, NOOP and ABOR (RFC 959 section 4.1.3). */

import type { Reply } from '../protocol/reply.ts';
import { reply } from '../protocol/reply.ts';
import { asciiUpper } from '../protocol/words.ts';
import { NOTHING } from '../spi/argument.ts';
import { type CommandContext, type CommandTraits, defineCommand } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import { featuresOf, offeredOf } from './offered.ts';

/** Verbs in one line of HELP. */
const HELP_COLUMNS = 8;

/** FEAT: what is built beyond RFC 959; every command's own definition says it. */
const feat = defineCommand({
  verb: 'FEAT',
  class: 'info',
  who: 'anyone',
  rfc: 'RFC 2389 section 3',
  argument: NOTHING,

  handle: (context) => ({ reply: reply(211, 'Features:', ...featuresOf(context.commands, context), 'End') }),
});

/**
 * HELP: all verbs that are offered, those that are refused on purpose marked; or what is to be known of one, or of a
 * command that stands behind a verb (`HELP SITE CHMOD`).
 */
const help = defineCommand({
  verb: 'HELP',
  class: 'info',
  who: 'anyone',
  rfc: 'RFC 959 section 4.1.3',
  argument: { syntax: '[verb]', parts: ['word'], required: 0, parse: (text) => asciiUpper(text).trim() },

  handle(context, verb) {
    const commands = offeredOf(context.commands, context);
    if (verb !== '') {
      const all = commands.flatMap((one) => [one, ...offeredOf(one.subcommands ?? [], context)]);
      const known = all.find((command) => command.verb === verb || command.aliases?.includes(verb));
      if (known === undefined) throw new Fault('NotImplemented');
      return { reply: helpOn(known, context) };
    }
    const marked = commands.map(({ verb, refused }) => (refused === undefined ? verb : `${verb}*`));
    const width = Math.max(...marked.map((name) => name.length)) + 1;
    const verbs = marked.map((name) => name.padEnd(width));
    const rows = Array.from({ length: Math.ceil(verbs.length / HELP_COLUMNS) }, (_, row) =>
      verbs.slice(row * HELP_COLUMNS, (row + 1) * HELP_COLUMNS).join(''),
    );
    const end = 'HELP verb tells more; * is refused on purpose.';
    return { reply: reply(214, `${context.policy.productName} understands:`, ...rows, end) };
  },
});

/** SYST: paths and listings are as on Unix. */
const syst = defineCommand({
  verb: 'SYST',
  class: 'info',
  who: 'anyone',
  rfc: 'RFC 959 section 4.1.3',
  argument: NOTHING,
  handle: () => ({ reply: reply(215, 'UNIX Type: L8') }),
});

/** NOOP: keeps the connection alive, also beside a transfer. Some clients put words behind it. */
const noop = defineCommand({
  verb: 'NOOP',
  class: 'misc',
  who: 'anyone',
  duringTransfer: 'now',
  rfc: 'RFC 959 section 4.1.3',
  argument: { syntax: '', parts: ['text'], required: 0, parse: (text) => text },
  handle: () => ({ reply: reply(200, 'OK.') }),
});

/**
 * ABOR: a running transfer is ended when the line is read; here, behind its 426, remains to close the data channel and
 * to say 226. EPSV ALL stays in force.
 */
const abor = defineCommand({
  verb: 'ABOR',
  class: 'misc',
  who: 'members',
  duringTransfer: 'aborts',
  rfc: 'RFC 959 section 4.1.3',
  argument: NOTHING,

  handle({ data }) {
    data.close();
    return { reply: reply(226, 'Abort done; the data channel is closed.') };
  },
});

/** The commands of this file. */
export const SESSION = [feat, help, syst, noop, abor] as const;

/** What HELP tells of one command: its syntax and where it is defined, then its subcommands, or the letters it needs. */
function helpOn(known: CommandTraits, context: CommandContext): Reply {
  if (known.refused !== undefined) return reply(214, `${known.verb} is refused. ${known.refused} (${known.rfc})`);
  const syntax = `Syntax: ${known.help} (${known.rfc})`;
  // RFC 959 section 4.1.3 has what stands behind SITE told here.
  const subcommands = offeredOf(known.subcommands ?? [], context).map(({ help }) => help);
  if (subcommands.length > 0) return reply(214, syntax, ...subcommands, 'End');
  const needs = known.permissions === undefined ? '' : `. Permissions: ${known.permissions.join('; ')}`;
  return reply(214, `${syntax}${needs}`);
}
