/** Password hashes of scrypt (RFC 7914) in PHC form, for accounts that were brought along: `$scrypt$ln=16,r=8,p=1$...`. */
import { scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';
import { decodeUnpadded } from './unpadded-base64.ts';

/** Whether this is the password behind the hash. @throws RangeError when it is no such hash within bounds. */
export async function verifyScrypt(password: Secret, phc: string): Promise<boolean> {
  const { salt, tag, cost } = parsedHash(phc);
  const made = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password.reveal(), salt, tag.length, cost, (error, bytes) =>
      error === null ? resolve(bytes) : reject(error),
    );
  });
  return timingSafeEqual(made, tag);
}

/** `verifyScrypt` for a thread that has nothing else to do. @throws RangeError likewise. */
export function verifyScryptInThread(password: Secret, phc: string): boolean {
  const { salt, tag, cost } = parsedHash(phc);
  return timingSafeEqual(scryptSync(password.reveal(), salt, tag.length, cost), tag);
}

/** Whether the text is a scrypt hash whose costs are within the bounds that this file sets. */
export function isScrypt(text: string): boolean {
  return parse(text) !== undefined;
}

/** A login must not ask for more than 1 GiB, or for longer than four such fillings. */
const MEMORY_BYTES_MAX = 1_073_741_824;
const WORK_BYTES_MAX = 4 * MEMORY_BYTES_MAX;
const SALT_BYTES_MAX = 64;
const TAG_BYTES_MAX = 64;
/** A shorter tag would be too easy to meet by chance. */
const TAG_BYTES_MIN = 16;
const SALT_BYTES_MIN = 8;
/** Below 2^10 blocks it is no slower than a plain hash. */
const LOG_BLOCKS_MIN = 10;

const PHC = /^\$scrypt\$ln=([1-9]\d?),r=([1-9]\d{0,2}),p=([1-9]\d{0,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

function parsedHash(phc: string) {
  const parsed = parse(phc);
  if (parsed === undefined) throw new RangeError('not a scrypt hash within bounds');
  const { blocks, blockSize, lanes, salt, tag } = parsed;
  // Node refuses what needs exactly `maxmem`; besides the blocks there is one for each lane.
  const maxmem = 128 * blockSize * (blocks + lanes + 2);
  return { salt, tag, cost: { N: blocks, r: blockSize, p: lanes, maxmem } };
}

function parse(phc: string) {
  const [, logBlocks = '', r = '', p = '', saltText, tagText] = PHC.exec(phc) ?? [];
  if (saltText === undefined || tagText === undefined) return undefined;
  const [blocks, blockSize, lanes] = [2 ** Number(logBlocks), Number(r), Number(p)];
  const [salt, tag] = [decodeUnpadded(saltText), decodeUnpadded(tagText)];
  const memoryBytes = 128 * blocks * blockSize;
  const within =
    Number(logBlocks) >= LOG_BLOCKS_MIN &&
    memoryBytes <= MEMORY_BYTES_MAX &&
    memoryBytes * lanes <= WORK_BYTES_MAX &&
    salt.length >= SALT_BYTES_MIN &&
    salt.length <= SALT_BYTES_MAX &&
    tag.length >= TAG_BYTES_MIN &&
    tag.length <= TAG_BYTES_MAX;
  return within ? { blocks, blockSize, lanes, salt, tag } : undefined;
}
