/**
 * Arguments that mean something, made out of the table of commands itself: what HELP shows is read as a syntax, and its
 * words are filled in. So a verb that is added later takes part by itself.
 */
import fc from 'fast-check';
import { COMMANDS } from '../../src/commands/all.ts';
import type { CommandTraits } from '../../src/spi/command.ts';
import { HASH_ALGORITHMS } from '../../src/spi/session.ts';
import { PASSWORD } from '../fixtures/gateway.ts';

/** A command under its verb or another spelling of that, and the syntaxes of what may stand behind it. */
export interface Spelling {
  readonly verb: string;
  readonly command: CommandTraits;
  readonly syntaxes: readonly string[];
}

/** Every verb of the table in each of its spellings. */
export const SPELLINGS: readonly Spelling[] = COMMANDS.flatMap((command) => {
  const { verb, aliases = [], subcommands } = command;
  const helps = (subcommands ?? [command]).map((one) => one.help.slice(verb.length).trim());
  const syntaxes = helps.flatMap((help) => help.split(', '));
  return [verb, ...aliases].map((spelling) => ({ verb: spelling, command, syntaxes }));
});

/** An argument that the syntax allows, or nearly. */
export function argumentOf(syntax: string): fc.Arbitrary<string> {
  const optional = /^(.*?)\[([^\]]*)\](.*)$/.exec(syntax);
  if (optional !== null) {
    const [, before = '', inner = '', behind = ''] = optional;
    return fc.oneof(
      argumentOf(`${before}${inner}${behind}`),
      argumentOf(`${before}${behind}`).map((text) => text.trimEnd()),
    );
  }
  // In EPRT's syntax the bar is what separates the fields.
  if (syntax.startsWith('|') || !syntax.includes('|')) return filled(syntax);
  const ofWords = syntax.split(' ').map((word) => fc.constantFrom(...word.split('|')));
  return fc.oneof(fc.constantFrom(...syntax.split('|')), words(ofWords)).chain(filled);
}

/** The words of a syntax, each an example of what it stands for. Words that are not in small letters stand for themselves. */
function filled(syntax: string): fc.Arbitrary<string> {
  const pieces = syntax.match(/[A-Za-z.]+=|[a-z]+[0-9]?|YYYY[A-Za-z]+|\.\.\.|[A-Z0-9]+|./g) ?? [];
  return fc.tuple(...pieces.map(exampleOf)).map((texts) => texts.join('').trimEnd());
}

function exampleOf(piece: string): fc.Arbitrary<string> {
  const examples = EXAMPLES[piece] ?? (/^[a-z]+[0-9]?$/.test(piece) ? PATHS : undefined);
  return examples === undefined ? fc.constant(piece) : fc.constantFrom(...examples);
}

function words(arbitraries: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> {
  return fc.tuple(...arbitraries).map((texts) => texts.join(' '));
}

const PATHS = ['a.txt', 'a.txt', 'dir', 'dir/b.txt', '/dir/../a.txt', 'new.txt', 'new', 'missing/c', '/', '.', 'a b'];
const BYTES = ['0', '1', '3', '5', '100'];

/** What the words of HELP may stand for; any other word in small letters stands for a path. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  YYYYMMDDHHMMSS: ['20260101000000', '19991231235959', '20260101000000.5'],
  YYYYMMDDhhmm: ['202601010000', '199912312359'],
  YYYYMMDDhhmmss: ['20260101000000', '19991231235959'],
  '...': ['', '', '"dir/b.txt"'],
  name: ['partner', 'localhost', '127.0.0.1', '[::1]', 'nobody'],
  verb: COMMANDS.map(({ verb }) => verb),
  password: [PASSWORD, 'wrong'],
  // No directory becomes one that cannot be removed.
  mode: ['750', '0700'],
  facts: ['type;size;', 'modify;UNIX.mode;nothing;', ''],
  algorithm: HASH_ALGORITHMS,
  address: ['127.0.0.1', '192.0.2.1', '::1'],
  // Nothing listens there.
  port: ['1025', '1024'],
  start: BYTES,
  end: BYTES,
  offset: BYTES,
  bytes: BYTES,
  n: BYTES,
  h1: ['127', '192'],
  h2: ['0'],
  h3: ['0', '2'],
  h4: ['1'],
  p1: ['4'],
  p2: ['1'],
};
