/** Hashes of files: HASH (draft-bryan-ftpext-hash-02), the range that it and transfers take (RANG), and OPTS HASH. */

import { parseOffset } from '../protocol/number.ts';
import { reply } from '../protocol/reply.ts';
import { asciiUpper } from '../protocol/words.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandContext, defineCommand, type Outcome } from '../spi/command.ts';
import { Fault, type FaultKind, orFault } from '../spi/fault.ts';
import type { OpenedFile } from '../spi/file-system.ts';
import { type ByteRange, HASH_ALGORITHMS, type Session } from '../spi/session.ts';
import { hashFile } from '../transfer/file-hash.ts';
import type { Stretch } from '../transfer/read-stretch.ts';

/**
 * HASH: the hash of a file, or of the range that RANG chose, with the algorithm that OPTS HASH chose. Being told a hash
 * takes the right to read the file: it tells whether the content is what one guesses.
 */
const hash = defineCommand({
  verb: 'HASH',
  class: 'read',
  who: 'members',
  usesRange: true,
  rfc: 'draft-bryan-ftpext-hash-02 section 3',
  permissions: ['r'],
  feat: ({ hashAlgorithm }) =>
    `HASH ${HASH_ALGORITHMS.map((name) => (name === hashAlgorithm ? `${name}*` : name)).join(';')}`,
  note: 'An empty file has the range 0-0. A range that ends behind the file is cut off there. 552 without r, 553 for what is no file, 556 for more than is hashed at once (section 3.5).',
  argument: {
    syntax: 'path',
    parts: ['path'],
    required: 1,
    parse: (typed, session) => ({ typed, target: PATH.parse(typed, session) }),
  },

  async handle(context, { typed, target }) {
    const { hashAlgorithm: algorithm, range } = context.session;
    const opened = await context
      .files()
      .openRead(target)
      .catch((error: unknown) => {
        throw asHashFault(error);
      });
    try {
      const stretch = stretchOf(opened, range);
      requireHashable(context, stretch);
      const digest = await hashFile(opened, algorithm, { ...stretch, signal: context.signal });
      context.note({ path: target, algorithm, hash: digest });
      const lastBytes = Math.max(stretch.startBytes, stretch.endBytes - 1);
      return { reply: reply(213, `${algorithm} ${stretch.startBytes}-${lastBytes} ${digest} ${typed}`) };
    } finally {
      await opened.close();
    }
  },
});

/** RANG: the bytes, both ends included, that the next transfer or HASH is about. `RANG 1 0` means all of them again. */
const rang = defineCommand({
  verb: 'RANG',
  class: 'misc',
  who: 'members',
  rfc: 'draft-bryan-ftp-range-08 section 3',
  feat: 'RANG STREAM',
  note: 'For HASH, RETR, STOR and APPE; the later of RANG and REST holds. An upload must fill the range exactly.',

  argument: {
    syntax: 'start end',
    parts: ['number', 'number'],
    required: 2,
    parse(text) {
      const [, start = '', end = ''] = /^(\S+) (\S+)$/.exec(text) ?? [];
      return { startBytes: orFault(parseOffset(start), 'Syntax'), endBytes: orFault(parseOffset(end), 'Syntax') };
    },
  },

  handle(_context, range) {
    const { startBytes, endBytes } = range;
    if (startBytes <= endBytes) {
      const text = `Bytes ${startBytes} to ${endBytes}. Send RETR, STOR or HASH.`;
      return { reply: reply(350, text), change: { kind: 'SetRange', range } };
    }
    const change = { kind: 'SetRange', range: undefined } as const;
    if (startBytes === 1 && endBytes === 0) return { reply: reply(350, 'The whole file.'), change };
    // Section 3: such a request resets the selection although it is refused.
    return { reply: reply(501, 'A range ends where it begins, or behind that; it is the whole file again.'), change };
  },
});

/** The commands of this file. */
export const HASH = [hash, rang] as const;

/** OPTS HASH: tells the algorithm, or chooses it. @throws Fault `Syntax` for a name that is not known. */
export function hashOption(session: Session, text: string): Outcome {
  if (text === '') return { reply: reply(200, session.hashAlgorithm) };
  const algorithm = HASH_ALGORITHMS.find((name) => name === asciiUpper(text));
  if (algorithm === undefined) throw new Fault('Syntax', { text: 'Unknown algorithm, current selection not changed.' });
  return { reply: reply(200, algorithm), change: { kind: 'SetHashAlgorithm', algorithm } };
}

/** @throws Fault `HashTooLong` for more than the gateway hashes at once. */
export function requireHashable({ limits }: CommandContext, { startBytes, endBytes }: Stretch): void {
  if (limits.hashBytesMax > 0 && endBytes - startBytes > limits.hashBytesMax) throw new Fault('HashTooLong');
}

/** The part of the file that is in the range. @throws Fault `RestartInvalid` when nothing is, for that has no hash. */
function stretchOf({ facts: { sizeBytes } }: OpenedFile, range: ByteRange | undefined): Stretch {
  if (range === undefined) return { startBytes: 0, endBytes: sizeBytes };
  const { startBytes } = range;
  if (startBytes >= sizeBytes) throw new Fault('RestartInvalid', { text: `The file has ${sizeBytes} bytes only.` });
  return { startBytes, endBytes: Math.min(range.endBytes + 1, sizeBytes) };
}

/** Section 3.5 has codes of its own for what RETR answers with 550. */
const HASH_FAULTS: Partial<Record<FaultKind, FaultKind>> = {
  PermissionDenied: 'HashDenied',
  NotAFile: 'HashOfDirectory',
};

function asHashFault(error: unknown): unknown {
  const kind = error instanceof Fault ? HASH_FAULTS[error.kind] : undefined;
  return kind === undefined ? error : new Fault(kind, { cause: error });
}
