/** What certificates, requests and revocation lists say, read from DER (RFC 5280 and RFC 2986). */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { DER, DerError, type DerValue, derBits, derChildren, derOid, oidDer, readDer } from '../lib/der.ts';
import {
  contextTag,
  derTrue,
  fieldsOf,
  integer,
  isTrue,
  named,
  namedBits,
  octetString,
  readBits,
  readInteger,
  readNumber,
  readTime,
  sequence,
  TEXT_TAG,
} from './certificate-der.ts';
import { isSignedBy, publicKeyOf } from './certificate-keys.ts';
import { readAlternativeNames } from './certificate-names-der.ts';

/** One extension of a certificate, request or list. */
export interface Extension {
  readonly id: string;
  readonly critical: boolean;
  /** DER, by the rules of the extension. */
  readonly value: Buffer;
}

/** What is signed, and how. */
interface Signed {
  readonly raw: Buffer;
  readonly body: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
}

/** A certificate. Names and key are DER. */
export interface CertificateParts extends Signed {
  readonly serialNumber: string;
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly spki: Buffer;
  readonly extensions: readonly Extension[];
}

/** A request for a certificate. */
export interface RequestParts extends Signed {
  readonly subject: Buffer;
  readonly spki: Buffer;
  /** The extensions that are asked for. */
  readonly extensions: readonly Extension[];
}

/** A certificate that does not count any more. */
export interface Revocation {
  readonly serialNumber: string;
  readonly revokedMs: number;
  /** The number of the reason; undefined when none is given. */
  readonly reason: number | undefined;
}

/** A list of certificates that do not count any more. */
export interface RevocationListParts extends Signed {
  readonly issuer: Buffer;
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number | undefined;
  /** In hexadecimal; undefined in lists of the first version. */
  readonly number: string | undefined;
  readonly revocations: readonly Revocation[];
}

/** The extensions that are written or understood here. */
export const EXTENSION = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  alternativeNames: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reason: '2.5.29.21',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** The bits of keyUsage, by their names. */
export const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** Purposes of a certificate, by their object identifiers. */
export const PURPOSES: ReadonlyMap<string, string> = new Map([
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.3', 'codeSigning'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
]);

/** A certificate (DER). @throws DerError when it is none. */
export function readCertificate(bytes: Buffer): CertificateParts {
  const { outer, body } = readSigned(bytes);
  const fields = fieldsOf(body);
  fields.optional(contextTag(0));
  const serialNumber = readInteger(fields.next());
  fields.next(DER.sequence);
  const issuer = fields.next(DER.sequence).whole;
  const [notBefore, notAfter] = derChildren(fields.next(), DER.sequence);
  if (notBefore === undefined || notAfter === undefined) throw new DerError('the dates are missing');
  const subject = fields.next(DER.sequence).whole;
  const spki = fields.next(DER.sequence).whole;
  fields.optional(0x81, 0xa1);
  fields.optional(0x82, 0xa2);
  const extensions = readExtensions(fields.optional(contextTag(3)));
  fields.end();
  return {
    ...outer,
    serialNumber,
    issuer,
    subject,
    notBeforeMs: readTime(notBefore),
    notAfterMs: readTime(notAfter),
    spki,
    extensions,
  };
}

/** A request (PKCS #10, DER). Whether it is signed by its own key is for `isSignedByOwnKey`. @throws DerError */
export function readRequest(bytes: Buffer): RequestParts {
  const { outer, body } = readSigned(bytes);
  const fields = fieldsOf(body);
  fields.next(DER.integer);
  const subject = fields.next(DER.sequence).whole;
  const spki = fields.next(DER.sequence).whole;
  const attributes = fields.optional(contextTag(0));
  fields.end();
  const wanted = (attributes === undefined ? [] : derChildren(attributes, contextTag(0))).flatMap((attribute) => {
    const pair = fieldsOf(attribute);
    if (derOid(pair.next()) !== EXTENSION_REQUEST) return [];
    return derChildren(pair.next(), DER.set).flatMap(readExtensionList);
  });
  return { ...outer, subject, spki, extensions: onlyOnce(wanted) };
}

/** A revocation list (DER). @throws DerError when it is none. */
export function readRevocationList(bytes: Buffer): RevocationListParts {
  const { outer, body } = readSigned(bytes);
  const fields = fieldsOf(body);
  fields.optional(DER.integer);
  fields.next(DER.sequence);
  const issuer = fields.next(DER.sequence).whole;
  const thisUpdateMs = readTime(fields.next());
  const nextUpdate = fields.optional(TEXT_TAG.utcTime, DER.generalizedTime);
  const entries = fields.optional(DER.sequence);
  const extensions = readExtensions(fields.optional(contextTag(0)));
  fields.end();
  const number = extensionValue(extensions, EXTENSION.crlNumber);
  return {
    ...outer,
    issuer,
    thisUpdateMs,
    nextUpdateMs: nextUpdate === undefined ? undefined : readTime(nextUpdate),
    number: number === undefined ? undefined : readInteger(readDer(number)),
    revocations: (entries === undefined ? [] : derChildren(entries, DER.sequence)).map(readRevocation),
  };
}

/** Whether a request is signed by the key that it is for, which proves that its sender has that key. */
export function isSignedByOwnKey(request: RequestParts): boolean | undefined {
  return isSignedBy(request.body, request.algorithm, request.signature, publicKeyOf(request.spki));
}

/** Whether `issuer` has signed what is signed; undefined when the algorithm is not one that counts. */
export function isIssuedBy(
  made: Signed & { readonly issuer: Buffer },
  issuer: Pick<CertificateParts, 'subject' | 'spki'>,
): boolean | undefined {
  if (!made.issuer.equals(issuer.subject)) return false;
  return isSignedBy(made.body, made.algorithm, made.signature, publicKeyOf(issuer.spki));
}

