/** Hashes of passwords that were brought along from other servers: what is taken, what is refused, and that it verifies. */
import { execFileSync } from 'node:child_process';
import { scryptSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hashKind, verifyPassword, whyNoPasswordHash } from '../../src/auth/password-hash.ts';
import { shaCryptTag } from '../../src/auth/sha-crypt.ts';
import { userOptions } from '../../src/auth/users.ts';
import { Secret } from '../../src/lib/secret.ts';
import { needs } from '../fixtures/client-programs.ts';

const SALT = 'c29tZXNhbHRzb21lc2FsdA';
const TAG = 'nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E';
const BCRYPT = '$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i';
const SHA512 = `$6$saltstring$${'a'.repeat(86)}`;

describe('a hash that is refused says why, and never repeats itself', () => {
  test.each([
    ['a plain password', 'correct horse', 'must be the hash of a password'],
    ['DES', 'rEK1ecacw.7.c', 'DES'],
    ['DES in its extended form', '_J9..rasmBYk8r9AiWNc', 'DES'],
    ['MD5', '$1$abcdefgh$G//4keteveJp0qb8z2DxG/', 'MD5'],
    ["Apache's MD5", '$apr1$abcdefgh$irqNNcAVpqmSZjTi6Uk7u1', 'MD5'],
    ['SHA-1', '{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=', 'SHA-1'],
    ['the first bcrypt', BCRYPT.replace('$2a', '$2'), 'bcrypt that was wrong'],
    ['bcrypt with its sign error', BCRYPT.replace('$2a', '$2x'), 'bcrypt that was wrong'],
    ['bcrypt of 2^16 rounds', BCRYPT.replace('$06', '$16'), 'out of bounds'],
    ['bcrypt of 2^31 rounds', BCRYPT.replace('$06', '$31'), 'out of bounds'],
    ['bcrypt that was cut off', BCRYPT.slice(0, -1), 'damaged'],
    ['SHA-512 of too many rounds', SHA512.replace('$salt', '$rounds=1000001$salt'), 'out of bounds'],
    ['SHA-512 of 999 rounds', SHA512.replace('$salt', '$rounds=999$salt'), 'out of bounds'],
    ['SHA-512 with the length of SHA-256', SHA512.slice(0, -43), 'damaged'],
    ['SHA-512 with a salt of 17 characters', SHA512.replace('saltstring', 'a'.repeat(17)), 'damaged'],
    ['scrypt of 2 GiB', `$scrypt$ln=21,r=8,p=1$${SALT}$${TAG}`, 'out of bounds'],
    ['scrypt of 16 GiB in small pieces', `$scrypt$ln=17,r=8,p=128$${SALT}$${TAG}`, 'out of bounds'],
    ['scrypt of next to nothing', `$scrypt$ln=9,r=8,p=1$${SALT}$${TAG}`, 'out of bounds'],
    ['yescrypt', '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7', 'yescrypt'],
    ['argon2i', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', 'argon2id'],
  ])('%s', async (_, hash, words) => {
    expect(hashKind(hash)).toBeUndefined();
    expect(whyNoPasswordHash(hash)).toContain(words);
    expect(whyNoPasswordHash(hash)).not.toContain(hash);
    await expect(verifyPassword(new Secret('x'), hash)).rejects.toThrow(RangeError);
    const user = userOptions.safeParse({ name: 'acme', passwordHash: hash, home: '/srv' });
    expect(user.error?.issues[0]?.message).toBe(whyNoPasswordHash(hash));
  });
});

describe('published vectors verify, and nothing near them does', () => {
  test.each([
    ['bcrypt', 'a', '$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe'],
    ['bcrypt', 'abc', BCRYPT],
    [
      'sha512-crypt',
      'Hello world!',
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'sha512-crypt',
      'we have a short salt string but not a short password',
      '$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0',
    ],
    ['sha256-crypt', 'Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    [
      'sha256-crypt',
      'we have a short salt string but not a short password',
      '$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/',
    ],
    ['scrypt', 'password', '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E'],
  ])('%s of %j', async (kind, password, hash) => {
    expect(hashKind(hash)).toBe(kind);
    expect(whyNoPasswordHash(hash)).toBeUndefined();
    expect(await verifyPassword(new Secret(`${password} `), hash)).toBe(false);
    expect(await verifyPassword(new Secret(password), hash)).toBe(true);
  });
});

test('RFC 7914 section 12: a scrypt vector in PHC form', async () => {
  const tag = Buffer.from(
    '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
      'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
    'hex',
  );
  expect(scryptSync('pleaseletmein', 'SodiumChloride', 64, { N: 16_384, r: 8, p: 1 }).equals(tag)).toBe(true);
  const plain = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
  const hash = `$scrypt$ln=14,r=8,p=1$${plain(Buffer.from('SodiumChloride'))}$${plain(tag)}`;
  expect(await verifyPassword(new Secret('pleaseletmein'), hash)).toBe(true);
  expect(await verifyPassword(new Secret('pleaseletmeout'), hash)).toBe(false);
});

const run = (program: string, ...words: string[]) => execFileSync(program, words, { encoding: 'utf8' }).trim();
const PASSWORD = 'pässwörd with spaces';

describe('what real programs make verifies', () => {
  needs('openssl').each(['-5', '-6'])('openssl passwd %s', async (kind) => {
    const hash = run('openssl', 'passwd', kind, PASSWORD);
    expect(await verifyPassword(new Secret('passwörd with spaces'), hash)).toBe(false);
    expect(await verifyPassword(new Secret(PASSWORD), hash)).toBe(true);
  });

  needs('htpasswd').each(['5', '10'])('htpasswd -B -C %s', async (cost) => {
    const hash = run('htpasswd', '-nbB', '-C', cost, 'x', PASSWORD).slice('x:'.length);
    expect(hashKind(hash)).toBe('bcrypt');
    expect(await verifyPassword(new Secret('passwörd with spaces'), hash)).toBe(false);
    expect(await verifyPassword(new Secret(PASSWORD), hash)).toBe(true);
  });

  needs('python3')('scrypt of Python', async () => {
    const script = [
      'import base64, hashlib, sys',
      "plain = lambda b: base64.b64encode(b).decode().rstrip('=')",
      "tag = hashlib.scrypt(sys.argv[1].encode(), salt=b'sixteen bytes ok', n=2**14, r=8, p=2, dklen=32)",
      "print('$scrypt$ln=14,r=8,p=2$' + plain(b'sixteen bytes ok') + '$' + plain(tag))",
    ].join('\n');
    expect(await verifyPassword(new Secret(PASSWORD), run('python3', '-c', script, PASSWORD))).toBe(true);
  });
});

const CRYPT = 'binmode(STDOUT); print crypt($ARGV[0], $ARGV[1])';

describe("the system's crypt(3)", () => {
  const withPerl = needs('perl');

  withPerl.each([
    ['5', 'sha256'],
    ['6', 'sha512'],
  ] as const)('gives the same for $%s$ at every length of a password, also at whole blocks', (id, algorithm) => {
    for (const length of [0, 1, 15, 31, 32, 33, 63, 64, 65, 95, 96, 127, 128, 129, 200]) {
      const password = 'p'.repeat(length);
      const theirs = run('perl', '-e', CRYPT, '--', password, `$${id}$rounds=1000$saltsalt$`);
      const ours = shaCryptTag(password, { algorithm, rounds: 1_000, salt: 'saltsalt' });
      expect(theirs, String(length)).toBe(`$${id}$rounds=1000$saltsalt$${ours}`);
    }
  });

  withPerl('gives the same for any text and salt', () => {
    const salt = fc.string({ unit: fc.constantFrom(...'./09AZaz'), minLength: 1, maxLength: 16 });
    // No NUL, which ends a word of a command line.
    const text = fc.string({ unit: 'grapheme', maxLength: 80 }).filter((word) => !word.includes('\0'));
    fc.assert(
      fc.property(salt, text, fc.boolean(), (grain, password, wide) => {
        const start = `$${wide ? 6 : 5}$rounds=1000$${grain}$`;
        const algorithm = wide ? 'sha512' : 'sha256';
        const ours = shaCryptTag(password, { algorithm, rounds: 1_000, salt: grain });
        expect(run('perl', '-e', CRYPT, '--', password, start)).toBe(start + ours);
      }),
      { numRuns: 40 },
    );
  });
});
