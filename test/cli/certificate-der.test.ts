import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  fieldsOf,
  integer,
  namedBits,
  readBits,
  readInteger,
  readNumber,
  readText,
  readTime,
  sequence,
  time,
} from '../../src/cli/certificate-der.ts';
import {
  alternativeNamesDer,
  distinguishedName,
  nameText,
  readAlternativeNames,
} from '../../src/cli/certificate-names-der.ts';
import { readCertificate, readRequest, readRevocationList } from '../../src/cli/certificate-parts.ts';
import { pemBlocks } from '../../src/cli/certificate-pem.ts';
import { makeAuthority, makeKey } from '../../src/cli/certificates.ts';
import { DER, DerError, der, readDer } from '../../src/lib/der.ts';

const read = (bytes: Buffer) => readDer(bytes);

describe('refusals', () => {
  test('parts that are missing, too many or of another kind', () => {
    const one = read(sequence(integer(1)));
    expect(() => fieldsOf(one).next(DER.sequence)).toThrow(DerError);
    expect(() => fieldsOf(one).end()).toThrow(DerError);
    expect(() => fieldsOf(one, DER.set)).toThrow(DerError);
    const fields = fieldsOf(one);
    fields.next();
    expect(() => fields.next()).toThrow(DerError);
    expect(() => fields.end()).not.toThrow();
  });

  test.each([
    ['no digits', der(DER.integer)],
    ['below zero', der(DER.integer, Buffer.from([0xff]))],
    ['too large', integer('0100000000')],
    ['no number', sequence()],
  ])('a number that is none: %s', (_, bytes) => {
    expect(() => readNumber(read(bytes))).toThrow(DerError);
  });

  test.each(['', '20260101000000', '20261301000000Z', '2026010100000Z', '20260101000000+0100'])(
    'no time: %j',
    (text) => {
      expect(() => readTime(read(der(DER.generalizedTime, Buffer.from(text))))).toThrow(DerError);
    },
  );

  test('no bytes make a reader fail in another way, wherever a certificate is damaged', async () => {
    const pem = makeAuthority(await makeKey('P-256'), { nowMs: Date.now(), days: 9 });
    const good = pemBlocks(pem)[0]?.bytes ?? Buffer.alloc(0);
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = Buffer.from(good);
      bytes[at] = byte;
      return bytes;
    });
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array().map(Buffer.from)), (bytes) => {
        for (const reader of [readCertificate, readRequest, readRevocationList]) {
          try {
            reader(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(DerError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what is written is read again', () => {
  test('numbers, in the fewest bytes', () => {
    expect(integer(0)).toEqual(Buffer.from([2, 1, 0]));
    expect(integer(127)).toEqual(Buffer.from([2, 1, 127]));
    expect(integer(128)).toEqual(Buffer.from([2, 2, 0, 128]));
    expect(integer('00FF')).toEqual(Buffer.from([2, 2, 0, 255]));
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 160n }), (number) => {
        expect(BigInt(`0x${readInteger(read(integer(number.toString(16))))}`)).toBe(number);
      }),
    );
  });

  test('bits, without zeros behind the last', () => {
    expect(namedBits([])).toEqual(Buffer.from([3, 1, 0]));
    expect(namedBits([0])).toEqual(Buffer.from([3, 2, 7, 0x80]));
    expect(namedBits([5, 6])).toEqual(Buffer.from([3, 2, 1, 0x06]));
    expect(namedBits([0, 8])).toEqual(Buffer.from([3, 3, 7, 0x80, 0x80]));
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(20)), (bits) => {
        expect(readBits(read(namedBits(bits)))).toEqual(bits.toSorted((a, b) => a - b));
      }),
    );
  });

  test('times, on both sides of 2050', () => {
    expect(time(Date.UTC(2049, 11, 31, 23, 59, 59))).toEqual(der(0x17, Buffer.from('491231235959Z')));
    expect(time(Date.UTC(2050, 0, 1))).toEqual(der(DER.generalizedTime, Buffer.from('20500101000000Z')));
    expect(readTime(read(der(0x17, Buffer.from('991231235959Z'))))).toBe(Date.UTC(1999, 11, 31, 23, 59, 59));
    const seconds = fc.integer({ min: Date.UTC(1950, 0) / 1000, max: Date.UTC(2200, 0) / 1000 });
    fc.assert(
      fc.property(seconds, (at) => {
        expect(readTime(read(time(at * 1000)))).toBe(at * 1000);
      }),
    );
  });

  test('texts of every type', () => {
    expect(readText(read(der(0x0c, Buffer.from('é'))))).toBe('é');
    expect(readText(read(der(0x1e, Buffer.from([0, 0xe9]))))).toBe('é');
    expect(readText(read(der(0x14, Buffer.from([0xe9]))))).toBe('é');
    expect(readText(read(integer(1)))).toBeUndefined();
  });

  test('names: what could be taken for another part of a name is marked', () => {
    expect(nameText(distinguishedName({ commonName: 'a, CN=b', organization: 'Ä+B', country: 'DE' }))).toBe(
      'CN=a\\, CN\\=b, O=Ä\\+B, C=DE',
    );
  });

  test('alternative names', () => {
    const names = ['dns:a.example', 'email:a@b.example', 'uri:urn:x', 'ip:192.0.2.1', 'ip:2001:db8::7'] as const;
    expect(readAlternativeNames(alternativeNamesDer(names))).toEqual(names);
    expect(readAlternativeNames(sequence(der(0x88, Buffer.from([1]))))).toEqual(['other:880101']);
  });
});
