/**
 * PKCS #12 (RFC 7292): a certificate, its key and its authorities in one file behind one password, which Windows, Java and
 * many FTP clients import. The structure is written here and the password's part of it, and foreign files, are read, by
 * node-forge, which knows what the format has come to in thirty years.
 */
import { createCipheriv, createHash, createHmac, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { DER, der } from '../lib/der.ts';
import type { Secret } from '../lib/secret.ts';
import { contextTag, integer, named, octetString, primitiveContextTag, sequence, TEXT_TAG } from './certificate-der.ts';
import { encryptWithPassword } from './certificate-keys.ts';

/** Who can open it: `modern` (AES-256, SHA-256), or also Windows before 2019, which knows only 3DES and SHA-1. */
export type Pkcs12Strength = 'modern' | 'legacy';

/** What goes into the file. The password is of ASCII: programs do not agree on how others are encoded. */
export interface Pkcs12Contents {
  /** PEM. */
  readonly cert: string;
  /** PEM, not locked. */
  readonly key: string;
  /** The authorities above the certificate, DER. */
  readonly chain: readonly Buffer[];
  /** What it is called in lists. */
  readonly friendlyName: string;
  readonly password: Secret;
  readonly strength: Pkcs12Strength;
}

/** The file. */
export function makePkcs12({ cert, key, chain, friendlyName, password, strength }: Pkcs12Contents): Buffer {
  const leaf = new X509Certificate(cert).raw;
  const lock = strength === 'modern' ? encryptWithAes : encryptWithTripleDes;
  const attributes = der(
    DER.set,
    named(FRIENDLY_NAME, der(DER.set, der(TEXT_TAG.bmp, Buffer.from(friendlyName, 'utf16le').swap16()))),
    // By this the key is found that belongs to the certificate.
    named(LOCAL_KEY_ID, der(DER.set, octetString(createHash('sha256').update(leaf).digest()))),
  );
  const certs = sequence(certBag(leaf, attributes), ...chain.map((authority) => certBag(authority)));
  const lockedCerts = lock(certs, password);
  const lockedKey = lock(createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }), password);
  const keyBag = named(
    SHROUDED_KEY_BAG,
    der(contextTag(0), sequence(lockedKey.algorithm, octetString(lockedKey.encrypted))),
    attributes,
  );
  const contents = sequence(
    named(
      ENCRYPTED_DATA,
      der(
        contextTag(0),
        sequence(integer(0), named(DATA, lockedCerts.algorithm, der(primitiveContextTag(0), lockedCerts.encrypted))),
      ),
    ),
    named(DATA, der(contextTag(0), octetString(sequence(keyBag)))),
  );
  return sequence(
    integer(3),
    named(DATA, der(contextTag(0), octetString(contents))),
    mac(contents, password, strength),
  );
}

/** What was found in a file: certificates and keys, DER, and what they are called. */
export interface Pkcs12Found {
  readonly certificates: readonly Buffer[];
  /** PKCS #8. */
  readonly keys: readonly Buffer[];
  readonly friendlyNames: readonly string[];
}

