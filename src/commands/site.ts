/**
 * SITE: what has no verb of its own (RFC 959 section 4.1.3). One table drives what is understood, SITE HELP, FEAT and the
 * words of a refusal. Everything behind it is for members, and judged by what it does to files as any other command is.
 */

import { parseMode } from '../protocol/number.ts';
import { reply } from '../protocol/reply.ts';
import { parseTimeVal } from '../protocol/time.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { asciiUpper } from '../protocol/words.ts';
import { NOTHING, PATH, twoPaths } from '../spi/argument.ts';
import { type CommandContext, type CommandDefinition, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';
import { beginCopy, copyFile, finishCopy } from './copy.ts';
import { offeredOf } from './offered.ts';
import { sendReceipt } from './receipt.ts';
import { quota } from './space.ts';
import { makeSymlink } from './symlink.ts';
import { ownSessions } from './who.ts';

/** What all of them have: `dispatch` sees SITE, so that its class is theirs. */
const BEHIND_SITE = { class: 'write', who: 'members' } as const;

/** What stands behind SITE, each defined as any command is. */
export const SITE_COMMANDS: readonly CommandDefinition[] = [
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE CHMOD',
    rfc: 'no document; common practice',
    permissions: ['M'],
    note: 'Three octal digits; the set-id and sticky bits cannot be set.',
    argument: { syntax: 'mode path', parts: ['word', 'path'], required: 2, parse: parseChmod },
    handle: setMode,
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE UTIME',
    rfc: "ProFTPD's mod_site_misc",
    permissions: ['T'],
    note: 'Times are UTC. Also with the path first and three times and `UTC` behind it, of which the second is set.',
    argument: { syntax: 'YYYYMMDDhhmm[ss] path', parts: ['time', 'path'], required: 2, parse: parseUtime },
    handle: setModified,
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE CPFR',
    rfc: "ProFTPD's mod_copy",
    permissions: ['r'],
    note: 'As CPFR; answers 350.',
    argument: PATH,
    handle: beginCopy,
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE CPTO',
    rfc: "ProFTPD's mod_copy",
    permissions: ['r', 'w'],
    note: 'As CPTO; answers 250.',
    argument: PATH,
    handle: finishCopy,
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE COPY',
    rfc: "ProFTPD's mod_copy",
    feat: 'SITE COPY',
    permissions: ['r', 'w'],
    note: 'CPFR and CPTO in one. Paths with spaces stand in quotes.',
    argument: twoPaths('from', 'to'),
    handle: async (context, [from, to]) => ({ reply: reply(200, await copyFile(context, from, to)) }),
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE SYMLINK',
    rfc: "ProFTPD's mod_site_misc",
    feat: 'SITE SYMLINK',
    permissions: ['w', 'l', 'r'],
    offered: (_session, { symlinks }) => symlinks,
    note: '502 unless `symlinks` is on. Needs w where the link is, l and r where it leads, and there every letter that the link would give. Paths with spaces stand in quotes.',
    argument: twoPaths('target', 'link'),
    handle: (context, [target, link]) => makeSymlink(context, { target, link }),
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE QUOTA',
    rfc: "no document; ProFTPD's mod_quotatab has one",
    note: 'The largest upload, and the free space where the session stands; the latter only with w or a.',
    argument: NOTHING,
    handle: quota,
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE WHO',
    rfc: 'no document; common practice',
    note: "The account's own sessions and nobody else's; answers 211.",
    argument: NOTHING,
    handle: async (context) => ({ reply: await ownSessions(context) }),
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE RECEIPT',
    rfc: 'no document',
    note: 'The newest receipt of what the account stored under the path; answers 211, each line of the receipt behind one space. 450 while the file is being checked, 504 for a receipt that the charset of the account cannot write. See [receipts](receipts.md).',
    argument: PATH,
    handle: sendReceipt,
  }),
  defineCommand({
    ...BEHIND_SITE,
    verb: 'SITE HELP',
    rfc: 'RFC 959 section 4.1.3',
    note: 'As HELP SITE; answers 214.',
    argument: NOTHING,
    handle: siteHelp,
  }),
];

/** SITE: carries out what the table has under the word that follows it. */
const site = defineCommand({
  ...BEHIND_SITE,
  verb: 'SITE',
  rfc: 'RFC 959 section 4.1.3',
  subcommands: SITE_COMMANDS,
  note: 'Its commands have a table of their own below, and answer what a verb would (550 for a missing name). Any other word is answered 504. Section 5.4 has neither.',

  argument: {
    syntax: 'command [arguments]',
    parts: ['word', 'text'],
    required: 1,
    parse(text) {
      const [, word = '', argument = ''] = /^(\S+)(?: (.*))?$/.exec(text) ?? [];
      return { verb: `SITE ${asciiUpper(word)}`, argument };
    },
  },

  handle(context, { verb, argument }) {
    const command = SITE_COMMANDS.find((one) => one.verb === verb);
    if (command !== undefined) return command.run(context, argument);
    const names = offeredOf(SITE_COMMANDS, context).map((one) => wordOf(one.verb));
    throw new Fault('Parameter', { text: `SITE knows ${names.join(', ')}.` });
  },
});

/** The commands of this file. */
export const SITE = [site] as const;

/** `CHMOD` of `SITE CHMOD`. */
function wordOf(text: string): string {
  return text.replace(/^SITE /, '');
}

function siteHelp(context: CommandContext): Outcome {
  const lines = offeredOf(SITE_COMMANDS, context).map((command) => wordOf(command.help));
  return { reply: reply(214, 'SITE understands:', ...lines, 'End') };
}

interface Chmod {
  readonly mode: number;
  readonly target: VirtualPath;
}

function parseChmod(text: string, session: Session): Chmod {
  const [, bits = '', name = ''] = /^(\S+) (.+)$/.exec(text) ?? [];
  return { mode: orFault(parseMode(bits), 'Syntax'), target: PATH.parse(name, session) };
}

async function setMode(context: CommandContext, { mode, target }: Chmod): Promise<Outcome> {
  context.note({ path: target });
  await context.files().setMode(target, mode);
  return { reply: reply(200, 'Mode set.') };
}

interface Utime {
  readonly modifiedMs: number;
  readonly target: VirtualPath;
}

/** `YYYYMMDDhhmm[ss] path`, or `path accessed modified created UTC`, of which only the second time can be set. */
function parseUtime(text: string, session: Session): Utime {
  const long = /^(.+) [0-9]{14} ([0-9]{14}) [0-9]{14} UTC$/i.exec(text);
  const short = /^([0-9]{12}|[0-9]{14}) (.+)$/.exec(text);
  const [time = '', name = ''] = long ? [long[2], long[1]] : [short?.[1]?.padEnd(14, '0'), short?.[2]];
  return { modifiedMs: orFault(parseTimeVal(time), 'Syntax'), target: PATH.parse(name, session) };
}

async function setModified(context: CommandContext, { modifiedMs, target }: Utime): Promise<Outcome> {
  context.note({ path: target });
  await context.files().setModified(target, modifiedMs);
  return { reply: reply(200, 'Time set.') };
}
