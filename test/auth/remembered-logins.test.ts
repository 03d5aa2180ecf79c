/** Logins of accounts whose password was found right a short while ago, and all those that must cost a hash each time. */
import { describe, expect, test } from 'vitest';
import { PasswordQueue } from '../../src/auth/password-queue.ts';
import { type UserOptions, userOptions } from '../../src/auth/users.ts';
import { usersProver } from '../../src/auth/users-prover.ts';
import { VerifiedPasswords } from '../../src/auth/verified-passwords.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const NEW_HASH = '$argon2id$v=19$m=65536,t=2,p=1$b3RoZXJzYWx0$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const partner = userOptions.parse({ name: 'partner', passwordHash: HASH, home: '/srv/partner' });

/** A prover that remembers, with a hash function that knows one password for every hash and counts. */
function remembering(asksForCode: (user: string) => boolean = () => false) {
  const clock = new FakeClock();
  const state = { users: [partner] as readonly UserOptions[], hashes: 0 };
  const subject = usersProver({
    users: () => state.users,
    queue: new PasswordQueue({ waitingMax: 10, runningMax: 1 }),
    verified: new VerifiedPasswords({ clock, keptMs: 600_000 }),
    asksForCode,
    async verify(password) {
      state.hashes += 1;
      return password.reveal() === 'right';
    },
  });
  /** The verdict and how many hashes it cost. */
  const logIn = async (password = 'right', { user = 'partner', address = '192.0.2.1' } = {}) => {
    const before = state.hashes;
    const credentials = { user, password: new Secret(password), address, tls: undefined, host: undefined };
    const { verdict } = await subject.prove(credentials, new AbortController().signal);
    return `${verdict} for ${state.hashes - before}`;
  };
  return { clock, state, logIn };
}

describe('costs a hash each time', () => {
  test('a wrong password, also between right ones', async () => {
    const { logIn } = remembering();
    const asked = ['right', 'wrong', 'right', 'wrong', ''];
    const answers: string[] = [];
    for (const password of asked) answers.push(await logIn(password));
    expect(answers).toEqual(['accepted for 1', 'refused for 1', 'accepted for 0', 'refused for 1', 'refused for 1']);
  });

  test('an unknown name, whatever the password', async () => {
    const { logIn } = remembering();
    for (let time = 0; time < 2; time++) expect(await logIn('right', { user: 'nobody' })).toBe('declined for 1');
  });

  test('a right password from a network that has not shown it', async () => {
    const { logIn } = remembering();
    await logIn();
    expect(await logIn('right', { address: '192.0.2.2' })).toBe('accepted for 1');
    await logIn('right', { address: '2001:db8::1' });
    expect(await logIn('right', { address: '2001:db8:0:1::1' })).toBe('accepted for 1');
    expect(await logIn('right', { address: '2001:db8::ffff' })).toBe('accepted for 0');
  });

  test('an account that was disabled: it is refused at once, as late as ever', async () => {
    const { state, logIn } = remembering();
    await logIn();
    state.users = [{ ...partner, enabled: false }];
    expect(await logIn()).toBe('refused for 1');
    expect(await logIn('wrong')).toBe('refused for 1');
  });

  test('a password that was changed, the old one as well as the new one', async () => {
    const { state, logIn } = remembering();
    await logIn();
    state.users = [{ ...partner, passwordHash: NEW_HASH }];
    expect(await logIn()).toBe('accepted for 1');
  });

  test('an account that was removed', async () => {
    const { state, logIn } = remembering();
    await logIn();
    state.users = [];
    expect(await logIn()).toBe('declined for 1');
  });

  test.each([
    ['a secret for codes', { totpSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' }],
    ['a client certificate that is required', { clientCertificate: 'required' as const }],
    ['certificates that are listed', { certificateFingerprints: ['ab'.repeat(32)] }],
    ['public keys that are listed', { certificatePublicKeys: ['ab'.repeat(32)] }],
  ])('an account that asks for more than the password: %s', async (_, more) => {
    const { state, logIn } = remembering();
    state.users = [userOptions.parse({ name: 'partner', passwordHash: HASH, home: '/srv/partner', ...more })];
    for (let time = 0; time < 2; time++) expect(await logIn()).toBe('accepted for 1');
  });

  test('a user of whom the entry asks a code', async () => {
    const { logIn } = remembering((user) => user === 'partner');
    for (let time = 0; time < 2; time++) expect(await logIn()).toBe('accepted for 1');
  });

  test('a password of which the time is over, and at the latest once an hour', async () => {
    const { clock, logIn } = remembering();
    await logIn();
    clock.advance(600_000);
    expect(await logIn()).toBe('accepted for 1');
    const answers: string[] = [];
    for (let minutes = 5; minutes <= 60; minutes += 5) {
      clock.advance(300_000);
      answers.push(await logIn());
    }
    expect(answers).toEqual([...new Array(11).fill('accepted for 0'), 'accepted for 1']);
  });
});

test('a partner who logs in again and again pays one hash, with other users in between', async () => {
  const { logIn } = remembering();
  expect(await logIn()).toBe('accepted for 1');
  await logIn('guess', { user: 'nobody' });
  for (let time = 0; time < 3; time++) expect(await logIn()).toBe('accepted for 0');
});

test('several logins at once pay one hash, and a full queue holds up nobody who is known', async () => {
  const clock = new FakeClock();
  const hold = Promise.withResolvers<boolean>();
  let hashes = 0;
  const subject = usersProver({
    users: () => [partner],
    queue: new PasswordQueue({ waitingMax: 2, runningMax: 1 }),
    verified: new VerifiedPasswords({ clock, keptMs: 600_000 }),
    verify: (password) => {
      hashes += 1;
      return password.reveal() === 'right' ? Promise.resolve(true) : hold.promise;
    },
  });
  const logIn = (password: string) =>
    subject.prove(
      { user: 'partner', password: new Secret(password), address: '192.0.2.1', tls: undefined, host: undefined },
      new AbortController().signal,
    );
  const together = await Promise.all(['right', 'right', 'right'].map(logIn));
  expect(together.map(({ verdict }) => verdict)).toEqual(['accepted', 'accepted', 'accepted']);
  expect(hashes).toBe(1);
  const wrong = ['wrong', 'wrong', 'wrong'].map(logIn);
  await expect(logIn('wrong')).rejects.toMatchObject({ kind: 'Busy' });
  expect(await logIn('right')).toMatchObject({ verdict: 'accepted' });
  hold.resolve(false);
  await Promise.all(wrong);
});
