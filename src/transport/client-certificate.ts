/** The certificate that a client showed in the handshake of the control channel, and whether it counts. */
import { createHash, type X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { errorCode } from '../lib/error-code.ts';
import type { ClientCertificate } from '../spi/tls-facts.ts';

/** What a client showed. A certificate that does not count is for the log only. */
export type ShownCertificate =
  | { readonly kind: 'none' }
  | { readonly kind: 'trusted'; readonly certificate: ClientCertificate }
  | { readonly kind: 'untrusted'; readonly reason: string; readonly fingerprint: string };

/**
 * What the client showed in a full handshake of a socket that asked for a certificate. It counts when OpenSSL has found a
 * chain from it to an authority of the context that is good now and for authenticating clients.
 */
export function shownCertificate(socket: TLSSocket): ShownCertificate {
  const shown = socket.getPeerX509Certificate();
  if (shown === undefined) return { kind: 'none' };
  const problem = verificationProblem(socket);
  if (problem !== undefined) return { kind: 'untrusted', reason: problem, fingerprint: hex(shown.fingerprint256) };
  return { kind: 'trusted', certificate: clientCertificate(shown) };
}

/**
 * Changes, while the client's hello is being read, whether the client is asked for a certificate. Node decides that when
 * the socket is made, before it is known for which host the client comes.
 *
 * @throws Error when that cannot be done and a certificate would have to be asked for.
 */
export function askForCertificate(socket: TLSSocket, asks: boolean): void {
  const handle: unknown = Reflect.get(socket, '_handle');
  const set: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'setVerifyMode') : undefined;
  if (typeof set === 'function') Reflect.apply(set, handle, [asks, false]);
  else if (asks) throw new Error('this Node cannot ask for client certificates host by host');
}

/** The facts of a certificate. */
export function clientCertificate(certificate: X509Certificate): ClientCertificate {
  return {
    fingerprint: hex(certificate.fingerprint256),
    publicKeyFingerprint: createHash('sha256')
      .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest('hex'),
    commonName: onlyText(certificate.toLegacyObject().subject?.CN),
    alternativeNames: alternativeNames(certificate.subjectAltName ?? ''),
    issuer: certificate.issuer.replaceAll('\n', ', '),
    serialNumber: certificate.serialNumber,
    validToMs: Date.parse(certificate.validTo),
  };
}

/**
 * The names in OpenSSL's line of alternative names that are of a kind which can stand for a user. Values with characters
 * that could be taken for the line's own commas are quoted in it as JSON (CVE-2021-44532); a line that cannot be read to
 * its end yields no names at all.
 */
export function alternativeNames(line: string): readonly string[] {
  const names: string[] = [];
  const entry = /([A-Za-z0-9 ]+):("(?:[^"\\]|\\.)*"|[^",]*(?:"[^"]*"[^",]*)*)(?:, |$)/y;
  while (entry.lastIndex < line.length) {
    const [, kind = '', written = ''] = entry.exec(line) ?? [];
    if (kind === '') return [];
    const prefix = PREFIXES[kind];
    if (prefix === undefined) continue;
    const value = written.startsWith('"') ? unquoted(written) : written;
    if (value === undefined) return [];
    names.push(`${prefix}:${value}`);
  }
  return names;
}

/** OpenSSL's words for the kinds, and ours. */
const PREFIXES: Readonly<Record<string, string>> = { DNS: 'dns', email: 'email', URI: 'uri' };

/**
 * Why OpenSSL did not accept the certificate; undefined when it did. Only Node's own TLS server tells this publicly, and
 * that takes sockets no half-way; so it is asked where that asks, and whatever is not plainly a yes is a no.
 */
function verificationProblem(socket: TLSSocket): string | undefined {
  const handle: unknown = Reflect.get(socket, '_handle');
  const ask: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'verifyError') : undefined;
  if (typeof ask !== 'function') return 'cannot be verified';
  const error: unknown = Reflect.apply(ask, handle, []);
  if (error === undefined || error === null) return undefined;
  return errorCode(error) ?? 'cannot be verified';
}

/** A JSON text's value. */
function unquoted(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : undefined;
  } catch {
    // Not what OpenSSL's line is made of; the caller then trusts none of it.
    return undefined;
  }
}

/** A subject may have several common names; then none of them is the one. */
function onlyText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function hex(withColons: string): string {
  return withColons.replaceAll(':', '').toLowerCase();
}
