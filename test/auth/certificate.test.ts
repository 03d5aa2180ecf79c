import { describe, expect, test } from 'vitest';
import { certificateEntry, certificateProver } from '../../src/auth/certificate.ts';
import { Secret } from '../../src/lib/secret.ts';
import type { ClientCertificate } from '../../src/spi/tls-facts.ts';

type Written = Omit<Parameters<typeof certificateEntry.parse>[0] & object, 'type'>;

const CERTIFICATE: ClientCertificate = {
  fingerprint: 'a'.repeat(64),
  publicKeyFingerprint: 'b'.repeat(64),
  commonName: 'alice',
  alternativeNames: ['email:alice@partners.example', 'dns:alice.example', 'uri:urn:partner:alice'],
  issuer: 'CN=CA',
  serialNumber: '1',
  validToMs: 0,
};

/** The verdict on a user who shows this certificate. */
async function verdict(
  written: Written,
  user: string,
  { shown = CERTIFICATE, password }: { shown?: ClientCertificate | 'none'; password?: string } = {},
): Promise<string> {
  const prover = certificateProver(certificateEntry.parse({ type: 'certificate', ...written }));
  const tls = {
    version: 'TLSv1.3',
    suite: 'S',
    resumed: false,
    ...(shown !== 'none' && { clientCertificate: shown }),
  };
  const secret = password === undefined ? undefined : new Secret(password);
  const credentials = { user, password: secret, address: '192.0.2.1', tls, host: undefined };
  return (await prover.prove(credentials, new AbortController().signal)).verdict;
}

describe('a certificate that is enough', () => {
  const alone = (written: Written): Written => ({ ...written, password: 'not_needed' });

  test.each<[string, Written, string]>([
    ['another common name', { userFrom: 'common_name' }, 'bob'],
    ['the common name in capitals', { userFrom: 'common_name' }, 'ALICE'],
    ['a part of the common name', { userFrom: 'common_name' }, 'ali'],
    ['no name at all', { userFrom: 'common_name' }, ''],
    ['the address without its pattern', { userFrom: 'email' }, 'alice'],
    ['another domain', { userFrom: 'email', pattern: '{user}@other.example' }, 'alice'],
    ['a name of another kind', { userFrom: 'dns', pattern: '{user}@partners.example' }, 'alice'],
    ['another fingerprint', { certificates: [{ fingerprint: 'c'.repeat(64), user: 'alice' }] }, 'alice'],
    [
      'the fingerprint of the key as that of the whole',
      { certificates: [{ fingerprint: 'b'.repeat(64), user: 'alice' }] },
      'alice',
    ],
    [
      'the right fingerprint with another key',
      { certificates: [{ fingerprint: 'a'.repeat(64), publicKey: 'c'.repeat(64), user: 'alice' }] },
      'alice',
    ],
    ['somebody else in the list', { certificates: [{ fingerprint: 'a'.repeat(64), user: 'bob' }] }, 'alice'],
  ])('%s is declined', async (_, written, user) => {
    expect(await verdict(alone(written), user)).toBe('declined');
  });

  test('none is declined, and so is one without a common name', async () => {
    expect(await verdict(alone({ userFrom: 'common_name' }), 'alice', { shown: 'none' })).toBe('declined');
    const shown = { ...CERTIFICATE, commonName: undefined };
    expect(await verdict(alone({ userFrom: 'common_name' }), 'alice', { shown })).toBe('declined');
  });

  test('a password is for somebody else to judge', async () => {
    expect(await verdict(alone({ userFrom: 'common_name' }), 'alice', { password: 'x' })).toBe('declined');
  });

  test.each<[string, Written, string]>([
    ['the common name', { userFrom: 'common_name' }, 'alice'],
    ['an address', { userFrom: 'email' }, 'alice@partners.example'],
    ['an address by its pattern', { userFrom: 'email', pattern: '{user}@partners.example' }, 'alice'],
    ['a domain name', { userFrom: 'dns', pattern: '{user}.example' }, 'alice'],
    ['a URI', { userFrom: 'uri', pattern: 'urn:partner:{user}' }, 'alice'],
    ['a fingerprint', { certificates: [{ fingerprint: 'AA:'.repeat(31).concat('AA'), user: 'al' }] }, 'al'],
    ['a key', { certificates: [{ publicKey: 'b'.repeat(64), user: 'al' }] }, 'al'],
  ])('%s is accepted', async (_, written, user) => {
    expect(await verdict(alone(written), user)).toBe('accepted');
  });

  test('behind a one-time code nothing is left of the password, and it is accepted', async () => {
    expect(await verdict(alone({ userFrom: 'common_name' }), 'alice', { password: '' })).toBe('accepted');
  });
});

describe('a certificate beside the password', () => {
  const written: Written = { userFrom: 'common_name' };

  test('who has none, or one of another user, is refused', async () => {
    expect(await verdict(written, 'alice', { shown: 'none', password: 'x' })).toBe('refused');
    expect(await verdict(written, 'bob', { password: 'x' })).toBe('refused');
  });

  test('who has the right one is left to the next in the chain, and never let in by it alone', async () => {
    expect(await verdict(written, 'alice', { password: 'x' })).toBe('declined');
    expect(await verdict(written, 'alice', { password: '' })).toBe('declined');
    expect(await verdict(written, 'alice')).toBe('declined');
  });
});

describe('what may be written down', () => {
  test.each<[string, object]>([
    ['no rule', {}],
    ['a certificate without a digest', { certificates: [{ user: 'alice' }] }],
    ['a digest that is none', { certificates: [{ fingerprint: 'abc', user: 'alice' }] }],
    ['SHA-1', { certificates: [{ fingerprint: 'a'.repeat(40), user: 'alice' }] }],
    ['a pattern without the user', { userFrom: 'email', pattern: 'x' }],
    ['a pattern with two', { userFrom: 'email', pattern: '{user}{user}' }],
    ['another name', { userFrom: 'subject' }],
  ])('%s may not', (_, written) => {
    expect(certificateEntry.safeParse({ type: 'certificate', ...written }).success).toBe(false);
  });

  test('what may passes the check again unchanged', () => {
    const value = certificateEntry.parse({
      type: 'certificate',
      certificates: [{ fingerprint: 'AA:'.repeat(31).concat('AA'), user: 'alice' }],
    });
    expect(certificateEntry.parse(value)).toEqual(value);
    expect(value.certificates[0]?.fingerprint).toBe('a'.repeat(64));
  });
});
