/** Revocation lists that are parsed once for all connections, and what counts where that cannot be done. */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type SecureContext, TLSSocket } from 'node:tls';
import { describe, expect } from 'vitest';
import { shownCertificate } from '../../src/transport/client-certificate.ts';
import { verifyAgainst } from '../../src/transport/held-lists.ts';
import { tlsContext } from '../../src/transport/tls-context.ts';
import type { TlsIdentity } from '../../src/transport/tls-identity.ts';
import { needs } from '../fixtures/client-programs.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { OpensslAuthority, type Pair } from '../fixtures/openssl-authority.ts';
import { DEFAULT_TERMS } from '../fixtures/tls-terms.ts';

const test = needs('openssl');
const LIFETIME_MS = 60_000;

/** A server's identity with an authority of clients and its list, which names so many certificates. */
async function world(revokedCount = 0) {
  const folder = await temporaryFolder();
  const authority = new OpensslAuthority(folder, 'Clients');
  const client = authority.issue('partner');
  // As openssl writes its database down; to take back so many one by one would take minutes.
  const lines = Array.from({ length: revokedCount }, (_, index) => {
    const serial = (0x1000000000000000n + BigInt(index) * 7_919n).toString(16).toUpperCase();
    return `R\t490101000000Z\t250101000000Z\t${serial}\tunknown\t/CN=c${index}\n`;
  });
  writeFileSync(join(folder, 'Clients', 'index.txt'), lines.join(''));
  const { cert: certificate, key } = new OpensslAuthority(folder, 'Server').issueServer('localhost');
  const identity = { certificate, key, terms: DEFAULT_TERMS, clientCa: authority.cert, clientCrls: [authority.list()] };
  return { authority, client, identity };
}

/** What becomes of a client's certificate. */
async function verdictOn(
  { cert, key }: Pair,
  secureContext: SecureContext,
  prepare: (socket: TLSSocket) => void,
): Promise<string> {
  const shown = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    const secured = new TLSSocket(socket, {
      ...{ isServer: true, secureContext, requestCert: true, rejectUnauthorized: false },
      SNICallback: (_, done) => done(null),
    });
    prepare(secured);
    secured.on('error', () => undefined).on('_tlsError', shown.reject);
    secured.on('secure', () => {
      const found = shownCertificate(secured);
      shown.resolve(found.kind === 'untrusted' ? found.reason : found.kind);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, cert, key });
  client.on('error', () => undefined);
  try {
    return await shown.promise;
  } finally {
    client.destroy();
    server.close();
  }
}

describe('the lists of an identity', () => {
  test('are parsed once, and anew when there are others', async () => {
    const { identity } = await world();
    const [first, second] = [tlsContext(identity, LIFETIME_MS), tlsContext({ ...identity }, LIFETIME_MS)];
    expect(first.lists).toBeDefined();
    expect(second.lists).toBe(first.lists);
    expect(second.secure).not.toBe(first.secure);
    const clientCrls = [...identity.clientCrls];
    expect(tlsContext({ ...identity, clientCrls }, LIFETIME_MS).lists).not.toBe(first.lists);
    const other = (await world()).identity;
    const renewed = { ...identity, certificate: other.certificate, key: other.key };
    expect(tlsContext(renewed, LIFETIME_MS).lists).not.toBe(first.lists);
  });

  test('are parsed for each connection where several certificates are shown', async () => {
    const { identity, client, authority } = await world();
    const alternatives = [{ certificate: identity.certificate, key: identity.key }];
    const several: TlsIdentity = { ...identity, alternatives };
    const { secure, lists } = tlsContext(several, LIFETIME_MS);
    expect(lists).toBeUndefined();
    expect(await verdictOn(client, secure, () => undefined)).toBe('trusted');
    authority.revoke(client.cert);
    const revoked = tlsContext({ ...several, clientCrls: [authority.list()] }, LIFETIME_MS);
    expect(await verdictOn(client, revoked.secure, () => undefined)).toBe('CERT_REVOKED');
  });

  test('let a certificate count or not, and without them none counts', async () => {
    const { authority, client, identity } = await world();
    const { secure, lists } = tlsContext(identity, LIFETIME_MS);
    const held = (socket: TLSSocket) => lists && verifyAgainst(socket, lists);
    expect(await verdictOn(client, secure, held)).toBe('trusted');
    expect(await verdictOn(client, secure, () => undefined)).toBe('UNABLE_TO_GET_CRL');
    authority.revoke(client.cert);
    const later = tlsContext({ ...identity, clientCrls: [authority.list()] }, LIFETIME_MS);
    const revoked = (socket: TLSSocket) => later.lists && verifyAgainst(socket, later.lists);
    expect(await verdictOn(client, later.secure, revoked)).toBe('CERT_REVOKED');
    // A session keeps the lists that it began with.
    expect(await verdictOn(client, secure, held)).toBe('trusted');
  });

  test('of 50,000 certificates cost a connection no time of their own', async () => {
    const { identity, client } = await world(50_000);
    const first = tlsContext(identity, LIFETIME_MS);
    expect(await verdictOn(client, first.secure, (socket) => first.lists && verifyAgainst(socket, first.lists))).toBe(
      'trusted',
    );
    const startMs = performance.now();
    for (let count = 0; count < 100; count++) tlsContext(identity, LIFETIME_MS);
    // Parsed each time they took three seconds, and a gigabyte.
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });
});
