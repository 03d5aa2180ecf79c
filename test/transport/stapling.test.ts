/** Which certificate OpenSSL will choose: what is foreseen here must be what it does, or a wrong answer would be stapled. */
import { execFile } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, Server } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { chosenCertificate, type KeyKind, keyKindOf, staplingServer } from '../../src/transport/stapling.ts';
import { needs } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { type OpensslPair, opensslPair } from '../fixtures/openssl-certificates.ts';

const testWithOpenssl = needs('openssl');

let pairs: Readonly<Record<'rsa' | 'p-256' | 'p-384' | 'ed25519', OpensslPair>>;

beforeAll(async () => {
  const folder = await lastingFolder();
  pairs = {
    rsa: await opensslPair(folder, 'rsa', { key: 'rsa' }),
    'p-256': await opensslPair(folder, 'p-256', { key: 'ec' }),
    'p-384': await opensslPair(folder, 'p-384', { key: 'p384' }),
    ed25519: await opensslPair(folder, 'ed25519', { key: 'ed25519' }),
  };
}, 60_000);

test('one certificate is certain, two in TLS 1.2 only for a client that takes one of them', () => {
  const both: KeyKind[] = ['rsa', 'p-256'];
  const hello = (...signatureAlgorithms: string[]) => ({ version: 'TLSv1.2', signatureAlgorithms });
  expect(chosenCertificate(['rsa'], hello())).toBe(0);
  expect(chosenCertificate(both, hello())).toBe(undefined);
  expect(chosenCertificate(both, hello('ECDSA+SHA256', 'RSA+SHA256'))).toBe(undefined);
  expect(chosenCertificate(both, hello('RSA-PSS+SHA256', 'RSA+SHA256'))).toBe(0);
  expect(chosenCertificate(both, hello('ECDSA+SHA384'))).toBe(1);
});

test('in TLS 1.3 the first signature that a key can make decides, each hash of ECDSA with its own curve', () => {
  const hello = (...signatureAlgorithms: string[]) => ({ version: 'TLSv1.3', signatureAlgorithms });
  expect(chosenCertificate(['rsa', 'p-256'], hello('ECDSA+SHA384', 'RSA+SHA256', 'RSA-PSS+SHA256'))).toBe(0);
  expect(chosenCertificate(['rsa', 'p-384'], hello('ECDSA+SHA384', 'RSA-PSS+SHA256'))).toBe(1);
  expect(chosenCertificate(['rsa', 'p-384'], hello('ECDSA+SHA256'))).toBe(undefined);
  expect(chosenCertificate(['rsa', 'ed25519'], hello('Ed25519+UNDEF', 'RSA-PSS+SHA256'))).toBe(1);
});

const BOTH: readonly (readonly KeyKind[])[] = [
  ['rsa', 'p-256'],
  ['p-384', 'rsa'],
  ['ed25519', 'rsa', 'p-256'],
];
const CLIENTS: readonly (readonly string[])[] = [
  ['-tls1_3'],
  ['-tls1_3', '-sigalgs', 'rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384'],
  ['-tls1_3', '-sigalgs', 'ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256'],
  ['-tls1_3', '-sigalgs', 'ed25519:rsa_pss_rsae_sha512'],
  ['-tls1_3', '-sigalgs', 'rsa_pss_rsae_sha512'],
  ['-tls1_2'],
  ['-tls1_2', '-sigalgs', 'RSA+SHA256'],
  ['-tls1_2', '-sigalgs', 'ECDSA+SHA256:ECDSA+SHA384'],
  ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'],
];

testWithOpenssl.each(BOTH.map((kinds) => ({ kinds })))(
  'what is foreseen for $kinds is what OpenSSL does',
  async ({ kinds }) => {
    const texts = kinds.map((kind) => pairs[kind as keyof typeof pairs]);
    expect(texts.map(({ key }) => keyKindOf(createPrivateKey(key)))).toEqual(kinds);
    const secure = createSecureContext({ cert: texts.map(({ cert }) => cert), key: texts.map(({ key }) => key) });
    const foreseen: (number | undefined)[] = [];
    const staple = (hello: Parameters<typeof chosenCertificate>[1]) => {
      foreseen.push(chosenCertificate(kinds, hello));
      return undefined;
    };
    const server = createServer((socket) => {
      const secured: TLSSocket = new TLSSocket(socket, {
        isServer: true,
        secureContext: secure,
        server: staplingServer(
          new Server(),
          () => ({ secure, staple }),
          () => secured,
        ),
      });
      secured
        .on('error', () => undefined)
        .on('_tlsError', () => undefined)
        .resume();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    let certain = 0;
    for (const client of CLIENTS) {
      const running = promisify(execFile)('openssl', [
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-status',
        ...client,
      ]);
      running.child.stdin?.end();
      const { stdout } = await running.catch((error: { stdout: string }) => error);
      const shown = kinds.findIndex((kind) => new RegExp(`subject=CN ?= ?${kind}\n`).test(stdout));
      const place = foreseen.pop();
      if (shown === -1 || place === undefined) continue;
      certain += 1;
      expect([client, place]).toEqual([client, shown]);
    }
    expect(certain).toBeGreaterThan(3);
  },
);
