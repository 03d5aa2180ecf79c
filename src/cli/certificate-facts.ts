/** What stands in a file with certificates, keys, requests, revocation lists or PKCS #12, as facts that can be printed. */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';
import { DerError } from '../lib/der.ts';
import type { Secret } from '../lib/secret.ts';
import { isLocked, keyText, publicKeyDer, signatureText } from './certificate-keys.ts';
import { nameText } from './certificate-names-der.ts';
import {
  alternativeNamesOf,
  type CertificateParts,
  constraintsOf,
  isSignedByOwnKey,
  keyUsagesOf,
  purposesOf,
  type RequestParts,
  type RevocationListParts,
  readCertificate,
  readRequest,
  readRevocationList,
  subjectKey,
} from './certificate-parts.ts';
import { type PemBlock, pemBlocks } from './certificate-pem.ts';
import { reasonText } from './certificate-revocation.ts';
import { DAY_MS } from './certificates.ts';

/** What a key is, and the two forms in which it is pinned. */
export interface KeyFacts {
  readonly key: string;
  /** SHA-256 of the public key, as `public_key` of the configuration takes it; undefined while the key is locked. */
  readonly publicKeySha256?: string;
  /** The same as curl's `--pinnedpubkey` takes it. */
  readonly pin?: string;
}

/** A certificate. Times are in ISO 8601. */
export interface CertificateFacts extends KeyFacts {
  readonly kind: 'certificate';
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Whole days until it expires; below zero when it has. */
  readonly daysLeft: number;
  readonly names: readonly string[];
  /** Empty when nothing is said, which allows everything. */
  readonly purposes: readonly string[];
  readonly keyUsages: readonly string[];
  readonly authority: boolean;
  readonly pathLength?: number;
  readonly signature: string;
  readonly fingerprintSha256: string;
}

/** A request. */
export interface RequestFacts extends KeyFacts {
  readonly kind: 'request';
  readonly subject: string;
  readonly names: readonly string[];
  readonly purposes: readonly string[];
  readonly keyUsages: readonly string[];
  readonly authority: boolean;
  readonly signature: string;
  /** Whether it is signed by the key that it is for. */
  readonly proven: boolean;
}

/** A revocation list. */
export interface ListFacts {
  readonly kind: 'revocation list';
  readonly issuer: string;
  readonly number?: string;
  readonly thisUpdate: string;
  readonly nextUpdate?: string;
  readonly daysLeft?: number;
  readonly signature: string;
  readonly revoked: readonly { readonly serialNumber: string; readonly revoked: string; readonly reason: string }[];
}

/** A private key. */
export interface PrivateKeyFacts extends KeyFacts {
  readonly kind: 'private key';
  readonly locked: boolean;
}

export type Facts = CertificateFacts | RequestFacts | ListFacts | PrivateKeyFacts;

/** One thing in a file: what it says, and the parts that others are compared with. */
export interface Item {
  readonly facts: Facts;
  readonly certificate?: CertificateParts;
  readonly list?: RevocationListParts;
}

/** Where the password of a file comes from, which is asked for only when one is needed. */
export type AskPassword = (what: 'file' | 'key') => Promise<Secret | undefined>;

/** Everything in a file. @throws DerError or Error when there is nothing, or something is damaged. */
export async function itemsIn(file: Buffer, nowMs: number, password: AskPassword): Promise<readonly Item[]> {
  const blocks = pemBlocks(file.toString('latin1'));
  if (blocks.length > 0) {
    const items: Item[] = [];
    for (const block of blocks) items.push(...(await itemsOfBlock(block, nowMs, password)));
    if (items.length === 0) throw new DerError(`it has only ${blocks.map(({ label }) => label).join(', ')}`);
    return items;
  }
  return isPkcs12(file) ? itemsOfPkcs12(file, nowMs, password) : [itemOfDer(file, nowMs)];
}

async function itemsOfBlock(block: PemBlock, nowMs: number, password: AskPassword): Promise<readonly Item[]> {
  switch (block.label) {
    case 'CERTIFICATE':
    case 'X509 CERTIFICATE':
    case 'TRUSTED CERTIFICATE':
      return [certificateItem(block.bytes, nowMs)];
    case 'CERTIFICATE REQUEST':
    case 'NEW CERTIFICATE REQUEST':
      return [requestItem(readRequest(block.bytes))];
    case 'X509 CRL':
      return [listItem(readRevocationList(block.bytes), nowMs)];
    default:
      return block.label.endsWith('PRIVATE KEY') ? [await keyItem(block.text, password)] : [];
  }
}

