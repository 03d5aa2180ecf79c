/** Accounts that a program adds, changes and removes while its gateway runs. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createUserTable } from '../../src/server/create-user-table.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const SECRET = new Secret('open sesame');

async function withTable() {
  const users = createUserTable();
  const gateway = await startGateway({}, {}, { authenticators: [users.authenticator] });
  const home = join(gateway.home, '..', 'table');
  mkdirSync(home);
  writeFileSync(join(home, 'a.txt'), 'hello');
  const as = (user: string, password = SECRET.reveal()) => RawClient.login({ ...gateway, user, password });
  return { users, gateway, home, as };
}

const loggedIn = async (client: RawClient) => (await client.send('PWD')).startsWith('257');

test('what cannot be is refused with its reason', async () => {
  const { users, home } = await withTable();
  const user = { name: 'acme', password: SECRET, home };
  await users.add(user);
  await expect(users.add(user)).rejects.toThrow('acme is in the table already');
  await expect(users.add({ ...user, name: 'b', home: join(home, 'missing') })).rejects.toThrow(
    'cannot be used as a home',
  );
  await expect(users.add({ ...user, name: 'b', home: join(home, 'a.txt') })).rejects.toThrow('is no directory');
  await expect(users.add({ ...user, name: 'b', home: 'relative' })).rejects.toThrow('absolute');
  await expect(users.add({ ...user, name: 'b', permissions: 'xyz' })).rejects.toThrow('letters');
  await expect(users.add({ name: 'b', passwordHash: 'plain', home })).rejects.toThrow();
  await expect(users.add({ ...user, name: 'b', runAs: 'user' })).rejects.toThrow('no user number');
  await expect(users.add({ ...user, name: 'b', tree: 'machine' })).rejects.toThrow('run_as: user');
  await expect(users.add({ ...user, name: 'ftp' })).rejects.toThrow('use addAnonymous');
  expect(() => users.overridePermissions('nobody', '/', 'e')).toThrow('nobody is not in the table');
  expect(() => users.overridePermissions('acme', 'inbox', 'e')).toThrow('absolute path as clients see it');
  expect(() => users.overridePermissions('acme', '/inbox', 'q')).toThrow('no permission letters');
  expect(() => users.remove('nobody')).toThrow('nobody is not in the table');
  expect(users.has('b')).toBe(false);
});

test('two calls at once add a name once', async () => {
  const { users, home } = await withTable();
  const user = { name: 'acme', password: SECRET, home };
  const results = await Promise.allSettled([users.add(user), users.add(user)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('an account logs in with its password or hash, no other, and those of the options still do', async () => {
  const { users, gateway, home, as } = await withTable();
  expect(await loggedIn(await as('acme'))).toBe(false);
  await users.add({ name: 'acme', password: SECRET, home });
  await users.add({ name: 'hashed', passwordHash: await hashPassword(SECRET), home });
  expect(await loggedIn(await as('acme', 'wrong'))).toBe(false);
  expect(await loggedIn(await as('acme'))).toBe(true);
  expect(await loggedIn(await as('hashed'))).toBe(true);
  expect(await loggedIn(await as(gateway.user, gateway.password))).toBe(true);
});

test('new permissions hold at once for who is logged in, in the directory alone or in all below', async () => {
  const { users, home, as } = await withTable();
  mkdirSync(join(home, 'in', 'deep'), { recursive: true });
  await users.add({ name: 'acme', password: SECRET, home });
  const client = await as('acme');
  expect(await client.upload('STOR /in/a.txt', 'x')).toMatch(/^550/);
  users.overridePermissions('acme', '/in', 'elw', { recursive: false });
  expect(await client.upload('STOR /in/a.txt', 'x')).toMatch(/^226/);
  expect(await client.upload('STOR /in/deep/a.txt', 'x')).toMatch(/^550/);
  users.overridePermissions('acme', '/in', 'elw');
  expect(await client.upload('STOR /in/deep/a.txt', 'x')).toMatch(/^226/);
  users.overridePermissions('acme', '/in', 'el');
  expect(await client.upload('STOR /in/b.txt', 'x')).toMatch(/^550/);
});

test('who was removed cannot log in, and whoever is logged in may do nothing more', async () => {
  const { users, home, as } = await withTable();
  await users.add({ name: 'acme', password: SECRET, home, permissions: 'elradfmw' });
  const client = await as('acme');
  expect((await client.download('RETR a.txt')).reply).toMatch(/^226/);
  users.remove('acme');
  expect(users.has('acme')).toBe(false);
  for (const line of ['RETR a.txt', 'LIST', 'STOR b.txt']) expect((await client.download(line)).reply).toMatch(/^550/);
  expect(await client.send('DELE a.txt')).toMatch(/^550/);
  expect(await loggedIn(await as('acme'))).toBe(false);
  // The name is free again, and the one who was there before gets nothing of it.
  await users.add({ name: 'acme', password: SECRET, home });
  expect(await loggedIn(await as('acme'))).toBe(true);
  expect((await client.download('RETR a.txt')).reply).toMatch(/^550/);
});

test('guests come in with any password and may only read, unless it was said twice', async () => {
  const { users, home, as } = await withTable();
  expect(await loggedIn(await as('anonymous', 'guest@example.com'))).toBe(false);
  await expect(users.addAnonymous(home, { permissions: 'elrw' })).rejects.toThrow('writable: true to give them w');
  await users.addAnonymous(home);
  await expect(users.addAnonymous(home)).rejects.toThrow('already');
  expect(() => users.overridePermissions('anonymous', '/', 'elw')).toThrow('writable');
  for (const name of ['anonymous', 'ftp', 'FTP']) {
    const client = await as(name, 'guest@example.com');
    expect((await client.download('RETR a.txt')).data.toString()).toBe('hello');
    expect(await client.upload('STOR b.txt', 'x')).toMatch(/^550/);
  }
  users.remove('anonymous');
  await users.addAnonymous(home, { permissions: 'elrw', writable: true });
  const client = await as('anonymous', 'x');
  expect(await client.upload('STOR b.txt', 'x')).toMatch(/^226/);
});

test('an account of the table has its own messages', async () => {
  const { users, home, gateway } = await withTable();
  const settings = { loginMessage: 'Welcome, Acme.', quitMessage: 'Bye, Acme.' };
  await users.add({ name: 'acme', password: SECRET, home, settings });
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('USER acme');
  expect(await client.send(`PASS ${SECRET.reveal()}`)).toBe('230-Logged in.\n230 Welcome, Acme.');
  expect(await client.send('QUIT')).toBe('221-Goodbye.\n221 Bye, Acme.');
});
