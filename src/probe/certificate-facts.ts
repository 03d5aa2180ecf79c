/** The certificate that a server shows in one handshake, and what can be said of it. */
import type { X509Certificate } from 'node:crypto';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { CertificateFacts } from './facts.ts';
import { type ProbeBounds, ProbeClient } from './probe-client.ts';
import type { ProbeTarget } from './target.ts';

/** A certificate in a handshake. */
export interface ShownCertificate {
  readonly facts: CertificateFacts;
  readonly certificate: X509Certificate;
  /** Whether the handshake brought an answer of the authority's responder with it (OCSP). */
  readonly stapled: boolean;
}

/** The longest chain that is looked at. Protects from one that goes round. */
const CHAIN_MAX = 10;

/** Makes a handshake and reads what is shown. @throws an OpenSSL error when the server has nothing for `options`. */
export async function shownCertificate(
  target: ProbeTarget,
  bounds: ProbeBounds,
  options: ConnectionOptions,
): Promise<ShownCertificate> {
  using client = await ProbeClient.connect(target, bounds);
  if (target.mode === 'explicit') await client.askForTls();
  // The name is judged apart, so that trust in the chain is all that OpenSSL speaks of.
  const secured = await client.startTls({ ...options, requestOCSP: true, checkServerIdentity: () => undefined });
  const certificate = secured.getPeerX509Certificate();
  if (certificate === undefined) throw new Error('the server shows no certificate');
  return { certificate, facts: factsOf(secured, certificate), stapled: client.stapled };
}

function factsOf(socket: TLSSocket, certificate: X509Certificate): CertificateFacts {
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    names: (certificate.subjectAltName ?? '').split(', ').filter(Boolean),
    key: keyName(certificate),
    signature: certificate.signatureAlgorithm ?? 'unknown',
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    serial: certificate.serialNumber,
    fingerprint: certificate.fingerprint256,
    chain: chainOf(certificate),
    trusted: socket.authorized,
    untrustedBecause: socket.authorized ? undefined : String(socket.authorizationError),
  };
}

function keyName({ publicKey }: X509Certificate): string {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = publicKey;
  const size = details?.namedCurve ?? details?.modulusLength;
  return size === undefined ? type.toUpperCase() : `${type.toUpperCase()} ${size}`;
}

function chainOf(certificate: X509Certificate): readonly string[] {
  const chain: string[] = [];
  let issuer = certificate.issuerCertificate;
  while (issuer !== undefined && chain.length < CHAIN_MAX) {
    chain.push(oneLine(issuer.subject));
    issuer = issuer.issuerCertificate === issuer ? undefined : issuer.issuerCertificate;
  }
  return chain;
}

function oneLine(name: string | undefined): string {
  return (name ?? '').replaceAll('\n', ', ');
}
