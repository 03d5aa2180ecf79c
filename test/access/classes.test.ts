import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { classOptions } from '../../src/access/class-options.ts';
import { type Classified, classesFrom } from '../../src/access/classes.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { TlsFacts } from '../../src/spi/tls-facts.ts';

const TLS: TlsFacts = { version: 'TLSv1.3', suite: 'TLS_AES_256_GCM_SHA384', resumed: false };
const CERTIFICATE: NonNullable<TlsFacts['clientCertificate']> = {
  fingerprint: '00',
  publicKeyFingerprint: '00',
  commonName: 'partner',
  alternativeNames: [],
  issuer: 'CN=ca',
  serialNumber: '1',
  validToMs: 0,
};

describe('classes that are refused', () => {
  test.each<[string, object, RegExp]>([
    ['one that says nothing', {}, /at least one/],
    ['a network with stray bits', { networks: ['10.0.0.1/8'] }, /network/],
    ['no networks', { networks: [] }, /./],
    ['a day that there is not', { time: { days: ['monday'] } }, /mon, tue/],
    ['a time that there is not', { time: { from: '9:00' } }, /08:30/],
    ['a time behind midnight', { time: { to: '24:01' } }, /08:30/],
    ['no time at all', { time: { from: '10:00', to: '10:00' } }, /same as from/],
    ['a zone that there is not', { time: { zone: 'Mars/Olympus' } }, /IANA/],
    ['an offset for a zone', { time: { zone: '+01:00' } }, /IANA/],
    ['a suite in lower case', { tls: { suites: ['aes'] } }, /IANA/],
    ['a name with a space', { name: 'the office', networks: ['10.0.0.0/8'] }, /letters/],
    ['a misspelt key', { network: ['10.0.0.0/8'] }, /./],
  ])('%s', (_, options, expected) => {
    expect(classOptions.safeParse({ name: 'one', ...options }).error?.message).toMatch(expected);
  });
});

describe('what makes a session belong', () => {
  test.each<[string, object, Partial<Session>, boolean]>([
    ['its network', { networks: ['192.0.2.0/24'] }, { address: '192.0.2.9' }, true],
    ['another network', { networks: ['192.0.2.0/24'] }, { address: '198.51.100.9' }, false],
    ['an IPv4-mapped address', { networks: ['192.0.2.0/24'] }, { address: '::ffff:192.0.2.9' }, true],
    ['any TLS', { tls: {} }, { tls: TLS }, true],
    ['TLS, in clear', { tls: {} }, {}, false],
    ['TLS 1.3', { tls: { minVersion: 'TLSv1.3' } }, { tls: TLS }, true],
    ['TLS 1.3, with 1.2', { tls: { minVersion: 'TLSv1.3' } }, { tls: { ...TLS, version: 'TLSv1.2' } }, false],
    ['a certificate', { tls: { clientCertificate: true } }, { tls: { ...TLS, clientCertificate: CERTIFICATE } }, true],
    ['a certificate, with none', { tls: { clientCertificate: true } }, { tls: TLS }, false],
    ['no certificate', { tls: { clientCertificate: false } }, { tls: TLS }, true],
    ['no certificate, in clear', { tls: { clientCertificate: false } }, {}, false],
    ['its suite', { tls: { suites: ['TLS_AES_256_GCM_SHA384'] } }, { tls: TLS }, true],
    ['another suite', { tls: { suites: ['TLS_AES_128_GCM_SHA256'] } }, { tls: TLS }, false],
    ['its host', { hosts: ['FTP.example.com'] }, { host: 'ftp.example.com' }, true],
    ['no host', { hosts: ['ftp.example.com'] }, {}, false],
    ['all of two', { networks: ['192.0.2.0/24'], tls: {} }, { address: '192.0.2.9', tls: TLS }, true],
    ['one of two', { networks: ['192.0.2.0/24'], tls: {} }, { address: '192.0.2.9' }, false],
    ['any of two', { networks: ['192.0.2.0/24'], tls: {}, satisfy: 'any' }, { address: '192.0.2.9' }, true],
    ['none of two', { networks: ['192.0.2.0/24'], tls: {}, satisfy: 'any' }, { address: '198.51.100.9' }, false],
  ])('%s', (_, options, sketch, expected) => {
    expect(belongs(options, sketch)).toBe(expected);
  });

  test("a session may belong to several, in the configuration's order", () => {
    const classes = classesFrom(
      [
        classOptions.parse({ name: 'second', networks: ['10.0.0.0/8'] }),
        classOptions.parse({ name: 'other', networks: ['192.0.2.0/24'] }),
        classOptions.parse({ name: 'first', networks: ['10.1.0.0/16'] }),
      ],
      new FakeClock(),
    );
    expect(classes(session({ address: '10.1.2.3' }))).toEqual(['second', 'first']);
  });
});