/** What is in a file; undefined when the password is not its own. @throws Error when it is no such file. */
export function readPkcs12(file: Buffer, password: Secret): Pkcs12Found | undefined {
  const asn1 = forge.asn1.fromDer(file.toString('latin1'));
  let pfx: forge.pkcs12.Pkcs12Pfx;
  try {
    pfx = forge.pkcs12.pkcs12FromAsn1(asn1, false, password.reveal());
  } catch (error) {
    // There is no other sign of it than its words.
    if (error instanceof Error && /Invalid password|Cannot decrypt|Could not decrypt/i.test(error.message))
      return undefined;
    throw error;
  }
  const bags = pfx.safeContents.flatMap(({ safeBags }) => safeBags);
  const bytes = (value: forge.asn1.Asn1) => Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1');
  const certificates = bags.filter(({ type }) => type === CERT_BAG);
  return {
    certificates: certificates.map(({ cert, asn1: bag }) =>
      // What node-forge understands it has taken apart, what it does not (EC) it hands on as it is.
      bytes(cert === undefined || cert === null ? bag : forge.pki.certificateToAsn1(cert)),
    ),
    keys: bags
      .filter(({ type }) => type === SHROUDED_KEY_BAG || type === KEY_BAG)
      .map(({ key, asn1: bag }) =>
        bytes(key === undefined || key === null ? bag : forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key))),
      ),
    friendlyNames: [...new Set(bags.flatMap(({ attributes }) => friendlyNames(attributes)))],
  };
}

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const FRIENDLY_NAME = '1.2.840.113549.1.9.20';
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21';
const X509_CERTIFICATE = '1.2.840.113549.1.9.22.1';
const KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const CERT_BAG = '1.2.840.113549.1.12.10.1.3';
const TRIPLE_DES = '1.2.840.113549.1.12.1.3';

const HASHES = {
  // As often as Java does it; more would make programs that hash in JavaScript, ours too, wait for seconds.
  modern: { name: 'sha256', id: '2.16.840.1.101.3.4.2.1', bytes: 32, iterations: 10_000 },
  // What old Windows writes itself.
  legacy: { name: 'sha1', id: '1.3.14.3.2.26', bytes: 20, iterations: 2_000 },
} as const;

/** What the key of a derivation is for, as RFC 7292 numbers it. */
const PURPOSE = { encryption: 1, iv: 2, mac: 3 } as const;

function certBag(certificate: Buffer, ...attributes: readonly Buffer[]): Buffer {
  const bag = named(X509_CERTIFICATE, der(contextTag(0), octetString(certificate)));
  return named(CERT_BAG, der(contextTag(0), bag), ...attributes);
}

/** By it a reader knows that the password is right and nothing was changed. */
function mac(contents: Buffer, password: Secret, strength: Pkcs12Strength): Buffer {
  const { name, id, bytes, iterations } = HASHES[strength];
  const salt = randomBytes(16);
  const key = derived(password, salt, PURPOSE.mac, { iterations, bytes, strength });
  const digest = createHmac(name, key).update(contents).digest();
  return sequence(sequence(named(id, der(DER.null)), octetString(digest)), octetString(salt), integer(iterations));
}

function encryptWithAes(plain: Buffer, password: Secret) {
  return encryptWithPassword(plain, password, HASHES.modern.iterations);
}

function encryptWithTripleDes(plain: Buffer, password: Secret) {
  const salt = randomBytes(8);
  const { iterations } = HASHES.legacy;
  const key = derived(password, salt, PURPOSE.encryption, { iterations, bytes: 24, strength: 'legacy' });
  const iv = derived(password, salt, PURPOSE.iv, { iterations, bytes: 8, strength: 'legacy' });
  const cipher = createCipheriv('des-ede3-cbc', key, iv);
  return {
    algorithm: named(TRIPLE_DES, sequence(octetString(salt), integer(iterations))),
    encrypted: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

function derived(
  password: Secret,
  salt: Buffer,
  purpose: (typeof PURPOSE)[keyof typeof PURPOSE],
  { iterations, bytes, strength }: { iterations: number; bytes: number; strength: Pkcs12Strength },
): Buffer {
  const hash = strength === 'modern' ? forge.md.sha256.create() : forge.md.sha1.create();
  const saltBuffer = forge.util.createBuffer(salt.toString('latin1'));
  const key = forge.pkcs12.generateKey(password.reveal(), saltBuffer, purpose, iterations, bytes, hash);
  return Buffer.from(key.getBytes(), 'latin1');
}

function friendlyNames(attributes: unknown): readonly string[] {
  if (typeof attributes !== 'object' || attributes === null || !('friendlyName' in attributes)) return [];
  const names: unknown = attributes.friendlyName;
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}
