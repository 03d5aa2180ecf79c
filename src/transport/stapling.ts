/**
 * Stapling (RFC 6066): what an authority says of a certificate is handed to the client in the handshake, so that
 * the client need not ask the authority. Node takes the answer before OpenSSL has chosen the certificate, so that where
 * there are several this file foresees the choice, or staples nothing.
 */
import type { KeyObject } from 'node:crypto';
import type { Server } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';

/** The keys that servers have, as far as the choice among certificates knows them apart. */
export type KeyKind = 'rsa' | 'p-256' | 'p-384' | 'p-521' | 'ed25519';

/** What a client takes, by its hello. */
export interface Hello {
  readonly version: string;
  /** What both sides can sign with, the best first, as OpenSSL writes it: `ECDSA+SHA256`. */
  readonly signatureAlgorithms: readonly string[];
}

/** The answer for whichever certificate this client will be shown; undefined when there is none, or the choice is open. */
export type Staple = (hello: Hello) => Buffer | undefined;

/** The kind of a key; undefined for one that no server should have. */
export function keyKindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): KeyKind | undefined {
  switch (type) {
    case 'rsa':
    case 'rsa-pss':
      return 'rsa';
    case 'ed25519':
      return type;
    case 'ec':
      return CURVES[details?.namedCurve ?? ''];
    default:
      return undefined;
  }
}

/** OpenSSL holds one certificate for each family of keys; a second one takes the place of the first. */
export function keyFamily(kind: KeyKind): string {
  return kind.startsWith('p-') ? 'ECDSA' : kind.toUpperCase();
}

/**
 * Which certificate OpenSSL will choose for a client, by its place among these kinds of keys; undefined when that cannot
 * be known beforehand. In TLS 1.3 the best signature decides alone; in 1.2 the cipher suite does, and that is not chosen yet.
 */
export function chosenCertificate(
  kinds: readonly KeyKind[],
  { version, signatureAlgorithms }: Hello,
): number | undefined {
  if (kinds.length === 1) return 0;
  const strict = version === 'TLSv1.3';
  const places = signatureAlgorithms
    .map((algorithm) => kinds.findIndex((kind) => signs(kind, algorithm, strict)))
    .filter((place) => place !== -1);
  return strict || new Set(places).size === 1 ? places[0] : undefined;
}

/** What a client has said so far: in the midst of a handshake, before a certificate is chosen. */
export function helloOf(socket: TLSSocket): Hello {
  return { version: socket.getProtocol() ?? '', signatureAlgorithms: socket.getSharedSigalgs() };
}

/**
 * Has the one TLSSocket that gets this `server` option staple. `chosen` is asked when the client has said which name it
 * wants.
 */
export function staplingServer(
  server: Server,
  chosen: () => { readonly secure: SecureContext; readonly staple?: Staple | undefined },
  socket: () => TLSSocket,
): Server {
  server.on(
    'OCSPRequest',
    (_certificate: unknown, _issuer: unknown, done: (error: null, answer: Buffer | null) => void) => {
      done(null, chosen().staple?.(helloOf(socket())) ?? null);
    },
  );
  // For a client that names no host Node looks here for the certificate that the event is about, and without it tells
  // nobody. A Node that looks elsewhere would staple nothing.
  return Object.assign(server, { _sharedCreds: chosen().secure });
}

/** OpenSSL's names of the curves. */
const CURVES: Readonly<Record<string, KeyKind>> = { prime256v1: 'p-256', secp384r1: 'p-384', secp521r1: 'p-521' };

/** In TLS 1.3 each hash of ECDSA belongs to one curve, and RSA signs with PSS only. */
const STRICT: Readonly<Record<KeyKind, RegExp>> = {
  rsa: /^RSA-PSS\+SHA(?:256|384|512)$/,
  'p-256': /^ECDSA\+SHA256$/,
  'p-384': /^ECDSA\+SHA384$/,
  'p-521': /^ECDSA\+SHA512$/,
  ed25519: /^Ed25519\b/i,
};

function signs(kind: KeyKind, algorithm: string, strict: boolean): boolean {
  if (strict || kind.startsWith('ed')) return STRICT[kind].test(algorithm);
  return algorithm.startsWith(kind === 'rsa' ? 'RSA' : 'ECDSA+');
}
