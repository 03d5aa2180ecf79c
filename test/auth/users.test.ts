import { describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { PasswordQueue } from '../../src/auth/password-queue.ts';
import { type UserOptions, userOptions, usersAuthenticator } from '../../src/auth/users.ts';
import { Secret } from '../../src/lib/secret.ts';
import { UTF_8 } from '../../src/spi/charset.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const alice = userOptions.parse({ name: 'alice', passwordHash: HASH, home: '/srv/alice' });
const former = userOptions.parse({ name: 'former', passwordHash: HASH, home: '/srv/former', enabled: false });

/** Stands for an account's storage; nothing here touches files. */
const files = new Proxy<FileSystem>(Object.create(null), { get: () => undefined });

/** An authenticator whose hash function knows one password and writes down what it was asked. */
function authenticator(users: () => readonly UserOptions[] = () => [alice, former]) {
  const asked: { readonly password: string; readonly phc: string }[] = [];
  const subject = usersAuthenticator({
    users,
    filesFor: () => files,
    charsetNamed: (name) => ({ ...UTF_8, name }),
    queue: new PasswordQueue({ waitingMax: 10 }),
    async verify(password, phc) {
      asked.push({ password: password.reveal(), phc });
      return password.reveal() === 'right' && phc === HASH;
    },
  });
  const logIn = (user: string, password: string, signal = new AbortController().signal) =>
    subject.authenticate({ user, password: new Secret(password), address: '192.0.2.1' }, signal);
  return { logIn, asked };
}

describe('a refused login costs exactly one hash', () => {
  test.each([
    ['a wrong password', 'alice', 'wrong', 'wrong password'],
    ['an unknown name', 'mallory', 'right', 'unknown user'],
    ['a name in other letters', 'Alice', 'right', 'unknown user'],
    ['an empty name', '', 'right', 'unknown user'],
    ['a name of every object', 'constructor', 'right', 'unknown user'],
    ['a disabled account with the right password', 'former', 'right', 'account is disabled'],
    ['a disabled account with a wrong password', 'former', 'wrong', 'account is disabled'],
  ])('%s', async (_, user, password, reason) => {
    const { logIn, asked } = authenticator();
    expect(await logIn(user, password)).toEqual({ verdict: 'refused', reason });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.password).toBe(password);
  });
});

test('nobody is checked against a hash with the default costs', async () => {
  const { logIn, asked } = authenticator();
  await logIn('mallory', 'any');
  const costs = /\$m=\d+,t=\d+,p=\d+\$/;
  expect(asked[0]?.phc.match(costs)?.[0]).toBe((await hashPassword(new Secret('any'))).match(costs)?.[0]);
});

test('unknown users pass through the same queue: a full one says busy to them, too', async () => {
  const held = Promise.withResolvers<boolean>();
  const subject = usersAuthenticator({
    users: () => [alice],
    filesFor: () => files,
    charsetNamed: (name) => ({ ...UTF_8, name }),
    queue: new PasswordQueue({ waitingMax: 1, runningMax: 1 }),
    verify: () => held.promise,
  });
  const logIn = (user: string) =>
    subject.authenticate({ user, password: new Secret('x'), address: '192.0.2.1' }, new AbortController().signal);
  const waiting = [logIn('alice'), logIn('alice')];
  await expect(logIn('mallory')).rejects.toMatchObject({ kind: 'Busy' });
  await expect(logIn('alice')).rejects.toMatchObject({ kind: 'Busy' });
  held.resolve(false);
  await Promise.all(waiting);
});

