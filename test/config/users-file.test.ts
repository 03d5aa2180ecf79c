import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatProblem } from '../../src/config/problem.ts';
import {
  addUser,
  readUsersFile,
  removeUser,
  setPassword,
  setTotpSecret,
  UsersFileRefused,
} from '../../src/config/users-file.ts';
import { temporaryFolder } from './temporary-folder.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
const OTHER_HASH = '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const FILE = `# Partners, see the contract folder.

users:
  # Acme, since 2019.
  - name: acme
    password_hash: ${HASH} # told by telephone
    home: acme
    directories:
      - { path: /in, permissions: elw }

  # Globex. Their client is old.
  - name: globex
    password_hash: '${HASH}'
    home: "globex"
    close_notify: off
# The end.
`;

async function usersFile(text: string): Promise<{ readonly path: string; readonly text: () => Promise<string> }> {
  const folder = await temporaryFolder({ 'users.yaml': text, 'acme/': '', 'globex/': '' });
  const path = join(folder, 'users.yaml');
  return { path, text: () => readFile(path, 'utf8') };
}

const dave = { name: 'dave', passwordHash: HASH, home: 'dave' };

describe('an edit that is refused leaves the file as it was', () => {
  test.each([
    ['adding a name that is taken', (path: string) => addUser(path, { ...dave, name: 'acme' })],
    ['removing a name that is not there', (path: string) => removeUser(path, 'nobody')],
    ['removing a name in other letters', (path: string) => removeUser(path, 'ACME')],
    ['a new password for nobody', (path: string) => setPassword(path, 'nobody', OTHER_HASH)],
  ])('%s', async (_, edit) => {
    const file = await usersFile(FILE);
    expect(await edit(file.path)).toBe(false);
    expect(await file.text()).toBe(FILE);
  });

  test.each([
    ['a plain password', (path: string) => setPassword(path, 'acme', 'plain'), '6:20 users[0].password_hash'],
    ['a bad name', (path: string) => addUser(path, { ...dave, name: 'da ve' }), '16:11 users[2].name'],
    ['bad permissions', (path: string) => addUser(path, { ...dave, permissions: 'x' }), '19:18 users[2].permissions'],
  ])('%s', async (_, edit, place) => {
    const file = await usersFile(FILE);
    const refused = await edit(file.path).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UsersFileRefused);
    expect(String(refused)).toContain(`users.yaml:${place}`);
    expect(await file.text()).toBe(FILE);
  });

  test('a file with mistakes of its own', async () => {
    const broken = FILE.replace('close_notify', 'close_notfy');
    const file = await usersFile(broken);
    await expect(addUser(file.path, dave)).rejects.toThrow(
      /users\.yaml:15:5 users\[1\]\.close_notfy: is not a known key/,
    );
    expect(await file.text()).toBe(broken);
  });

  test('a file that is no YAML', async () => {
    const file = await usersFile('users: [');
    await expect(removeUser(file.path, 'acme')).rejects.toThrow(UsersFileRefused);
    expect(await file.text()).toBe('users: [');
  });

  test('a folder in its place', async () => {
    const folder = await temporaryFolder({ 'users.yaml/': '' });
    await expect(addUser(join(folder, 'users.yaml'), dave)).rejects.toThrow('is not a file');
  });

  test('a file in a folder that is not there; nothing is left behind', async () => {
    const folder = await temporaryFolder();
    await expect(addUser(join(folder, 'absent/users.yaml'), dave)).rejects.toThrow('ENOENT');
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a new password changes nothing but the hash', async () => {
  const file = await usersFile(FILE);
  expect(await setPassword(file.path, 'acme', OTHER_HASH)).toBe(true);
  expect(await setPassword(file.path, 'globex', OTHER_HASH)).toBe(true);
  expect(await file.text()).toBe(FILE.replaceAll(HASH, OTHER_HASH));
});

test('a new account comes last, and what the operator wrote stays', async () => {
  const file = await usersFile(FILE);
  expect(
    await addUser(file.path, { ...dave, directories: [{ path: '/in', permissions: 'w' }], sessionReuse: 'off' }),
  ).toBe(true);
  const added = `  - name: dave
    password_hash: ${HASH}
    home: dave
    directories:
      - path: /in
        permissions: w
    session_reuse: off
`;
  expect(await file.text()).toBe(FILE.replace('# The end', `${added}\n# The end`));
});

test('a removed account takes the comment above it along, and no other', async () => {
  const file = await usersFile(FILE);
  expect(await removeUser(file.path, 'globex')).toBe(true);
  const text = await file.text();
  expect(text).not.toContain('lobex');
  for (const kept of ['# Partners, see', '# Acme, since', '# told by telephone', '# The end.'])
    expect(text).toContain(kept);
  expect(await removeUser(file.path, 'acme')).toBe(true);
  expect(await readUsersFile(file.path)).toMatchObject({ ok: true, users: [] });
});

