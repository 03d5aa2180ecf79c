import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ControlLine, LineReader } from '../../src/protocol/line-reader.ts';

const LINE_BYTES_MAX = 16;
const IAC = 0xff;

function read(chunks: readonly Buffer[], lineBytesMax = LINE_BYTES_MAX): ControlLine[] {
  const reader = new LineReader(lineBytesMax);
  return chunks.flatMap((chunk) => reader.push(chunk));
}

function bytes(...parts: readonly (string | number)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))));
}

const line = (...parts: readonly (string | number)[]): ControlLine => ({ kind: 'line', bytes: bytes(...parts) });
const badByte: ControlLine = { kind: 'badByte' };
const tooLong: ControlLine = { kind: 'tooLong' };

describe('lines that are refused', () => {
  const table: [name: string, input: Buffer, expected: ControlLine[]][] = [
    ['a bare CR inside a line', bytes('DELE a\rDELE b\r\nNOOP\r\n'), [badByte, line('NOOP')]],
    ['two CRs before the LF', bytes('NOOP\r\r\n'), [badByte]],
    ['a NUL', bytes('DELE a\0b\r\n'), [badByte]],
    ['a CR NUL, RFC 2640 or not', bytes('DELE a\r\0b\r\n'), [badByte]],
    ['a bare CR behind ABOR and a space', bytes('ABOR \rNOOP\r\n'), [badByte]],
    ['a bare CR behind what only ends in ABOR', bytes('MABOR\rNOOP\r\n'), [badByte]],
    ['a bare CR behind an argument ABOR', bytes('ALLO ABOR\rNOOP\r\n'), [badByte]],
    ['a bare CR behind ABOR and a NUL', bytes('ABOR\0\rNOOP\r\n'), [badByte]],
    ['a bare CR behind ABOR in an over-long line', bytes('x'.repeat(16), 'ABOR\rNOOP\r\n'), [tooLong]],
    ['a second CR behind ABOR, at the end of a line', bytes('ABOR\r\rNOOP\r\n'), [line('ABOR'), badByte]],
    ['a bare CR in front of a Telnet command', bytes('a\r', IAC, 241, 'b\r\n'), [badByte]],
    ['a line of one byte too many', bytes('123456789012345\r\n'), [tooLong]],
    ['one byte too many with a bare LF', bytes('1234567890123456\nNOOP\n'), [tooLong, line('NOOP')]],
    ['a very long line, once', bytes('x'.repeat(1000), '\r\nNOOP\r\n'), [tooLong, line('NOOP')]],
    ['a long line before its end has come', bytes('x'.repeat(17)), [tooLong]],
    ['a long line with bad bytes in it', bytes('\0'.repeat(100), '\r\nNOOP\r\n'), [tooLong, line('NOOP')]],
    ['two long lines, twice', bytes('x'.repeat(40), '\n', 'y'.repeat(40), '\n'), [tooLong, tooLong]],
    [
      'a long line that ends in the byte behind a stray 255',
      bytes('x'.repeat(16), IAC, '\nNOOP\n'),
      [tooLong, line('NOOP')],
    ],
  ];
  test.each(table)('%s', (_, input, expected) => {
    expect(read([input])).toEqual(expected);
  });
});

