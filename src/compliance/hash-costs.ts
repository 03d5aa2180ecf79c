/**
 * What a hash of a password costs to guess. The floors are those that OWASP names for keeping passwords, by memory: the least
 * memory, and the least of memory times passes.
 */
import { hashKind } from '../auth/password-hash.ts';

/** A hash as a report tells it: never the hash itself. */
export interface HashCost {
  /** The kind with its costs, as `bcrypt 2^12`. */
  readonly told: string;
  /** Whether guessing it is slow, also on graphics cards. */
  readonly strong: boolean;
}

/** What is asked of a hash, for people. */
export const HASH_FLOORS = 'argon2id m=7168 with m*t=35840, scrypt ln=13 with N*r*p=655360, bcrypt 2^10';

/** The costs that the text of a hash says. */
export function hashCost(hash: string): HashCost {
  const kind = hashKind(hash);
  const cost = (name: string) => Number(new RegExp(`[$,]${name}=(\\d+)`).exec(hash)?.[1] ?? 0);
  if (kind === 'argon2id') {
    const [memoryKib, passes] = [cost('m'), cost('t')];
    const strong = memoryKib >= ARGON2_KIB_MIN && memoryKib * passes >= ARGON2_WORK_MIN;
    return { told: `argon2id m=${memoryKib},t=${passes}`, strong };
  }
  if (kind === 'scrypt') {
    const [logBlocks, blockSize, lanes] = [cost('ln'), cost('r'), cost('p')];
    const strong = logBlocks >= SCRYPT_LOG_MIN && 2 ** logBlocks * blockSize * lanes >= SCRYPT_WORK_MIN;
    return { told: `scrypt ln=${logBlocks},r=${blockSize},p=${lanes}`, strong };
  }
  if (kind === 'bcrypt') {
    const logRounds = Number(hash.split('$')[2]);
    return { told: `bcrypt 2^${logRounds}`, strong: logRounds >= BCRYPT_LOG_MIN };
  }
  // SHA-crypt needs no memory: graphics cards guess it in parallel, whatever its rounds.
  return { told: kind ?? 'unknown', strong: false };
}

const ARGON2_KIB_MIN = 7_168;
const ARGON2_WORK_MIN = 35_840;
const SCRYPT_LOG_MIN = 13;
const SCRYPT_WORK_MIN = 655_360;
const BCRYPT_LOG_MIN = 10;
