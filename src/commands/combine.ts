/**
 * COMB: makes one file of several, for clients that upload in parts (CuteFTP, whose server's manual is where the command
 * is written down). Parts are added to the target if it exists, and deleted once all is well.
 */
import type { FileFacts } from '../protocol/file-facts.ts';
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { parseWords } from '../protocol/words.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { FileSystem, OpenedFile } from '../spi/file-system.ts';
import { mayChange } from '../spi/permissions.ts';
import { appendFile, publish, refuseLarger } from './publish.ts';
import { mayBeTold, refuseOpaque, type UploadBase } from './upload-base.ts';

/** COMB: atomic, unlike elsewhere: the target has all parts or is as it was, and the parts go only after that. */
const comb = defineCommand({
  verb: 'COMB',
  class: 'write',
  who: 'members',
  rfc: "CuteFTP Server's manual, Multi-Part Uploads",
  permissions: ['w', 'r', 'd', 'a where the target exists', 'l where the target exists'],
  feat: 'COMB',
  note: 'Needs w, a and l where the target is, r and d where the parts are. Parts are deleted behind the commit.',

  argument: {
    syntax: '"target" "part" ["part" ...]',
    parts: ['path', 'path'],
    required: 2,
    parse(text, session) {
      const [target, ...parts] = orFault(parseWords(text), 'Syntax').map((word) => PATH.parse(word, session));
      if (target === undefined || parts.length === 0 || new Set(parts).size < parts.length) throw new Fault('Syntax');
      return { target, parts };
    },
  },

  handle: (context, { target, parts }) => combine(context, target, parts),
});

/** The commands of this file. */
export const COMBINE = [comb] as const;

/** A part as it was when it was looked at. */
interface Part {
  readonly path: VirtualPath;
  readonly facts: FileFacts;
}

async function combine(context: CommandContext, target: VirtualPath, paths: readonly VirtualPath[]): Promise<Outcome> {
  context.note({ path: target, parts: paths });
  if (paths.includes(target)) throw new Fault('BadName', { text: 'The target cannot be one of its parts.' });
  if (!paths.every((one) => mayChange(context.account(), 'd', one))) throw new Fault('PermissionDenied');
  const parts: Part[] = [];
  for (const one of paths) {
    parts.push({ path: one, facts: await withOpened(context, one, async ({ facts }) => facts) });
    refuseLarger(context, totalBytes(parts));
  }
  const { staged, telling } = await stageTarget(context, target, parts);
  await refuseOpaque(staged);
  const { bytes, sha256 } = await publish(context, staged, async (writing) => {
    for (const part of parts) {
      await withOpened(context, part.path, async (opened) => {
        if (!isSame(part.facts, opened.facts)) throw new Fault('FileBusy');
        await appendFile(context, writing, opened);
      });
    }
  });
  const leftCount = await removeParts(context, parts);
  const left = leftCount === 0 ? '' : ` ${leftCount} of the parts could not be deleted.`;
  const what = telling ? ` into ${bytes} bytes, SHA-256 ${sha256}` : '';
  return { reply: reply(250, `Combined${what}.${left}`) };
}

/** The target as a write, and whether its size and hash may be told (see `UploadBase`). */
type Target = Pick<UploadBase, 'staged' | 'telling'>;

/**
 * Begins a new target, or goes on with one that exists. Appending where nothing is published would go on with an
 * unfinished upload of that name; so it is asked for only behind the refusal to make a new file, and given back should
 * the target have vanished in between.
 */
async function stageTarget(context: CommandContext, target: VirtualPath, parts: readonly Part[]): Promise<Target> {
  const files = context.files();
  try {
    const staged = await files.stage(target, { from: 'empty', existing: 'keep' });
    // Where versions are kept a name that is taken refuses nothing.
    if (!(await isSeen(files, target))) return { staged, telling: true };
    await staged.abort('keep');
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'FileExists') throw error;
  }
  const { sizeBytes, unique } = await files.stat(target);
  // The same file by another name: deleting the part would delete what was made.
  if (parts.some(({ facts }) => facts.unique === unique)) {
    throw new Fault('BadName', { text: 'The target cannot be one of its parts.' });
  }
  refuseLarger(context, sizeBytes + totalBytes(parts));
  const telling = await mayBeTold(context, target);
  const staged = await files.stage(target, { from: 'append', existing: context.account().existing });
  if (staged.startBytes === sizeBytes) return { staged, telling };
  await staged.abort('keep');
  throw new Fault('FileBusy');
}

/** Whether there is something of the name that the account may know of. */
async function isSeen(files: FileSystem, path: VirtualPath): Promise<boolean> {
  try {
    await files.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Fault && (error.kind === 'NoSuchFile' || error.kind === 'PermissionDenied')) return false;
    throw error;
  }
}

/**
 * Deletes the parts that are still what went into the target. The target is published by now, and a client that read of
 * a failure would add the parts a second time: what cannot be deleted is counted instead.
 *
 * @returns how many are left.
 */
async function removeParts(context: CommandContext, parts: readonly Part[]): Promise<number> {
  let leftCount = 0;
  for (const part of parts) {
    try {
      const facts = await withOpened(context, part.path, async (opened) => opened.facts);
      if (!isSame(part.facts, facts)) throw new Fault('FileBusy');
      await context.files().removeFile(part.path);
    } catch (error) {
      leftCount += 1;
      context.log.warn('combine.part_left', { path: part.path, error });
    }
  }
  return leftCount;
}

async function withOpened<T>(
  context: CommandContext,
  one: VirtualPath,
  use: (opened: OpenedFile) => Promise<T>,
): Promise<T> {
  const opened = await context.files().openRead(one);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

function isSame(a: FileFacts, b: FileFacts): boolean {
  return a.unique === b.unique && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

function totalBytes(parts: readonly Part[]): number {
  return parts.reduce((sum, { facts }) => sum + facts.sizeBytes, 0);
}
