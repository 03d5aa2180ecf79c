/** Every parser of what strangers send: whatever comes in, what comes out is what was promised. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { isPasswordHash } from '../../src/auth/password-hash.ts';
import { subjectName } from '../../src/cli/certificate-names.ts';
import { fromSnakeCase } from '../../src/config/key-names.ts';
import { DER, der } from '../../src/lib/der.ts';
import { looksLikeHttp, parseCommandLine } from '../../src/protocol/command-line.ts';
import { FACT_NAMES, featFactList, formatFacts, parseFactList } from '../../src/protocol/facts.ts';
import type { FileFacts } from '../../src/protocol/file-facts.ts';
import { parseHostName } from '../../src/protocol/host-name.ts';
import { parseExtendedHostPort, parseExtendedPassive, parseHostPort } from '../../src/protocol/host-port.ts';
import { networkOf, parseIpv4, parseIpv6 } from '../../src/protocol/ip-address.ts';
import { LineReader } from '../../src/protocol/line-reader.ts';
import { formatListLine, formatNlstLine, listedName, parseListArgument } from '../../src/protocol/listing.ts';
import { mediaTypeOf } from '../../src/protocol/media-type.ts';
import { parseMode, parseOffset } from '../../src/protocol/number.ts';
import { formatReply, reply } from '../../src/protocol/reply.ts';
import { formatTimeVal, parseTimeVal } from '../../src/protocol/time.ts';
import { decodeUtf8 } from '../../src/protocol/utf8.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { parseWords } from '../../src/protocol/words.ts';
import { charsetNamed } from '../../src/server/legacy-charset.ts';
import { CHARSET_NAMES } from '../../src/spi/charset.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import { CrlfToLf, LfToCrlf } from '../../src/transfer/ascii.ts';
import { inflating } from '../../src/transfer/deflate.ts';
import { negotiatedGroup } from '../../src/transport/negotiated-group.ts';
import { FakeDataConnection } from '../fakes/data-channel.ts';
import { argument, cut, longText, manyNames, places, text, wireBytes } from './arbitraries.ts';
import { fuzz } from './fuzz.ts';
import { processorMs } from './processor-time.ts';

/** Far more than a line of the longest length takes, and far less than it does in a parser that goes back again and again. */
const LINE_MS_MAX = 50;

/** Times may come from a damaged file system. */
const timeMs = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.date({ noInvalidDate: true }).map(Number));

const fileFacts: fc.Arbitrary<FileFacts> = fc.record({
  kind: fc.constantFrom('file', 'directory', 'other'),
  sizeBytes: fc.maxSafeNat(),
  modifiedMs: timeMs,
  createdMs: timeMs,
  mode: fc.nat(0o7777),
  linkCount: fc.nat(),
  owner: fc.nat(),
  group: fc.nat(),
  unique: fc.constant('u1'),
});

/** Half of them such as charsets have; the last ones are known to be written by some as what they are not. */
const character = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  fc.integer({ min: 0xa0, max: 0xd7ff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom('\u00a5', '\u203e', '\ue5e5', '\ue7c7', '\ufffd', '\uff5e', '\u00e5', '\u20ac'),
);

const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,5}$/));

fuzz('lines are the same in any pieces, within their bound and without CR, LF and NUL', () =>
  fc.property(wireBytes, places, (bytes, at) => {
    const read = (pieces: readonly Buffer[]) => {
      const reader = new LineReader(64);
      return pieces.flatMap((piece) => reader.push(piece));
    };
    const lines = read([bytes]);
    expect(read(cut(bytes, at))).toEqual(lines);
    for (const line of lines) {
      if (line.kind !== 'line') continue;
      expect(line.bytes.length).toBeLessThan(64);
      expect(line.bytes.toString('latin1')).not.toMatch(/[\0\r\n]/);
    }
  }),
);

fuzz('a command line is a verb and what stands behind one space', () =>
  fc.property(fc.oneof(text, argument), (line) => {
    const parsed = parseCommandLine(line);
    if (parsed === undefined) return;
    expect(parsed.verb).toMatch(/^[A-Z][A-Z0-9]{0,11}$/);
    const rest = line.slice(parsed.verb.length);
    expect(rest).toBe(parsed.argument === '' && rest === '' ? '' : ` ${parsed.argument}`);
    looksLikeHttp(line);
    const again = parsed.argument === '' ? parsed.verb : `${parsed.verb} ${parsed.argument}`;
    expect(parseCommandLine(again)).toEqual(parsed);
  }),
);