describe('lines that are read', () => {
  const table: [name: string, input: Buffer, expected: ControlLine[]][] = [
    ['CRLF ends a line', bytes('NOOP\r\n'), [line('NOOP')]],
    ['a bare LF is tolerated', bytes('NOOP\nQUIT\n'), [line('NOOP'), line('QUIT')]],
    ['an empty line is a line', bytes('\r\n\n'), [line(''), line('')]],
    ['spaces are kept', bytes('PASS  a b \r\n'), [line('PASS  a b ')]],
    ['UTF-8', bytes('DELE é😀\r\n'), [line('DELE é😀')]],
    ['Latin-1, which is for the session to judge', bytes('DELE ', 0xe9, '.txt\r\n'), [line('DELE ', 0xe9, '.txt')]],
    ['a literal 255', bytes('a', IAC, IAC, 'b\r\n'), [line('a', IAC, 'b')]],
    [
      'a 255 that is not doubled, right before the end of line',
      bytes('a', IAC, '\r\nNOOP\r\n'),
      [line('a', IAC), line('NOOP')],
    ],
    [
      'a 255 that is not doubled, right before a bare LF',
      bytes('a', IAC, '\nNOOP\r\n'),
      [line('a', IAC), line('NOOP')],
    ],
    ['a Telnet subnegotiation, which nobody may begin here', bytes(IAC, 250, 'x\r\n'), [line(IAC, 250, 'x')]],
    ['the end of a Telnet subnegotiation', bytes('x', IAC, 240, '\r\n'), [line('x', IAC, 240)]],
    ['a byte order mark is part of the text', bytes('\ufeffNOOP\r\n'), [line('\ufeffNOOP')]],
    ['the longest line', bytes('12345678901234\r\n'), [line('12345678901234')]],
    ['the longest line with a bare LF', bytes('123456789012345\n'), [line('123456789012345')]],
    ['Telnet IP and Synch before ABOR', bytes(IAC, 244, IAC, 242, 'ABOR\r\n'), [line('ABOR')]],
    ['a Synch whose DM was urgent data', bytes(IAC, 244, IAC, 'ABOR\r\n'), [line('ABOR')]],
    ['a Synch whose IAC was urgent data', bytes(IAC, 244, 242, 'ABOR\r\n'), [line('ABOR')]],
    ['a Telnet IP alone', bytes(IAC, 244, 'ABOR\r\n'), [line('ABOR')]],
    ['a Telnet IP in front of an end of line', bytes('ABOR', IAC, 244, '\r\n'), [line('ABOR')]],
    [
      'every two-byte Telnet command',
      bytes(...[241, 243, 245, 246, 247, 248, 249].flatMap((b) => [IAC, b]), 'A\n'),
      [line('A')],
    ],
    [
      'WILL, WONT, DO and DONT with their options',
      bytes(...[251, 252, 253, 254].flatMap((b) => [IAC, b, 1]), 'A\n'),
      [line('A')],
    ],
    ['Telnet commands inside a line', bytes('NO', IAC, 241, 'OP\r', IAC, 241, '\n'), [line('NOOP')]],
    ['Telnet commands do not count as length', bytes(...Array(50).fill([IAC, 241]).flat(), 'NOOP\r\n'), [line('NOOP')]],
    ['ABOR as soon as its CR is there', bytes('ABOR\r'), [line('ABOR')]],
    ['ABOR whose LF was urgent data and is lost', bytes('ABOR\rNOOP\r\n'), [line('ABOR'), line('NOOP')]],
    ['ABOR in small letters, likewise', bytes('aBoR\rNOOP\r\n'), [line('aBoR'), line('NOOP')]],
    ['two of them', bytes('ABOR\rABOR\r'), [line('ABOR'), line('ABOR')]],
    ['ABOR with its LF, and the line behind it', bytes('ABOR\r\nNOOP\r\n'), [line('ABOR'), line('NOOP')]],
    ['an empty line behind ABOR', bytes('ABOR\r\n\r\n'), [line('ABOR'), line('')]],
    ['one LF behind ABOR and no more', bytes('ABOR\r\n\n'), [line('ABOR'), line('')]],
    ['a Telnet command between CR and LF of ABOR', bytes('ABOR\r', IAC, 241, '\nA\n'), [line('ABOR'), line('A')]],
    ['ABOR with a bare LF', bytes('ABOR\nNOOP\n'), [line('ABOR'), line('NOOP')]],
    ['nothing, as no line is complete', bytes('NOOP'), []],
  ];
  test.each(table)('%s', (_, input, expected) => {
    expect(read([input])).toEqual(expected);
  });
});

