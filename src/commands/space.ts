/** Room and size: AVBL and DSIZ (draft-peterson-streamlined-ftp-command-extensions-10), and SITE QUOTA. */
import { reply } from '../protocol/reply.ts';
import { resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { PATH_OR_CWD } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import { permissionsAt } from '../spi/permissions.ts';
import { treeEntriesMax } from './remove-tree.ts';
import { uploadBytesMax } from './store.ts';

/** AVBL: how large an upload into a directory can be. */
const avbl = defineCommand({
  verb: 'AVBL',
  class: 'info',
  who: 'members',
  rfc: 'draft-peterson-streamlined-ftp-command-extensions-10 section 4',
  permissions: ['l'],
  feat: 'AVBL',
  note: 'The smaller of the free space and the largest upload allowed; 0 where the account may not store.',
  argument: PATH_OR_CWD,

  async handle(context, target) {
    await requireDirectory(context, target);
    const bytes = await availableBytes(context, target);
    // 550 is what section 4.2 asks for.
    if (bytes === undefined) throw new Fault('PermissionDenied', { text: 'The free space is not known.' });
    return { reply: reply(213, `${bytes}`) };
  },
});

/**
 * DSIZ: the bytes of all files in a directory and below, as a client that walks it would add them up. A directory that
 * symbolic links lead to again is counted once.
 */
const dsiz = defineCommand({
  verb: 'DSIZ',
  class: 'info',
  who: 'members',
  rfc: 'draft-peterson-streamlined-ftp-command-extensions-10 section 3',
  permissions: ['l'],
  feat: 'DSIZ',
  note: 'The sum of the sizes of the files; 451 for a tree of more entries than a listing may have, or than 100,000.',
  argument: PATH_OR_CWD,

  async handle(context, target) {
    const unique = await requireDirectory(context, target);
    return { reply: reply(213, `${await treeBytes(context, target, unique)}`) };
  },
});

/** The commands of this file. */
export const SPACE = [avbl, dsiz] as const;

/** SITE QUOTA: what bounds the account's uploads where the session stands. */
export async function quota(context: CommandContext): Promise<Outcome> {
  const bytesMax = uploadBytesMax(context);
  const freeBytes = await context.files().freeBytes(context.session.cwd);
  return {
    reply: reply(
      200,
      `Limits of ${context.account().name}:`,
      `Largest upload: ${bytesMax > 0 ? `${bytesMax} bytes` : 'as large as the free space'}`,
      `Free space here: ${freeBytes === undefined ? 'not known' : `${freeBytes} bytes`}`,
      'End',
    ),
  };
}

/** @returns the directory's `unique` fact. @throws Fault `NotADirectory`. */
async function requireDirectory(context: CommandContext, target: VirtualPath): Promise<string> {
  const { kind, unique } = await context.files().stat(target);
  if (kind !== 'directory') throw new Fault('NotADirectory');
  return unique;
}

/** Undefined when neither storage nor a limit tells. */
async function availableBytes(context: CommandContext, target: VirtualPath): Promise<number | undefined> {
  const letters = permissionsAt(context.account(), target);
  if (!letters.has('w') && !letters.has('a')) return 0;
  const freeBytes = await context.files().freeBytes(target);
  const bytesMax = uploadBytesMax(context);
  if (bytesMax === 0) return freeBytes;
  return Math.min(freeBytes ?? bytesMax, bytesMax);
}

/** Depth first, so that what waits is no more than the siblings on the way. */
async function treeBytes(context: CommandContext, top: VirtualPath, topUnique: string): Promise<number> {
  let entriesLeft = treeEntriesMax(context);
  let bytes = 0;
  const seen = new Set([topUnique]);
  const pending = [top];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for await (const batch of await context.files().list(directory)) {
      context.signal.throwIfAborted();
      entriesLeft -= batch.length;
      if (entriesLeft < 0) throw new Fault('ListingTooLong', { text: 'The directory holds too much to be added up.' });
      for (const { kind, name, sizeBytes, unique } of batch) {
        if (kind === 'file') bytes += sizeBytes;
        // Symbolic links can lead round in a circle.
        if (kind !== 'directory' || seen.has(unique)) continue;
        seen.add(unique);
        const below = resolvePath(directory, name);
        if (below === undefined) throw new Fault('ListingTooLong', { text: 'The directory is too deep.' });
        pending.push(below);
      }
    }
  }
  return bytes;
}