fuzz('a number is exact and in bounds, and written it is read again', () =>
  fc.property(fc.oneof(argument, text, fc.stringMatching(/^[0-9]{1,25}$/)), fc.maxSafeNat(), (typed, count) => {
    expect(parseOffset(`${count}`)).toBe(count);
    const offset = parseOffset(typed);
    if (offset !== undefined) {
      expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true);
      expect(`${offset}`).toBe(typed.replace(/^0+(?=.)/, ''));
    }
    const mode = parseMode(typed);
    if (mode === undefined) return;
    expect(mode).toBeLessThanOrEqual(0o777);
    expect(parseMode(mode.toString(8).padStart(3, '0'))).toBe(mode);
  }),
);

fuzz('a time is the one that was typed, and every time that can be written is read as itself', () => {
  const digits = fc.tuple(fc.stringMatching(/^[0-9]{4}[01][0-9][0-3][0-9][0-2][0-9][0-6][0-9][0-6][0-9]$/), fraction);
  const typedTime = fc.oneof(
    argument,
    text,
    digits.map(([seconds, rest]) => seconds + rest),
  );
  // The years 0000 to 9999.
  const writable = fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 });
  return fc.property(typedTime, writable, fc.double({ noNaN: true }), (typed, timeMs, anyMs) => {
    expect(parseTimeVal(formatTimeVal(timeMs, { millis: true }))).toBe(timeMs);
    expect(parseTimeVal(formatTimeVal(timeMs))).toBe(Math.floor(timeMs / 1_000) * 1_000);
    expect(parseTimeVal(formatTimeVal(anyMs))).toBeDefined();
    const time = parseTimeVal(typed);
    // A leap second is taken as the one before it.
    if (time !== undefined) expect(formatTimeVal(time)).toBe(typed.slice(0, 14).replace(/235960$/, '235959'));
  });
});

fuzz('facts are asked for by names that are known, and given in a form that a client can take apart', () => {
  const enabled = fc.subarray([...FACT_NAMES]);
  return fc.property(fc.oneof(argument, text), enabled, fileFacts, text, (typed, wanted, facts, unique) => {
    for (const fact of parseFactList(typed) ?? []) expect(FACT_NAMES).toContain(fact);
    expect(parseFactList(wanted.map((fact) => `${fact.toUpperCase()};`).join(''))).toEqual(wanted);
    const marked = featFactList(wanted)
      .split(';')
      .filter((fact) => fact.endsWith('*'));
    expect(parseFactList(marked.join(';').replaceAll('*', ''))).toEqual(wanted);
    const given = formatFacts({ ...facts, unique }, { enabled: wanted, perm: 'r', mediaType: 'text/plain' });
    expect(given).toMatch(/^(?:[A-Za-z.-]+=[^;\s\0-\x1f]*;)*$/);
    for (const fact of given.split(';').slice(0, -1)) expect(wanted).toContain(fact.split('=')[0]);
  });
});

fuzz('a listing has one line for an entry, and flags are taken off the front of a path', () =>
  fc.property(fc.oneof(argument, text), fileFacts, fc.integer(), (typed, facts, nowMs) => {
    expect(formatNlstLine(typed)).toMatch(/^[^\r\n]*\r\n$/);
    expect(formatListLine({ ...facts, name: typed }, nowMs)).toMatch(/^[d-][rwx-]{9} [^\r\n\0]*\r\n$/);
    expect(listedName(listedName(typed))).toBe(listedName(typed));
    const { path } = parseListArgument(typed);
    expect(typed.endsWith(path)).toBe(true);
    expect(parseListArgument(`-- ${typed}`).path).toBe(typed);
    expect(parseListArgument(`-la ${path}`)).toEqual({ ...parseListArgument(path), all: true });
  }),
);

fuzz('no text of a reply can end it or begin another', () =>
  fc.property(fc.integer({ min: 100, max: 599 }), fc.array(text, { maxLength: 5 }), (code, lines) => {
    const sent = formatReply(reply(code, ...lines)).split('\r\n');
    expect(sent.pop()).toBe('');
    expect(sent.at(-1)?.startsWith(`${code} `)).toBe(true);
    for (const line of sent.slice(0, -1)) expect(line.startsWith(' ') || line.startsWith(`${code}-`)).toBe(true);
    expect(sent.join('')).not.toMatch(/[\r\n\0]/);
    expect(sent).toHaveLength(Math.max(lines.length, 1));
    for (const line of sent.slice(0, -1)) expect(line.startsWith(`${code} `)).toBe(false);
  }),
);

