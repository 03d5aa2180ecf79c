/** Every way in which a certificate, its chain or its key can be wrong, each made by openssl and told in one sentence. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { beforeAll, expect, test } from 'vitest';
import { checkPair, DAY_MS, type PairContext, type PairTexts } from '../../src/config/certificate-checks.ts';
import { needs } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import {
  AUTHORITY,
  type OpensslPair,
  openssl,
  opensslPair,
  serverExtensions,
} from '../fixtures/openssl-certificates.ts';

const testWithOpenssl = needs('openssl');

let folder: string;
let root: OpensslPair;
let middle: OpensslPair;
let leaf: OpensslPair;

beforeAll(async () => {
  folder = await lastingFolder();
  root = await opensslPair(folder, 'root', { extensions: AUTHORITY });
  middle = await opensslPair(folder, 'middle', { issuer: root, extensions: AUTHORITY });
  leaf = await opensslPair(folder, 'leaf', { issuer: middle, extensions: serverExtensions('a.example') });
}, 120_000);

/** The mistakes and warnings of a pair, as lines. */
function findings(texts: PairTexts, context: Partial<PairContext> = {}): string[] {
  return checkPair(texts, { nowMs: Date.now(), ocsp: 'off', ...context }).findings.map(
    ({ on, level, message }) => `${level} ${on}: ${message}`,
  );
}

/** A pair with other certificates in its file. */
function chainOf({ key }: OpensslPair, ...chain: readonly OpensslPair[]): PairTexts {
  return { key, certificate: chain.map(({ cert }) => cert).join('') };
}

/** The findings of a certificate of this kind, signed by the one in the middle. */
async function findingsOf(name: string, wish: Parameters<typeof opensslPair>[2], context: Partial<PairContext> = {}) {
  const made = await opensslPair(folder, name, { issuer: middle, ...wish });
  return findings(chainOf(made, made, middle), context);
}

testWithOpenssl('texts that hold no certificate and no key', () => {
  expect(findings({ certificate: 'hello', key: leaf.cert })).toEqual([
    'mistake certificate: holds no certificate in PEM form',
    'mistake key: holds no private key in PEM form',
  ]);
  const broken = leaf.cert.replace(/\n[A-Za-z0-9+/]{64}\n/, '\n');
  expect(findings({ certificate: leaf.cert + broken, key: leaf.key })).toEqual([
    'mistake certificate: holds something that is no certificate in place 2',
  ]);
});

testWithOpenssl('a bundle of authorities in place of a chain', () => {
  expect(findings({ certificate: leaf.cert + root.cert.repeat(10), key: leaf.key })).toEqual([
    "mistake certificate: holds 11 certificates: it must hold the server's and those of the authorities above it",
  ]);
});

testWithOpenssl('a key of another certificate', () => {
  expect(findings({ ...chainOf(leaf, leaf, middle), key: middle.key })).toEqual([
    'mistake key: does not belong to the certificate',
  ]);
});

testWithOpenssl('a chain out of order, with a gap, or with the key at its end', () => {
  expect(findings(chainOf(leaf, leaf, root, middle))).toEqual([
    'mistake certificate: is not in order: behind the certificate of leaf belongs that of middle',
  ]);
  expect(findings(chainOf(leaf, leaf, root))).toEqual([
    'mistake certificate: has a gap: leaf was not signed by what stands behind it, but by middle',
  ]);
  expect(findings(chainOf(leaf, middle, leaf))).toContain(
    'mistake certificate: has a gap: middle was not signed by what stands behind it, but by root',
  );
});

testWithOpenssl('an authority of the same name has not signed what the other one signed', async () => {
  const namesake = await opensslPair(await lastingFolder(), 'middle', { issuer: root, extensions: AUTHORITY });
  expect(findings(chainOf(leaf, leaf, namesake))).toEqual([
    expect.stringContaining('has a gap: leaf was not signed by'),
  ]);
});

testWithOpenssl('a root in the chain is a warning, and none where OCSP needs it', async () => {
  expect(findings(chainOf(leaf, leaf, middle, root))).toEqual([
    'warning certificate: ends with the root root: leave it out, for clients have it or do not trust it',
  ]);
  const direct = await opensslPair(folder, 'direct', { issuer: root });
  expect(findings(chainOf(direct, direct, root), { ocsp: 'file' })).toEqual([]);
});

testWithOpenssl('an intermediate certificate that is missing is a warning where an authority is public', async () => {
  const issuers = 'authorityInfoAccess=caIssuers;URI:http://ca.example/middle.crt';
  const extensions = [...serverExtensions(), issuers];
  const made = await opensslPair(folder, 'public', { issuer: middle, extensions });
  expect(findings(chainOf(made, made))).toEqual([
    'warning certificate: lacks the certificate of middle, without which many clients cannot verify it',
  ]);
  expect(findings(chainOf(leaf, leaf))).toEqual([]);
  // A root that every client has may stand above an end of the chain.
  const known = rootCertificates[0] ?? '';
  expect(findings({ certificate: known, key: leaf.key })).not.toContain('lacks the certificate');
});

