/** Listings for people: LIST and NLST (RFC 959 section 4.1.3), and how every listing goes over the data channel. */
import { formatNlstLine, listLineFormat, parseListArgument } from '../protocol/listing.ts';
import { reply } from '../protocol/reply.ts';
import { PATH_OR_CWD } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { charsetOf, type Session } from '../spi/session.ts';
import { sendListing } from '../transfer/listing-stream.ts';
import { overData, requireArranged } from './data-transfer.ts';

const MISSING_NOTE =
  '550 for a name that is missing or may not be seen: the 450 of section 5.4 would have clients try again. 451 for a listing that is cut off.';

/** LIST: a directory, or one file, in the manner of `ls -l`. Names that begin with a dot are always shown. */
const list = defineCommand({
  verb: 'LIST',
  class: 'info',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['l'],
  note: MISSING_NOTE,
  argument: { syntax: '[path]', parts: ['path'], required: 0, parse: listed },

  async handle(context, { typed, target }) {
    requireArranged(context);
    const files = context.files();
    const line = listLineFormat(context.clock.now(), context.policy.listingTimes);
    const facts = await files.stat(target);
    if (facts.kind !== 'directory') {
      return transferListing(context, batchOf([line({ ...facts, name: typed })]));
    }
    return transferListing(context, mapBatches(await files.list(target), line));
  },
});

/** NLST: names only, each a path that may be sent back as it is. */
const nlst = defineCommand({
  verb: 'NLST',
  class: 'info',
  who: 'members',
  data: 'transfers',
  rfc: 'RFC 959 section 4.1.3',
  permissions: ['l'],
  note: MISSING_NOTE,
  argument: { syntax: '[path]', parts: ['path'], required: 0, parse: listed },

  async handle(context, { typed, target }) {
    requireArranged(context);
    const files = context.files();
    const { kind } = await files.stat(target);
    if (kind !== 'directory') return transferListing(context, batchOf([formatNlstLine(typed)]));
    const directory = typed.endsWith('/') ? typed : `${typed}/`;
    const prefix = target === context.session.cwd ? '' : directory;
    const batches = await files.list(target, 'names');
    return transferListing(
      context,
      mapBatches(batches, ({ name }) => formatNlstLine(prefix + name)),
    );
  },
});

/** The commands of this file. */
export const LISTING = [list, nlst] as const;

/**
 * Sends a listing over the data channel. Its first batch is asked for before 150, so that a directory that cannot be
 * read is refused instead of looking empty.
 */
export async function transferListing(
  context: CommandContext,
  batches: AsyncIterable<readonly string[]>,
): Promise<Outcome> {
  const iterator = batches[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    const linesMax = context.limits.listingEntriesMax;
    const charset = charsetOf(context.session);
    const count = await overData(context, 'send', reply(150, 'Sending the listing.'), (connection) =>
      sendListing({ connection, batches: behind(first, iterator), linesMax, charset }),
    );
    return { reply: reply(226, `Listed ${count}.`) };
  } finally {
    await iterator.return?.();
  }
}

/** Each entry of each batch, converted. */
export async function* mapBatches<T>(
  batches: AsyncIterable<readonly T[]>,
  convert: (entry: T) => string,
): AsyncGenerator<readonly string[]> {
  for await (const batch of batches) yield batch.map(convert);
}

/** One batch as a listing. */
async function* batchOf(lines: readonly string[]): AsyncGenerator<readonly string[]> {
  yield lines;
}

/** What an iterator has given already, and the rest of it. */
async function* behind<T>(first: IteratorResult<T>, iterator: AsyncIterator<T>): AsyncGenerator<T> {
  for (let item = first; !item.done; item = await iterator.next()) yield item.value;
}

/** The path with the flags of `ls` taken off, as typed and as meant. */
function listed(text: string, session: Session) {
  const { path: typed } = parseListArgument(text);
  return { typed, target: PATH_OR_CWD.parse(typed, session) };
}
