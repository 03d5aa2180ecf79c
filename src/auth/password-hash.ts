/**
 * Passwords as they are kept. New hashes are argon2id; hashes that were brought along from another server are verified as
 * they are: scrypt, bcrypt, and the SHA-2 forms of crypt(3). A plain password exists only inside a `Secret`, and here
 * for the length of one hash.
 */
import { randomInt } from 'node:crypto';
import { Secret } from '../lib/secret.ts';
import { hashByArgon2id, isArgon2id, verifyArgon2id, verifyArgon2idInThread } from './argon2id.ts';
import { isForeignHash, verifyForeignHash, verifyForeignHashInThread } from './foreign-hash.ts';
import { isScrypt, verifyScrypt, verifyScryptInThread } from './scrypt.ts';

/** A way to hash passwords; all but `argon2id` are there for accounts that were brought along. */
export type HashKind = 'argon2id' | 'scrypt' | 'bcrypt' | 'sha256-crypt' | 'sha512-crypt';

/** Hashes a password with a fresh salt, by argon2id. */
export function hashPassword(password: Secret): Promise<string> {
  return hashByArgon2id(password);
}

/**
 * Whether this is the password behind the hash; compares in constant time.
 *
 * @throws RangeError when `hash` is none that `isPasswordHash` accepts: configuration refuses those at start.
 */
export async function verifyPassword(password: Secret, hash: string): Promise<boolean> {
  const kind = hashKind(hash);
  if (kind === undefined) throw new RangeError('not a password hash within bounds');
  if (kind === 'argon2id') return verifyArgon2id(password, hash);
  return kind === 'scrypt' ? verifyScrypt(password, hash) : verifyForeignHash(password, hash);
}

/** `verifyPassword` for a thread that has nothing else to do: it stands still meanwhile. @throws RangeError likewise. */
export function verifyPasswordInThread(password: Secret, hash: string): boolean {
  const kind = hashKind(hash);
  if (kind === undefined) throw new RangeError('not a password hash within bounds');
  if (kind === 'argon2id') return verifyArgon2idInThread(password, hash);
  return kind === 'scrypt' ? verifyScryptInThread(password, hash) : verifyForeignHashInThread(password, hash);
}

/** What made the hash; undefined when it is none that is taken, or one that costs more than the bounds allow. */
export function hashKind(text: string): HashKind | undefined {
  const kind = FORMS.find(({ start }) => start.test(text))?.kind;
  return kind !== undefined && IS_SOUND[kind](text) ? kind : undefined;
}

/** Whether the text is the hash of a password that can be verified, at a bounded cost. */
export function isPasswordHash(text: string): boolean {
  return hashKind(text) !== undefined;
}

/** Why a text cannot stand as the hash of a password, without repeating it; undefined when it can. */
export function whyNoPasswordHash(text: string): string | undefined {
  if (isPasswordHash(text)) return undefined;
  const form = FORMS.find(({ start }) => start.test(text));
  if (form !== undefined) return `looks like ${form.kind}, but it is damaged or its cost is out of bounds`;
  const weak = WEAK.find(({ pattern }) => pattern.test(text));
  if (weak !== undefined) return `is ${weak.is}; set a new password with 'sallyport user passwd'`;
  return "must be the hash of a password, as 'sallyport user passwd' makes it";
}

/** A random password of 24 characters out of 55 that are not taken for one another: about 138 bits. */
export function generatePassword(): Secret {
  const characters = Array.from({ length: 24 }, () => UNAMBIGUOUS.charAt(randomInt(UNAMBIGUOUS.length)));
  return new Secret(characters.join(''));
}

/** How each kind begins. */
const FORMS: readonly { readonly kind: HashKind; readonly start: RegExp }[] = [
  { kind: 'argon2id', start: /^\$argon2id\$/ },
  { kind: 'scrypt', start: /^\$scrypt\$/ },
  { kind: 'bcrypt', start: /^\$2[aby]\$/ },
  { kind: 'sha256-crypt', start: /^\$5\$/ },
  { kind: 'sha512-crypt', start: /^\$6\$/ },
];

const IS_SOUND: Readonly<Record<HashKind, (text: string) => boolean>> = {
  argon2id: isArgon2id,
  scrypt: isScrypt,
  bcrypt: isForeignHash,
  'sha256-crypt': isForeignHash,
  'sha512-crypt': isForeignHash,
};

/** What other servers keep and is not taken. */
const WEAK: readonly { readonly pattern: RegExp; readonly is: string }[] = [
  { pattern: /^\$(?:1|apr1)\$/, is: 'an MD5 hash, which is guessed too fast to protect a password' },
  { pattern: /^(?:\{SHA\}|\{SSHA\})/, is: 'a plain SHA-1 hash, which is guessed too fast to protect a password' },
  { pattern: /^(?:_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13})$/, is: 'a DES hash of crypt(3), which anybody can break' },
  { pattern: /^\$(?:2|2x)\$/, is: 'made by a version of bcrypt that was wrong' },
  { pattern: /^\$argon2[di]\$/, is: 'argon2i or argon2d, where argon2id is taken' },
  { pattern: /^\$(?:y|gy|7)\$/, is: "yescrypt, which only the system can verify (type 'unix')" },
];

/** Letters and digits without 0 O, 1 I l, o and i: a password may be read over the telephone. */
const UNAMBIGUOUS = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789';
