import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseOffset } from '../../src/protocol/number.ts';

test.each([
  [''],
  ['-1'],
  ['+1'],
  ['1.0'],
  ['1e3'],
  ['0x10'],
  [' 1'],
  ['1 '],
  ['1\n'],
  ['１'],
  ['9007199254740992'],
  ['9'.repeat(400)],
])('what is not a count of bytes is refused: %j', (text) => {
  expect(parseOffset(text)).toBeUndefined();
});

test.each([
  ['0', 0],
  ['007', 7],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
])('a count of bytes is read: %j', (text, offsetBytes) => {
  expect(parseOffset(text)).toBe(offsetBytes);
});

test('every exact count comes back, and no text makes the parser throw', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (n) => {
      expect(parseOffset(`${n}`)).toBe(n);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const offsetBytes = parseOffset(text);
      if (offsetBytes !== undefined) expect(text).toMatch(/^[0-9]+$/);
    }),
  );
});
