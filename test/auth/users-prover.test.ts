import { describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { PasswordQueue } from '../../src/auth/password-queue.ts';
import { type UserOptions, userOptions } from '../../src/auth/users.ts';
import { usersProver } from '../../src/auth/users-prover.ts';
import { Secret } from '../../src/lib/secret.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const alice = userOptions.parse({ name: 'alice', passwordHash: HASH, home: '/srv/alice' });
const elsewhere = userOptions.parse({ name: 'elsewhere', home: '/srv/elsewhere' });
const former = userOptions.parse({ name: 'former', passwordHash: HASH, home: '/srv/former', enabled: false });

/** A prover whose hash function knows one password and writes down what it was asked. */
function prover(users: () => readonly UserOptions[] = () => [alice, former]) {
  const asked: { readonly password: string; readonly phc: string }[] = [];
  const subject = usersProver({
    users,
    queue: new PasswordQueue({ waitingMax: 10 }),
    async verify(password, phc) {
      asked.push({ password: password.reveal(), phc });
      return password.reveal() === 'right' && phc === HASH;
    },
  });
  const logIn = (user: string, password: string | undefined, signal = new AbortController().signal) =>
    subject.prove(
      {
        user,
        password: password === undefined ? undefined : new Secret(password),
        address: '192.0.2.1',
        tls: undefined,
        host: undefined,
      },
      signal,
    );
  return { logIn, asked };
}

describe('a refused login costs exactly one hash', () => {
  test.each([
    ['a wrong password', 'alice', 'wrong', 'wrong password'],
    ['a disabled account with the right password', 'former', 'right', 'account is disabled'],
    ['a disabled account with a wrong password', 'former', 'wrong', 'account is disabled'],
  ])('%s', async (_, user, password, reason) => {
    const { logIn, asked } = prover();
    expect(await logIn(user, password)).toEqual({ verdict: 'refused', reason });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.password).toBe(password);
  });
});

describe('a name that is not known here costs one hash, too, and is left to the next entry', () => {
  test.each([
    ['an unknown name', 'mallory'],
    ['a name in other letters', 'Alice'],
    ['an empty name', ''],
    ['a name of every object', 'constructor'],
    ['an account without a password', 'elsewhere'],
  ])('%s', async (_, user) => {
    const { logIn, asked } = prover(() => [alice, elsewhere]);
    expect(await logIn(user, 'right')).toEqual({ verdict: 'declined' });
    expect(asked).toHaveLength(1);
  });

  test('a client that has shown no password costs none', async () => {
    const { logIn, asked } = prover();
    expect(await logIn('alice', undefined)).toEqual({ verdict: 'declined' });
    expect(asked).toHaveLength(0);
  });
});

test('a disabled account without a password is not left to the next entry', async () => {
  const { logIn, asked } = prover(() => [{ ...elsewhere, enabled: false }]);
  expect(await logIn('elsewhere', 'right')).toEqual({ verdict: 'refused', reason: 'account is disabled' });
  expect(asked).toHaveLength(1);
});

test('nobody is checked against a hash with the default costs', async () => {
  const { logIn, asked } = prover();
  await logIn('mallory', 'any');
  const costs = /\$m=\d+,t=\d+,p=\d+\$/;
  expect(asked[0]?.phc.match(costs)?.[0]).toBe((await hashPassword(new Secret('any'))).match(costs)?.[0]);
});

test('unknown users pass through the same queue: a full one says busy to them, too', async () => {
  const held = Promise.withResolvers<boolean>();
  const subject = usersProver({
    users: () => [alice],
    queue: new PasswordQueue({ waitingMax: 1, runningMax: 1 }),
    verify: () => held.promise,
  });
  const logIn = (user: string) =>
    subject.prove(
      { user, password: new Secret('x'), address: '192.0.2.1', tls: undefined, host: undefined },
      new AbortController().signal,
    );
  const waiting = [logIn('alice'), logIn('alice')];
  await expect(logIn('mallory')).rejects.toMatchObject({ kind: 'Busy' });
  await expect(logIn('alice')).rejects.toMatchObject({ kind: 'Busy' });
  held.resolve(false);
  await Promise.all(waiting);
});

test('a client that is gone costs no hash', async () => {
  const { logIn, asked } = prover();
  await expect(logIn('alice', 'right', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(asked).toEqual([]);
});

test('the real hash function finds no password for an unknown user', async () => {
  const subject = usersProver({
    users: () => [],
    queue: new PasswordQueue({ waitingMax: 1 }),
  });
  const credentials = {
    user: 'nobody',
    password: new Secret('x'),
    address: '192.0.2.1',
    tls: undefined,
    host: undefined,
  };
  expect(await subject.prove(credentials, new AbortController().signal)).toMatchObject({ verdict: 'declined' });
});

test('the right password proves the name', async () => {
  const { logIn } = prover();
  expect(await logIn('alice', 'right')).toEqual({ verdict: 'accepted', identity: { user: 'alice', groups: [] } });
});

test('users that are read anew hold from the next login on', async () => {
  let users: readonly UserOptions[] = [];
  const { logIn } = prover(() => users);
  expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'declined' });
  users = [alice];
  expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'accepted' });
  users = [{ ...alice, enabled: false }];
  expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'refused' });
});
