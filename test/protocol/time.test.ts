import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTimeVal, parseTimeVal } from '../../src/protocol/time.ts';

test.each([
  [''],
  ['2026'],
  ['2026010100000'],
  ['202601010000000'],
  ['20260101000000.'],
  ['20260101000000.x'],
  ['20260101 00000'],
  ['-2026010100000'],
  ['20260101000000Z'],
  ['20260001000000'],
  ['20261301000000'],
  ['20260100000000'],
  ['20260132000000'],
  ['20260431000000'],
  ['20260229000000'],
  ['19000229000000'],
  ['20260101240000'],
  ['20260101006000'],
  ['20260101000060'],
  ['20260101000061'],
  ['20161231235961'],
  ['２0260101000000'],
])('a time that is not one is refused: %j', (text) => {
  expect(parseTimeVal(text)).toBeUndefined();
});

test.each([
  ['20260102030405', Date.UTC(2026, 0, 2, 3, 4, 5)],
  ['20260102030405.5', Date.UTC(2026, 0, 2, 3, 4, 5, 500)],
  ['20260102030405.0019', Date.UTC(2026, 0, 2, 3, 4, 5, 1)],
  ['20240229000000', Date.UTC(2024, 1, 29)],
  ['20000229000000', Date.UTC(2000, 1, 29)],
  ['00000229000000', -62_162_121_600_000],
  ['00990101000000', Date.parse('0099-01-01T00:00:00Z')],
  ['99991231235959.999', 253_402_300_799_999],
  ['19691231235959', -1_000],
])('a time is read as UTC: %j', (text, timeMs) => {
  expect(parseTimeVal(text)).toBe(timeMs);
});

test('a leap second is taken as the second before it', () => {
  expect(parseTimeVal('20161231235960')).toBe(Date.UTC(2016, 11, 31, 23, 59, 59));
});

test('a time is written in whole seconds, or to the millisecond', () => {
  const timeMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  expect(formatTimeVal(timeMs)).toBe('20260102030405');
  expect(formatTimeVal(timeMs, { millis: true })).toBe('20260102030405.678');
  expect(formatTimeVal(timeMs + 0.9, { millis: true })).toBe('20260102030405.678');
  expect(formatTimeVal(-1, { millis: true })).toBe('19691231235959.999');
});

test('a time that four digits of year cannot hold is written as the nearest that they can', () => {
  expect(formatTimeVal(Number.POSITIVE_INFINITY)).toBe('99991231235959');
  expect(formatTimeVal(8.64e15)).toBe('99991231235959');
  expect(formatTimeVal(Number.NEGATIVE_INFINITY)).toBe('00000101000000');
});

test('what is written reads the same, in seconds and in milliseconds', () => {
  fc.assert(
    fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (timeMs) => {
      expect(parseTimeVal(formatTimeVal(timeMs, { millis: true }))).toBe(timeMs);
      expect(parseTimeVal(formatTimeVal(timeMs))).toBe(Math.floor(timeMs / 1000) * 1000);
    }),
  );
});

test('no text makes the parser throw, and what it accepts is written the same', () => {
  const digits = fc.stringMatching(/^(19|20)[0-9]{2}[01][0-9][0-3][0-9][0-2][0-9][0-6][0-9][0-5][0-9]$/);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), digits), (text) => {
      const timeMs = parseTimeVal(text);
      if (timeMs !== undefined) expect(formatTimeVal(timeMs)).toBe(text.slice(0, 14));
    }),
  );
});
