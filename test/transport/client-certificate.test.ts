import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { alternativeNames, clientCertificate } from '../../src/transport/client-certificate.ts';
import { testCertificates } from '../fixtures/certificates.ts';

describe("OpenSSL's line of alternative names", () => {
  test.each<[string, string, string[]]>([
    ['nothing', '', []],
    [
      'the three kinds',
      'DNS:h.example, email:a@b.example, URI:urn:x',
      ['dns:h.example', 'email:a@b.example', 'uri:urn:x'],
    ],
    ['kinds that stand for no user', 'IP Address:127.0.0.1, DirName:CN=partner, Registered ID:1.2.3', []],
    [
      'a value that would go on as another name',
      'URI:"urn:x\\u002c DNS:evil.example", email:a@b.example',
      ['uri:urn:x, DNS:evil.example', 'email:a@b.example'],
    ],
    ['a directory name with one', 'DirName:"CN=partner\\\\\\u002c DNS:evil", DNS:h.example', ['dns:h.example']],
    ['another name with one', 'othername:"UPN:a\\u002c DNS:evil", DNS:h.example', ['dns:h.example']],
    ['a kind of another name', 'othername:UPN:alice@corp, DNS:h.example', ['dns:h.example']],
  ])('%s', (_, line, names) => {
    expect(alternativeNames(line)).toEqual(names);
  });

  test.each([
    ['DNS:"unfinished, DNS:evil.example'],
    ['DNS:"a"b, DNS:evil.example'],
    ['DNS:a,DNS:evil.example'],
    ['DNS:"a\\u00'],
    ['DNS:"\\x"'],
    [', DNS:evil.example'],
    ['evil.example'],
  ])('%s cannot be read to its end and yields no names', (line) => {
    expect(alternativeNames(line)).toEqual([]);
  });
});

test('the facts of a certificate are those that OpenSSL gives', async () => {
  const { clientCert } = await testCertificates();
  const facts = clientCertificate(new X509Certificate(clientCert));
  expect(facts).toMatchObject({ commonName: 'partner', issuer: 'CN=Sallyport development CA' });
  expect(facts.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(facts.publicKeyFingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(facts.validToMs).toBeGreaterThan(Date.now());
});
