/** Listings for programs: MLSD over the data channel and MLST on the control channel (RFC 3659 section 7). */
import { factsFormat, featFactList, formatFacts, permFact } from '../protocol/facts.ts';
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';
import { listedName } from '../protocol/listing.ts';
import { mediaTypeOf } from '../protocol/media-type.ts';
import { reply } from '../protocol/reply.ts';
import { parentOf, ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { PATH_OR_CWD } from '../spi/argument.ts';
import { type CommandContext, defineCommand } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import { requireArranged } from './data-transfer.ts';
import { transferListing } from './listing.ts';

/**
 * MLSD: what a directory holds. Devices, sockets and the like are left out. The directory itself comes first where it is
 * the one that the session stands in.
 */
const mlsd = defineCommand({
  verb: 'MLSD',
  class: 'info',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 3659 section 7',
  permissions: ['l'],
  note: 'The directory itself (type=cdir) is listed where it can be called `.`, which is where the session stands.',
  argument: PATH_OR_CWD,

  async handle(context, target) {
    requireArranged(context);
    const facts = await context.files().stat(target);
    // 501 is what RFC 3659 section 7.2.1 asks for.
    if (facts.kind !== 'directory') throw new Fault('Syntax', { text: 'Not a directory; MLST tells of a file.' });
    return transferListing(context, directoryLines(context, target, facts));
  },
});

/** MLST: the facts of one file or directory, named by its full path. */
const mlst = defineCommand({
  verb: 'MLST',
  class: 'info',
  who: 'members',
  rfc: 'RFC 3659 section 7',
  permissions: ['l'],
  feat: (session) => `MLST ${featFactList(session.mlstFacts)}`,
  note: 'media-type, given only when asked for, comes from a fixed table of name endings; create is left out where unknown.',
  argument: PATH_OR_CWD,

  async handle(context, target) {
    const facts = await context.files().stat(target);
    const place = await placeOf(context, facts.kind === 'directory' ? target : parentOf(target));
    return { reply: reply(250, 'Facts follow.', factsLine(context, { ...facts, name: target }, { place }), 'End') };
  },
});

/** The commands of this file. */
export const MACHINE_LISTING = [mlsd, mlst] as const;

async function* directoryLines(
  context: CommandContext,
  target: VirtualPath,
  facts: FileFacts,
): AsyncGenerator<readonly string[]> {
  const here = await placeOf(context, target);
  const format = factsFormat(context.session.mlstFacts);
  let lines = [...headingOf(context, here, facts)];
  for await (const batch of await context.files().list(target)) {
    for (const entry of batch) {
      if (entry.kind === 'other') continue;
      const inside = entry.kind === 'directory' ? resolvePath(target, entry.name) : undefined;
      const place = inside === undefined ? here : await placeOf(context, inside);
      lines.push(`${factsLine(context, entry, { place, format })}\r\n`);
    }
    yield lines;
    lines = [];
  }
  if (lines.length > 0) yield lines;
}

/**
 * The entry for the directory itself. It may have any name that is valid from where the session stands, or be left out,
 * and without the type fact it must be (RFC 3659 sections 7.3.1 and 7.5.1.2). Many clients look at the name alone: all know
 * `.`, but would take a path for one more directory inside and list that for ever (rclone).
 */
function headingOf(context: CommandContext, place: Place, facts: FileFacts): readonly string[] {
  const { cwd, mlstFacts } = context.session;
  if (place.directory !== cwd || !mlstFacts.includes('type')) return [];
  return [`${factsLine(context, { ...facts, name: '.' }, { place, directoryType: 'cdir' })}\r\n`];
}

/** A directory, and what may be done there. */
interface Place {
  readonly directory: VirtualPath;
  /** The value of the fact for what is in it, and for a directory that it is itself. */
  readonly perm: Readonly<Record<FileFacts['kind'], string>>;
}

async function placeOf(context: CommandContext, directory: VirtualPath): Promise<Place> {
  const letters = await context.lettersAt(directory);
  const own = permFact(letters, 'directory');
  // The root can be neither removed nor renamed, and what the fact promises must hold (RFC 3659 section 7.5.5).
  const itself = directory === ROOT ? own.replace(/[df]/g, '') : own;
  return { directory, perm: { file: permFact(letters, 'file'), directory: itself, other: permFact(letters, 'other') } };
}

/** How a line of facts is made. */
interface LineParts {
  /** Where permissions are looked up: a directory's own, or the one a file is in. */
  readonly place: Place;
  readonly directoryType?: 'cdir';
  /** Of the listing that the line is in. */
  readonly format?: ReturnType<typeof factsFormat>;
}

function factsLine(context: CommandContext, entry: DirectoryEntry, parts: LineParts): string {
  const enabled = context.session.mlstFacts;
  const { place, directoryType, format } = parts;
  const mediaType = enabled.includes('media-type') ? mediaTypeOf(entry.name) : undefined;
  const values = { perm: place.perm[entry.kind], directoryType, mediaType };
  const text = format === undefined ? formatFacts(entry, { enabled, ...values }) : format(entry, values);
  return `${text} ${listedName(entry.name)}`;
}