test('every split of the same bytes yields the same lines', () => {
  const input = bytes(
    'USER é\r\nPASS  x \n',
    IAC,
    244,
    IAC,
    242,
    'ABOR\r\n',
    IAC,
    253,
    1,
    'x'.repeat(40),
    '\na\rb\nQUIT\r\n',
  );
  const whole = read([input]);
  expect(whole.map(({ kind }) => kind)).toEqual(['line', 'line', 'line', 'tooLong', 'badByte', 'line']);
  for (let i = 0; i <= input.length; i++) {
    expect(read([input.subarray(0, i), input.subarray(i)])).toEqual(whole);
  }
  expect(read([...input].map((byte) => Buffer.of(byte)))).toEqual(whole);
});

/** Bytes of which many mean something to the reader, and words that do. */
const wire = fc
  .array(
    fc.oneof(
      fc.constantFrom(0, 10, 13, 65, 0xc3, 0xa9, 240, 241, 242, 244, 250, 251, 255),
      fc.nat(255),
      fc.constantFrom('ABOR', 'abor', 'ABOR\r', '\nABOR\r', '\r\n'),
    ),
    { maxLength: 200 },
  )
  .map((parts) => bytes(...parts));

test('any split of any bytes yields the same lines and holds no more than the bound', () => {
  fc.assert(
    fc.property(wire, fc.array(fc.nat(400)), (input, cuts) => {
      const edges = [0, ...cuts.map((cut) => Math.min(cut, input.length)).sort((a, b) => a - b), input.length];
      const chunks = edges.slice(1).map((end, index) => input.subarray(edges[index], end));
      const reader = new LineReader(LINE_BYTES_MAX);
      const lines = chunks.flatMap((chunk) => {
        const found = reader.push(chunk);
        // Two bytes more: the longest Telnet sequence that can be waiting.
        expect(reader.bufferedBytes).toBeLessThanOrEqual(LINE_BYTES_MAX + 2);
        return found;
      });
      expect(lines).toEqual(read([input]));
    }),
  );
});

test('no line that is read holds CR, LF or NUL or is longer than the bound', () => {
  fc.assert(
    fc.property(wire, (input) => {
      for (const found of read([input])) {
        if (found.kind !== 'line') continue;
        expect(found.bytes.toString('latin1')).not.toMatch(/[\r\n\0]/);
        expect(found.bytes.length).toBeLessThan(LINE_BYTES_MAX);
      }
    }),
  );
});

test('every text without CR, LF and NUL comes back as it was sent', () => {
  const text = fc.string({ unit: 'binary' }).filter((s) => !/[\r\n\0]/.test(s));
  fc.assert(
    fc.property(fc.array(text), (texts) => {
      const input = Buffer.from(texts.map((t) => `${t}\r\n`).join(''));
      expect(read([input], 4_096)).toEqual(texts.map((t) => line(t)));
    }),
  );
});

test('an ABOR that lost its LF on the way changes no other line', () => {
  const abor = fc.constantFrom('ABOR', 'abor', 'Abor');
  const other = fc.string({ unit: 'binary' }).filter((s) => !/[\r\n\0]/.test(s));
  fc.assert(
    fc.property(fc.array(fc.oneof(abor, other)), (texts) => {
      const whole = texts.map((text) => `${text}\r\n`).join('');
      const cut = texts.map((text) => (/^abor$/i.test(text) ? `${text}\r` : `${text}\r\n`)).join('');
      expect(read([Buffer.from(cut)], 4_096)).toEqual(read([Buffer.from(whole)], 4_096));
    }),
  );
});

test('what is held of an unfinished line is counted, half a Telnet sequence too', () => {
  const reader = new LineReader(LINE_BYTES_MAX);
  const counts = [bytes('NO'), bytes(IAC), bytes(253), bytes(1), bytes('OP\r'), bytes('\n'), bytes('x'.repeat(99))].map(
    (chunk) => {
      reader.push(chunk);
      return reader.bufferedBytes;
    },
  );
  expect(counts).toEqual([2, 3, 4, 2, 5, 0, 0]);
});

test('a chunk that is changed later does not change the line', () => {
  const reader = new LineReader(LINE_BYTES_MAX);
  const chunk = bytes('NO');
  reader.push(chunk);
  chunk.fill(0);
  expect(reader.push(bytes('OP\n'))).toEqual([line('NOOP')]);
});
