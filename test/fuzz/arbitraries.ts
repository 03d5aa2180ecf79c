/** What random clients send: bytes that mean something to a parser, commands that nearly make sense, and whole dialogues. */
import fc from 'fast-check';
import { COMMANDS } from '../../src/commands/all.ts';
import { looksLikeHttp } from '../../src/protocol/command-line.ts';
import { PASSWORD } from '../fixtures/gateway.ts';
import { argumentOf, SPELLINGS, type Spelling } from './meant.ts';

/** Bytes of which many mean something to the reader of lines: ends of line, Telnet commands, halves of characters. */
export const wireBytes: fc.Arbitrary<Buffer> = fc
  .array(fc.oneof(fc.constantFrom(0, 10, 13, 32, 65, 0xc3, 0xa9, 240, 241, 242, 244, 250, 251, 255), fc.nat(255)), {
    maxLength: 400,
  })
  .map((bytes) => Buffer.from(bytes));

/** The pieces in which bytes arrive. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

/** Places to cut at. */
export const places: fc.Arbitrary<number[]> = fc.array(fc.nat(), { maxLength: 12 });

/** Texts that look like arguments: paths, numbers, times, addresses, facts, options, and parts of them. */
export const argument: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'a.txt',
    '/',
    '..',
    'dir/b.txt',
    'dir',
    '/dir/../a.txt',
    '-la',
    '-a dir',
    'I',
    'A',
    'L 8',
    'Z',
    'S',
    'F',
    'P',
    'C',
    '0',
    '5',
    '-1',
    '9007199254740993',
    '1 3',
    '20260101000000 a.txt',
    'Modify=20260101000000; a.txt',
    'UTF8 ON',
    'MLST type;size;',
    'HASH SHA-1',
    'MODE Z LEVEL 3',
    'CHMOD 750 a.txt',
    'UTIME 202601010000 a.txt',
    'HELP',
    '192,0,2,1,200,1',
    '|1|192.0.2.1|2000|',
    'ALL',
    '1',
    'a"b',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }).map((text) => text.replace(/[\0\r\n]/g, '')),
  fc.stringMatching(/^[a-z./ ]{0,30}$/),
  fc.stringMatching(/^[0-9,|.:; -]{0,40}$/),
);

/** Texts of any characters. */
export const text: fc.Arbitrary<string> = fc.string({ unit: 'binary', maxLength: 200 });

/** The same without what ends a line. */
export const lineText: fc.Arbitrary<string> = text.map((any) => any.replace(/[\0\r\n]/g, ''));

/** As long as a line may be by default. */
const LINE_CHARACTERS = 8_192;

const piece = fc.oneof(
  fc.constantFrom('"', '""', ' ', 'a', 'A-', '-a ', ';', '=', 'a=;', ',', '1,', '|', '.', ':', '::', '/', '../', 'a/'),
  fc.constantFrom('0', '1 ', '9', '[', ']', ' HTTP/', 'Name=', 'Name =', ';  ', '%', '\u0130', '\ud83d\ude00'),
  fc.string({ minLength: 1, maxLength: 4 }),
);

/** Lines of the longest length that repeat something: what makes a parser that tries again and again take long. */
export const longText: fc.Arbitrary<string> = fc
  .tuple(
    fc.array(piece, { maxLength: 3 }),
    fc.array(piece, { minLength: 1, maxLength: 3 }),
    fc.array(piece, { maxLength: 3 }),
  )
  .map(([before, repeated, behind]) => {
    const [head, unit, tail] = [before.join(''), repeated.join(''), behind.join('')];
    return head + unit.repeat((LINE_CHARACTERS - head.length - tail.length) / unit.length) + tail;
  });

/** Names that are all different, as many as fit into a line: what makes a parser that compares each with each take long. */
export const manyNames: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '"'),
    fc.constantFrom('=;', ';', ' ', ',', '" "', '/', ':'),
    fc.constantFrom('', '"', ' a.txt', '; a.txt', '=; a.txt'),
  )
  .map(([before, between, behind]) => {
    const names = Array.from({ length: LINE_CHARACTERS }, (_, index) => index.toString(36)).join(between);
    // Cut behind a whole name, or its end would hide what stands behind it.
    const fits = names.slice(0, names.lastIndexOf(between, LINE_CHARACTERS - 20));
    return before + fits + behind;
  });

/** Paths that a client may mean. */
export const pathText: fc.Arbitrary<string> = fc.oneof(
  argument,
  fc.array(fc.constantFrom('..', '.', '', 'a', 'ü', '~', '\\', ' '), { maxLength: 20 }).map((parts) => parts.join('/')),
  fc.string({ unit: 'binary', maxLength: 600 }),
);

/** What a line of a dialogue must be answered with, and when. */
export interface Line {
  readonly bytes: Buffer;
  readonly expects: /** A final reply that names this verb: HELP, sprinkled over a dialogue, shows whether replies keep their order. */
    | { readonly kind: 'help'; readonly verb: string }
    /** A final reply with this code, before or behind that of the transfer that it may stand behind. */
    | { readonly kind: 'beside'; readonly code: string }
    /** Perhaps a preliminary reply, then a final one. */
    | { readonly kind: 'transfer' }
    /** Any final reply; 221 ends the connection. */
    | { readonly kind: 'final'; readonly ends: boolean };
}

/** QUIT ends the dialogue, and what is answered beside a transfer has another order: both have lines of their own. */
const ORDINARY = SPELLINGS.filter(({ verb, command }) => command.duringTransfer !== 'now' && verb !== 'QUIT');
const TRANSFERS = SPELLINGS.filter(({ command }) => command.data === 'transfers');
/** HELP knows these whatever is switched off. */
const HELPFUL = COMMANDS.filter(({ refused, offered }) => refused === undefined && offered === undefined);