test('a list that is not indented stays so', async () => {
  const flat = `users:\n- name: acme\n  password_hash: ${HASH}\n  home: acme\n`;
  const file = await usersFile(flat);
  await addUser(file.path, dave);
  expect(await file.text()).toBe(`${flat}- name: dave\n  password_hash: ${HASH}\n  home: dave\n`);
});

test.each(['', 'users:\n', 'users: []\n', '# Nobody yet.\n'])('the first account of the file %j', async (text) => {
  const file = await usersFile(text);
  expect(await addUser(file.path, { ...dave, home: 'acme' })).toBe(true);
  expect(await readUsersFile(file.path)).toMatchObject({ ok: true, users: [{ name: 'dave', permissions: 'elr' }] });
  expect(await file.text()).toContain('\n  - name: dave\n');
  if (text.startsWith('#')) expect(await file.text()).toContain(text);
});

test('a file that is not there is made, for its owner only, and nothing is left beside it', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'users.yaml');
  expect(await addUser(path, dave)).toBe(true);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['users.yaml']);
});

test('a link to the file stays a link', async () => {
  const file = await usersFile(FILE);
  const link = `${file.path}.link`;
  await symlink(file.path, link);
  expect(await removeUser(link, 'acme')).toBe(true);
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await file.text()).not.toContain('name: acme');
});

describe('reading', () => {
  test('names the file as the caller does, and finds every mistake', async () => {
    const file = await usersFile(FILE.replace('home: acme', 'home: absent').replace('users:', 'user: 1\nusers:'));
    const read = await readUsersFile(file.path, { shownAs: 'conf/users.yaml' });
    const lines = read.ok ? [] : read.problems.map(formatProblem);
    expect(lines).toEqual([
      'conf/users.yaml:3:1 user: is not a known key; did you mean users?',
      expect.stringMatching(/^conf\/users\.yaml:8:11 users\[0\]\.home: does not exist: \/.*\/absent$/),
    ]);
  });

  test('a file that is not there', async () => {
    const folder = await temporaryFolder();
    const read = await readUsersFile(join(folder, 'users.yaml'), { shownAs: 'users.yaml' });
    expect(read).toMatchObject({ ok: false, problems: [{ file: 'users.yaml', line: 1, column: 1 }] });
  });

  test('gives accounts with absolute homes', async () => {
    const file = await usersFile(FILE);
    await writeFile(file.path, FILE);
    const read = await readUsersFile(file.path);
    expect(read).toMatchObject({
      users: [
        { name: 'acme', home: join(file.path, '../acme') },
        { name: 'globex', closeNotify: 'off' },
      ],
    });
  });
});

const TOTP = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';

describe('a second factor', () => {
  test('of nobody, or that is none, is refused and leaves the file as it was', async () => {
    const file = await usersFile(FILE);
    expect(await setTotpSecret(file.path, 'nobody', TOTP)).toBe(false);
    await expect(setTotpSecret(file.path, 'acme', 'short')).rejects.toThrow(UsersFileRefused);
    expect(await file.text()).toBe(FILE);
  });

  test('comes behind what the account has, and goes again', async () => {
    const file = await usersFile(FILE);
    expect(await setTotpSecret(file.path, 'acme', TOTP)).toBe(true);
    expect(await readUsersFile(file.path)).toMatchObject({ users: [{ totpSecret: TOTP }, { name: 'globex' }] });
    expect(await file.text()).toContain('# told by telephone');
    expect(await setTotpSecret(file.path, 'acme', undefined)).toBe(true);
    expect(await file.text()).not.toContain('totp_secret');
  });
});

test('an account without a password gets one', async () => {
  const file = await usersFile('users:\n  - name: acme # by LDAP so far\n    home: acme\n');
  expect(await setPassword(file.path, 'acme', HASH)).toBe(true);
  expect(await readUsersFile(file.path)).toMatchObject({ ok: true, users: [{ name: 'acme', passwordHash: HASH }] });
  expect(await file.text()).toContain('# by LDAP so far');
});

describe.skipIf(process.platform === 'win32')('who may read the file', () => {
  test.each([0o644, 0o604, 0o660, 0o602])('mode %o is a problem, and an edit mends it', async (mode) => {
    const file = await usersFile(FILE);
    await chmod(file.path, mode);
    const read = await readUsersFile(file.path, { shownAs: 'users.yaml' });
    expect(read.ok ? [] : read.problems.map(formatProblem)).toEqual([
      expect.stringMatching(
        /^users\.yaml:1:1 can be read by others or written by its group \(mode 0\d{3}\): run chmod 640/,
      ),
    ]);
    expect(await setPassword(file.path, 'acme', OTHER_HASH)).toBe(true);
    expect((await stat(file.path)).mode & 0o137).toBe(0);
  });

  test('its owner may, and its group; an edit leaves the group what it had', async () => {
    const file = await usersFile(FILE);
    for (const mode of [0o600, 0o640]) {
      await chmod(file.path, mode);
      expect(await readUsersFile(file.path)).toMatchObject({ ok: true });
      await setPassword(file.path, 'acme', OTHER_HASH);
      expect((await stat(file.path)).mode & 0o777).toBe(mode);
    }
  });
});
