/** Accounts as they are written down, and what they become. */
import { describe, expect, test } from 'vitest';
import { accountOf, fillTemplate } from '../../src/auth/account.ts';
import { accountTemplate, userOptions } from '../../src/auth/users.ts';
import { UTF_8 } from '../../src/spi/charset.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

/** Stands for an account's storage; nothing here touches files. */
const files = new Proxy<FileSystem>(Object.create(null), { get: () => undefined });
const parts = { files, charset: UTF_8, groups: [] };

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
    ['a group with a line end', { ...right, groups: ['staff\nroot'] }],
    ['a secret that is no base32', { ...right, totpSecret: 'correct horse' }],
    ['a secret of 128 bits', { ...right, totpSecret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY' }],
    ['uploads of no bytes', { ...right, uploadBytesMax: 0 }],
    ['a key that does not exist', { ...right, admin: true }],
  ])('%s', (_, user) => {
    expect(userOptions.safeParse(user).success).toBe(false);
  });

  test('without these mistakes it is one', () => {
    expect(userOptions.safeParse({ ...right, directories: [{ path: '/', permissions: '' }] }).success).toBe(true);
  });
});

test('an account without a password is one: another entry has to prove who comes', () => {
  expect(userOptions.safeParse({ name: 'carol', home: '/srv/carol' }).success).toBe(true);
});

test('an account has the written permissions and nothing more', () => {
  const account = accountOf(userOptions.parse({ name: 'alice', passwordHash: HASH, home: '/srv' }), parts);
  expect(account).toMatchObject({
    name: 'alice',
    groups: [],
    permissions: new Set(['e', 'l', 'r']),
    directories: [],
    existing: 'replace',
    onIncomplete: 'keep',
  });
  expect(JSON.stringify(account)).not.toContain('argon2');
});

test('every option of a user reaches the account', () => {
  const bob = userOptions.parse({
    name: 'bob',
    passwordHash: HASH,
    home: '/srv/bob',
    permissions: 'elradfmwMT',
    directories: [{ path: '/in', permissions: 'ew', recursive: false }],
    groups: ['staff', 'partners'],
    overwrite: 'keep',
    onIncomplete: 'remove',
    sessionReuse: 'off',
    closeNotify: 'preferred',
    uploadBytesMax: 1_000,
  });
  expect(accountOf(bob, { ...parts, groups: ['Domain Users', 'staff'] })).toMatchObject({
    permissions: new Set(['e', 'l', 'r', 'a', 'd', 'f', 'm', 'w', 'M', 'T']),
    directories: [{ path: '/in', permissions: new Set(['e', 'w']), recursive: false }],
    groups: ['Domain Users', 'staff', 'partners'],
    existing: 'keep',
    onIncomplete: 'remove',
    sessionReuse: 'off',
    closeNotify: 'preferred',
    uploadBytesMax: 1_000,
  });
});

describe('a template makes no account', () => {
  const template = accountTemplate.parse({ home: '/srv/{user}' });
  const byHome = accountTemplate.parse({});
  test.each([
    ['of the folder itself', '.'],
    ['of the folder above', '..'],
    ['of a hidden folder', '.ssh'],
    ['of a path', '../root'],
    ['of a path below', 'a/b'],
    ['of a path of another system', 'a\\b'],
    ['of nothing', ''],
    ['with NUL', 'alice\0'],
    ['with a line end', 'alice\n'],
    ['with a space', 'alice smith'],
    ['with the pattern itself', '{home}'],
    ['of 65 characters', 'x'.repeat(65)],
  ])('for a name %s', (_, user) => {
    expect(fillTemplate(template, { user, groups: [] })).toMatchObject({ ok: false });
    // Also where the name is no part of the path: it is in logs and reports.
    expect(fillTemplate(byHome, { user, groups: [], home: '/home/x' })).toMatchObject({ ok: false });
  });

  test.each([
    ['none', undefined],
    ['an empty one', ''],
    ['the root', '/'],
    ['a relative one', 'home/alice'],
    ['one with ..', '/home/../etc'],
    ['one with .', '/home/./alice'],
    ['one that ends in ..', '/home/alice/..'],
    ['one with NUL', '/home/al\0ice'],
  ])('for a home that is %s', (_, home) => {
    const identity = { user: 'alice', groups: [], ...(home !== undefined && { home }) };
    expect(fillTemplate(byHome, identity)).toMatchObject({ ok: false });
    expect(fillTemplate(template, identity)).toMatchObject({ ok: true, options: { home: '/srv/alice' } });
  });

  test('with braces that mean nothing', () => {
    for (const home of ['/srv/{group}', '/srv/{user', '/srv/{}']) {
      expect(accountTemplate.safeParse({ home }).success, home).toBe(false);
    }
  });
});

test.each([
  [undefined, '/home/alice'],
  ['{home}/ftp', '/home/alice/ftp'],
  ['/srv/{user}/{user}', '/srv/alice/alice'],
  ['/srv/all', '/srv/all'],
])('a template with the home %j gives %s', (home, expected) => {
  const template = accountTemplate.parse({ home, permissions: 'elw' });
  const filled = fillTemplate(template, { user: 'alice', groups: [], home: '/home/alice' });
  expect(filled).toMatchObject({ ok: true, options: { name: 'alice', home: expected, permissions: 'elw' } });
});

test('a home with dollar signs and braces is taken as it is', () => {
  const template = accountTemplate.parse({ home: '{home}/{user}' });
  const filled = fillTemplate(template, { user: 'alice', groups: [], home: '/home/$&/{user}' });
  expect(filled).toMatchObject({ ok: true, options: { home: '/home/$&/{user}/alice' } });
});