test('a client that is gone costs no hash', async () => {
  const { logIn, asked } = authenticator();
  await expect(logIn('alice', 'right', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(asked).toEqual([]);
});

test('the real hash function refuses an unknown user as it does a wrong password', async () => {
  const subject = usersAuthenticator({
    users: () => [],
    filesFor: () => files,
    charsetNamed: (name) => ({ ...UTF_8, name }),
    queue: new PasswordQueue({ waitingMax: 1 }),
  });
  const credentials = { user: 'nobody', password: new Secret('x'), address: '192.0.2.1' };
  expect(await subject.authenticate(credentials, new AbortController().signal)).toMatchObject({ verdict: 'refused' });
});

test('the right password makes an account with the written permissions and nothing more', async () => {
  const { logIn } = authenticator();
  expect(await logIn('alice', 'right')).toEqual({
    verdict: 'accepted',
    account: {
      name: 'alice',
      files,
      permissions: new Set(['e', 'l', 'r']),
      directories: [],
      existing: 'replace',
      onIncomplete: 'keep',
      charset: expect.objectContaining({ name: 'utf-8' }),
    },
  });
});

test('every option of a user reaches the account', async () => {
  const bob = userOptions.parse({
    name: 'bob',
    passwordHash: HASH,
    home: '/srv/bob',
    permissions: 'elradfmwMT',
    directories: [{ path: '/in', permissions: 'ew', recursive: false }],
    overwrite: 'keep',
    onIncomplete: 'remove',
    sessionReuse: 'off',
    closeNotify: 'preferred',
    uploadBytesMax: 1_000,
    charset: 'cp1252',
  });
  const { logIn } = authenticator(() => [bob]);
  expect(await logIn('bob', 'right')).toMatchObject({
    account: {
      permissions: new Set(['e', 'l', 'r', 'a', 'd', 'f', 'm', 'w', 'M', 'T']),
      directories: [{ path: '/in', permissions: new Set(['e', 'w']), recursive: false }],
      existing: 'keep',
      onIncomplete: 'remove',
      sessionReuse: 'off',
      closeNotify: 'preferred',
      uploadBytesMax: 1_000,
      charset: { name: 'cp1252' },
    },
  });
});

test('users that are read anew hold from the next login on', async () => {
  let users: readonly UserOptions[] = [];
  const { logIn } = authenticator(() => users);
  expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'refused' });
  users = [alice];
  expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'accepted' });
  users = [{ ...alice, enabled: false }];
  expect(await logIn('alice', 'right')).toMatchObject({ verdict: 'refused' });
});

describe('what is no user', () => {
  const right = { name: 'carol', passwordHash: HASH, home: '/srv/carol' };
  test.each([
    ['no name', { ...right, name: undefined }],
    ['an empty name', { ...right, name: '' }],
    ['a name of 65 characters', { ...right, name: 'x'.repeat(65) }],
    ['a name with a space', { ...right, name: 'ca rol' }],
    ['a name with a line end', { ...right, name: 'carol\n' }],
    ['a name with a slash', { ...right, name: '../carol' }],
    ['a plain password', { ...right, passwordHash: 'secret' }],
    ['no home', { ...right, home: '' }],
    ['a permission that does not exist', { ...right, permissions: 'elx' }],
    ['a relative directory', { ...right, directories: [{ path: 'in', permissions: 'e' }] }],
    ['a directory with dots', { ...right, directories: [{ path: '/in/../out', permissions: 'e' }] }],
    ['a directory with a slash at its end', { ...right, directories: [{ path: '/in/', permissions: 'e' }] }],
    ['a directory with NUL', { ...right, directories: [{ path: '/in\0', permissions: 'e' }] }],
    ['a directory without permissions', { ...right, directories: [{ path: '/in' }] }],
    [
      'two rules for one directory',
      {
        ...right,
        directories: [
          { path: '/in', permissions: 'e' },
          { path: '/in', permissions: 'l' },
        ],
      },
    ],
    ['uploads of no bytes', { ...right, uploadBytesMax: 0 }],
    ['a key that does not exist', { ...right, admin: true }],
  ])('%s', (_, user) => {
    expect(userOptions.safeParse(user).success).toBe(false);
  });

  test('without these mistakes it is one', () => {
    expect(userOptions.safeParse({ ...right, directories: [{ path: '/', permissions: '' }] }).success).toBe(true);
  });
});
