import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeDevelopmentCertificates } from '../../src/cli/certificate-files.ts';
import { certificateCheck } from '../../src/probe/checks/certificate.ts';
import type { Severity } from '../../src/probe/finding.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { findingsOf } from './ask.ts';
import { startFakeServer } from './fake-server.ts';
import { selfSigned } from './own-certificate.ts';

const FINE = {
  'certificate.trust': 'ok',
  'certificate.expiry': 'ok',
  'certificate.name': 'ok',
  'certificate.key': 'ok',
  'certificate.signature': 'ok',
  'certificate.staple': 'ok',
} as const satisfies Record<string, Severity>;

const WEAK = { ciphers: 'DEFAULT:@SECLEVEL=0' } as const;

test.each([
  ['signs itself', 'rsa:2048', 'sha256', 90, { 'certificate.trust': 'medium' }],
  ['is for a short key', 'rsa:1024', 'sha256', 90, { 'certificate.trust': 'medium', 'certificate.key': 'high' }],
  [
    'is signed with SHA-1',
    'rsa:2048',
    'sha1',
    90,
    { 'certificate.trust': 'medium', 'certificate.signature': 'medium' },
  ],
  ['expires in three weeks', 'rsa:2048', 'sha256', 21, { 'certificate.trust': 'medium', 'certificate.expiry': 'low' }],
  ['expires in three days', 'rsa:2048', 'sha256', 3, { 'certificate.trust': 'medium', 'certificate.expiry': 'medium' }],
  ['has an EC key', 'ec -pkeyopt ec_paramgen_curve:P-256', 'sha256', 90, { 'certificate.trust': 'medium' }],
] as const)('a certificate that %s is found out', async (_, kind, hash, days, expected) => {
  const own = await selfSigned(kind, hash, days);
  const ciphers = kind.startsWith('ec') ? {} : WEAK;
  const server = await startFakeServer({ tls: { ...own, ...ciphers } });
  expect(await findingsOf(certificateCheck, server)).toEqual({ ...FINE, ...expected });
});

test('a certificate that has expired is not called untrusted as well', async () => {
  const { ca, ...certificate } = await expired();
  const server = await startFakeServer({ tls: certificate });
  expect(await findingsOf(certificateCheck, server, { ca })).toEqual({ ...FINE, 'certificate.expiry': 'high' });
});

test('a certificate is taken for the name that was asked for only', async () => {
  const server = await startFakeServer({ tls: { SNICallback: undefined } });
  expect(await findingsOf(certificateCheck, server, { serverName: 'ftp.elsewhere.example' })).toEqual({
    ...FINE,
    'certificate.name': 'medium',
  });
  expect(await findingsOf(certificateCheck, server, { serverName: '127.0.0.1' })).toEqual(FINE);
  expect(await findingsOf(certificateCheck, server, { serverName: '127.0.0.2' })).toEqual({
    ...FINE,
    'certificate.name': 'medium',
  });
});

test('without a staple it is noted, and nothing is said against the certificate', async () => {
  const server = await startFakeServer({ noStaple: true });
  expect(await findingsOf(certificateCheck, server)).toEqual({ ...FINE, 'certificate.staple': 'info' });
});

test('both certificates of a server with two are looked at', async () => {
  const { cert, key } = await selfSigned('ec -pkeyopt ec_paramgen_curve:P-256', 'sha256', 3);
  const rsa = await testCertificates();
  const server = await startFakeServer({
    tls: {
      cert: [rsa.cert, cert],
      key: [rsa.key, key],
      ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
    },
  });
  expect(await findingsOf(certificateCheck, server)).toMatchObject({
    'certificate.trust': 'medium',
    'certificate.expiry': 'medium',
  });
});

/** A certificate of an authority, both from last year. */
async function expired(): Promise<{ readonly cert: string; readonly key: string; readonly ca: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-expired-'));
  try {
    const nowMs = Date.now() - 60 * 86_400_000;
    await writeDevelopmentCertificates({
      folder,
      names: ['localhost'],
      clients: [],
      days: 30,
      bits: 2048,
      existing: 'refuse',
      nowMs,
    });
    const read = (name: string) => readFile(join(folder, name), 'utf8');
    return { cert: await read('server.crt'), key: await read('server.key'), ca: await read('ca.crt') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
