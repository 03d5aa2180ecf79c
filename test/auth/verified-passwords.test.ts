import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type PasswordClaim, VERIFIED_AGE_MAX_MS, VerifiedPasswords } from '../../src/auth/verified-passwords.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';

const KEPT_MS = 600_000;

function claim(over: Partial<Record<'user' | 'passwordHash' | 'password' | 'network', string>> = {}): PasswordClaim {
  const { user = 'partner', passwordHash = '$argon2id$one', password = 'right', network = '192.0.2.1' } = over;
  return { user, passwordHash, password: new Secret(password), network };
}

function remembering(entriesMax = 100, keptMs = KEPT_MS) {
  const clock = new FakeClock();
  return { clock, passwords: new VerifiedPasswords({ clock, keptMs, entriesMax }) };
}

describe('what has not been found right is not known', () => {
  test.each([
    ['another password', { password: 'Right' }],
    ['an empty password', { password: '' }],
    ['another hash of the same password: it was changed, or set anew', { passwordHash: '$argon2id$two' }],
    ['another account with the same password', { user: 'other' }],
    ['another network', { network: '192.0.2.2' }],
  ])('%s', (_, other) => {
    const { passwords } = remembering();
    passwords.add(claim());
    expect(passwords.has(claim(other))).toBe(false);
    expect(passwords.has(claim())).toBe(true);
  });

  test('nothing at all', () => {
    expect(remembering().passwords.has(claim())).toBe(false);
  });

  test('what was found right by another process, or another entry', () => {
    const [one, two] = [remembering(), remembering()];
    one.passwords.add(claim());
    two.passwords.add(claim({ user: 'other' }));
    expect(two.passwords.has(claim())).toBe(false);
  });
});

test('asking does not teach', () => {
  const { passwords } = remembering();
  passwords.add(claim({ user: 'other' }));
  for (let time = 0; time < 3; time++) expect(passwords.has(claim())).toBe(false);
  expect(passwords.size).toBe(1);
});

test('where nothing is to be kept, nothing is', () => {
  const { passwords } = remembering(100, 0);
  passwords.add(claim());
  expect(passwords.size).toBe(0);
  expect(passwords.has(claim())).toBe(false);
});

test('what nobody uses is dropped when its time is over, to the millisecond, without being asked for', () => {
  const { clock, passwords } = remembering();
  passwords.add(claim());
  clock.advance(KEPT_MS - 1);
  expect(passwords.size).toBe(1);
  clock.advance(1);
  expect(passwords.size).toBe(0);
  expect(passwords.has(claim())).toBe(false);
});

test('each use counts for as long again, and none beyond an hour behind the hash', () => {
  const { clock, passwords } = remembering();
  passwords.add(claim());
  const everyMs = 300_000;
  const known = Array.from({ length: 13 }, () => {
    clock.advance(everyMs);
    return passwords.has(claim());
  });
  expect(known).toEqual([...new Array(VERIFIED_AGE_MAX_MS / everyMs - 1).fill(true), false, false]);
  passwords.add(claim());
  expect(passwords.has(claim())).toBe(true);
});

test('one that is used keeps none of the others', () => {
  const { clock, passwords } = remembering();
  passwords.add(claim());
  passwords.add(claim({ user: 'idle' }));
  clock.advance(KEPT_MS / 2);
  passwords.has(claim());
  clock.advance(KEPT_MS / 2);
  expect(passwords.size).toBe(1);
  expect(passwords.has(claim({ user: 'idle' }))).toBe(false);
  expect(passwords.has(claim())).toBe(true);
});

test('beyond the bound the one that was used longest ago goes', () => {
  const { passwords } = remembering(2);
  passwords.add(claim({ user: 'a' }));
  passwords.add(claim({ user: 'b' }));
  passwords.has(claim({ user: 'a' }));
  passwords.add(claim({ user: 'c' }));
  expect(['a', 'b', 'c'].map((user) => passwords.has(claim({ user })))).toEqual([true, false, true]);
});

test('no password is in what can be seen of it', () => {
  const { passwords } = remembering();
  passwords.add(claim({ password: 'correct horse battery' }));
  expect(inspect(passwords, { depth: 9, showHidden: true })).not.toContain('correct horse');
});

test('no two claims are taken for one, wherever one part ends and the next begins', () => {
  const { passwords } = remembering(1_000_000);
  // Few letters and short texts, so that the parts put together are often the same.
  const part = fc.string({ unit: fc.constantFrom('a', '\0', '\x01', 'é'), maxLength: 4 });
  const four = fc.tuple(part, part, part, part);
  const made = ([user, passwordHash, password, network]: [string, string, string, string]) =>
    claim({ user, passwordHash, password, network });
  const taught = new Set<string>();
  fc.assert(
    fc.property(four, four, (one, other) => {
      passwords.add(made(one));
      taught.add(JSON.stringify(one));
      expect(passwords.has(made(one))).toBe(true);
      expect(passwords.has(made(other))).toBe(taught.has(JSON.stringify(other)));
    }),
    { numRuns: 2_000 },
  );
});

test('what is forgotten is known no more, leaves no timer, and can be learned again', () => {
  const { clock, passwords } = remembering();
  passwords.add(claim());
  passwords.forget();
  expect(passwords.has(claim())).toBe(false);
  expect(passwords.size).toBe(0);
  passwords.add(claim());
  expect(passwords.has(claim())).toBe(true);
  clock.advance(KEPT_MS);
  expect(passwords.size).toBe(0);
});
