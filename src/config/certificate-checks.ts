/**
 * What must be true of a certificate and its key before anybody is shown them, each mistake in one sentence. Pure: the
 * start, `sallyport check` and every reload ask the same.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { certificateParts, DIGITAL_SIGNATURE } from '../transport/certificate-parts.ts';
import { ocspResponder } from '../transport/ocsp.ts';
import { type KeyKind, keyKindOf } from '../transport/stapling.ts';
import { TLS_PROFILES, type TlsProfileName } from '../transport/tls-profiles.ts';
import { isKnownRoot } from './known-roots.ts';

/** A certificate and its key as they were read. */
export interface PairTexts {
  /** PEM: the server's certificate, then those of the authorities above it. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  /** What opens the key. */
  readonly passphrase?: string | undefined;
}

/** What the checks need to know besides. */
export interface PairContext {
  /** Now, in milliseconds since 1970 (UTC). */
  readonly nowMs: number;
  /** The name of the virtual host that the certificate is for. */
  readonly hostName?: string | undefined;
  /** The TLS profile, as far as it is known: a key that signs with nothing that it offers is of no use. */
  readonly profile?: TlsProfileName | undefined;
  /** Whether answers of OCSP are to be passed on, and where they come from. */
  readonly ocsp: 'off' | 'file' | 'fetch';
}

/** What is wrong (a mistake), or probably not meant (a warning); the message fits behind the option's name. */
export interface PairFinding {
  readonly on: 'certificate' | 'key' | 'passphrase' | 'ocspResponse';
  readonly level: 'mistake' | 'warning';
  readonly message: string;
}

/** A certificate that can be used. */
export interface LoadedPair {
  /** The server's certificate and those behind it in the file. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly key: KeyObject;
  readonly kind: KeyKind;
}

/** Warnings of the end of a certificate begin this long before it. */
export const EXPIRY_WARNING_DAYS = 30;
/** A day in milliseconds. */
export const DAY_MS = 86_400_000;

/** Checks one certificate with its key. The pair is there when nothing is wrong with it but warnings. */
export function checkPair(
  texts: PairTexts,
  context: PairContext,
): { readonly findings: readonly PairFinding[]; readonly pair: LoadedPair | undefined } {
  const findings: PairFinding[] = [];
  const add = (on: PairFinding['on'], level: PairFinding['level']) => (message: string) =>
    void findings.push({ on, level, message });
  const mistake = add('certificate', 'mistake');
  const chain = readChain(texts.certificate, mistake);
  const key = readKey(texts, add('key', 'mistake'));
  if (chain !== undefined) {
    checkChain(chain, context, { mistake, warn: add('certificate', 'warning') });
    checkUse(chain[0], context, { mistake, warn: add('certificate', 'warning') });
    if (!isOffered(chain[0], context))
      mistake(`has an Ed25519 key, which the profile ${context.profile} does not offer`);
  }
  if (chain !== undefined && key !== undefined && !chain[0].checkPrivateKey(key)) {
    add('key', 'mistake')('does not belong to the certificate');
  }
  const kind = chain && attempt(() => keyKindOf(chain[0].publicKey));
  const usable = findings.every(({ level }) => level === 'warning');
  if (chain === undefined || key === undefined || kind === undefined || !usable) return { findings, pair: undefined };
  return { findings, pair: { chain, key, kind } };
}

/** When the first certificate of a chain ends, in milliseconds since 1970 (UTC): from then on no client takes it. */
export function chainEndMs({ chain }: Pick<LoadedPair, 'chain'>): number {
  return Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));
}

/** Whole days until a time; negative when it has passed. */
export function daysUntil(timeMs: number, nowMs: number): number {
  return Math.floor((timeMs - nowMs) / DAY_MS);
}

