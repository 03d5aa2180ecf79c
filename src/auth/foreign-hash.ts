/**
 * Password hashes that Node has no function for: bcrypt and the SHA-2 forms of crypt(3), of accounts that were brought
 * along. They are computed in a thread of their own: a hash of half a second must not stop every other session.
 */
import { timingSafeEqual } from 'node:crypto';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Secret } from '../lib/secret.ts';
import { foreignTag } from './foreign-tag.ts';
import { parseShaCrypt } from './sha-crypt.ts';

/** Whether the text is such a hash, its cost within bounds. */
export function isForeignHash(text: string): boolean {
  return isBcrypt(text) || parseShaCrypt(text) !== undefined;
}

/** Whether this is the password behind the hash. @throws RangeError when it is no such hash within bounds. */
export async function verifyForeignHash(password: Secret, hash: string): Promise<boolean> {
  if (!isForeignHash(hash)) throw new RangeError('neither bcrypt nor SHA-crypt within bounds');
  return isEnd(await tagInThread(password, hash), hash);
}

/** `verifyForeignHash` for a thread that has nothing else to do. @throws RangeError likewise. */
export function verifyForeignHashInThread(password: Secret, hash: string): boolean {
  if (!isForeignHash(hash)) throw new RangeError('neither bcrypt nor SHA-crypt within bounds');
  return isEnd(foreignTag(password.reveal(), hash), hash);
}

function isEnd(tag: string, hash: string): boolean {
  const made = Buffer.from(tag);
  const kept = Buffer.from(hash.slice(-made.length));
  return made.length > 0 && timingSafeEqual(made, kept);
}

/** 2^4 to 2^15 rounds: what other programs make, and at most some seconds of one processor. */
const BCRYPT = /^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./A-Za-z0-9]{53}$/;

function isBcrypt(text: string): boolean {
  return BCRYPT.test(text);
}

/** The part of the hash that the password decides. A thread lives for one of them, so that none keeps a password. */
function tagInThread(password: Secret, hash: string): Promise<string> {
  const program = new URL(`./foreign-hash-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(program, { workerData: { password: password.reveal(), hash }, env: {} });
  return new Promise((resolve, reject) => {
    worker.once('message', (tag: unknown) => resolve(String(tag)));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the hash thread ended with ${code}`)));
  });
}
