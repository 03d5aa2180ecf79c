/**
 * Makes X.509 certificates (RFC 5280): an authority, and the server and client certificates it signs, for RSA and EC keys.
 * Nothing here touches a disk. Keys and signatures are OpenSSL's through node:crypto.
 */
import { createPrivateKey, generateKeyPair, type KeyObject, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { der, readDer } from '../lib/der.ts';
import { contextTag, integer, octetString, primitiveContextTag, sequence, time } from './certificate-der.ts';
import { keyIdentifier, publicKeyDer, publicKeyOf, signed } from './certificate-keys.ts';
import { COMMON_NAME_LENGTH_MAX, type KeyType } from './certificate-names.ts';
import {
  type AlternativeName,
  alternativeNamesDer,
  distinguishedName,
  type Subject,
  serverName,
} from './certificate-names-der.ts';
import {
  basicConstraints,
  type CertificateParts,
  EXTENSION,
  type Extension,
  extensionDer,
  extensionValue,
  firstCertificate,
  keyUsage,
  purpose,
} from './certificate-parts.ts';
import { pemText } from './certificate-pem.ts';

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

/** Who signs: the certificate of an authority with its key. */
export interface Issuer {
  readonly certificate: CertificateParts;
  readonly key: KeyObject;
}

/** A new private key, PKCS #8 in PEM. A number is the size of an RSA key in bits, a name the curve of an EC key. */
export async function makeKey(type: KeyType): Promise<string> {
  const { privateKey } =
    typeof type === 'number'
      ? await promisify(generateKeyPair)('rsa', { modulusLength: type })
      : await promisify(generateKeyPair)('ec', { namedCurve: type });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** The certificate of an authority; `pathLength` authorities may stand below it, none unless said otherwise. */
export function makeAuthority(
  key: string,
  { subject, pathLength = 0, ...validity }: Validity & { readonly subject?: Subject; readonly pathLength?: number },
): string {
  const own = createPrivateKey(key);
  return issue('itself', own, {
    subject: distinguishedName(subject ?? { commonName: 'Sallyport development CA' }),
    spki: publicKeyDer(own),
    ...period(validity),
    extensions: [basicConstraints(pathLength), keyUsage('keyCertSign', 'cRLSign')],
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
  const own = createPrivateKey(key);
  const from = issuer === 'itself' ? issuer : issuerOf(issuer);
  return issue(from, own, { ...serverContents(publicKeyDer(own), names), ...period(validity) });
}

/** A client's certificate, signed by the authority; `name` is its common name, which `isClientName` has to like. */
export function makeClientCertificate(
  key: string,
  issuer: CertificateWithKey,
  {
    name,
    alternatives = [],
    ...validity
  }: Validity & {
    readonly name: string;
    readonly alternatives?: readonly AlternativeName[];
  },
): string {
  const own = createPrivateKey(key);
  return issue(issuerOf(issuer), own, {
    ...clientContents(publicKeyDer(own), name, alternatives),
    ...period(validity),
  });
}

/** What a certificate says of its subject. */
export interface Contents {
  /** DER. */
  readonly subject: Buffer;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  /** Without those that name keys; `certificate` adds them. */
  readonly extensions: readonly Extension[];
}

/** What the certificate of a server says. */
export function serverContents(spki: Buffer, names: readonly string[]): Contents {
  return {
    subject: distinguishedName({ commonName: serverCommonName(names) }),
    spki,
    extensions: [...leafExtensions(spki, 'serverAuth'), alternativeNames(names.map(serverName))],
  };
}

/** What the certificate of a client says. */
export function clientContents(spki: Buffer, name: string, alternatives: readonly AlternativeName[]): Contents {
  return {
    subject: distinguishedName({ commonName: name }),
    spki,
    extensions: [
      ...leafExtensions(spki, 'clientAuth'),
      ...(alternatives.length === 0 ? [] : [alternativeNames(alternatives)]),
    ],
  };
}

/** The common name of a server: the first of its names that fits. */
export function serverCommonName(names: readonly string[]): string {
  return names.find((name) => name.length <= COMMON_NAME_LENGTH_MAX) ?? 'Sallyport server';
}

/** The extension with other names. */
export function alternativeNames(names: readonly AlternativeName[]): Extension {
  return { id: EXTENSION.alternativeNames, critical: false, value: alternativeNamesDer(names) };
}

/** Beginning and end of a validity. */
export function period({ nowMs, days }: Validity): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  return { notBeforeMs: nowMs - CLOCK_SKEW_MS, notAfterMs: nowMs + days * DAY_MS };
}

/** Completes a certificate with serial number and the names of keys, and signs it. @returns PEM. */
export function certificate(
  { certificate: authority, key }: Issuer,
  contents: Contents & { readonly notBeforeMs: number; readonly notAfterMs: number },
): string {
  return finish(authority.subject, identifierOf(authority), key, contents);
}

/** The same, signed by its own key. */
export function selfSignedCertificate(
  key: KeyObject,
  contents: Contents & { readonly notBeforeMs: number; readonly notAfterMs: number },
): string {
  return finish(contents.subject, keyIdentifier(contents.spki), key, contents);
}

/** The extension by which a certificate or list tells the key that signed it. */
export function authorityKeyIdentifier(identifier: Buffer): Extension {
  const value = sequence(der(primitiveContextTag(0), identifier));
  return { id: EXTENSION.authorityKeyIdentifier, critical: false, value };
}

/** What an authority calls its own key; others than ours compute it in other ways. */
export function identifierOf({ extensions, spki }: CertificateParts): Buffer {
  const own = extensionValue(extensions, EXTENSION.subjectKeyIdentifier);
  return own === undefined ? keyIdentifier(spki) : readDer(own).content;
}

/** How many milliseconds a day has. */
export const DAY_MS = 86_400_000;
/** A certificate begins this long before it is made, so that a peer whose clock is slow takes it at once. */
const CLOCK_SKEW_MS = 3_600_000;

function issue(
  from: Issuer | 'itself',
  own: KeyObject,
  contents: Contents & { readonly notBeforeMs: number; readonly notAfterMs: number },
): string {
  return from === 'itself' ? selfSignedCertificate(own, contents) : certificate(from, contents);
}

function issuerOf({ cert, key }: CertificateWithKey): Issuer {
  return { certificate: firstCertificate(cert), key: createPrivateKey(key) };
}

function leafExtensions(spki: Buffer, name: 'serverAuth' | 'clientAuth'): readonly Extension[] {
  // Only an RSA key can encrypt another key, which the older suites of TLS 1.2 ask of servers.
  const encrypts = name === 'serverAuth' && publicKeyOf(spki).asymmetricKeyType === 'rsa';
  const usage = encrypts ? keyUsage('digitalSignature', 'keyEncipherment') : keyUsage('digitalSignature');
  return [basicConstraints('none'), usage, purpose(name)];
}

function finish(
  issuer: Buffer,
  issuerKey: Buffer,
  key: KeyObject,
  contents: Contents & { readonly notBeforeMs: number; readonly notAfterMs: number },
): string {
  const { subject, spki, extensions, notBeforeMs, notAfterMs } = contents;
  const all = [
    ...extensions,
    { id: EXTENSION.subjectKeyIdentifier, critical: false, value: octetString(keyIdentifier(spki)) },
    authorityKeyIdentifier(issuerKey),
  ];
  const version = der(contextTag(0), integer(2));
  const serial = integer(serialNumber());
  const validity = sequence(time(notBeforeMs), time(notAfterMs));
  const wrapped = der(contextTag(3), sequence(...all.map(extensionDer)));
  const body = (algorithm: Buffer) => sequence(version, serial, algorithm, issuer, validity, subject, spki, wrapped);
  return pemText('CERTIFICATE', signed(body, key));
}

/** A random serial number of 128 bits: positive, and without a leading zero byte (RFC 5280 section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8((bytes.readUInt8() & 0x7f) | 0x40);
  return bytes.toString('hex');
}
