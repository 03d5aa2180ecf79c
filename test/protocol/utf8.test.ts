import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeUtf8 } from '../../src/protocol/utf8.ts';

test.each([
  ['Latin-1', [0xe9, 0x2e]],
  ['an overlong form of a slash', [0xc0, 0xaf]],
  ['half a surrogate pair', [0xed, 0xa0, 0x80]],
  ['a byte 255', [0x61, 0xff]],
  ['half a character', [0xc3]],
])('%s is not UTF-8', (_, bytes) => {
  expect(decodeUtf8(Buffer.from(bytes))).toBe(undefined);
  // One refusal leaves nothing behind for the next line.
  expect(decodeUtf8(Buffer.from('é'))).toBe('é');
});

test('every text comes back, a byte order mark too', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decodeUtf8(Buffer.from(`\ufeff${text}`))).toBe(`\ufeff${text}`);
    }),
  );
});
