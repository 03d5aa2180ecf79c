/** Private keys: making them, locking them with a passphrase, and signing with those that can sign certificates. */
import {
  createCipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  pbkdf2Sync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { DER, der, derBits, readDer } from '../lib/der.ts';
import type { Secret } from '../lib/secret.ts';
import { bitString, fieldsOf, integer, named, octetString, sequence } from './certificate-der.ts';
import { pemText } from './certificate-pem.ts';

/** Turns a private key in PEM into one that only its passphrase opens: PBES2, PBKDF2 with HMAC-SHA-256, AES-256-CBC. */
export function lockKey(pem: string, passphrase: Secret): string {
  const plain = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  const { algorithm, encrypted } = encryptWithPassword(plain, passphrase, KEY_ITERATIONS);
  return pemText('ENCRYPTED PRIVATE KEY', sequence(algorithm, octetString(encrypted)));
}

/** Whether a private key in PEM has to be opened with a passphrase. */
export function isLocked(pem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
}

/** PBES2 (RFC 8018) around some bytes, and how to undo it; `iterations` is how often the password is hashed. */
export function encryptWithPassword(plain: Uint8Array, password: Secret, iterations: number) {
  const salt = randomBytes(16);
  const iv = randomBytes(16);
  const key = pbkdf2Sync(password.reveal(), salt, iterations, 32, 'sha256');
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const prf = named('1.2.840.113549.2.9', der(DER.null));
  const kdf = named('1.2.840.113549.1.5.12', sequence(octetString(salt), integer(iterations), prf));
  const scheme = named('2.16.840.1.101.3.4.1.42', octetString(iv));
  return {
    algorithm: named('1.2.840.113549.1.5.13', sequence(kdf, scheme)),
    encrypted: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}

/** What kind of key it is, in words: `RSA 2048`, `EC P-256`. */
export function keyText(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss') return `RSA ${modulusLength}`;
  if (key.asymmetricKeyType === 'ec') return `EC ${CURVES[namedCurve ?? '']?.name ?? namedCurve}`;
  return String(key.asymmetricKeyType);
}

/** Why no certificate should be made for the key, in words behind its name; undefined when one may. */
export function keyWeakness(key: KeyObject): string | undefined {
  const { modulusLength = 0, namedCurve = '', publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    if (modulusLength < 2_048 || modulusLength > 16_384) return `is of ${modulusLength} bits; RSA has at least 2048`;
    // With so small an exponent, mistakes in the padding of signatures can be used to forge them.
    return publicExponent < 65_537n ? `has the exponent ${publicExponent}, which is too small` : undefined;
  }
  if (key.asymmetricKeyType === 'ec') {
    return CURVES[namedCurve] === undefined ? `is of the curve ${namedCurve}; take P-256 or P-384` : undefined;
  }
  return `is of a kind (${key.asymmetricKeyType}) that many TLS clients and servers do not know; take RSA or EC`;
}

/** Why a key signs no certificates here; undefined when it does. */
export function whyNoSigner(key: KeyObject): string | undefined {
  return signatureOf(key) === undefined ? 'does not have an RSA or EC key' : undefined;
}

/** Signs what a certificate, request or list says: RSA with SHA-256, EC with the hash of its size. */
export function signed(contents: (algorithm: Buffer) => Buffer, key: KeyObject): Buffer {
  const how = signatureOf(key);
  if (how === undefined) throw new TypeError(`cannot sign with a key of type ${key.asymmetricKeyType}`);
  const algorithm = how.oid === RSA_SHA256 ? named(how.oid, der(DER.null)) : named(how.oid);
  const body = contents(algorithm);
  return sequence(body, algorithm, bitString(sign(how.hash, body, key)));
}

/** Whether the holder of `key` has signed `body`; undefined when the algorithm is not one of those below. */
export function isSignedBy(body: Buffer, algorithm: string, signature: Buffer, key: KeyObject): boolean | undefined {
  const how = SIGNATURES.find((known) => known.oid === algorithm);
  if (how === undefined) return undefined;
  return key.asymmetricKeyType === how.key && verify(how.hash, body, key, signature);
}

/** What a signature's algorithm is called. */
export function signatureText(algorithm: string): string {
  return SIGNATURES.find((known) => known.oid === algorithm)?.name ?? OLD_SIGNATURES[algorithm] ?? algorithm;
}

/** The public key of a private one, as certificates hold it (SubjectPublicKeyInfo, DER). */
export function publicKeyDer(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/** A public key from what a certificate holds. @throws Error when it is none that node:crypto knows. */
export function publicKeyOf(spki: Buffer): KeyObject {
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

/** What a certificate calls its key by: the first 160 bits of SHA-256 of it. */
export function keyIdentifier(spki: Buffer): Buffer {
  const fields = fieldsOf(readDer(spki));
  fields.next();
  return createHash('sha256').update(derBits(fields.next())).digest().subarray(0, 20);
}

/** How often a passphrase is hashed before it opens a key. */
const KEY_ITERATIONS = 100_000;

interface Signature {
  readonly oid: string;
  readonly name: string;
  readonly key: 'rsa' | 'ec';
  readonly hash: 'sha256' | 'sha384' | 'sha512';
}

const RSA_SHA256 = '1.2.840.113549.1.1.11';

/** SHA-1 and MD5 are not among them: whoever can find two texts of one hash has both signed. */
const SIGNATURES: readonly Signature[] = [
  { oid: RSA_SHA256, name: 'RSA with SHA-256', key: 'rsa', hash: 'sha256' },
  { oid: '1.2.840.113549.1.1.12', name: 'RSA with SHA-384', key: 'rsa', hash: 'sha384' },
  { oid: '1.2.840.113549.1.1.13', name: 'RSA with SHA-512', key: 'rsa', hash: 'sha512' },
  { oid: '1.2.840.10045.4.3.2', name: 'ECDSA with SHA-256', key: 'ec', hash: 'sha256' },
  { oid: '1.2.840.10045.4.3.3', name: 'ECDSA with SHA-384', key: 'ec', hash: 'sha384' },
  { oid: '1.2.840.10045.4.3.4', name: 'ECDSA with SHA-512', key: 'ec', hash: 'sha512' },
];

const OLD_SIGNATURES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'RSA with MD5 (broken)',
  '1.2.840.113549.1.1.5': 'RSA with SHA-1 (broken)',
  '1.2.840.10045.4.1': 'ECDSA with SHA-1 (broken)',
  '1.2.840.113549.1.1.10': 'RSA-PSS',
  '1.3.101.112': 'Ed25519',
  '1.3.101.113': 'Ed448',
};

/** The curves that TLS libraries agree on, by OpenSSL's names. */
const CURVES: Readonly<Record<string, { readonly name: string; readonly hash: Signature['hash'] }>> = {
  prime256v1: { name: 'P-256', hash: 'sha256' },
  secp384r1: { name: 'P-384', hash: 'sha384' },
  secp521r1: { name: 'P-521', hash: 'sha512' },
};

function signatureOf(key: KeyObject): Signature | undefined {
  if (key.asymmetricKeyType === 'rsa') return SIGNATURES[0];
  if (key.asymmetricKeyType !== 'ec') return undefined;
  const hash = CURVES[key.asymmetricKeyDetails?.namedCurve ?? '']?.hash;
  return SIGNATURES.find((known) => known.key === 'ec' && known.hash === hash);
}