async function itemsOfPkcs12(file: Buffer, nowMs: number, password: AskPassword): Promise<readonly Item[]> {
  const secret = await password('file');
  if (secret === undefined) throw new DerError('it has a password: say --password-file');
  // node-forge, 14 MB, is for these files only.
  const { readPkcs12 } = await import('./certificate-pkcs12.ts');
  const found = readPkcs12(file, secret);
  if (found === undefined) throw new DerError('that is not its password');
  return [
    ...found.certificates.map((der) => certificateItem(der, nowMs)),
    ...found.keys.map((der) => openItem(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))),
  ];
}

function itemOfDer(file: Buffer, nowMs: number): Item {
  const readers = [
    () => certificateItem(file, nowMs),
    () => requestItem(readRequest(file)),
    () => listItem(readRevocationList(file), nowMs),
    () => openItem(createPrivateKey({ key: file, format: 'der', type: 'pkcs8' })),
  ];
  for (const read of readers) {
    try {
      return read();
    } catch {
      // DER does not say what it is: the next reader may know it.
    }
  }
  throw new DerError('it is none of certificate, request, revocation list, key and PKCS #12');
}

/** A SEQUENCE that begins with the INTEGER 3, in DER or in BER, as Windows writes it. */
function isPkcs12(file: Buffer): boolean {
  const [tag, length = 0] = file;
  const start = 2 + (length > 0x80 ? length & 0x7f : 0);
  return tag === 0x30 && file.subarray(start, start + 3).equals(Buffer.from([0x02, 0x01, 0x03]));
}

function certificateItem(der: Buffer, nowMs: number): Item {
  const parts = readCertificate(der);
  const { extensions } = parts;
  const { ca, pathLength } = constraintsOf(extensions);
  return {
    certificate: parts,
    facts: {
      kind: 'certificate',
      subject: nameText(parts.subject),
      issuer: nameText(parts.issuer),
      serialNumber: parts.serialNumber,
      notBefore: isoTime(parts.notBeforeMs),
      notAfter: isoTime(parts.notAfterMs),
      daysLeft: daysUntil(parts.notAfterMs, nowMs),
      names: alternativeNamesOf(extensions),
      purposes: purposesOf(extensions) ?? [],
      keyUsages: keyUsagesOf(extensions) ?? [],
      authority: ca,
      ...(pathLength === undefined ? {} : { pathLength }),
      signature: signatureText(parts.algorithm),
      fingerprintSha256: (sha256(parts.raw).match(/../g) ?? []).join(':').toUpperCase(),
      ...keyFacts(subjectKey(parts), parts.spki),
    },
  };
}

function requestItem(request: RequestParts): Item {
  const { extensions } = request;
  return {
    facts: {
      kind: 'request',
      subject: nameText(request.subject),
      names: alternativeNamesOf(extensions),
      purposes: purposesOf(extensions) ?? [],
      keyUsages: keyUsagesOf(extensions) ?? [],
      authority: constraintsOf(extensions).ca,
      signature: signatureText(request.algorithm),
      proven: isSignedByOwnKey(request) === true,
      ...keyFacts(subjectKey(request), request.spki),
    },
  };
}

function listItem(list: RevocationListParts, nowMs: number): Item {
  const { nextUpdateMs, number } = list;
  return {
    list,
    facts: {
      kind: 'revocation list',
      issuer: nameText(list.issuer),
      ...(number === undefined ? {} : { number: BigInt(`0x${number}`).toString() }),
      thisUpdate: isoTime(list.thisUpdateMs),
      ...(nextUpdateMs === undefined
        ? {}
        : { nextUpdate: isoTime(nextUpdateMs), daysLeft: daysUntil(nextUpdateMs, nowMs) }),
      signature: signatureText(list.algorithm),
      revoked: list.revocations.map(({ serialNumber, revokedMs, reason }) => ({
        serialNumber,
        revoked: isoTime(revokedMs),
        reason: reasonText(reason),
      })),
    },
  };
}

async function keyItem(pem: string, password: AskPassword): Promise<Item> {
  if (!isLocked(pem)) return openItem(createPrivateKey(pem));
  const secret = await password('key');
  if (secret === undefined) return { facts: { kind: 'private key', key: 'unknown', locked: true } };
  try {
    const key = createPrivateKey({ key: pem, passphrase: secret.reveal() });
    return { facts: { kind: 'private key', locked: true, ...keyFacts(key, publicKeyDer(key)) } };
  } catch {
    throw new DerError('that is not its passphrase');
  }
}

function openItem(key: KeyObject): Item {
  return { facts: { kind: 'private key', locked: false, ...keyFacts(key, publicKeyDer(key)) } };
}

function keyFacts(key: KeyObject, spki: Buffer): KeyFacts {
  const digest = sha256(spki);
  return {
    key: keyText(key),
    publicKeySha256: digest,
    pin: `sha256//${Buffer.from(digest, 'hex').toString('base64')}`,
  };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z');
}

function daysUntil(timeMs: number, nowMs: number): number {
  return Math.floor((timeMs - nowMs) / DAY_MS);
}