/** What to do with a sentence. */
interface Telling {
  mistake(message: string): void;
  warn(message: string): void;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Longer chains exist by mistake only: a whole bundle of authorities, say. Each handshake would carry it. */
const CHAIN_MAX = 10;
const RSA_BITS_MIN = 2_048;
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ANY_USE = '2.5.29.37.0';

/** Signatures with MD2, MD5 and SHA-1, which can be forged. */
const WEAK_SIGNATURES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.4': 'MD5',
  '1.2.840.113549.1.1.5': 'SHA-1',
  '1.2.840.10045.4.1': 'SHA-1',
  '1.2.840.10040.4.3': 'SHA-1',
};

function readChain(text: string, mistake: (message: string) => void): LoadedPair['chain'] | undefined {
  const blocks = text.match(PEM_CERTIFICATE) ?? [];
  if (blocks.length > CHAIN_MAX) {
    mistake(`holds ${blocks.length} certificates: it must hold the server's and those of the authorities above it`);
    return undefined;
  }
  const read = blocks.map((block) => attempt(() => new X509Certificate(block)));
  const broken = read.indexOf(undefined);
  if (broken > 0) mistake(`holds something that is no certificate in place ${broken + 1}`);
  const [first, ...rest] = read.filter((certificate) => certificate !== undefined);
  if (first === undefined || broken === 0) mistake('holds no certificate in PEM form');
  return first === undefined || broken !== -1 ? undefined : [first, ...rest];
}

function readKey({ key, passphrase }: PairTexts, mistake: (message: string) => void): KeyObject | undefined {
  const encrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(key);
  if (encrypted && passphrase === undefined) {
    mistake('needs a passphrase: write it into a file of its own and name that as passphrase_file');
    return undefined;
  }
  const opened = attempt(() => createPrivateKey({ key, ...(encrypted && { passphrase }) }));
  if (opened === undefined) {
    mistake(encrypted ? 'cannot be opened with the passphrase in passphrase_file' : 'holds no private key in PEM form');
  }
  return opened;
}

/** Each certificate is signed by the next, is valid now, and can be believed. */
function checkChain(chain: LoadedPair['chain'], { nowMs, ocsp }: PairContext, { mistake, warn }: Telling): void {
  for (const [index, certificate] of chain.entries()) {
    const which = index === 0 ? '' : `holds a certificate of ${commonName(certificate)} that `;
    if (Date.parse(certificate.validTo) < nowMs)
      mistake(`${which}has expired: it was valid until ${certificate.validTo}`);
    if (Date.parse(certificate.validFrom) > nowMs) {
      mistake(`${which}is not valid yet: only from ${certificate.validFrom}`);
    }
    const weakness = weaknessOf(certificate);
    if (weakness !== undefined) mistake(`${which}${weakness}`);
    const next = chain[index + 1];
    if (next === undefined || isIssuedBy(certificate, next)) continue;
    const right = chain.findIndex((other, place) => place !== index && isIssuedBy(certificate, other));
    mistake(
      right === -1
        ? `has a gap: ${commonName(certificate)} was not signed by what stands behind it, but by ${issuerName(certificate)}`
        : `is not in order: behind the certificate of ${commonName(certificate)} belongs that of ${issuerName(certificate)}`,
    );
    return;
  }
  const daysLeft = daysUntil(chainEndMs({ chain }), nowMs);
  if (daysLeft >= 0 && daysLeft < EXPIRY_WARNING_DAYS) {
    warn(`expires on ${new Date(chainEndMs({ chain })).toISOString().slice(0, 10)}, in ${daysLeft} days`);
  }
  checkEnd(chain, ocsp, { mistake, warn });
}

