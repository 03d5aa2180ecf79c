/** C2SP tlog-cosignature with Ed25519: what a witness puts below a checkpoint that it found consistent. */
import { isSigned, KEY_BYTES, publicKeyOf, SIGNATURE_BYTES } from './ed25519.ts';
import { ed25519NoteKey, keyId, type NoteKey, NoteRefused, parseVkey, TYPE_ED25519 } from './signed-note.ts';

/** The type of timestamped Ed25519 cosignatures. */
export const TYPE_COSIGNATURE = 0x04;

const TIME_BYTES = 8;
const SECONDS_MAX = 2n ** 63n - 1n;

/**
 * The key of a witness: one of timestamped cosignatures, or one of plain signatures. @throws NoteRefused for another kind.
 */
export function witnessKey(vkey: string): NoteKey {
  const { name, type, key } = parseVkey(vkey);
  if (type === TYPE_ED25519) return ed25519NoteKey(name, key);
  if (type !== TYPE_COSIGNATURE || key.length !== KEY_BYTES) {
    throw new NoteRefused(
      `the key of the witness ${name} is neither of Ed25519 cosignatures nor of Ed25519 signatures`,
    );
  }
  const publicKey = publicKeyOf(key);
  return {
    name,
    id: keyId(name, TYPE_COSIGNATURE, key),
    type: TYPE_COSIGNATURE,
    verifies(text, signature) {
      const seconds = cosignedSeconds(signature);
      if (seconds === undefined) return false;
      return isSigned(publicKey, cosignedMessage(text, seconds), signature.subarray(TIME_BYTES));
    },
  };
}

/** When a cosignature was made, in seconds since 1970; undefined when it does not have the form of one. */
export function cosignedSeconds(signature: Buffer): bigint | undefined {
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined;
  const seconds = signature.readBigUInt64BE();
  return seconds <= SECONDS_MAX ? seconds : undefined;
}

/** What a witness signs: a header that is its own, the time, and the text of the checkpoint. */
export function cosignedMessage(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`);
}