testWithOpenssl('what is over, or has not begun, in the whole chain; and 30 days before it is over', async () => {
  const nowMs = Date.now();
  const short = await opensslPair(folder, 'short', { issuer: middle, days: 40 });
  const texts = chainOf(short, short, middle);
  expect(findings(texts, { nowMs: nowMs + 41 * DAY_MS })).toEqual([
    expect.stringMatching(/^mistake certificate: has expired: it was valid until \w/),
  ]);
  expect(findings(texts, { nowMs: nowMs + 20 * DAY_MS })).toEqual([
    expect.stringMatching(/^warning certificate: expires on \d{4}-\d\d-\d\d, in (19|20) days$/),
  ]);
  expect(findings(texts, { nowMs: nowMs + 9 * DAY_MS })).toEqual([]);
  expect(findings(texts, { nowMs: nowMs - DAY_MS })).toEqual([
    expect.stringMatching(/^mistake certificate: is not valid yet: only from \w/),
    expect.stringMatching(/^mistake certificate: holds a certificate of middle that is not valid yet/),
  ]);
  const brief = await opensslPair(folder, 'brief', { issuer: root, extensions: AUTHORITY, days: 5 });
  const above = await opensslPair(folder, 'above', { issuer: brief });
  expect(findings(chainOf(above, above, brief), { nowMs: nowMs + 6 * DAY_MS })).toEqual([
    expect.stringContaining('mistake certificate: holds a certificate of brief that has expired'),
  ]);
  expect(findings(chainOf(above, above, brief))).toEqual([expect.stringContaining('warning certificate: expires on')]);
});

testWithOpenssl('names: none at all, or not that of the host', async () => {
  const nameless = serverExtensions().filter((extension) => !extension.startsWith('subjectAltName'));
  expect(await findingsOf('nameless', { extensions: nameless })).toEqual([
    'mistake certificate: names no server: it has no subject alternative name, and clients look nowhere else',
  ]);
  expect(findings(chainOf(leaf, leaf, middle), { hostName: 'b.example' })).toEqual([
    'mistake certificate: is not for b.example',
  ]);
  expect(findings(chainOf(leaf, leaf, middle), { hostName: 'a.example' })).toEqual([]);
});

testWithOpenssl.each([
  ['rsa1024', ['rsa:1024'], 'has an RSA key of 1024 bits: at least 2048 are needed'],
  ['koblitz', ['ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'has a key of secp256k1: use RSA, ECDSA with P-256'],
])('a key that clients should not believe: %s', async (name, key, words) => {
  expect(await findingsOf(name, { key })).toEqual([expect.stringContaining(`mistake certificate: ${words}`)]);
});

testWithOpenssl('a signature that can be forged, but not that of a root about itself', async () => {
  expect(await findingsOf('sha1', { digest: 'sha1' })).toEqual([
    'mistake certificate: is signed with SHA-1, which can be forged',
  ]);
  const itself = await opensslPair(folder, 'itself', { digest: 'sha1' });
  expect(findings(chainOf(itself, itself))).toEqual([]);
});

testWithOpenssl('a use that is not that of a server', async () => {
  const others = serverExtensions().filter((extension) => !/^(extendedKeyUsage|keyUsage)/.test(extension));
  expect(await findingsOf('client', { extensions: [...others, 'extendedKeyUsage=clientAuth'] })).toEqual([
    'mistake certificate: may not be used by a server: its extended key usage lacks serverAuth',
  ]);
  expect(
    await findingsOf('exchange', {
      extensions: [...others, 'extendedKeyUsage=serverAuth', 'keyUsage=keyEncipherment'],
    }),
  ).toEqual([
    'mistake certificate: may not be used for TLS with forward secrecy: its key usage lacks digitalSignature',
  ]);
  expect(await findingsOf('anything', { extensions: others })).toEqual([
    expect.stringContaining('warning certificate: does not say what it may be used for'),
  ]);
});

testWithOpenssl('a key that needs a passphrase, in both forms that openssl writes', async () => {
  for (const form of ['pkcs8', 'traditional']) {
    const file = join(folder, `locked-${form}.key`);
    const words = form === 'pkcs8' ? ['pkcs8', '-topk8'] : ['ec', '-aes256'];
    await openssl(...words, '-in', leaf.keyFile, '-out', file, '-passout', 'pass:correct horse');
    const texts = { ...chainOf(leaf, leaf, middle), key: await readFile(file, 'utf8') };
    expect(findings(texts)).toEqual([
      'mistake key: needs a passphrase: write it into a file of its own and name that as passphrase_file',
    ]);
    expect(findings({ ...texts, passphrase: 'wrong' })).toEqual([
      'mistake key: cannot be opened with the passphrase in passphrase_file',
    ]);
    expect(findings({ ...texts, passphrase: 'correct horse' })).toEqual([]);
  }
});

testWithOpenssl('OCSP needs the issuer in the chain, and a place to ask where answers are fetched', () => {
  expect(findings(chainOf(leaf, leaf), { ocsp: 'file' })).toEqual([
    'mistake certificate: must hold the certificate of middle as well: answers of OCSP are checked with it',
  ]);
  expect(findings(chainOf(leaf, leaf, middle), { ocsp: 'fetch' })).toEqual([
    'warning certificate: names no OCSP responder that can be asked over http, so that no answer is passed on',
  ]);
});

testWithOpenssl('a key that no profile can sign with, and one that this profile cannot', async () => {
  expect(await findingsOf('ed448', { key: 'ed448', extensions: serverExtensions('a.example') })).toEqual([
    expect.stringContaining('has a key of ed448: use RSA, ECDSA'),
  ]);
  const wish = { key: 'ed25519', extensions: serverExtensions('a.example') } as const;
  expect(await findingsOf('ed25519-nist', wish, { profile: 'nist-800-52r2' })).toEqual([
    'mistake certificate: has an Ed25519 key, which the profile nist-800-52r2 does not offer',
  ]);
  expect(await findingsOf('ed25519-modern', wish, { profile: 'modern' })).toEqual([]);
});

testWithOpenssl.each(['rsa', 'ec', 'p384', 'ed25519'] as const)('nothing is wrong with %s', async (key) => {
  expect(await findingsOf(`good-${key}`, { key })).toEqual([]);
});

test('arbitrary text in a certificate file is no certificate', () => {
  const text = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  expect(findings({ certificate: text, key: '' })[0]).toBe('mistake certificate: holds no certificate in PEM form');
});
