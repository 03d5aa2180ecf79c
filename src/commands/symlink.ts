/** SITE SYMLINK: a second name for a file or directory. Off by default: a link is a name that rules may not know. */
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { CommandContext, Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';

/**
 * Makes a link to something that exists. Whether it may be, and that it stays inside, is for the account's files.
 *
 * @throws Fault `NotImplemented` where links are switched off or storage has none; whatever storage throws.
 */
export async function makeSymlink(
  context: CommandContext,
  { target, link }: { readonly target: VirtualPath; readonly link: VirtualPath },
): Promise<Outcome> {
  context.note({ path: link, to: target });
  const files = context.files();
  if (!context.policy.symlinks || files.makeSymlink === undefined) {
    throw new Fault('NotImplemented', { text: 'Symbolic links are switched off here.' });
  }
  await files.makeSymlink(link, target);
  return { reply: reply(200, 'Linked.') };
}
