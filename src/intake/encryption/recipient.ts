/**
 * Recipients of age, judged when the configuration is read: one that was mistyped would otherwise refuse every upload. Only
 * their spelling is looked at here (Bech32, BIP 173, without its bound of 90 characters); what they mean, the package knows.
 */

/** Bytes of the keys, by what their text begins with: X25519, ML-KEM-768 with X25519, and the kinds of hardware keys. */
const KEY_BYTES: Readonly<Record<string, number>> = { age: 32, age1pq: 1216, age1tag: 33, age1tagpq: 1249 };

/** Whether the text is a public key of age, with its checksum right. */
export function isRecipient(text: string): boolean {
  const dividerAt = text.lastIndexOf('1');
  const kind = text.slice(0, dividerAt);
  const keyBytes = Object.hasOwn(KEY_BYTES, kind) ? KEY_BYTES[kind] : undefined;
  const words = [...text.slice(dividerAt + 1)].map((letter) => LETTERS.indexOf(letter));
  if (keyBytes === undefined || words.includes(-1)) return false;
  if (words.length !== Math.ceil((keyBytes * 8) / 5) + CHECKSUM_WORDS) return false;
  if (checksum([...spreadOf(kind), ...words]) !== 1) return false;
  // The bits that fill up the last letter of the key must be 0.
  const spareBits = (5 - ((keyBytes * 8) % 5)) % 5;
  return ((words[words.length - CHECKSUM_WORDS - 1] ?? 0) & ((1 << spareBits) - 1)) === 0;
}

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const CHECKSUM_WORDS = 6;

/** What stands in front of the divider, as the checksum sees it. */
function spreadOf(kind: string): number[] {
  const codes = [...kind].map((letter) => letter.charCodeAt(0));
  return [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)];
}

const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;

/** 1 for words that end with their own checksum. */
function checksum(words: readonly number[]): number {
  return words.reduce((sum, word) => {
    const top = sum >>> 25;
    const shifted = ((sum & 0x1ffffff) << 5) ^ word;
    return GENERATOR.reduce((value, factor, bit) => ((top >> bit) & 1 ? value ^ factor : value), shifted);
  }, 1);
}
