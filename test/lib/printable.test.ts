import fc from 'fast-check';
import { expect, test } from 'vitest';
import { printable } from '../../src/lib/printable.ts';

test.each([
  ['a line end', 'a\r\nb', 'a\\u000d\\u000ab'],
  ['an escape sequence', '\x1b[2J', '\\u001b[2J'],
  ['a NUL', '\0', '\\u0000'],
  ['DEL and C1', '\x7f\x85\x9b', '\\u007f\\u0085\\u009b'],
  ['a right-to-left override', 'exe.\u202efdp', 'exe.\\u202efdp'],
  ['a bidi isolate', '\u2066x\u2069', '\\u2066x\\u2069'],
  ['a zero-width space', 'a\u200bb', 'a\\u200bb'],
  ['a byte order mark', '\ufeffa', '\\ufeffa'],
  ['line and paragraph separators', '\u2028\u2029', '\\u2028\\u2029'],
])('%s is written as an escape', (_, text, expected) => {
  expect(printable(text)).toBe(expected);
});

test('what can be read stays as it is', () => {
  const text = 'Übung "1" \\ 日本 😀 \u00a0';
  expect(printable(text)).toBe(text);
});

test('no control character comes through, and printing twice is printing once', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u);
      expect(printable(printable(text))).toBe(printable(text));
    }),
  );
});