describe('times of day', () => {
  const OFFICE = { days: ['mon-fri'], from: '08:00', to: '18:00', zone: 'Europe/Berlin' };
  const NIGHT = { days: ['fri'], from: '22:00', to: '06:00', zone: 'Europe/Berlin' };
  test.each<[string, object, string, boolean]>([
    // 1 July 2026 is a Wednesday; Berlin is two hours ahead in summer and one in winter.
    ['the first minute', OFFICE, '2026-07-01T06:00:00Z', true],
    ['the minute before', OFFICE, '2026-07-01T05:59:59Z', false],
    ['the last minute', OFFICE, '2026-07-01T15:59:59Z', true],
    ['the minute behind', OFFICE, '2026-07-01T16:00:00Z', false],
    ['the first minute in winter', OFFICE, '2026-01-07T07:00:00Z', true],
    ['the minute before in winter', OFFICE, '2026-01-07T06:59:59Z', false],
    ['Saturday', OFFICE, '2026-07-04T10:00:00Z', false],
    ['Friday night', NIGHT, '2026-07-03T20:00:00Z', true],
    ['the morning behind it', NIGHT, '2026-07-04T03:59:00Z', true],
    ['its end', NIGHT, '2026-07-04T04:00:00Z', false],
    ['Friday morning belongs to Thursday', NIGHT, '2026-07-03T03:00:00Z', false],
    ['a range over the end of the week', { days: ['sat-mon'] }, '2026-07-05T12:00:00Z', true],
    ['a day outside of it', { days: ['sat-mon'] }, '2026-07-07T12:00:00Z', false],
    ['the whole day to its last minute', { days: ['wed'], zone: 'UTC' }, '2026-07-01T23:59:59Z', true],
    // On 29 March 2026 Berlin's clocks go from 02:00 to 03:00, on 25 October from 03:00 back to 02:00.
    [
      'just before the hour that is left out',
      { from: '01:30', to: '02:30', zone: 'Europe/Berlin' },
      '2026-03-29T00:59:59Z',
      true,
    ],
    [
      'just behind it clocks show 03:00',
      { from: '01:30', to: '02:30', zone: 'Europe/Berlin' },
      '2026-03-29T01:00:00Z',
      false,
    ],
    [
      'the hour that comes twice, first',
      { from: '02:00', to: '02:30', zone: 'Europe/Berlin' },
      '2026-10-25T00:10:00Z',
      true,
    ],
    ['between the two', { from: '02:00', to: '02:30', zone: 'Europe/Berlin' }, '2026-10-25T00:40:00Z', false],
    ['and again', { from: '02:00', to: '02:30', zone: 'Europe/Berlin' }, '2026-10-25T01:10:00Z', true],
    [
      'midnight on a day without one',
      { from: '23:00', to: '02:00', zone: 'America/Sao_Paulo' },
      '2018-11-04T03:00:00Z',
      true,
    ],
  ])('%s: %s at %s: %s', (_, time, at, expected) => {
    expect(belongs({ time }, {}, Date.parse(at))).toBe(expected);
  });

  test('are asked about at the moment of the question', () => {
    const clock = new FakeClock(Date.parse('2026-07-01T15:59:00Z'));
    const classes = classesFrom([classOptions.parse({ name: 'office', time: OFFICE })], clock);
    expect(classes(session({}))).toEqual(['office']);
    clock.advance(60_000);
    expect(classes(session({}))).toEqual([]);
  });

  test('every minute of a week lies in a window or in its complement, and in one of them only', () => {
    const hours = fc.integer({ min: 0, max: 23 });
    fc.assert(
      fc.property(hours, hours, fc.integer({ min: 0, max: 7 * 1_440 - 1 }), (from, to, minute) => {
        fc.pre(from !== to);
        const text = (hour: number) => `${String(hour).padStart(2, '0')}:00`;
        const at = Date.UTC(2026, 5, 1) + minute * 60_000;
        const inside = belongs({ time: { from: text(from), to: text(to) } }, {}, at);
        const outside = belongs({ time: { from: text(to), to: text(from) } }, {}, at);
        expect(inside).toBe(!outside);
      }),
    );
  });
});

test('options that are right pass the schema again unchanged', () => {
  const once = classOptions.parse({ name: 'a', hosts: ['FTP.Example.com'], time: { days: ['mon-fri'] }, tls: {} });
  expect(classOptions.parse(once)).toEqual(once);
});

interface Session {
  readonly address: string;
  readonly tls: TlsFacts;
  readonly host: string;
}

function belongs(options: object, sketch: Partial<Session>, atMs?: number): boolean {
  const parsed = classOptions.parse({ name: 'one', ...options });
  return classesFrom([parsed], new FakeClock(atMs))(session(sketch)).includes('one');
}

function session({ address = '203.0.113.1', tls, host }: Partial<Session>): Classified {
  return { peer: { address, port: 1 }, controlTls: tls, host };
}
