/**
 * Revocation lists that are parsed once. What Node puts into a context OpenSSL parses anew: a list of 50,000 certificates costs
 * 31 ms and 9.7 MB, and there are two contexts for every hour from which a session is left. So the lists, and the authorities
 * with them, are in one context for all connections that show the same certificate. Node lets a socket verify against that as
 * it does for a host that a client has named; keys of tickets stay those of the connection's own context.
 */
import { createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { BoundedMap } from '../lib/bounded-map.ts';
import { oncePer } from '../lib/once-per.ts';
import type { TlsIdentity } from './tls-identity.ts';

/**
 * The context that holds an identity's lists, the same one until lists, authorities or certificate are replaced; undefined
 * where there are none, and for several certificates, of which Node would leave the socket one only: their lists are
 * parsed for each connection.
 *
 * @throws an OpenSSL error when one of them cannot be used.
 */
export function heldLists({ clientCrls = [], ...identity }: TlsIdentity): SecureContext | undefined {
  const { certificate: cert, key, clientCa: ca, alternatives = [] } = identity;
  if (clientCrls.length === 0 || ca === undefined || alternatives.length > 0) return undefined;
  const held = heldFor(clientCrls);
  const name = `${ca}\n${cert}`;
  const known = held.get(name);
  if (known !== undefined) return known;
  const context = createSecureContext({ cert, key, ca, crl: [...clientCrls] });
  held.set(name, context);
  return context;
}

/**
 * Has a server's socket verify its client against such a context: one that has an `SNICallback`, for only then Node asks. It is
 * named when a certificate is about to be chosen, and no sooner: Node would then take it for the socket's own context, and its
 * keys, which all connections share, for those of the tickets. Where none of this can be done, what the socket was made with
 * counts: see `NOBODYS_LIST`.
 */
export function verifyAgainst(socket: TLSSocket, held: SecureContext): void {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (typeof handle !== 'object' || handle === null) return;
  const chosen: unknown = Reflect.get(handle, 'oncertcb');
  if (typeof chosen !== 'function') return;
  Reflect.set(handle, 'oncertcb', (...details: unknown[]) => {
    Reflect.set(handle, 'sni_context', Reflect.get(held, 'context'));
    Reflect.apply(chosen, handle, details);
  });
}

/**
 * What is in a connection's own context in place of the lists: one by nobody whose key anybody has, and which has ended.
 * With it OpenSSL asks for the list of each issuer, finds none, and lets no certificate count (UNABLE_TO_GET_CRL).
 */
export const NOBODYS_LIST = `-----BEGIN X509 CRL-----
MIGVMD0wCgYIKoZIzj0EAwIwETEPMA0GA1UEAwwGbm9ib2R5Fw0wMDAxMDEwMDAw
MDBaFw0wMDAxMDIwMDAwMDBaMAoGCCqGSM49BAMCA0gAMEUCIEixmirGQRzpygLh
uNU/EgsIu5gTg3C6p6SQeyzA9d8/AiEA2tG6uhjtLm8YwKUC/CXnwsGzWEPvphRE
kQv640nmYm4=
-----END X509 CRL-----
`;

/** Certificates that share lists: hardly more than one and the one that was there before it. */
const CERTIFICATES_MAX = 4;

const heldFor = oncePer((_lists: readonly string[]) => new BoundedMap<string, SecureContext>(CERTIFICATES_MAX));
