import { argon2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { generatePassword, hashPassword, isPasswordHash, verifyPassword } from '../../src/auth/password-hash.ts';
import { Secret } from '../../src/lib/secret.ts';

// The reference implementation's own test vector (phc-winner-argon2, test.c), as its command line writes it.
const REFERENCE = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

/** Cheap to compute, for tests that are about something else. */
const CHEAP = phc({ m: 8, t: 1, p: 1 });

describe('what is no password hash', () => {
  test.each([
    ['nothing', ''],
    ['a plain password', 'correct horse battery staple'],
    ['another algorithm', REFERENCE.replace('argon2id', 'argon2i')],
    ['an older version', REFERENCE.replace('v=19', 'v=16')],
    ['no version', REFERENCE.replace('v=19$', '')],
    ['parameters in another order', REFERENCE.replace('m=65536,t=2', 't=2,m=65536')],
    ['a parameter that is no number', REFERENCE.replace('t=2', 't=two')],
    ['a parameter with a leading zero', REFERENCE.replace('t=2', 't=02')],
    ['padding in the salt', REFERENCE.replace('c29tZXNhbHQ', 'c29tZXNhbHQ=')],
    ['a salt that is not canonical base64', REFERENCE.replace('c29tZXNhbHQ', 'c29tZXNhbHR')],
    ['a salt of four bytes', REFERENCE.replace('c29tZXNhbHQ', 'c29tZQ')],
    ['a tag of four bytes', REFERENCE.replace(/[^$]+$/, 'c29tZQ')],
    ['no tag', REFERENCE.replace(/[^$]+$/, '')],
    ['a line end behind it', `${REFERENCE}\n`],
    ['64 GiB of memory', phc({ m: 67_108_864, t: 1, p: 1 })],
    ['one KiB above a GiB', phc({ m: 1_048_577, t: 1, p: 1 })],
    ['17 passes', phc({ m: 19_456, t: 17, p: 1 })],
    ['17 lanes', phc({ m: 19_456, t: 1, p: 17 })],
    ['no passes', phc({ m: 19_456, t: 0, p: 1 })],
    ['less than 8 KiB a lane', phc({ m: 15, t: 1, p: 2 })],
    ['a tag of 65 bytes', REFERENCE.replace(/[^$]+$/, Buffer.alloc(65, 1).toString('base64').replaceAll('=', ''))],
  ])('%s', async (_, text) => {
    expect(isPasswordHash(text)).toBe(false);
    await expect(verifyPassword(new Secret('x'), text)).rejects.toThrow(RangeError);
  });

  test('the bounds themselves are allowed', () => {
    expect(isPasswordHash(phc({ m: 1_048_576, t: 16, p: 16 }))).toBe(true);
    expect(isPasswordHash(CHEAP)).toBe(true);
  });
});

test('a wrong password is refused, and so are its relatives', async () => {
  const hash = await hashPassword(new Secret('Tr0ub4dor&3'));
  for (const wrong of ['', 'tr0ub4dor&3', 'Tr0ub4dor&3 ', 'Tr0ub4dor&', 'Tr0ub4dor&3\0']) {
    expect(await verifyPassword(new Secret(wrong), hash), JSON.stringify(wrong)).toBe(false);
  }
});

test('a hash whose last character was changed verifies nothing', async () => {
  const changed = REFERENCE.replace(/PPc$/, 'PPg');
  expect(isPasswordHash(changed)).toBe(true);
  expect(await verifyPassword(new Secret('password'), changed)).toBe(false);
});

test("the reference implementation's hash of a known password verifies", async () => {
  expect(await verifyPassword(new Secret('password'), REFERENCE)).toBe(true);
});

test("Node's argon2id gives the tag of RFC 9106 section 5.3", () => {
  const tag = argon2Sync('argon2id', {
    message: Buffer.alloc(32, 1),
    nonce: Buffer.alloc(16, 2),
    secret: Buffer.alloc(8, 3),
    associatedData: Buffer.alloc(12, 4),
    memory: 32,
    passes: 3,
    parallelism: 4,
    tagLength: 32,
  });
  expect(tag.toString('hex')).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');
});

test('a new hash has the stated costs, verifies its own password, and never has the same salt twice', async () => {
  const password = new Secret('pässwörd with spaces');
  const [first, second] = [await hashPassword(password), await hashPassword(password)];
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(first).not.toBe(second);
  expect(await verifyPassword(password, first)).toBe(true);
  expect(await verifyPassword(password, second)).toBe(true);
});

test('generated passwords are long, unambiguous and all different', () => {
  const passwords = Array.from({ length: 200 }, () => generatePassword().reveal());
  expect(new Set(passwords).size).toBe(200);
  for (const password of passwords) expect(password).toMatch(/^[A-HJ-NP-Za-hjkmnp-z2-9]{24}$/);
  // Every character of the alphabet turns up in 4,800 draws, short of a chance of about one in 10^37.
  expect(new Set(passwords.join('')).size).toBe(55);
});

function phc({ m, t, p }: { m: number; t: number; p: number }): string {
  return REFERENCE.replace('m=65536,t=2,p=1', `m=${m},t=${t},p=${p}`);
}
