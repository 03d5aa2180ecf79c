/** The examples whose accounts are kept elsewhere, against the real thing: Linux-PAM's check, and Debian's slapd. */
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PEOPLE, SEARCHER, SLAPD, startDirectory } from '../fixtures/directory.ts';
import { get, put, startExample } from './running-example.ts';
import { CAN_HAVE_ACCOUNTS, SYSTEM_PASSWORD, systemAccounts } from './system-accounts.ts';

// Each starts a process that loads everything, on a machine that runs other tests beside.
vi.setConfig({ testTimeout: 60_000 });

const testUnix = test.skipIf(!CAN_HAVE_ACCOUNTS);

testUnix('unix-server: users of the system log in with their passwords, and root and services do not', async () => {
  const { setup, home } = await systemAccounts();
  const example = await startExample('unix-server.ts', setup);
  for (const name of ['root', 'backup', 'mail', 'nobody-at-all']) {
    await expect(example.login(name, SYSTEM_PASSWORD)).rejects.toThrow(/^530/);
  }
  await expect(example.login('alice', 'wrong')).rejects.toThrow(/^530/);
  const alice = await example.login('alice', SYSTEM_PASSWORD);
  expect(await alice.pwd()).toBe(home);
  await put(alice, 'a.txt', 'hello');
  expect(await stat(join(home, 'a.txt'))).toMatchObject({ uid: 4_001, gid: 4_001, size: 5 });
  expect(await get(alice, '/etc/passwd')).toContain('alice:x:4001');
  // What holds her back is the system itself.
  await expect(get(alice, '/etc/shadow')).rejects.toThrow(/^550/);
  await expect(put(alice, '/etc/a.txt', 'x')).rejects.toThrow(/^550/);
});

const testDirectory = test.skipIf(SLAPD === undefined && (process.env.CI ?? '') === '');

testDirectory('active-directory: people of the directory log in, and others do not', async () => {
  const { ldaps, caFile } = await startDirectory();
  const example = await startExample('active-directory.ts', {
    files: { 'ldap-password': 'searcher secret\n' },
    env: {
      LDAP_URL: ldaps,
      LDAP_CA_FILE: caFile,
      LDAP_BASE: 'dc=example',
      LDAP_READER: SEARCHER,
      LDAP_FILTER: '(uid={user})',
      LDAP_NAME: 'uid',
    },
  });
  await expect(example.login('alice', PEOPLE.bob)).rejects.toThrow(/^530/);
  await expect(example.login('ALICE', PEOPLE.alice)).rejects.toThrow(/^530/);
  await expect(example.login('mallory', 'x')).rejects.toThrow(/^530/);
  const alice = await example.login('alice', PEOPLE.alice);
  await put(alice, 'a.txt', 'hello');
  await writeFile(join(example.folder, 'files', 'b.txt'), 'world');
  expect(await get(alice, 'b.txt')).toBe('world');
  expect((await readdir(join(example.folder, 'files'))).sort()).toEqual(['a.txt', 'b.txt']);
});
