/**
 * Makes RSA keys and X.509 certificates (RFC 5280): a development authority, and the server and client certificates it
 * signs. Nothing here touches a disk. Keys come from OpenSSL through node:crypto, since node-forge takes seconds for one.
 */
import { generateKeyPair, randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import ipaddr from 'ipaddr.js';
import forge from 'node-forge';
import type { KeyBits } from './certificate-names.ts';
import { COMMON_NAME_LENGTH_MAX } from './certificate-names.ts';

/** How long an authority is valid, in days. */
export const AUTHORITY_DAYS = 3_650;

/** A certificate and its private key, both as PEM. */
export interface CertificateWithKey {
  readonly cert: string;
  readonly key: string;
}

/** The time a certificate is made at, in milliseconds since 1970, and the days it is valid from then. */
export interface Validity {
  readonly nowMs: number;
  readonly days: number;
}

/** A new RSA private key, PKCS #8 in PEM. */
export async function makeKey(bits: KeyBits): Promise<string> {
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return pair.privateKey;
}

/** The certificate of an authority that may sign end certificates and no further authority. */
export function makeAuthority(key: string, validity: Validity): string {
  return sign(key, 'itself', validity, {
    commonName: 'Sallyport development CA',
    extensions: [
      { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    ],
  });
}

/**
 * A server's certificate. `names` are DNS names and IP addresses in the form that `subjectName` gives; `issuer` is the
 * authority that signs it, or `itself` for a self-signed one.
 */
export function makeServerCertificate(
  key: string,
  issuer: CertificateWithKey | 'itself',
  { names, ...validity }: Validity & { readonly names: readonly string[] },
): string {
  return sign(key, issuer, validity, {
    commonName: names.find((name) => name.length <= COMMON_NAME_LENGTH_MAX) ?? 'Sallyport server',
    extensions: [
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: names.map(alternativeName) },
    ],
  });
}

/** A client's certificate, signed by the authority; `name` is its common name, in the form that `clientName` gives. */
export function makeClientCertificate(
  key: string,
  issuer: CertificateWithKey,
  { name, ...validity }: Validity & { readonly name: string },
): string {
  return sign(key, issuer, validity, {
    commonName: name,
    extensions: [
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true },
      { name: 'extKeyUsage', clientAuth: true },
    ],
  });
}

const DAY_MS = 86_400_000;
/** A certificate begins this long before it is made, so that a peer whose clock is slow takes it at once. */
const CLOCK_SKEW_MS = 3_600_000;

interface Contents {
  readonly commonName: string;
  /** In the form of node-forge. */
  readonly extensions: readonly object[];
}

/** Completes a certificate with what all of them have, and signs it (SHA-256). */
function sign(
  key: string,
  issuer: CertificateWithKey | 'itself',
  { nowMs, days }: Validity,
  contents: Contents,
): string {
  const privateKey = forge.pki.privateKeyFromPem(key);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(privateKey.n, privateKey.e);
  certificate.serialNumber = serialNumber();
  certificate.validity.notBefore = new Date(nowMs - CLOCK_SKEW_MS);
  certificate.validity.notAfter = new Date(nowMs + days * DAY_MS);
  certificate.setSubject([{ name: 'commonName', value: contents.commonName }]);
  // Left alone, node-forge writes a PrintableString, in which `*` and `_` do not exist.
  const commonName: { valueTagClass: number } = certificate.subject.getField('CN');
  commonName.valueTagClass = forge.asn1.Type.UTF8;

  const issuing = issuer === 'itself' ? certificate : forge.pki.certificateFromPem(issuer.cert);
  certificate.setIssuer(issuing.subject.attributes);
  certificate.setExtensions([
    ...contents.extensions,
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: issuing.generateSubjectKeyIdentifier().getBytes() },
  ]);
  certificate.sign(
    issuer === 'itself' ? privateKey : forge.pki.privateKeyFromPem(issuer.key),
    forge.md.sha256.create(),
  );
  // node-forge ends lines as MIME does; files of this project end them as Unix does.
  return forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
}

/** A random serial number of 128 bits: positive, and without a leading zero byte (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8() & 0x7f) | 0x40);
  return bytes.toString('hex');
}

/** A subject alternative name as node-forge takes it: 2 is a DNS name, 7 an address. */
function alternativeName(name: string): { readonly type: number; readonly value: string } {
  if (isIP(name) === 0) return { type: 2, value: name };
  // node-forge itself writes some IPv6 addresses too short, such as `::2:3:4:5:6:7:8`, so it is given the bytes.
  return { type: 7, value: Buffer.from(ipaddr.parse(inHexadecimal(name)).toByteArray()).toString('latin1') };
}

/** IPv6 in hexadecimal throughout: ipaddr.js reads `::192.0.2.1` as if it were `::ffff:192.0.2.1`. */
function inHexadecimal(address: string): string {
  return isIP(address) === 6 ? new URL(`ftp://[${address}]`).hostname.slice(1, -1) : address;
}
