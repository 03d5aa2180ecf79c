/**
 * The older commands for hashes, one verb an algorithm: XCRC (GlobalSCAPE, 2001) and those that followed its form. No
 * RFC defines them; they are as draft-bryan-ftpext-hash-02 appendix B lists them, and as ProFTPD's mod_digest answers.
 */
import { parseOffset } from '../protocol/number.ts';
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { PATH } from '../spi/argument.ts';
import { type CommandDefinition, defineCommand } from '../spi/command.ts';
import { Fault, orFault } from '../spi/fault.ts';
import type { HashAlgorithm, Session } from '../spi/session.ts';
import { hashFile } from '../transfer/file-hash.ts';
import type { Stretch } from '../transfer/read-stretch.ts';
import { requireHashable } from './hash.ts';

/** The commands of this file. */
export const HASH_BY_NAME: readonly CommandDefinition[] = [
  hashBy('XSHA256', 'SHA-256'),
  hashBy('XSHA512', 'SHA-512'),
  hashBy('XSHA1', 'SHA-1', 'XSHA'),
  hashBy('XMD5', 'MD5'),
  hashBy('XCRC', 'CRC32'),
];

/** What such a command is asked: a file, and part of it perhaps, the end not included. */
interface Asked {
  readonly target: VirtualPath;
  readonly part: Stretch | undefined;
}

function hashBy(verb: string, algorithm: HashAlgorithm, ...aliases: readonly string[]): CommandDefinition {
  return defineCommand({
    verb,
    aliases,
    class: 'read',
    who: 'members',
    rfc: 'draft-bryan-ftpext-hash-02 appendix B',
    permissions: ['r'],
    // One line a spelling, for clients look for the one they use.
    feat: () => [verb, ...aliases],
    note: 'The byte at the end is not included. A name that ends in two numbers must be in quotes.',
    argument: {
      syntax: 'path|"path" [start end]',
      parts: ['path', 'number', 'number'],
      required: 1,
      parse,
    },

    async handle(context, { target, part }) {
      const opened = await context.files().openRead(target);
      try {
        const { sizeBytes } = opened.facts;
        const stretch = part ?? { startBytes: 0, endBytes: sizeBytes };
        if (stretch.endBytes > sizeBytes) throw new Fault('Syntax', { text: `The file has ${sizeBytes} bytes only.` });
        requireHashable(context, stretch);
        const digest = await hashFile(opened, algorithm, { ...stretch, signal: context.signal });
        context.note({ path: target, algorithm, hash: digest });
        return { reply: reply(250, digest.toUpperCase()) };
      } finally {
        await opened.close();
      }
    },
  });
}

/**
 * `path`, `path start end`, or the path in quotes, those within it doubled as in 257. A name that ends in two numbers
 * must be in quotes; one that ends in a single number need not.
 */
function parse(text: string, session: Session): Asked {
  const quoted = /^"((?:[^"]|"")*)"(?: (.*))?$/.exec(text);
  if (quoted?.[1] !== undefined) {
    const target = PATH.parse(quoted[1].replaceAll('""', '"'), session);
    return { target, part: quoted[2] === undefined ? undefined : parsePart(quoted[2]) };
  }
  const [, name = text, part] = /^(.+) ([0-9]+ [0-9]+)$/.exec(text) ?? [];
  return { target: PATH.parse(name, session), part: part === undefined ? undefined : parsePart(part) };
}

/** @throws Fault `Syntax` unless there are two numbers, the second above the first. */
function parsePart(text: string): Stretch {
  const [, start = '', end = ''] = /^([0-9]+) ([0-9]+)$/.exec(text) ?? [];
  const startBytes = orFault(parseOffset(start), 'Syntax');
  const endBytes = orFault(parseOffset(end), 'Syntax');
  if (startBytes >= endBytes) throw new Fault('Syntax', { text: 'The end must lie behind the start.' });
  return { startBytes, endBytes };
}