fuzz('what a charset reads it writes again', () =>
  fc.property(fc.constantFrom(...CHARSET_NAMES), fc.uint8Array({ maxLength: 40 }), (name, array) => {
    const bytes = Buffer.from(array);
    const charset = charsetNamed(name);
    const read = charset.decode(bytes);
    if (read !== undefined) expect(charset.encode(read).equals(bytes)).toBe(true);
    if (name === 'utf-8') expect(read).toBe(decodeUtf8(bytes));
  }),
);

fuzz('a name that a listing shows without a ? can be asked for as it stands', () =>
  fc.property(fc.constantFrom(...CHARSET_NAMES), fc.string({ unit: character }), (name, any) => {
    for (const file of [any, ...any].map(listedName)) {
      const shown = charsetNamed(name).encode(file);
      expect(shown.toString('latin1')).not.toMatch(/[\r\n\0]/);
      if (!shown.includes('?')) expect(charsetNamed(name).decode(shown)).toBe(file);
    }
  }),
);

fuzz('line ends are converted alike in any pieces', () =>
  fc.property(wireBytes, places, (bytes, at) => {
    const toLf = (pieces: readonly Buffer[]) => {
      const converter = new CrlfToLf();
      return Buffer.concat([...pieces.flatMap((piece) => converter.push(Buffer.from(piece))), ...converter.end()]);
    };
    const toCrlf = (pieces: readonly Buffer[]) => {
      const converter = new LfToCrlf();
      return Buffer.concat(pieces.map((piece) => Buffer.from(converter.push(piece))));
    };
    expect(toLf(cut(bytes, at)).equals(toLf([bytes]))).toBe(true);
    expect(toCrlf(cut(bytes, at)).equals(toCrlf([bytes]))).toBe(true);
    expect(toCrlf([bytes]).toString('latin1')).not.toMatch(/(?<!\r)\n/);
  }),
);

fuzz('MODE Z refuses or inflates any bytes, and never hangs', () =>
  fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), places, async (array, headed, at) => {
    const header = headed ? [0x78, 0x9c] : [];
    const connection = inflating(new FakeDataConnection(cut(Buffer.from([...header, ...array]), at)), 200);
    const read = async () => {
      while ((await connection.read()) !== undefined);
    };
    await read().catch((error: unknown) => expect(error).toMatchObject({ kind: 'NotZlib' }));
  }),
);

/** Everything that reads a line, or a part of one. */
const PARSERS: Readonly<Record<string, (typed: string) => unknown>> = {
  parseCommandLine,
  looksLikeHttp,
  parseOffset,
  parseMode,
  parseTimeVal,
  parseFactList,
  parseListArgument,
  parseWords,
  parseHostPort,
  parseExtendedHostPort,
  parseExtendedPassive,
  parseHostName,
  parseIpv4,
  parseIpv6,
  networkOf,
  mediaTypeOf,
  listedName,
  parsePermissions,
  isPasswordHash,
  subjectName,
  fromSnakeCase,
  resolvePath: (typed) => resolvePath(ROOT, typed),
  lineReader: (typed) => new LineReader(8_192).push(Buffer.from(typed)),
  ...Object.fromEntries(CHARSET_NAMES.map((name) => [name, readAndWrite(name)])),
};

function readAndWrite(name: (typeof CHARSET_NAMES)[number]) {
  return (typed: string) => charsetNamed(name).decode(charsetNamed(name).encode(typed));
}

fuzz(
  'no line of the longest length keeps a parser busy',
  () =>
    fc.asyncProperty(fc.oneof(longText, manyNames), async (long) => {
      for (const [name, parse] of Object.entries(PARSERS)) {
        expect(await processorMs(() => parse(long)), `${name} of ${long.slice(0, 60)}`).toBeLessThan(LINE_MS_MAX);
      }
    }),
  { runs: 20 },
);

fuzz('a TLS session yields a group or none, whatever its bytes are', () =>
  fc.property(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(fc.tuple(fc.nat(30), fc.uint8Array({ maxLength: 6 })), { maxLength: 12 }),
    (bytes, parts) => {
      const fields = parts.map(([tag, content]) => der(0xa0 + tag, der(DER.integer, Buffer.from(content))));
      const session = der(DER.sequence, der(DER.integer, Buffer.from([1])), ...fields);
      for (const written of [
        Buffer.from(bytes),
        session,
        Buffer.concat([session.subarray(0, -1), Buffer.from(bytes)]),
      ]) {
        const group = negotiatedGroup(written);
        if (group !== undefined) expect(group).toMatch(/^(?:[A-Za-z0-9]{5,20}|0x[0-9a-f]{4})$/);
      }
    },
  ),
);
