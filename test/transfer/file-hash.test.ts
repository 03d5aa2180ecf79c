import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { OpenedFile } from '../../src/spi/file-system.ts';
import { HASH_ALGORITHMS } from '../../src/spi/session.ts';
import { hashFile } from '../../src/transfer/file-hash.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at } from '../fakes/say.ts';

const { signal } = new AbortController();

async function opened(content: string | Buffer): Promise<OpenedFile> {
  return new MemoryFiles().put('/a', content).openRead(at('/a'));
}

test('hashing ends between two pieces when it is told to', async () => {
  const file = await opened('x'.repeat(64));
  const abort = new AbortController();
  let pieces = 0;
  const watched: OpenedFile = {
    ...file,
    async *read(offsetBytes) {
      for await (const piece of file.read(offsetBytes)) {
        pieces += 1;
        if (pieces === 2) abort.abort(new Error('gone'));
        yield piece;
      }
    },
  };
  await expect(hashFile(watched, 'SHA-256', { startBytes: 0, endBytes: 64, signal: abort.signal })).rejects.toThrow(
    'gone',
  );
  expect(pieces).toBe(2);
});

test('a file that cannot be read has no hash', async () => {
  const files = new MemoryFiles().put('/a', 'x'.repeat(64));
  files.failures.plan('read', 2, new Error('disk'));
  const file = await files.openRead(at('/a'));
  await expect(hashFile(file, 'MD5', { startBytes: 0, endBytes: 64, signal })).rejects.toThrow('disk');
});

// The check values of the algorithms: FIPS 180-4 and RFC 1321 have the hashes of 'abc', and 123456789 is CRC's own.
test.each([
  ['SHA-256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['SHA-1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['MD5', 'abc', '900150983cd24fb0d6963f7d28e17f72'],
  ['CRC32', '123456789', 'cbf43926'],
  ['CRC32', '', '00000000'],
  ['MD5', '', 'd41d8cd98f00b204e9800998ecf8427e'],
] as const)('%s of %j', async (algorithm, text, hash) => {
  const stretch = { startBytes: 0, endBytes: text.length, signal };
  expect(await hashFile(await opened(text), algorithm, stretch)).toBe(hash);
});

test('every algorithm gives the hash of exactly the stretch', async () => {
  const names = { 'SHA-256': 'sha256', 'SHA-512': 'sha512', 'SHA-1': 'sha1', MD5: 'md5' } as const;
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), fc.nat(80), fc.nat(80), async (content, start, length) => {
      const startBytes = Math.min(start, content.length);
      const endBytes = Math.min(startBytes + length, content.length);
      const part = content.subarray(startBytes, endBytes);
      for (const algorithm of HASH_ALGORITHMS) {
        const expected =
          algorithm === 'CRC32'
            ? crc32(part).toString(16).padStart(8, '0')
            : createHash(names[algorithm]).update(part).digest('hex');
        const hash = await hashFile(await opened(Buffer.from(content)), algorithm, { startBytes, endBytes, signal });
        expect(hash).toBe(expected);
      }
    }),
    { numRuns: 30 },
  );
});
