import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  DER,
  DerError,
  der,
  derBits,
  derChildren,
  derContent,
  derOid,
  derTime,
  oidDer,
  readDer,
} from '../../src/lib/der.ts';

/** Bytes that are no DER, and what is wrong with them. */
const WRONG: readonly (readonly [string, string])[] = [
  ['', 'cut off'],
  ['30', 'cut off'],
  ['3001', 'cut off'],
  ['300000', 'bytes behind'],
  ['3080' + '0000', 'a length is wrong'],
  ['308100', 'shortest form'],
  [`30817f${'00'.repeat(127)}`, 'shortest form'],
  ['3085' + '0000000001' + '00', 'a length is wrong'],
  ['3f0100', 'more than one byte'],
];

test.each(WRONG)('the bytes %s are refused', (bytes, why) => {
  expect(() => readDer(Buffer.from(bytes, 'hex'))).toThrow(why);
});

test('a value of another kind than expected is refused', () => {
  const value = readDer(der(DER.octetString, Buffer.from('x')));
  expect(() => derChildren(value, DER.sequence)).toThrow(DerError);
  expect(() => derContent(undefined, DER.integer)).toThrow(DerError);
  expect(() => derBits(readDer(Buffer.from('03020780', 'hex')))).toThrow(DerError);
  expect(() => derOid(readDer(Buffer.from('060186', 'hex')))).toThrow(DerError);
  for (const text of ['20260101000000', '202601010000Z', '20261301000000Z', '20260101000000.5Z']) {
    expect(() => derTime(readDer(der(DER.generalizedTime, Buffer.from(text))))).toThrow(DerError);
  }
});

test('what is written is read again, whatever its length', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 70_000 }), { maxLength: 4 }), (contents) => {
      const written = der(DER.sequence, ...contents.map((content) => der(DER.octetString, Buffer.from(content))));
      const read = derChildren(readDer(written), DER.sequence).map((child) => derContent(child, DER.octetString));
      expect(read.map((content, index) => content.equals(contents[index] ?? content))).toEqual(
        contents.map(() => true),
      );
    }),
    { numRuns: 50 },
  );
});

test.each(['1.3.6.1.5.5.7.48.1.1', '2.5.29.15', '2.16.840.1.101.3.4.2.1', '1.2.840.113549.1.1.11', '2.999.3'])(
  'the object identifier %s is read as it was written',
  (oid) => {
    expect(derOid(readDer(oidDer(oid)))).toBe(oid);
  },
);

test('a time is read in UTC', () => {
  const time = readDer(der(DER.generalizedTime, Buffer.from('20260228235959Z')));
  expect(derTime(time)).toBe(Date.UTC(2026, 1, 28, 23, 59, 59));
});

test('arbitrary bytes are read or refused, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        expect(readDer(Buffer.from(bytes)).whole.length).toBe(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DerError);
      }
    }),
  );
});