/** Whether a certificate names itself as its issuer. */
export function isSelfIssued({ issuer, subject }: CertificateParts): boolean {
  return issuer.equals(subject);
}

/** The key of a certificate or request. @throws DerError when it is none that is known here. */
export function subjectKey({ spki }: { readonly spki: Buffer }): KeyObject {
  try {
    return publicKeyOf(spki);
  } catch {
    // OpenSSL's own words say nothing to the reader of a file.
    throw new DerError('the key is of an unknown kind');
  }
}

/** The first of the certificates in a PEM text, or the one that is DER. @throws Error when there is none. */
export function firstCertificate(text: string | Buffer): CertificateParts {
  return readCertificate(new X509Certificate(text).raw);
}

/** The value of one extension; undefined when it is not there. */
export function extensionValue(extensions: readonly Extension[], id: string): Buffer | undefined {
  return extensions.find((extension) => extension.id === id)?.value;
}

/** The alternative names, each with its kind in front: `dns:ftp.example.com`. */
export function alternativeNamesOf(extensions: readonly Extension[]): readonly string[] {
  const value = extensionValue(extensions, EXTENSION.alternativeNames);
  return value === undefined ? [] : readAlternativeNames(value);
}

/** What the key may be used for; undefined when nothing is said, which is everything. */
export function keyUsagesOf(extensions: readonly Extension[]): readonly KeyUsage[] | undefined {
  const value = extensionValue(extensions, EXTENSION.keyUsage);
  return value === undefined ? undefined : readBits(readDer(value)).flatMap((bit) => KEY_USAGES[bit] ?? []);
}

/** What the certificate is for; undefined when nothing is said, which is everything. */
export function purposesOf(extensions: readonly Extension[]): readonly string[] | undefined {
  const value = extensionValue(extensions, EXTENSION.extendedKeyUsage);
  if (value === undefined) return undefined;
  return derChildren(readDer(value), DER.sequence).map((id) => PURPOSES.get(derOid(id)) ?? derOid(id));
}

/** Whether a certificate may sign others, and how many authorities may stand below it (undefined: any number). */
export function constraintsOf(extensions: readonly Extension[]): {
  readonly ca: boolean;
  readonly pathLength?: number;
} {
  const value = extensionValue(extensions, EXTENSION.basicConstraints);
  if (value === undefined) return { ca: false };
  const fields = fieldsOf(readDer(value));
  const ca = isTrue(fields.optional(DER.boolean));
  const pathLength = fields.optional(DER.integer);
  return pathLength === undefined ? { ca } : { ca, pathLength: readNumber(pathLength) };
}

/** An extension as certificates have it. */
export function extensionDer({ id, critical, value }: Extension): Buffer {
  return named(id, ...(critical ? [derTrue()] : []), octetString(value));
}

/** basicConstraints: an authority with authorities below it to that depth, or no authority at all. */
export function basicConstraints(pathLength: number | 'none'): Extension {
  const value = pathLength === 'none' ? sequence() : sequence(derTrue(), integer(pathLength));
  return { id: EXTENSION.basicConstraints, critical: true, value };
}

/** keyUsage. */
export function keyUsage(...usages: readonly KeyUsage[]): Extension {
  const value = namedBits(usages.map((usage) => KEY_USAGES.indexOf(usage)));
  return { id: EXTENSION.keyUsage, critical: true, value };
}

/** extKeyUsage with one purpose. */
export function purpose(name: 'serverAuth' | 'clientAuth'): Extension {
  const [id = ''] = [...PURPOSES].find(([, known]) => known === name) ?? [];
  return { id: EXTENSION.extendedKeyUsage, critical: false, value: sequence(oidDer(id)) };
}

/** The attribute of a request that holds the extensions asked for. */
export const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';

function readSigned(bytes: Buffer): { readonly outer: Signed; readonly body: DerValue } {
  const whole = readDer(bytes);
  const fields = fieldsOf(whole);
  const body = fields.next(DER.sequence);
  const algorithm = derOid(fieldsOf(fields.next()).next());
  const signature = derBits(fields.next());
  fields.end();
  return { outer: { raw: whole.whole, body: body.whole, algorithm, signature }, body };
}

function readRevocation(entry: DerValue): Revocation {
  const fields = fieldsOf(entry);
  const serialNumber = readInteger(fields.next());
  const revokedMs = readTime(fields.next());
  const list = fields.optional(DER.sequence);
  fields.end();
  const reason = list === undefined ? undefined : extensionValue(readExtensionList(list), EXTENSION.reason);
  return {
    serialNumber,
    revokedMs,
    reason: reason === undefined ? undefined : readNumber(readDer(reason), DER.enumerated),
  };
}

function readExtensions(wrapped: DerValue | undefined): readonly Extension[] {
  return wrapped === undefined ? [] : onlyOnce(readExtensionList(readDer(wrapped.content)));
}

function readExtensionList(list: DerValue): readonly Extension[] {
  return derChildren(list, DER.sequence).map((extension) => {
    const fields = fieldsOf(extension);
    const id = derOid(fields.next());
    const critical = isTrue(fields.optional(DER.boolean));
    const value = fields.next(DER.octetString).content;
    fields.end();
    return { id, critical, value };
  });
}

/** Two readers of one extension given twice could each believe another of them. */
function onlyOnce(extensions: readonly Extension[]): readonly Extension[] {
  if (new Set(extensions.map(({ id }) => id)).size < extensions.length)
    throw new DerError('an extension is there twice');
  return extensions;
}
