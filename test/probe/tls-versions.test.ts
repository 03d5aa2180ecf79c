import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tlsVersionsCheck } from '../../src/probe/checks/tls-versions.ts';
import { CLASSIC_SUITES, MODERN_SUITES, suiteWeakness } from '../../src/probe/cipher-suites.ts';
import { clientHelloRecord, TLS_VERSIONS } from '../../src/probe/client-hello.ts';
import type { Severity } from '../../src/probe/finding.ts';
import { takenOneByOne } from '../../src/probe/hello-exchange.ts';
import { GROUPS } from '../../src/probe/key-groups.ts';
import { readServerAnswer } from '../../src/probe/server-answer.ts';
import { findingsOf } from './ask.ts';
import { type Flaws, startFakeServer } from './fake-server.ts';
import { answerOf, type OldServer } from './hand-made-hello.ts';

const FINE = {
  'tls.versions': 'ok',
  'tls.suites': 'ok',
  'tls.suite-order': 'ok',
  'tls.groups': 'ok',
  'tls.post-quantum': 'ok',
  'tls.compression': 'ok',
  'tls.safe-renegotiation': 'ok',
} as const satisfies Record<string, Severity>;

const GOOD_TLS12 = 'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256';

/** Servers with a TLS library of today, badly set up. */
const BADLY_SET_UP: readonly (readonly [string, NonNullable<Flaws['tls']>, Partial<Record<string, Severity>>])[] = [
  [
    'speaks TLS 1.0',
    { minVersion: 'TLSv1', ciphers: `${GOOD_TLS12}:TLS_AES_128_GCM_SHA256:ECDHE-RSA-AES128-SHA:@SECLEVEL=0` },
    { 'tls.versions': 'medium', 'tls.suites': 'low' },
  ],
  [
    'speaks no TLS 1.3',
    { maxVersion: 'TLSv1.2', ciphers: GOOD_TLS12 },
    { 'tls.versions': 'low', 'tls.post-quantum': 'info' },
  ],
  ['takes CBC', { ciphers: `TLS_AES_128_GCM_SHA256:${GOOD_TLS12}:ECDHE-RSA-AES128-SHA` }, { 'tls.suites': 'low' }],
  [
    'takes a suite that hides nothing',
    { ciphers: `TLS_AES_128_GCM_SHA256:${GOOD_TLS12}:NULL-SHA256:@SECLEVEL=0` },
    { 'tls.suites': 'high' },
  ],
  ["keeps the client's order", { honorCipherOrder: false }, { 'tls.suite-order': 'info' }],
  [
    "keeps the client's order with CBC",
    { honorCipherOrder: false, ciphers: `TLS_AES_128_GCM_SHA256:${GOOD_TLS12}:ECDHE-RSA-AES128-SHA` },
    { 'tls.suite-order': 'low', 'tls.suites': 'low' },
  ],
  ['has no group with ML-KEM', { ecdhCurve: 'X25519:P-256' }, { 'tls.post-quantum': 'info' }],
  [
    'has no elliptic curves',
    { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' },
    { 'tls.versions': 'low', 'tls.suites': 'low', 'tls.groups': 'low', 'tls.post-quantum': 'info' },
  ],
];

test.each(BADLY_SET_UP)('a server that %s is found out', async (_, tls, expected) => {
  expect(await findingsOf(tlsVersionsCheck, await startFakeServer({ tls }))).toEqual({ ...FINE, ...expected });
});

const OLD = { ...FINE, 'tls.versions': 'low', 'tls.post-quantum': 'info' } as const;
const ECDHE_GCM = 0xc030;

/** Servers that no library of today would still be. */
const OLD_SERVERS: readonly (readonly [string, OldServer, Record<string, Severity>])[] = [
  ['TLS 1.2 with ECDHE', { version: 'TLSv1.2', suites: [ECDHE_GCM, 0xc02f], curves: [23] }, OLD],
  [
    'SSL 3.0',
    { version: 'SSLv3', suites: [0x0005, 0x000a], safeRenegotiation: false },
    { ...OLD, 'tls.versions': 'high', 'tls.suites': 'high', 'tls.groups': 'low', 'tls.safe-renegotiation': 'medium' },
  ],
  ['triple DES', { version: 'TLSv1.2', suites: [0xc012], curves: [23] }, { ...OLD, 'tls.suites': 'medium' }],
  [
    'a prime of 1024 bits',
    { version: 'TLSv1.2', suites: [0x009f], primeBits: 1_024 },
    { ...OLD, 'tls.suites': 'medium', 'tls.groups': 'low' },
  ],
  ['a prime of 2048 bits', { version: 'TLSv1.2', suites: [0x009f], primeBits: 2_048 }, { ...OLD, 'tls.groups': 'low' }],
  [
    'a curve of 192 bits',
    { version: 'TLSv1.2', suites: [ECDHE_GCM], curves: [23, 19] },
    { ...OLD, 'tls.groups': 'medium' },
  ],
  [
    'compression',
    { version: 'TLSv1.2', suites: [ECDHE_GCM], curves: [23], compresses: true },
    { ...OLD, 'tls.compression': 'medium' },
  ],
  [
    'no safe renegotiation',
    { version: 'TLSv1.2', suites: [ECDHE_GCM], curves: [23], safeRenegotiation: false },
    { ...OLD, 'tls.safe-renegotiation': 'medium' },
  ],
];

test.each(OLD_SERVERS)('a server with %s is found out', async (_, old, expected) => {
  expect(await findingsOf(tlsVersionsCheck, await startFakeServer({ answerHello: answerOf(old) }))).toEqual(expected);
});

test('a server that answers something else than TLS has no version, and the check fails', async () => {
  const server = await startFakeServer({ answerHello: () => Buffer.from('500 What?\r\n') });
  await expect(findingsOf(tlsVersionsCheck, server)).rejects.toThrow('no version of TLS');
});

describe('numbers', () => {
  test('those of all suites are the ones that OpenSSL knows by these names', () => {
    const lines = execFileSync('openssl', ['ciphers', '-V', '-stdname', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0']).toString();
    const known = new Map(
      [...lines.matchAll(/0x(..),0x(..) - (TLS_\S+)/g)].map(([, high, low, name = '']) => [
        name,
        Number(`0x${high}${low}`),
      ]),
    );
    expect(known.size).toBeGreaterThan(50);
    const shared = [...CLASSIC_SUITES, ...MODERN_SUITES].filter(([, name]) => known.has(name));
    expect(shared.length).toBeGreaterThan(40);
    for (const [code, name] of shared) expect([name, known.get(name)]).toEqual([name, code]);
  });

  test('each stands for one name', () => {
    for (const table of [CLASSIC_SUITES, GROUPS]) expect(new Set(table.values()).size).toBe(table.size);
  });

  test.each([
    ['TLS_RSA_WITH_NULL_SHA256', 'broken'],
    ['TLS_DH_anon_WITH_AES_256_GCM_SHA384', 'broken'],
    ['TLS_RSA_EXPORT_WITH_RC4_40_MD5', 'broken'],
    ['TLS_RSA_WITH_DES_CBC_SHA', 'broken'],
    ['TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA', 'weak'],
    ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'dated'],
    ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'dated'],
    ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', undefined],
    ['TLS_AES_128_CCM_8_SHA256', undefined],
  ] as const)('%s is %s', (name, expected) => {
    expect(suiteWeakness(name)).toBe(expected);
  });
});

describe('answers', () => {
  const offer = {
    suites: [0x1301, ECDHE_GCM],
    groups: [29],
    serverName: 'localhost',
    compression: false,
    random: Buffer.alloc(64),
  };

  test('every split of an answer is waited for and then read the same', () => {
    const hello = clientHelloRecord({ ...offer, version: 'TLSv1.2' });
    const answer = answerOf({ version: 'TLSv1.2', suites: [ECDHE_GCM], curves: [29] })(hello) ?? Buffer.alloc(0);
    const whole = readServerAnswer(answer);
    expect(whole).toMatchObject({ kind: 'hello', version: 'TLSv1.2', suite: ECDHE_GCM, group: 29 });
    // Everything up to the key exchange is needed; the end of the flight is not.
    const needed = answer.length - 9;
    for (let length = 0; length < needed; length++)
      expect(readServerAnswer(answer.subarray(0, length))).toBeUndefined();
    expect(readServerAnswer(answer.subarray(0, needed))).toEqual(whole);
  });

  test('a fatal alert declines, a warning does not', () => {
    expect(readServerAnswer(Buffer.from([21, 3, 3, 0, 2, 2, 40]))).toEqual({ kind: 'alert', code: 40 });
    expect(readServerAnswer(Buffer.from([21, 3, 3, 0, 2, 1, 112]))).toBeUndefined();
  });

  test('no bytes make it throw', () => {
    const records = fc.array(fc.tuple(fc.constantFrom(21, 22, 23), fc.uint8Array({ maxLength: 80 })));
    const bytes = records.map((all) =>
      Buffer.concat(all.map(([type, body]) => Buffer.from([type, 3, 3, 0, body.length, ...body]))),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          bytes,
          fc.uint8Array().map((array) => Buffer.from(array)),
        ),
        (input) => {
          readServerAnswer(input);
        },
      ),
    );
  });

  test('every version makes one record whose length is right', () => {
    for (const version of ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
      const record = clientHelloRecord({ ...offer, version });
      expect(record.readUInt16BE(3)).toBe(record.length - 5);
      expect(record.readUIntBE(6, 3)).toBe(record.length - 9);
      expect(record.readUInt16BE(9)).toBe(Math.min(TLS_VERSIONS[version], 0x0303));
    }
  });
});

test('a server that chooses what was not offered, or chooses it again, is not asked for ever', async () => {
  expect(await takenOneByOne([1, 2, 3], async () => 9)).toEqual([]);
  expect(await takenOneByOne([1, 2, 3], async () => 2)).toEqual([2]);
  expect(await takenOneByOne([1, 2, 3], async (offered) => offered.at(-1))).toEqual([3, 2, 1]);
});
