/** RMDA: removes a directory with everything in it (draft-peterson-streamlined-ftp-command-extensions-10 section 2). */
import { reply } from '../protocol/reply.ts';
import { ROOT } from '../protocol/virtual-path.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';

/** Entries of a tree in one command, whatever longer listings are allowed. Protects memory: their names are held. */
const TREE_ENTRIES_MAX = 100_000;

/** RMDA: what forbids it is found before anything is removed; symbolic links are removed and never followed. */
const rmda = defineCommand({
  verb: 'RMDA',
  class: 'write',
  who: 'members',
  rfc: 'draft-peterson-streamlined-ftp-command-extensions-10 section 2',
  permissions: ['d'],
  feat: 'RMDA',
  note: 'Needs d everywhere in the tree, or nothing is removed; 451 for too many entries; never the root.',
  argument: PATH,

  async handle(context, target) {
    context.note({ path: target });
    const files = context.files();
    if (target === ROOT) throw new Fault('PermissionDenied', { text: 'The root cannot be removed.' });
    if (files.removeTree === undefined) throw new Fault('NotImplemented');
    await files.removeTree(target, treeEntriesMax(context));
    return { reply: reply(250, 'Removed with everything in it.') };
  },
});

/** The commands of this file. */
export const REMOVE_TREE = [rmda] as const;

/** Entries that one command may meet in a tree. */
export function treeEntriesMax({ limits }: CommandContext): number {
  return Math.min(limits.listingEntriesMax, TREE_ENTRIES_MAX);
}
