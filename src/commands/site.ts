/**
 * SITE: what has no verb of its own (RFC 959 section 4.1.3). One table drives what is understood, SITE HELP and the words
 * of a refusal. Everything behind it is for members, and judged by what it does to files as any other command is.
 */
import { parseMode } from '../protocol/number.ts';
import { reply } from '../protocol/reply.ts';
import { parseTimeVal } from '../protocol/time.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { Session } from '../spi/session.ts';
import { nothing, path, something, twoPaths } from './arguments.ts';
import { beginCopy, copyFile, finishCopy } from './copy.ts';
import { quota } from './space.ts';
import { makeSymlink } from './symlink.ts';
import { ownSessions } from './who.ts';

/** SITE: carries out what the table below has under the word that follows it. */
const site = defineCommand({
  verb: 'SITE',
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  help: 'SITE command [arguments] (SITE HELP lists them)',
  feat: (_session, policy) => (policy.symlinks ? ['SITE COPY', 'SITE SYMLINK'] : 'SITE COPY'),
  note: 'Paths with spaces stand in quotes behind COPY and SYMLINK. SYMLINK is off unless configured.',

  parse(text) {
    const [, typed = '', argument = ''] = /^(\S+)(?: (.*))?$/.exec(something(text)) ?? [];
    const command = SITE_COMMANDS.find(({ name }) => name === typed.toUpperCase());
    if (command === undefined) throw new Fault('Parameter', { text: `SITE knows ${NAMES.join(', ')}.` });
    return { command, argument };
  },

  handle: (context, { command, argument }) => command.run(context, argument),
});

/** The commands of this file. */
export const SITE = [site] as const;

/** What stands behind SITE. */
interface SiteCommand {
  readonly name: string;
  /** Its arguments, as SITE HELP shows them. */
  readonly help: string;
  run(context: CommandContext, text: string): Outcome | Promise<Outcome>;
}

/** What the author of one writes; as in a command, the argument is read before anything is done. */
interface SiteSpec<Argument> {
  readonly name: string;
  readonly help: string;
  parse(text: string, session: Session): Argument;
  handle(context: CommandContext, argument: Argument): Outcome | Promise<Outcome>;
}

const SITE_COMMANDS: readonly SiteCommand[] = [
  defineSite({ name: 'CHMOD', help: 'mode path', parse: parseChmod, handle: setMode }),
  defineSite({ name: 'UTIME', help: 'YYYYMMDDhhmm[ss] path', parse: parseUtime, handle: setModified }),
  defineSite({ name: 'CPFR', help: 'path', parse: path, handle: beginCopy }),
  defineSite({ name: 'CPTO', help: 'path', parse: path, handle: finishCopy }),
  defineSite({
    name: 'COPY',
    help: 'from to',
    parse: twoPaths,
    handle: async (context, [from, to]) => ({ reply: reply(200, await copyFile(context, from, to)) }),
  }),
  defineSite({
    name: 'SYMLINK',
    help: 'target link',
    parse: twoPaths,
    handle: (context, [target, link]) => makeSymlink(context, { target, link }),
  }),
  defineSite({ name: 'QUOTA', help: '', parse: nothing, handle: quota }),
  defineSite({ name: 'WHO', help: '', parse: nothing, handle: (context) => ({ reply: ownSessions(context) }) }),
  defineSite({ name: 'HELP', help: '', parse: nothing, handle: siteHelp }),
];

const NAMES = SITE_COMMANDS.map(({ name }) => name);

function defineSite<Argument>({ name, help, parse, handle }: SiteSpec<Argument>): SiteCommand {
  return { name, help, run: (context, text) => handle(context, parse(text, context.session)) };
}

function siteHelp(): Outcome {
  const lines = SITE_COMMANDS.map(({ name, help }) => `${name} ${help}`.trimEnd());
  return { reply: reply(214, 'SITE understands:', ...lines, 'End') };
}

interface Chmod {
  readonly mode: number;
  readonly target: VirtualPath;
}

function parseChmod(text: string, session: Session): Chmod {
  const [, bits = '', name = ''] = /^(\S+) (.+)$/.exec(text) ?? [];
  return { mode: orFault(parseMode(bits), 'Syntax'), target: path(name, session) };
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
  return { modifiedMs: orFault(parseTimeVal(time), 'Syntax'), target: path(name, session) };
}

async function setModified(context: CommandContext, { modifiedMs, target }: Utime): Promise<Outcome> {
  context.note({ path: target });
  await context.files().setModified(target, modifiedMs);
  return { reply: reply(200, 'Time set.') };
}
