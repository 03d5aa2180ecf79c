/**
 * OCSP (RFC 6960) as a server needs it that staples: the question about a certificate, and whether an answer is worth
 * passing on. An answer that clients would not believe does more harm than none.
 */
import { constants, createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import {
  DER,
  DerError,
  type DerValue,
  der,
  derBits,
  derChildren,
  derContent,
  derOid,
  derTime,
  oidDer,
  readDer,
} from '../lib/der.ts';
import { certificateParts } from './certificate-parts.ts';

/** A certificate and the one of the authority that issued it. */
export interface OcspSubject {
  readonly certificate: X509Certificate;
  readonly issuer: X509Certificate;
}

/** How long an answer holds, in milliseconds since 1970 (UTC). */
export interface OcspValidity {
  readonly thisUpdateMs: number;
  readonly nextUpdateMs: number;
}

/** Thrown for an answer that must not be passed on; the message says why. */
export class OcspRefused extends Error {
  override readonly name = 'OcspRefused';
  /** Whether the authority has said, in an answer that is right otherwise, that the certificate is revoked. */
  readonly revoked: boolean;

  constructor(
    message: string,
    { revoked = false, cause }: { readonly revoked?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.revoked = revoked;
  }
}

/** Where the authority answers questions about the certificate, as that says itself; undefined when it names no such place. */
export function ocspResponder(certificate: X509Certificate): string | undefined {
  const line = (certificate.infoAccess ?? '').split('\n').find((access) => /^OCSP - URI:http:\/\//i.test(access));
  return line?.slice(line.indexOf('http'));
}

/** The question whether a certificate is revoked. SHA-1 names the authority here and protects nothing; every responder knows it. */
export function ocspRequest(subject: OcspSubject): Buffer {
  const { serialNumber } = certificateParts(subject.certificate.raw);
  const { name, key } = issuerHashes(subject, 'sha1');
  const algorithm = der(DER.sequence, oidDer(SHA1), der(DER.null));
  const id = [algorithm, der(DER.octetString, name), der(DER.octetString, key), der(DER.integer, serialNumber)];
  return [DER.sequence, DER.sequence, DER.sequence, DER.sequence].reduce(
    (inner, tag) => der(tag, inner),
    der(DER.sequence, ...id),
  );
}

/**
 * Checks an answer: that it is about this certificate, says that it is good, is signed by the authority or by somebody whom
 * that has entrusted with it, and holds now.
 *
 * @throws OcspRefused when it is not so.
 */
export function checkOcspResponse(response: Buffer, subject: OcspSubject, nowMs: number): OcspValidity {
  try {
    return checked(response, subject, nowMs);
  } catch (error) {
    if (error instanceof DerError) throw new OcspRefused(`is no OCSP answer: ${error.message}`, { cause: error });
    throw error;
  }
}

const NULL = der(DER.null);
const SHA1 = '1.3.14.3.2.26';
const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const RSA_PSS = '1.2.840.113549.1.1.10';

/** The hashes with which an answer may name the certificate. */
const ID_HASHES: Readonly<Record<string, string>> = {
  [SHA1]: 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/** Signatures, and what OpenSSL calls their hash; null where the algorithm has its own. SHA-1 and MD5 are not among them. */
const SIGNATURES: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
  '1.3.101.113': null,
};

const RESPONSE_STATUS = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  '',
  'sigRequired',
  'unauthorized',
];
/** Clocks of authorities and servers differ. */
const CLOCK_SKEW_MS = 300_000;

/** Context tags of the answer's optional parts. */
const TAG_0 = 0xa0;
const GOOD = 0x80;
const REVOKED = 0xa1;
const BY_NAME = 0xa1;
const BY_KEY = 0xa2;

function checked(response: Buffer, subject: OcspSubject, nowMs: number): OcspValidity {
  const [status, wrapped] = derChildren(readDer(response), DER.sequence);
  const code = derContent(status, DER.enumerated)[0] ?? 0;
  if (code !== 0) throw new OcspRefused(`is the failure ${RESPONSE_STATUS[code] || code} instead of an answer`);
  const [type, basic] = derChildren(derChildren(wrapped, TAG_0)[0], DER.sequence);
  if (derOid(type) !== BASIC_RESPONSE) throw new OcspRefused('is an answer of a kind that is not known');
  const [answer, algorithm, signature, certificates] = derChildren(
    readDer(derContent(basic, DER.octetString)),
    DER.sequence,
  );
  if (answer === undefined) throw new DerError('the answer is empty');
  const fields = derChildren(answer, DER.sequence).filter(({ tag }, index) => index > 0 || tag !== TAG_0);
  const [responder, , singles] = fields;
  const shown = certificates === undefined ? [] : derChildren(derChildren(certificates, TAG_0)[0], DER.sequence);
  const signer = signerOf(responder, shown, subject, nowMs);
  if (!isSignedBy(signer.publicKey, answer.whole, algorithm, derBits(signature))) {
    throw new OcspRefused('has a signature that is wrong, or of a kind that is not accepted');
  }
  const single = derChildren(singles, DER.sequence).find((one) => isAbout(one, subject));
  if (single === undefined) throw new OcspRefused('is about another certificate');
  return validity(single, nowMs);
}

/** What the answer says of the certificate, and until when. */
function validity(single: DerValue, nowMs: number): OcspValidity {
  const [, status, thisUpdate, nextUpdate] = derChildren(single, DER.sequence);
  const thisUpdateMs = derTime(thisUpdate);
  if (thisUpdateMs > nowMs + CLOCK_SKEW_MS) throw new OcspRefused(`holds only from ${iso(thisUpdateMs)}`);
  if (nextUpdate?.tag !== TAG_0) throw new OcspRefused('does not say until when it holds (nextUpdate)');
  const nextUpdateMs = derTime(derChildren(nextUpdate, TAG_0)[0]);
  if (nextUpdateMs <= nowMs) throw new OcspRefused(`held only until ${iso(nextUpdateMs)}`);
  if (status?.tag === REVOKED) throw new OcspRefused('says that the certificate is revoked', { revoked: true });
  if (status?.tag !== GOOD) throw new OcspRefused('says that the certificate is not known');
  return { thisUpdateMs, nextUpdateMs };
}

/** The authority itself, or who shows a certificate of the authority for signing such answers. @throws OcspRefused. */
function signerOf(
  responder: DerValue | undefined,
  shown: readonly DerValue[],
  { issuer }: OcspSubject,
  nowMs: number,
): X509Certificate {
  const isNamed = (certificate: X509Certificate): boolean => {
    const { subject, publicKeyBits } = certificateParts(certificate.raw);
    if (responder?.tag === BY_NAME) return derChildren(responder, BY_NAME)[0]?.whole.equals(subject) ?? false;
    if (responder?.tag !== BY_KEY) throw new DerError('the answer does not say whose it is');
    return derContent(derChildren(responder, BY_KEY)[0], DER.octetString).equals(hash('sha1', publicKeyBits));
  };
  if (isNamed(issuer)) return issuer;
  const delegate = shown.map(({ whole }) => parsed(whole)).find(isNamed);
  if (delegate === undefined) throw new OcspRefused('is not signed by the authority that issued the certificate');
  const entrusted =
    delegate.checkIssued(issuer) &&
    delegate.verify(issuer.publicKey) &&
    delegate.keyUsage?.includes(OCSP_SIGNING) === true;
  if (!entrusted) throw new OcspRefused('is signed by somebody whom the authority has not entrusted with it');
  if (Date.parse(delegate.validFrom) > nowMs || Date.parse(delegate.validTo) < nowMs) {
    throw new OcspRefused('is signed with a certificate that is not valid now');
  }
  return delegate;
}

function parsed(certificate: Buffer): X509Certificate {
  try {
    return new X509Certificate(certificate);
  } catch (error) {
    throw new OcspRefused('holds a certificate that cannot be read', { cause: error });
  }
}

function isSignedBy(key: KeyObject, signed: Buffer, algorithm: DerValue | undefined, signature: Buffer): boolean {
  const [type, parameters] = derChildren(algorithm, DER.sequence);
  const name = derOid(type);
  const pss = name === RSA_PSS;
  const digest = pss ? pssHash(parameters) : SIGNATURES[name];
  // The signature does not cover its own description, so that this is held to its exact form.
  const plain = parameters === undefined || parameters.whole.equals(NULL);
  if (digest === undefined || (!pss && !plain)) return false;
  const padding = pss ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } : {};
  try {
    return verify(digest, signed, { key, ...padding }, signature);
  } catch {
    // A key of another kind than the algorithm has signed nothing.
    return false;
  }
}

/** The hash of RSASSA-PSS; that of its mask is the same wherever anybody uses it. Left out it is SHA-1. */
function pssHash(parameters: DerValue | undefined): string | undefined {
  const field = derChildren(parameters, DER.sequence).find(({ tag }) => tag === TAG_0);
  if (field === undefined) return undefined;
  const digest = ID_HASHES[derOid(derChildren(derChildren(field, TAG_0)[0], DER.sequence)[0])];
  return digest === 'sha1' ? undefined : digest;
}

function isAbout(single: DerValue, subject: OcspSubject): boolean {
  const [algorithm, name, key, serialNumber] = derChildren(derChildren(single, DER.sequence)[0], DER.sequence);
  const digest = ID_HASHES[derOid(derChildren(algorithm, DER.sequence)[0])];
  if (digest === undefined) return false;
  const expected = issuerHashes(subject, digest);
  return (
    derContent(name, DER.octetString).equals(expected.name) &&
    derContent(key, DER.octetString).equals(expected.key) &&
    derContent(serialNumber, DER.integer).equals(certificateParts(subject.certificate.raw).serialNumber)
  );
}

function issuerHashes({ issuer }: OcspSubject, digest: string): { readonly name: Buffer; readonly key: Buffer } {
  const { subject, publicKeyBits } = certificateParts(issuer.raw);
  return { name: hash(digest, subject), key: hash(digest, publicKeyBits) };
}

function hash(digest: string, bytes: Buffer): Buffer {
  return createHash(digest).update(bytes).digest();
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
