/** Standing in, making and removing directories: CWD, CDUP, PWD, MKD, RMD (RFC 959 section 4.1 and appendix II). */
import { reply } from '../protocol/reply.ts';
import { parentOf, quotePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { NOTHING, PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';

/** CWD: goes to a directory. */
const cwd = defineCommand({
  verb: 'CWD',
  aliases: ['XCWD'],
  class: 'directories',
  who: 'members',
  rfc: 'RFC 959 section 4.1.1',
  permissions: ['e'],
  // Names are as in a trivial virtual file store: `/` between them, `..` for the parent (RFC 3659 section 6).
  feat: 'TVFS',
  argument: PATH,
  handle: (context, target) => goTo(context, target),
});

/** CDUP: goes to the parent; answers as CWD does (RFC 959 appendix II). */
const cdup = defineCommand({
  verb: 'CDUP',
  aliases: ['XCUP'],
  class: 'directories',
  who: 'members',
  rfc: 'RFC 959 section 4.1.1',
  permissions: ['e'],
  note: 'Answers 250 as CWD does (RFC 959 appendix II), where section 5.4 has 200.',
  argument: NOTHING,
  handle: (context) => goTo(context, parentOf(context.session.cwd)),
});

/** PWD: where the session stands. */
const pwd = defineCommand({
  verb: 'PWD',
  aliases: ['XPWD'],
  class: 'directories',
  who: 'members',
  files: false,
  rfc: 'RFC 959 section 4.1.3',
  argument: NOTHING,
  handle: ({ session }) => ({ reply: reply(257, `${quotePath(session.cwd)} is the current directory.`) }),
});

/** MKD: makes a directory. */
const mkd = defineCommand({
  verb: 'MKD',
  aliases: ['XMKD'],
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['m'],
  argument: PATH,

  async handle(context, target) {
    context.note({ path: target });
    try {
      await context.files().makeDirectory(target);
    } catch (error) {
      // 553 is about files that are stored; MKD knows 550 only (RFC 959 section 5.4).
      if (!(error instanceof Fault) || error.kind !== 'FileExists') throw error;
      throw new Fault('PermissionDenied', { cause: error, text: 'The name is taken already.' });
    }
    return { reply: reply(257, `${quotePath(target)} created.`) };
  },
});

/** RMD: removes an empty directory. */
const rmd = defineCommand({
  verb: 'RMD',
  aliases: ['XRMD'],
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['d'],
  argument: PATH,

  async handle(context, target) {
    context.note({ path: target });
    await context.files().removeDirectory(target);
    return { reply: reply(250, 'Removed.') };
  },
});

/** The commands of this file. */
export const DIRECTORIES = [cwd, cdup, pwd, mkd, rmd] as const;

async function goTo(context: CommandContext, target: VirtualPath): Promise<Outcome> {
  await context.files().enter(target);
  return { reply: reply(250, `Now in ${quotePath(target)}.`), change: { kind: 'ChangeDirectory', path: target } };
}