/** Where a chain ends: below a root that clients have. */
function checkEnd(chain: LoadedPair['chain'], ocsp: PairContext['ocsp'], { mistake, warn }: Telling): void {
  const last = chain.at(-1) ?? chain[0];
  const selfSigned = isSelfSigned(last);
  // OCSP needs the authority, even one that clients have already.
  if (selfSigned && chain.length > (ocsp === 'off' ? 1 : 2)) {
    warn(`ends with the root ${commonName(last)}: leave it out, for clients have it or do not trust it`);
  }
  // Only public authorities say where their own certificate can be had, and they sign servers by intermediate ones.
  if (!selfSigned && /CA Issuers - URI/.test(last.infoAccess ?? '') && !isKnownRoot((root) => last.checkIssued(root))) {
    warn(`lacks the certificate of ${issuerName(last)}, without which many clients cannot verify it`);
  }
  if (ocsp !== 'off' && chain.length === 1) {
    mistake(`must hold the certificate of ${issuerName(last)} as well: answers of OCSP are checked with it`);
  }
  if (ocsp === 'fetch' && ocspResponder(chain[0]) === undefined) {
    warn('names no OCSP responder that can be asked over http, so that no answer is passed on');
  }
}

/** The server's own certificate names it, and may be used by a server. */
function checkUse(certificate: X509Certificate, { hostName }: PairContext, { mistake, warn }: Telling): void {
  if (certificate.subjectAltName === undefined) {
    mistake('names no server: it has no subject alternative name, and clients look nowhere else');
  } else if (hostName !== undefined && certificate.checkHost(hostName) === undefined) mistake(`is not for ${hostName}`);
  const uses = certificate.keyUsage;
  if (uses === undefined)
    warn('does not say what it may be used for; some clients want the extended key usage serverAuth');
  else if (!uses.includes(SERVER_AUTH) && !uses.includes(ANY_USE)) {
    mistake('may not be used by a server: its extended key usage lacks serverAuth');
  }
  const keyUsage = attempt(() => certificateParts(certificate.raw))?.keyUsage;
  if (keyUsage !== undefined && (keyUsage & DIGITAL_SIGNATURE) === 0) {
    mistake('may not be used for TLS with forward secrecy: its key usage lacks digitalSignature');
  }
}

/** Whether the profile has a signature that the key can make; those of RSA and ECDSA are in all of them. */
function isOffered(certificate: X509Certificate, { profile }: PairContext): boolean {
  const isEd25519 = attempt(() => keyKindOf(certificate.publicKey)) === 'ed25519';
  return profile === undefined || !isEd25519 || TLS_PROFILES[profile].signatureAlgorithms.includes('ed25519');
}

/** Why nobody should believe a certificate; undefined when there is no reason. */
function weaknessOf(certificate: X509Certificate): string | undefined {
  const key = attempt(() => certificate.publicKey);
  if (key === undefined || keyKindOf(key) === undefined) {
    const type = key?.asymmetricKeyDetails?.namedCurve ?? key?.asymmetricKeyType ?? 'an unknown kind';
    return `has a key of ${type}: use RSA, ECDSA with P-256, P-384 or P-521, or Ed25519`;
  }
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < RSA_BITS_MIN)
    return `has an RSA key of ${bits} bits: at least ${RSA_BITS_MIN} are needed`;
  // What a root says of itself is believed because it was installed, not because it is signed.
  if (isSelfSigned(certificate)) return undefined;
  const weak = WEAK_SIGNATURES[attempt(() => certificateParts(certificate.raw))?.signatureAlgorithm ?? ''];
  return weak && `is signed with ${weak}, which can be forged`;
}

/** OpenSSL would not say so of a certificate that may sign no others. */
function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSigned(certificate, certificate);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && isSigned(certificate, issuer);
}

function isSigned(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return attempt(() => certificate.verify(issuer.publicKey)) ?? false;
}

function commonName({ subject }: X509Certificate): string {
  return nameIn(subject);
}

function issuerName({ issuer }: X509Certificate): string {
  return nameIn(issuer);
}

/** The common name of a subject, or all of it where there is none. */
function nameIn(subject: string | undefined): string {
  return /^CN=(.+)$/m.exec(subject ?? '')?.[1] ?? (subject ?? 'a nameless subject').replaceAll('\n', ', ');
}

/** The parser's own words help nobody and may quote the file, so that only its success is of interest. */
function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch {
    return undefined;
  }
}
