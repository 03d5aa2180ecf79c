/**
 * Copying on the server: CPFR and CPTO, as ProFTPD's mod_copy has them behind SITE. A copy reads and stores, so it needs
 * what RETR and STOR need, and it is for members only: the server that forgot both gave away every file it could read
 * (CVE-2015-3306).
 */
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import { appendFile, publish, refuseLarger } from './publish.ts';

/** CPFR: names what the next command, CPTO, will copy. */
const cpfr = defineCommand({
  verb: 'CPFR',
  class: 'read',
  who: 'members',
  rfc: "ProFTPD's mod_copy",
  permissions: ['r'],
  note: 'Also as SITE CPFR. Regular files only.',
  argument: PATH,
  handle: (context, from) => beginCopy(context, from),
});

/** CPTO: copies what the command before it, CPFR, has named. */
const cpto = defineCommand({
  verb: 'CPTO',
  class: 'write',
  who: 'members',
  rfc: "ProFTPD's mod_copy",
  permissions: ['r', 'w'],
  note: 'Also as SITE CPTO. The copy is visible only when it is whole.',
  argument: PATH,
  handle: (context, to) => finishCopy(context, to),
});

/** The commands of this file. */
export const COPY = [cpfr, cpto] as const;

/** CPFR: opening the file is what shows that it exists, is regular and may be read. */
export async function beginCopy(context: CommandContext, from: VirtualPath): Promise<Outcome> {
  context.note({ path: from });
  await (await context.files().openRead(from)).close();
  return { reply: reply(350, 'Send CPTO with the name of the copy.'), change: { kind: 'SetCopyFrom', path: from } };
}

/** CPTO. @throws Fault `Sequence` unless CPFR came right before. */
export async function finishCopy(context: CommandContext, to: VirtualPath): Promise<Outcome> {
  const { copyFrom } = context.session;
  if (copyFrom === undefined) throw new Fault('Sequence', { text: 'CPTO comes right behind CPFR.' });
  return { reply: reply(250, await copyFile(context, copyFrom, to)) };
}

/**
 * Copies a file through a staged write: the new name has the whole copy or what it had before.
 *
 * @returns what to tell the client.
 * @throws Fault `BadName` for a copy onto itself, `QuotaExceeded`; whatever reading and storing throw.
 */
export async function copyFile(context: CommandContext, from: VirtualPath, to: VirtualPath): Promise<string> {
  if (from === to) throw new Fault('BadName', { text: 'A file cannot be copied onto itself.' });
  context.note({ path: from, to });
  const opened = await context.files().openRead(from);
  try {
    refuseLarger(context, opened.facts.sizeBytes);
    const staged = await context.files().stage(to, { from: 'empty', existing: context.account().existing });
    const { bytes, sha256 } = await publish(context, staged, (writing) => appendFile(context, writing, opened));
    return `Copied ${bytes} bytes, SHA-256 ${sha256}.`;
  } finally {
    await opened.close();
  }
}
