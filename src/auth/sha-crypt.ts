/**
 * crypt(3) with SHA-256 (`$5$`) and SHA-512 (`$6$`), as glibc has it since 2.7 (Ulrich Drepper, "Unix crypt using
 * SHA-256 and SHA-512"). Synchronous and slow on purpose: it runs in a thread of its own (`foreign-hash-worker.ts`).
 */
import { createHash } from 'node:crypto';

/** What a hash is computed with, besides the password. */
export interface ShaCryptCost {
  readonly algorithm: 'sha256' | 'sha512';
  readonly rounds: number;
  readonly salt: string;
}

/** Takes a hash apart; undefined when it is none, or its rounds are out of bounds. */
export function parseShaCrypt(text: string): (ShaCryptCost & { readonly tag: string }) | undefined {
  const [, id, written, salt = '', tag = ''] = FORM.exec(text) ?? [];
  const algorithm = id === '5' ? 'sha256' : id === '6' ? 'sha512' : undefined;
  const rounds = written === undefined ? ROUNDS_DEFAULT : Number(written);
  if (algorithm === undefined || tag.length !== TAG_CHARACTERS[algorithm]) return undefined;
  return rounds >= ROUNDS_MIN && rounds <= ROUNDS_MAX ? { algorithm, rounds, salt, tag } : undefined;
}

/** The last part of the hash of a password. */
export function shaCryptTag(password: string, { algorithm, rounds, salt }: ShaCryptCost): string {
  const hash = (...parts: readonly Buffer[]) => {
    const sum = createHash(algorithm);
    for (const part of parts) sum.update(part);
    return sum.digest();
  };
  const secret = Buffer.from(password);
  const grain = Buffer.from(salt);

  const inner = hash(secret, grain, secret);
  // Bit by bit of the password's length: the inner sum for a one, the password for a zero.
  const mixed: Buffer[] = [];
  for (let length = secret.length; length > 0; length >>>= 1) mixed.push((length & 1) === 1 ? inner : secret);
  let sum = hash(secret, grain, stretched(inner, secret.length), ...mixed);

  const p = stretched(hash(...Array.from(secret, () => secret)), secret.length);
  const s = stretched(hash(...Array.from({ length: 16 + (sum[0] ?? 0) }, () => grain)), grain.length);
  for (let round = 0; round < rounds; round++) {
    const odd = round % 2 === 1;
    const parts = [odd ? p : sum];
    if (round % 3 !== 0) parts.push(s);
    if (round % 7 !== 0) parts.push(p);
    parts.push(odd ? sum : p);
    sum = hash(...parts);
  }
  return encoded(sum, algorithm);
}

/** What is meant where a hash names none. */
const ROUNDS_DEFAULT = 5_000;
const ROUNDS_MIN = 1_000;
/** About three seconds of one processor; some libraries take 656,000 by default. */
const ROUNDS_MAX = 1_000_000;

const TAG_CHARACTERS = { sha256: 43, sha512: 86 } as const;
const FORM = /^\$([56])\$(?:rounds=([1-9]\d{2,9})\$)?([./0-9A-Za-z]{1,16})\$([./0-9A-Za-z]+)$/;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The bytes over and over, `length` in all. */
function stretched(bytes: Buffer, length: number): Buffer {
  return Buffer.alloc(length, bytes);
}

/** Three bytes from three places of the sum give four characters; the places move on in turn. */
function encoded(sum: Buffer, algorithm: ShaCryptCost['algorithm']): string {
  const third = Math.floor(sum.length / 3);
  let places: readonly [number, number, number] = [0, third, 2 * third];
  let text = '';
  for (let group = 0; group < third; group++) {
    const [a, b, c] = places;
    text += characters(bits(sum, a, b, c), 4);
    places = algorithm === 'sha512' ? [b + 1, c + 1, a + 1] : [c + 1, a + 1, b + 1];
  }
  // What is left over: one byte of 64, two of 32.
  return (
    text +
    (algorithm === 'sha512' ? characters(sum[63] ?? 0, 2) : characters(((sum[31] ?? 0) << 8) | (sum[30] ?? 0), 3))
  );
}

function bits(sum: Buffer, a: number, b: number, c: number): number {
  return ((sum[a] ?? 0) << 16) | ((sum[b] ?? 0) << 8) | (sum[c] ?? 0);
}

/** Six bits a character, the lowest first. */
function characters(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => ALPHABET.charAt((value >>> (6 * index)) & 63)).join('');
}
