import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseWords } from '../../src/protocol/words.ts';

test.each(['"', '"a', 'a"b"', '"a"b', '""', 'a "" b', '"a""', 'a" b'])('%j cannot be taken apart', (text) => {
  expect(parseWords(text)).toBeUndefined();
});

test.each([
  ['', []],
  ['  ', []],
  ['a', ['a']],
  ['a b', ['a', 'b']],
  [' a   b ', ['a', 'b']],
  ['"a b" c "d"', ['a b', 'c', 'd']],
  ['"say ""hi""" \'x\'', ['say "hi"', "'x'"]],
])('%j is words', (text, words) => {
  expect(parseWords(text)).toEqual(words);
});

test('words that were put in quotes are read as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 })), (words) => {
      expect(parseWords(words.map((word) => `"${word.replaceAll('"', '""')}"`).join(' '))).toEqual(words);
    }),
  );
});

test('no text takes long or throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', ' ', 'a'), maxLength: 8_000 }), (text) => void parseWords(text)),
  );
  expect(parseWords(`"${'""'.repeat(4_000)}x`)).toBeUndefined();
});