const marker: fc.Arbitrary<Line> = fc
  .constantFrom(...HELPFUL)
  .map(({ verb }) => ({ bytes: Buffer.from(`HELP ${verb}\r\n`), expects: { kind: 'help', verb } }));

const beside: fc.Arbitrary<Line> = fc.constantFrom(
  { bytes: Buffer.from('NOOP\r\n'), expects: { kind: 'beside', code: '200' } },
  { bytes: Buffer.from('STAT\n'), expects: { kind: 'beside', code: '211' } },
);

/** Each way to use a spelling is as likely as each way to use another: SITE and OPTS have many. */
function formsOf({ verb, command, syntaxes }: Spelling) {
  return syntaxes.map((syntax) => ({ verb, command, syntax, syntaxes: [syntax] }));
}

/** A verb in any case, and an argument that mostly means something to it. */
function lineOf(spellings: readonly Spelling[]): fc.Arbitrary<Line> {
  return fc.constantFrom(...spellings.flatMap(formsOf)).chain(({ verb, command, syntax }) => {
    const spelt = fc.constantFrom(verb, verb, verb.toLowerCase());
    const typed = fc.oneof({ arbitrary: argumentOf(syntax), weight: 3 }, { arbitrary: argument, weight: 1 });
    return fc.tuple(spelt, typed, fc.constantFrom('\r\n', '\n')).map(([word, behind, end]) => ({
      bytes: Buffer.from(`${word}${behind === '' ? '' : ` ${behind}`}${end}`),
      expects: command.data === 'transfers' ? { kind: 'transfer' } : { kind: 'final', ends: false },
    }));
  });
}

function saying(...lines: readonly string[]): readonly Line[] {
  return lines.map((line) => ({ bytes: Buffer.from(`${line}\r\n`), expects: { kind: 'final', ends: false } }));
}

/** Arranges a data connection and transfers over it. */
const transfer: fc.Arbitrary<readonly Line[]> = fc
  .tuple(fc.constantFrom('EPSV', 'PASV'), lineOf(TRANSFERS))
  .map(([arranges, line]) => [...saying(arranges), line]);

const MEMBER_AGAIN = saying('USER partner', `PASS ${PASSWORD}`, 'PBSZ 0', 'PROT P', 'TYPE I');

/** REIN and USER log out, and most of what comes behind them would be refused. */
const login: fc.Arbitrary<readonly Line[]> = fc.constantFrom(
  MEMBER_AGAIN,
  saying('REIN', 'HOST localhost', 'USER partner', `PASS ${PASSWORD}`),
);

const ABOR: Line = {
  bytes: Buffer.concat([Buffer.of(255, 244, 255, 242), Buffer.from('ABOR\r\n')]),
  expects: { kind: 'final', ends: false },
};

/** One line of anything that is neither a known verb nor HTTP. */
const junk: fc.Arbitrary<Line> = fc
  .array(fc.oneof(fc.nat(239), fc.constantFrom(0, 13, 32, 9)), { maxLength: 60 })
  .map((bytes) => Buffer.from(bytes.filter((byte) => byte !== 10)))
  .filter((bytes) => !looksLikeHttp(bytes.toString('latin1')) && !/^[A-Za-z]/.test(bytes.toString('latin1')))
  .map((bytes) => ({ bytes: Buffer.concat([bytes, Buffer.from('\n')]), expects: { kind: 'final', ends: false } }));

/** More bytes than a line of these dialogues may have. */
const tooLong: fc.Arbitrary<Line> = fc
  .integer({ min: 600, max: 3_000 })
  .map((size) => ({ bytes: Buffer.from(`CWD ${'x'.repeat(size)}\r\n`), expects: { kind: 'final', ends: false } }));

const quit: fc.Arbitrary<Line> = fc.constant({
  bytes: Buffer.from('QUIT\r\n'),
  expects: { kind: 'final', ends: true },
});

const one = (line: fc.Arbitrary<Line>) => line.map((only): readonly Line[] => [only]);

/** A dialogue of a client that has logged in and sends without waiting. Its lines are bounded at 512 bytes. */
export const dialogue: fc.Arbitrary<readonly Line[]> = fc
  .array(
    fc.oneof(
      { arbitrary: one(marker), weight: 6 },
      { arbitrary: one(lineOf(ORDINARY)), weight: 10 },
      { arbitrary: transfer, weight: 3 },
      { arbitrary: login, weight: 1 },
      { arbitrary: one(beside), weight: 3 },
      { arbitrary: one(junk), weight: 2 },
      { arbitrary: one(fc.constant(ABOR)), weight: 1 },
      { arbitrary: one(tooLong), weight: 1 },
      { arbitrary: one(quit), weight: 1 },
    ),
    { minLength: 1, maxLength: 25 },
  )
  .map((groups) => groups.flat());

/** Every verb of the table in each of its forms, one behind the other, with a marker behind each. */
export const wholeTable: fc.Arbitrary<readonly Line[]> = fc
  .tuple(
    ...ORDINARY.flatMap(formsOf).map((form) =>
      fc.tuple(lineOf([form]), marker).map(([line, behind]): readonly Line[] => {
        if (form.command.data === 'transfers') return [...saying('EPSV'), line, behind];
        const logsOut = ['USER', 'PASS', 'REIN'].includes(form.verb);
        return logsOut ? [line, behind, ...MEMBER_AGAIN] : [line, behind];
      }),
    ),
  )
  .map((groups) => groups.flat());
