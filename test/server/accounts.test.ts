/** Accounts of a users file that changes while the gateway runs. */
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { gatewayOptionsWith } from '../../src/config/options.ts';
import { addUser, removeUser, setPassword } from '../../src/config/users-file.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import { accountsOf } from '../../src/server/accounts.ts';
import { createGateway } from '../../src/server/gateway.ts';
import { maySwitch } from '../../src/storage/worker/rights.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, RecordingLog, startGateway } from '../fixtures/gateway.ts';

/** A gateway with a users file beside its home, and a login over TLS. */
async function gatewayWithFile() {
  const folder = (await startGateway()).home;
  const usersFile = join(folder, 'users.yaml');
  await addUser(usersFile, { name: 'alice', passwordHash: await hashPassword(new Secret(PASSWORD)), home: folder });
  const gateway = await startGateway({ usersFile });
  const login = async (name: string, password = PASSWORD) => {
    const client = await RawClient.connect(gateway);
    await client.send('AUTH TLS');
    await client.startTls();
    await client.send(`USER ${name}`);
    const reply = await client.send(`PASS ${password}`);
    client.close();
    return reply.slice(0, 3);
  };
  return { folder, usersFile, gateway, login };
}

test('an account that is added, changed or removed counts from the next login on', async () => {
  const { folder, usersFile, login } = await gatewayWithFile();
  expect(await login('bob')).toBe('530');
  expect(await login('alice')).toBe('230');
  const passwordHash = await hashPassword(new Secret('another long one'));
  await addUser(usersFile, { name: 'bob', passwordHash, home: folder });
  expect(await login('bob', 'another long one')).toBe('230');
  await setPassword(usersFile, 'alice', passwordHash);
  expect(await login('alice')).toBe('530');
  expect(await login('alice', 'another long one')).toBe('230');
  await removeUser(usersFile, 'alice');
  expect(await login('alice', 'another long one')).toBe('530');
});

test('a users file that has become wrong is reported, and the accounts stay as they were', async () => {
  const { usersFile, gateway, login } = await gatewayWithFile();
  await writeFile(usersFile, 'users: [{name: alice}]\n');
  expect(await login('alice')).toBe('230');
  expect(await login('alice')).toBe('230');
  expect(gateway.log.of('users_file.refused')).toHaveLength(1);
});

test('a home that has gone hinders that account alone', async () => {
  const { folder, usersFile, login } = await gatewayWithFile();
  const passwordHash = await hashPassword(new Secret(PASSWORD));
  const home = join(folder, 'gone');
  await mkdir(home);
  await addUser(usersFile, { name: 'bob', passwordHash, home });
  await addUser(usersFile, { name: 'carol', passwordHash, home: folder });
  await rmdir(home);
  expect(await login('carol')).toBe('230');
});

test('a gateway whose users file is wrong does not start, and nothing listens', async () => {
  const { cert, key } = await testCertificates();
  const usersFile = '/nonexistent/users.yaml';
  const gateway = createGateway({ listen: [{ port: 0 }], tls: { certificate: cert, key }, usersFile });
  await expect(gateway.start()).rejects.toThrow('users.yaml');
  expect(gateway.addresses).toEqual([]);
});

test("the files of who runs as a user are never reached with the gateway's rights when nobody is logged in", async () => {
  const log = new RecordingLog();
  const { home } = await startGateway();
  const passwordHash = await hashPassword(new Secret(PASSWORD));
  const users = [
    { name: 'alice', passwordHash, home, runAs: 'user' as const },
    { name: 'bob', passwordHash, home },
  ];
  const { cert, key } = await testCertificates();
  const options = gatewayOptionsWith([]).parse({ listen: [{ port: 0 }], tls: { certificate: cert, key }, users });
  const accounts = accountsOf(options, { directives: [], clock: systemClock, log });
  const user = { user: 'alice', uid: 1_001, gid: 1_002 };
  expect(accounts.filesAt('alice', { root: '/' })).toBeUndefined();
  expect(accounts.filesAt('alice', {})).toBeUndefined();
  expect(accounts.filesAt('alice', { user })).toBeUndefined();
  expect(accounts.filesAt('alice', { root: '/', user: { user: 'root', uid: 0, gid: 0 } })).toBeUndefined();
  expect(log.of('files.user_unreachable')).toHaveLength(4);
  // Whose template is gone, or who is written down otherwise now, was a user all the same.
  for (const name of ['alice', 'bob', 'somebody']) {
    const files = accounts.filesAt(name, { root: '/', user });
    if (maySwitch()) expect(files?.systemUser).toEqual(user);
    else expect(files).toBeUndefined();
  }
  expect(accounts.filesAt('bob', { root: home })?.onDisk?.(ROOT)).toBe(home);
  await accounts.close();
});
