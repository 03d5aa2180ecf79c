/** Password hashes of argon2id (RFC 9106) in the PHC string form that other programs read and write too. */
import { type Argon2Parameters, argon2, argon2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';
import { decodeUnpadded, encodeUnpadded } from './unpadded-base64.ts';

/** Cost of new hashes: 19 MiB, 2 passes, 1 lane; about 30 ms on one thread. */
export const HASH_COST = { memoryKib: 19_456, passes: 2, lanes: 1 } as const;

/**
 * Hashes a password with a fresh salt.
 *
 * @returns `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`, both in base64 without padding.
 */
export async function hashByArgon2id(password: Secret): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await derive(password, { ...HASH_COST, salt, tagBytes: TAG_BYTES });
  const { memoryKib, passes, lanes } = HASH_COST;
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${encodeUnpadded(salt)}$${encodeUnpadded(tag)}`;
}

/** Whether this is the password behind the hash. @throws RangeError when it is no such hash within bounds. */
export async function verifyArgon2id(password: Secret, phc: string): Promise<boolean> {
  const parsed = parseHash(phc);
  if (parsed === undefined) throw new RangeError('not an argon2id hash within bounds');
  const tag = await derive(password, { ...parsed, tagBytes: parsed.tag.length });
  return timingSafeEqual(tag, parsed.tag);
}

/** `verifyArgon2id` for a thread that has nothing else to do. @throws RangeError likewise. */
export function verifyArgon2idInThread(password: Secret, phc: string): boolean {
  const parsed = parseHash(phc);
  if (parsed === undefined) throw new RangeError('not an argon2id hash within bounds');
  const tag = argon2Sync('argon2id', parametersOf(password, { ...parsed, tagBytes: parsed.tag.length }));
  return timingSafeEqual(tag, parsed.tag);
}

/** Whether the text is an argon2id hash whose costs are within the bounds that this file sets. */
export function isArgon2id(text: string): boolean {
  return parseHash(text) !== undefined;
}

const SALT_BYTES = 16;
const TAG_BYTES = 32;

/** Costs read from a file are bounded: a hostile hash must not ask for 64 GiB or an hour at every login. */
const BOUNDS = { memoryKibMax: 1_048_576, passesMax: 16, lanesMax: 16, saltBytesMax: 64, tagBytesMax: 64 } as const;

/**
 * What the reference implementation and Node take at least; a tag below 16 bytes would be too easy to meet by chance.
 */
const SALT_BYTES_MIN = 8;
const TAG_BYTES_MIN = 16;

/** What a hash is computed with, besides the password. */
interface Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
}

const PHC =
  /^\$argon2id\$v=19\$m=([1-9]\d{0,9}),t=([1-9]\d{0,9}),p=([1-9]\d{0,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parseHash(phc: string): (Cost & { readonly tag: Buffer }) | undefined {
  const [, memory, passes, lanes, salt, tag] = PHC.exec(phc) ?? [];
  if (memory === undefined || passes === undefined || lanes === undefined) return undefined;
  const parsed = {
    memoryKib: Number(memory),
    passes: Number(passes),
    lanes: Number(lanes),
    salt: decodeUnpadded(salt),
    tag: decodeUnpadded(tag),
  };
  const within =
    parsed.memoryKib <= BOUNDS.memoryKibMax &&
    // Argon2 needs 8 KiB for each lane.
    parsed.memoryKib >= 8 * parsed.lanes &&
    parsed.passes <= BOUNDS.passesMax &&
    parsed.lanes <= BOUNDS.lanesMax &&
    parsed.salt.length >= SALT_BYTES_MIN &&
    parsed.salt.length <= BOUNDS.saltBytesMax &&
    parsed.tag.length >= TAG_BYTES_MIN &&
    parsed.tag.length <= BOUNDS.tagBytesMax;
  return within ? parsed : undefined;
}

/** What a hash is made with, and how long it is to be. */
interface Wanted extends Cost {
  readonly tagBytes: number;
}

function parametersOf(password: Secret, { memoryKib, passes, lanes, salt, tagBytes }: Wanted): Argon2Parameters {
  return {
    message: password.reveal(),
    nonce: salt,
    parallelism: lanes,
    tagLength: tagBytes,
    memory: memoryKib,
    passes,
  };
}

function derive(password: Secret, wanted: Wanted): Promise<Buffer> {
  return new Promise<Buffer>((resolve, reject) => {
    argon2('argon2id', parametersOf(password, wanted), (error, tag) => (error === null ? resolve(tag) : reject(error)));
  });
}
