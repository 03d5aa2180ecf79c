/**
 * Loaded in front of a gateway it takes the work out of SHA-256, so that a measure can tell what hashing costs. It is no way to run
 * one: the hashes of files are wrong. Sallyport itself has no such switch, because receipts and replies tell the hash.
 */
import * as crypto from 'node:crypto';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { shareProcessors } from '../src/lib/processors.ts';

// Nor are copies made for a thread that hashes.
shareProcessors('auto');

/** Pieces of files are larger; what else is hashed (fingerprints, tokens, records) is smaller and stays right. */
const SMALL_BYTES_MAX = 4_096;

const mutable: { createHash: typeof crypto.createHash } = createRequire(import.meta.url)('node:crypto');
const createHash = crypto.createHash;
mutable.createHash = (algorithm, options) => {
  const hash = createHash(algorithm, options);
  if (algorithm !== 'sha256') return hash;
  const update = hash.update.bind(hash);
  hash.update = (bytes: crypto.BinaryLike) => {
    if (typeof bytes === 'string' || bytes.byteLength < SMALL_BYTES_MAX) update(bytes);
    return hash;
  };
  return hash;
};
syncBuiltinESMExports();
