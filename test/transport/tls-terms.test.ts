/** The profiles, and what OpenSSL is told of them. */
import { createSecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { isPostQuantum, opensslSuite, TLS_PROFILE_NAMES, TLS_PROFILES } from '../../src/transport/tls-profiles.ts';
import { tlsTerms } from '../../src/transport/tls-terms.ts';

const WISHES = { profile: 'intermediate', minVersion: 'TLSv1.2', postQuantum: 'preferred' } as const;

describe.each(TLS_PROFILE_NAMES)('the profile %s', (name) => {
  const profile = TLS_PROFILES[name];

  test('has no suite without forward secrecy and AEAD, and none twice', () => {
    for (const suite of profile.suites) {
      expect(suite).toMatch(/^TLS_(ECDHE_(ECDSA|RSA)_WITH_)?(AES_(128|256)_GCM|CHACHA20_POLY1305)_SHA(256|384)$/);
    }
    expect(new Set(profile.suites).size).toBe(profile.suites.length);
  });

  test('has no signature with SHA-1, no group of less than 128 bits, and X25519MLKEM768 first', () => {
    expect(profile.signatureAlgorithms.filter((one) => !/sha(256|384|512)$|^ed25519$/.test(one))).toEqual([]);
    expect(profile.groups.filter((group) => !['x25519', 'secp256r1', 'secp384r1'].includes(group))).toEqual([]);
    expect(profile.hybridGroups[0]).toBe('X25519MLKEM768');
  });

  test.each(['preferred', 'required', 'off'] as const)('is understood by OpenSSL, post_quantum: %s', (postQuantum) => {
    const { ciphers, groups, signatureAlgorithms, minVersion } = tlsTerms({ ...WISHES, profile: name, postQuantum });
    createSecureContext({ ciphers, ecdhCurve: groups, sigalgs: signatureAlgorithms, minVersion, ca: [] });
    // Each name by itself: OpenSSL skips suites that it does not know.
    const single = (suite: string) => createSecureContext({ ciphers: opensslSuite(suite), ca: [] });
    for (const suite of profile.suites) expect(() => single(suite)).not.toThrow();
    for (const sigalgs of profile.signatureAlgorithms) {
      expect(() => createSecureContext({ sigalgs, ca: [] })).not.toThrow();
    }
  });
});

test.each(['nist-800-52r2', 'fips'] as const)('%s has approved algorithms only', (name) => {
  const { suites, groups, signatureAlgorithms } = TLS_PROFILES[name];
  expect(suites.filter((suite) => !suite.includes('AES'))).toEqual([]);
  expect(groups).toEqual(['secp256r1', 'secp384r1']);
  expect(signatureAlgorithms).not.toContain('ed25519');
});

test.each([
  ['modern', 'TLSv1.2', 'preferred', 'TLSv1.3'],
  ['intermediate', 'TLSv1.2', 'preferred', 'TLSv1.2'],
  ['intermediate', 'TLSv1.3', 'off', 'TLSv1.3'],
  ['intermediate', 'TLSv1.2', 'required', 'TLSv1.3'],
  ['fips', 'TLSv1.2', 'off', 'TLSv1.2'],
  ['fips', 'TLSv1.3', 'off', 'TLSv1.3'],
] as const)(
  '%s, min_version %s and post_quantum %s make %s the oldest version',
  (profile, minVersion, postQuantum, is) => {
    const terms = tlsTerms({ profile, minVersion, postQuantum });
    expect(terms.minVersion).toBe(is);
    expect(terms.ciphers.includes('ECDHE')).toBe(is === 'TLSv1.2');
  },
);

test.each([
  ['preferred', 'X25519MLKEM768/x25519:secp256r1:secp384r1'],
  ['required', 'X25519MLKEM768'],
  ['off', 'x25519:secp256r1:secp384r1'],
] as const)('post_quantum %s offers %s', (postQuantum, groups) => {
  expect(tlsTerms({ ...WISHES, postQuantum }).groups).toBe(groups);
});

describe('without hybrid groups in OpenSSL', () => {
  const unknown = () => false;

  test('required is refused', () => {
    expect(() => tlsTerms({ ...WISHES, postQuantum: 'required' }, unknown)).toThrow(/needs OpenSSL 3\.5 or later/);
  });

  test.each(['preferred', 'off'] as const)('%s offers the others', (postQuantum) => {
    expect(tlsTerms({ ...WISHES, postQuantum }, unknown).groups).toBe('x25519:secp256r1:secp384r1');
  });
});

test.each([
  ['X25519MLKEM768', true],
  ['SecP384r1MLKEM1024', true],
  ['x25519', false],
  ['0x11ee', false],
  [undefined, false],
])('whether %s is post-quantum: %s', (group, is) => {
  expect(isPostQuantum(group)).toBe(is);
});
