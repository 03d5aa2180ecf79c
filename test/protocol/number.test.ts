import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseMode, parseOffset } from '../../src/protocol/number.ts';

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

test.each([[''], ['64'], ['0064x'], ['888'], ['4755'], ['00644'], ['1644'], ['-644'], ['0o644'], ['644 '], ['６４４']])(
  'what is not permission bits is refused: %j',
  (text) => {
    expect(parseMode(text)).toBeUndefined();
  },
);

test('permission bits are octal, with or without a 0 in front', () => {
  for (let mode = 0; mode <= 0o777; mode++) {
    const digits = mode.toString(8).padStart(3, '0');
    expect([parseMode(digits), parseMode(`0${digits}`)]).toEqual([mode, mode]);
  }
});
