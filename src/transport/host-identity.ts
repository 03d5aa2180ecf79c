/**
 * What a host that a client has named shows it. Node can put only one certificate in the place of those with which a handshake
 * began, so that where the host has several the choice is made here.
 */
import { createPrivateKey } from 'node:crypto';
import { oncePer } from '../lib/once-per.ts';
import { chosenCertificate, type Hello, keyKindOf } from './stapling.ts';
import type { TlsIdentity } from './tls-identity.ts';

/**
 * The identity with the one certificate for this client. A client of TLS 1.2 that can check several gets RSA, for which there
 * is hardly one without a cipher suite: which it has besides is not known yet.
 */
export function identityFor(identity: TlsIdentity, hello: Hello): TlsIdentity {
  const { alternatives = [] } = identity;
  if (alternatives.length === 0) return identity;
  const { kinds, stapled, unstapled } = single(identity);
  const foreseen = chosenCertificate(kinds, hello);
  if (foreseen !== undefined) return stapled[foreseen] ?? identity;
  const place = Math.max(0, hello.signatureAlgorithms.some(isRsa) ? kinds.indexOf('rsa') : 0);
  return unstapled[place] ?? identity;
}

/** The identities with one certificate each; the same objects every time, since contexts are made once for each. */
const single = oncePer((identity: TlsIdentity) => {
  const { certificate, key, alternatives = [] } = identity;
  const pairs = [{ certificate, key }, ...alternatives];
  return {
    kinds: pairs.map((pair) => keyKindOf(createPrivateKey(pair.key)) ?? 'rsa'),
    stapled: pairs.map((pair): TlsIdentity => ({ ...identity, ...pair, alternatives: [] })),
    unstapled: pairs.map((pair): TlsIdentity => ({ ...identity, ...pair, alternatives: [], staple: undefined })),
  };
});

function isRsa(algorithm: string): boolean {
  return algorithm.startsWith('RSA');
}
