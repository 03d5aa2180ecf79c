/** Hashes of files at rest, for HASH and its older relatives: read in pieces, so that a file of any size takes the memory of one. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { OpenedFile } from '../spi/file-system.ts';
import type { HashAlgorithm } from '../spi/session.ts';
import { readStretch, type Stretch } from './read-stretch.ts';

/**
 * The hash of a stretch of the file in lower-case hexadecimal; CRC32 has its leading zeros. The file stays open:
 * closing it is for whoever opened it.
 *
 * @throws whatever the file throws; the signal's reason, between two pieces.
 */
export async function hashFile(
  opened: OpenedFile,
  algorithm: HashAlgorithm,
  { signal, ...stretch }: Stretch & { readonly signal: AbortSignal },
): Promise<string> {
  const hasher = HASHERS[algorithm]();
  for await (const piece of readStretch(opened, stretch)) {
    signal.throwIfAborted();
    hasher.update(piece);
  }
  return hasher.digest();
}

interface Hasher {
  update(bytes: Buffer): unknown;
  digest(): string;
}

const HASHERS: Readonly<Record<HashAlgorithm, () => Hasher>> = {
  'SHA-256': () => cryptographic('sha256'),
  'SHA-512': () => cryptographic('sha512'),
  'SHA-1': () => cryptographic('sha1'),
  MD5: () => cryptographic('md5'),
  CRC32: checksum,
};

function cryptographic(name: string): Hasher {
  const hash = createHash(name);
  return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
}

function checksum(): Hasher {
  let value = 0;
  return {
    update(bytes) {
      value = crc32(bytes, value);
    },
    digest: () => value.toString(16).padStart(8, '0'),
  };
}
