/** Files by name: DELE, RNFR, RNTO (RFC 959), SIZE, MDTM (RFC 3659) and MFMT (draft-somers-ftp-mfxx). */
import { reply } from '../protocol/reply.ts';
import { formatTimeVal, parseTimeVal } from '../protocol/time.ts';
import { ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import { holdsAnywhere } from '../spi/permissions.ts';
import { countAscii } from '../transfer/ascii-offset.ts';

/** DELE: deletes a file. */
const dele = defineCommand({
  verb: 'DELE',
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['d'],
  argument: PATH,

  async handle(context, target) {
    context.note({ path: target });
    await context.files().removeFile(target);
    return { reply: reply(250, 'Deleted.') };
  },
});

/** RNFR: names what the next command, RNTO, will rename. */
const rnfr = defineCommand({
  verb: 'RNFR',
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['f'],
  argument: PATH,

  async handle(context, from) {
    if (from === ROOT || !holdsAnywhere(context.account(), 'f')) throw new Fault('PermissionDenied');
    try {
      await context.files().stat(from);
    } catch (error) {
      // Who may rename but not list cannot be told here whether the file exists; RNTO will say.
      if (!(error instanceof Fault) || error.kind !== 'PermissionDenied') throw error;
    }
    return { reply: reply(350, 'Send RNTO with the new name.'), change: { kind: 'SetRenameFrom', path: from } };
  },
});

/** RNTO: renames what the command before it, RNFR, has named. */
const rnto = defineCommand({
  verb: 'RNTO',
  class: 'write',
  who: 'members',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['f', 'w into another directory or over a file'],
  note: '550 for what is gone or may not be renamed; 553, all that section 5.4 has, for a name that is taken.',
  argument: PATH,

  async handle(context, to) {
    const { renameFrom } = context.session;
    if (renameFrom === undefined) throw new Fault('Sequence', { text: 'RNTO comes right behind RNFR.' });
    context.note({ path: renameFrom, to });
    await context.files().rename(renameFrom, to, context.account().existing);
    return { reply: reply(250, 'Renamed.') };
  },
});

/**
 * SIZE: the size of a file; of an unfinished upload when there is no such file yet, so that the client knows where to
 * go on. With TYPE A the whole file has to be read to know, so it takes the right to read and holds up to a bound, as
 * RFC 3659 section 4.2 allows.
 */
const size = defineCommand({
  verb: 'SIZE',
  class: 'info',
  who: 'members',
  rfc: 'RFC 3659 section 4',
  permissions: ['l in TYPE I', 'r in TYPE A'],
  feat: 'SIZE',
  argument: PATH,

  async handle(context, target) {
    if (context.session.type === 'A') return asciiSize(context, target);
    const files = context.files();
    try {
      const { kind, sizeBytes } = await files.stat(target);
      if (kind !== 'file') throw new Fault('NotAFile');
      return { reply: reply(213, `${sizeBytes}`) };
    } catch (error) {
      // Who may not look at what is published may still know of its own unfinished upload.
      if (!(error instanceof Fault) || !['NoSuchFile', 'PermissionDenied'].includes(error.kind)) throw error;
      const keptBytes = await files.resumableBytes(target);
      if (keptBytes === undefined) throw error;
      return { reply: reply(213, `${keptBytes}`) };
    }
  },
});

/** MDTM: when a file was last modified. */
const mdtm = defineCommand({
  verb: 'MDTM',
  class: 'info',
  who: 'members',
  rfc: 'RFC 3659 section 3',
  permissions: ['l'],
  feat: 'MDTM',
  argument: PATH,

  async handle(context, target) {
    const { kind, modifiedMs } = await context.files().stat(target);
    if (kind !== 'file') throw new Fault('NotAFile');
    return { reply: reply(213, formatTimeVal(modifiedMs)) };
  },
});

/** MFMT: sets when a file was last modified. */
const mfmt = defineCommand({
  verb: 'MFMT',
  class: 'write',
  who: 'members',
  rfc: 'draft-somers-ftp-mfxx-03 section 3',
  permissions: ['T'],
  feat: 'MFMT',

  argument: {
    syntax: 'YYYYMMDDHHMMSS path',
    parts: ['time', 'path'],
    required: 2,
    parse(text, session) {
      const [, time = '', name = ''] = /^(\S+) (.+)$/.exec(text) ?? [];
      return { modifiedMs: orFault(parseTimeVal(time), 'Syntax'), target: PATH.parse(name, session), name };
    },
  },

  async handle(context, { modifiedMs, target, name }) {
    context.note({ path: target });
    await context.files().setModified(target, modifiedMs);
    return { reply: reply(213, `Modify=${formatTimeVal(modifiedMs)}; ${name}`) };
  },
});

/** The commands of this file. */
export const FILES = [dele, rnfr, rnto, size, mdtm, mfmt] as const;

/** Octets that RETR would send in TYPE A. */
async function asciiSize(context: CommandContext, target: VirtualPath): Promise<Outcome> {
  const bytesMax = context.limits.asciiSizeBytesMax;
  const opened = await context.files().openRead(target);
  try {
    if (opened.facts.sizeBytes > bytesMax) {
      return { reply: reply(550, `SIZE counts up to ${bytesMax} bytes in TYPE A: send TYPE I.`) };
    }
    const { octets } = await countAscii(opened.read(0), context.signal);
    return { reply: reply(213, `${octets}`) };
  } finally {
    await opened.close();
  }
}
