/** Ed25519 keys as notes write them: 32 bytes of RFC 8032 section 5.1.5. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';

/** What DER writes in front of such a key (RFC 8410 section 4). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');

/** Bytes of a key. */
export const KEY_BYTES = 32;

/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

/** A key from its bytes. */
export function publicKeyOf(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI, bytes]), format: 'der', type: 'spki' });
}

/** The bytes of a key. @throws TypeError when it is of another kind. */
export function publicBytesOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new TypeError(`an Ed25519 key is needed, this one is ${key.asymmetricKeyType ?? 'secret'}`);
  }
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
}

/** Whether the signature is of these bytes. */
export function isSigned(key: KeyObject, message: Buffer, signature: Buffer): boolean {
  return signature.length === SIGNATURE_BYTES && verify(null, message, key, signature);
}
