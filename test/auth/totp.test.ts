/** Codes of authenticator apps: the vectors of RFC 6238, a clock that stands still, and oathtool as the real thing. */
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { splitCode, TotpLedger } from '../../src/auth/totp.ts';
import { generateTotpSecret, totpSecret } from '../../src/auth/totp-secret.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { needs } from '../fixtures/client-programs.ts';
import { TOTP_SECRET, totpCode } from '../fixtures/totp.ts';

/** `12345678901234567890` of RFC 6238 appendix B, in base32. */
const SECRET = TOTP_SECRET;

/** A ledger at a second since 1970. */
function at(second: number) {
  const clock = new FakeClock(second * 1_000);
  return { clock, ledger: new TotpLedger(clock) };
}

// The SHA-1 rows of appendix B; its codes have eight digits, of which ours are the last six.
const VECTORS: readonly (readonly [number, string])[] = [
  [59, '94287082'],
  [1111111109, '07081804'],
  [1111111111, '14050471'],
  [1234567890, '89005924'],
  [2000000000, '69279037'],
  [20000000000, '65353130'],
];

describe('RFC 6238 appendix B', () => {
  test.each(VECTORS)('at second %d the code is %s', (second, digits) => {
    const code = digits.slice(-6);
    const wrong = `${code.slice(0, 5)}${(Number(code[5]) + 1) % 10}`;
    expect(at(second).ledger.spend('alice', SECRET, wrong)).toBe('wrong code');
    expect(at(second).ledger.spend('alice', SECRET, code)).toBeUndefined();
  });
});

describe('what is no good code', () => {
  const CODE = '005924';
  test.each([
    ['nothing', undefined],
    ['the empty text', ''],
    ['five digits', CODE.slice(1)],
    ['seven digits', `0${CODE}`],
    ['letters', 'abcdef'],
    ['digits of another script', '٠٠٥٩٢٤'],
  ])('%s', (_, code) => {
    expect(at(1234567890).ledger.spend('alice', SECRET, code)).toBeDefined();
  });

  test('one of two steps ago, or of the step behind the next', () => {
    for (const second of [1234567890 - 75, 1234567890 + 60]) {
      expect(at(second).ledger.spend('alice', SECRET, CODE), String(second)).toBe('wrong code');
    }
  });

  test('one that belongs to another secret', () => {
    expect(at(1234567890).ledger.spend('alice', generateTotpSecret().reveal(), CODE)).toBe('wrong code');
  });
});

test('a code of the step before and of the next one is good: clocks differ', () => {
  for (const second of [1234567890 - 30, 1234567890, 1234567890 + 30]) {
    expect(at(second).ledger.spend('alice', SECRET, '005924'), String(second)).toBeUndefined();
  }
});

test('a code is good once, and then none that is older', () => {
  const { clock, ledger } = at(1234567890 - 30);
  const [first, second] = [totpCode(1234567890 - 30), '005924'];
  // The code of the next step, by a clock that is ahead.
  expect(ledger.spend('alice', SECRET, second)).toBeUndefined();
  expect(ledger.spend('alice', SECRET, second)).toBe('the code was used before');
  expect(ledger.spend('alice', SECRET, first)).toBeDefined();
  clock.advance(30_000);
  expect(ledger.spend('alice', SECRET, second)).toBe('the code was used before');
});

test('the code of one user says nothing about another with the same secret', () => {
  const { ledger } = at(1234567890);
  expect(ledger.spend('alice', SECRET, '005924')).toBeUndefined();
  expect(ledger.spend('bob', SECRET, '005924')).toBeUndefined();
});

test('behind ten wrong codes every code is refused for an hour, for that user alone', () => {
  const { clock, ledger } = at(1234567890);
  for (let guess = 0; guess < 10; guess++) expect(ledger.spend('alice', SECRET, '000000')).toBe('wrong code');
  expect(ledger.spend('alice', SECRET, '005924')).toMatch(/^too many wrong codes/);
  expect(ledger.spend('bob', SECRET, '005924')).toBeUndefined();
  clock.advance(3_600_000);
  expect(ledger.spend('alice', SECRET, totpCode(1234567890 + 3_600))).toBeUndefined();
});

test('a good code forgives the wrong ones before it', () => {
  const { clock, ledger } = at(1234567890);
  for (let guess = 0; guess < 9; guess++) ledger.spend('alice', SECRET, '000000');
  expect(ledger.spend('alice', SECRET, '005924')).toBeUndefined();
  for (let guess = 0; guess < 9; guess++) ledger.spend('alice', SECRET, '000000');
  clock.advance(60_000);
  expect(ledger.spend('alice', SECRET, totpCode(1234567890 + 60))).toBeUndefined();
});

test.each([
  ['password123456', 'password', '123456'],
  ['pass word 000000', 'pass word ', '000000'],
  ['123456', '', '123456'],
  ['password12345x', 'password', undefined],
  ['12345', '', undefined],
  ['', '', undefined],
])('%j is the password %j with the code %j', (sent, password, code) => {
  const split = splitCode(new Secret(sent));
  expect([split.password.reveal(), split.code]).toEqual([password, code]);
});

describe('secrets', () => {
  test.each([
    ['text that is no base32', 'correct horse battery staple stapl'],
    ['small letters', SECRET.toLowerCase()],
    ['digits that base32 has not', SECRET.replace('G', '1')],
    ['128 bits', 'GEZDGNBVGY3TQOJQGEZDGNBVGY'],
    ['more than 512 bits', 'A'.repeat(112)],
  ])('%s is none', (_, text) => {
    expect(totpSecret.safeParse(text).success).toBe(false);
  });

  test('new ones are 160 bits and all different', () => {
    const secrets = Array.from({ length: 100 }, () => generateTotpSecret().reveal());
    expect(new Set(secrets).size).toBe(100);
    for (const secret of secrets) {
      expect(secret).toMatch(/^[A-Z2-7]{32}$/);
      expect(totpSecret.safeParse(secret).success).toBe(true);
    }
  });
});

needs('oathtool')('the codes of oathtool are good, for any secret and time', () => {
  for (let round = 0; round < 20; round++) {
    const secret = generateTotpSecret().reveal();
    const second = 1_700_000_000 + round * 7_777_777;
    const code = execFileSync('oathtool', ['--totp', '--base32', `--now=@${second}`, secret], {
      encoding: 'utf8',
    }).trim();
    expect(at(second).ledger.spend('alice', secret, code)).toBeUndefined();
  }
});
