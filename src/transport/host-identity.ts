/**
 * What a host that a client has named shows it. Node can put only one certificate in the place of those with which a handshake
 * began, so that where the host has several the choice is made here.
 */
import { createPrivateKey } from 'node:crypto';
import { chosenCertificate, type Hello, keyKindOf } from './stapling.ts';
import type { TlsIdentity } from './tls-identity.ts';

/**
 * The identity with the one certificate for this client. A client of TLS 1.2 that can check several gets RSA, for which there
 * is hardly one without a cipher suite: which it has besides is not known yet.
 */
export function identityFor(identity: TlsIdentity, hello: Hello): TlsIdentity {
  const { alternatives = [], staple } = identity;
  if (alternatives.length === 0) return identity;
  const pairs = [{ certificate: identity.certificate, key: identity.key }, ...alternatives];
  const kinds = pairs.map(({ key }) => keyKindOf(createPrivateKey(key)) ?? 'rsa');
  const foreseen = chosenCertificate(kinds, hello);
  const place = foreseen ?? Math.max(0, hello.signatureAlgorithms.some(isRsa) ? kinds.indexOf('rsa') : 0);
  const known = foreseen === undefined ? undefined : staple;
  return { ...identity, ...(pairs[place] ?? pairs[0]), alternatives: [], staple: known };
}

function isRsa(algorithm: string): boolean {
  return algorithm.startsWith('RSA');
}
