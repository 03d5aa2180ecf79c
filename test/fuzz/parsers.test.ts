/** Every parser of what strangers send, and every command: whatever comes in, what comes out is what was promised. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { COMMANDS } from '../../src/commands/all.ts';
import { looksLikeHttp, parseCommandLine } from '../../src/protocol/command-line.ts';
import { FACT_NAMES, parseFactList } from '../../src/protocol/facts.ts';
import { parseExtendedHostPort, parseExtendedPassive, parseHostPort } from '../../src/protocol/host-port.ts';
import { LineReader } from '../../src/protocol/line-reader.ts';
import { formatNlstLine, parseListArgument } from '../../src/protocol/listing.ts';
import { parseOffset } from '../../src/protocol/number.ts';
import { formatReply, reply } from '../../src/protocol/reply.ts';
import { formatTimeVal, parseTimeVal } from '../../src/protocol/time.ts';
import { decodeUtf8 } from '../../src/protocol/utf8.ts';
import { pathParts, quotePath, ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { charsetNamed } from '../../src/server/legacy-charset.ts';
import { CHARSET_NAMES } from '../../src/spi/charset.ts';
import { CrlfToLf, LfToCrlf } from '../../src/transfer/ascii.ts';
import { inflating } from '../../src/transfer/deflate.ts';
import { FakeDataConnection, FakeDataPort } from '../fakes/data-channel.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { say, WITH_MODE_Z } from '../fakes/say.ts';
import { argument, cut, pathText, places, wireBytes } from './arbitraries.ts';
import { fuzz } from './fuzz.ts';

const text = fc.string({ unit: 'binary', maxLength: 200 });

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
  }),
);

fuzz('a path is absolute, canonical and bounded, and means itself', () =>
  fc.property(pathText, pathText, (first, second) => {
    const from = resolvePath(ROOT, first) ?? ROOT;
    const path = resolvePath(from, second);
    if (path === undefined) return;
    expect(path).toMatch(/^\//);
    expect(Buffer.byteLength(path)).toBeLessThanOrEqual(4_096);
    for (const part of pathParts(path)) expect(['', '.', '..']).not.toContain(part);
    expect(resolvePath(ROOT, path)).toBe(path);
    expect(quotePath(path).slice(1, -1).replaceAll('""', '"')).toBe(path);
  }),
);

fuzz('numbers, times, facts, addresses and flags are understood or refused', () =>
  fc.property(fc.oneof(argument, text), (typed) => {
    const offset = parseOffset(typed);
    if (offset !== undefined) expect(Number.isSafeInteger(offset) && offset >= 0).toBe(true);
    const time = parseTimeVal(typed);
    if (time !== undefined) expect(formatTimeVal(time)).toBe(typed.slice(0, 14));
    for (const fact of parseFactList(typed) ?? []) expect(FACT_NAMES).toContain(fact);
    for (const target of [parseHostPort(typed), parseExtendedHostPort(typed)]) {
      if (target !== undefined && 'port' in target) expect(target.port).toBeLessThanOrEqual(65_535);
    }
    parseExtendedPassive(typed);
    expect(typed.endsWith(parseListArgument(typed).path)).toBe(true);
    expect(formatNlstLine(typed)).toMatch(/^[^\r\n]*\r\n$/);
  }),
);

fuzz('no text of a reply can end it or begin another', () =>
  fc.property(fc.integer({ min: 100, max: 599 }), fc.array(text, { maxLength: 5 }), (code, lines) => {
    const sent = formatReply(reply(code, ...lines)).split('\r\n');
    expect(sent.pop()).toBe('');
    expect(sent.at(-1)?.startsWith(`${code} `)).toBe(true);
    for (const line of sent.slice(0, -1)) expect(line.startsWith(' ') || line.startsWith(`${code}-`)).toBe(true);
    expect(sent.join('')).not.toMatch(/[\r\n\0]/);
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

fuzz(
  'every command answers any argument with one final reply, or refuses it with a fault',
  () =>
    fc.asyncProperty(fc.constantFrom(...COMMANDS), fc.oneof(argument, text), fc.boolean(), async (one, typed, inZ) => {
      const files = new MemoryFiles().put('/a.txt', 'hello').put('/dir/b.txt', 'there');
      const data = new FakeDataPort(new FakeDataConnection(['some data']));
      const session = inZ ? ({ mode: 'Z' } as const) : {};
      const line = `${one.verb} ${typed.replace(/[\0\r\n]/g, '')}`;
      const answer = await say(line, { files, data, session, context: { policy: WITH_MODE_Z } });
      expect(answer.code).toBeGreaterThanOrEqual(200);
      expect(answer.code).toBeLessThan(700);
      expect(answer.marks.length).toBeLessThanOrEqual(one.data === 'transfers' ? 1 : 0);
      for (const mark of answer.marks) expect(mark).toMatch(/^1/);
    }),
  { runs: 500 },
);
