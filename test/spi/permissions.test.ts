import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { userOptions } from '../../src/auth/users.ts';
import { pathParts, ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { DirectoryRule, PermissionLetter } from '../../src/spi/permissions.ts';
import { PERMISSIONS, parsePermissions, permissionsAt } from '../../src/spi/permissions.ts';

test.each(['x', 'elrx', 'E', 'el r', 'elr,', '*', 'é'])('%j is no list of permission letters', (text) => {
  expect(parsePermissions(text)).toBeUndefined();
});

test.each([
  ['', []],
  ['elr', ['e', 'l', 'r']],
  ['rle', ['e', 'l', 'r']],
  ['mM', ['m', 'M']],
  ['elradfmwMT', ['e', 'l', 'r', 'a', 'd', 'f', 'm', 'w', 'M', 'T']],
])('%j is read letter by letter', (text, letters) => {
  expect(parsePermissions(text)).toEqual(new Set(letters));
});

test('users may be given exactly the letters that mean something, and the page for operators explains each', () => {
  const page = readFileSync(new URL('../../docs/defaults.md', import.meta.url), 'utf8');
  const explained = [...page.matchAll(/^\| `(\w)` \| (.+) \|$/gm)].map(([, letter, meaning]) => [letter, meaning]);
  expect(Object.fromEntries(explained)).toEqual(PERMISSIONS);
  const allowed = (letter: string) => userOptions.shape.permissions.safeParse(letter).success;
  const characters = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
  expect(characters.filter(allowed).sort()).toEqual(Object.keys(PERMISSIONS).sort());
});

describe('the most specific rule decides alone', () => {
  const account = {
    permissions: letters('elr'),
    directories: [
      rule('/', 'l', false),
      rule('/in', 'elw'),
      rule('/in/box', 'w', false),
      rule('/in/box/deep/er', ''),
      rule('/inside', 'T'),
    ],
  };
  test.each([
    ['/', 'l'],
    ['/other', 'elr'],
    ['/in', 'elw'],
    ['/in/any/where', 'elw'],
    ['/in/box', 'w'],
    ['/in/box/deep', 'elw'],
    ['/in/box/deep/er', ''],
    ['/in/box/deep/er/still', ''],
    ['/inside', 'T'],
    ['/insides', 'elr'],
  ])('in %s: %j', (directory, expected) => {
    expect(permissionsAt(account, path(directory))).toEqual(letters(expected));
  });

  test('whatever their order', () => {
    const turned = { ...account, directories: account.directories.toReversed() };
    for (const directory of ['/', '/in', '/in/box', '/in/box/deep', '/in/box/deep/er']) {
      expect(permissionsAt(turned, path(directory))).toEqual(permissionsAt(account, path(directory)));
    }
  });
});

test('for random rules, walking down from the root finds the same letters', () => {
  const anyPath = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { maxLength: 4 })
    .map((parts) => path(`/${parts.join('/')}`));
  const anyRule = fc
    .record({
      path: anyPath,
      text: fc.string({ unit: fc.constantFrom(...'elradfmwMT'), maxLength: 4 }),
      recursive: fc.boolean(),
    })
    .map(({ path, text, recursive }) => ({ path, permissions: letters(text), recursive }));
  const rules = fc.uniqueArray(anyRule, { selector: (each) => each.path, maxLength: 8 });
  fc.assert(
    fc.property(rules, anyPath, (directories, directory) => {
      const account = { permissions: letters('elr'), directories };
      expect(permissionsAt(account, directory)).toEqual(walkedDown(account, directory));
    }),
    { numRuns: 2_000 },
  );
});

/** The same by another way: the letters change at each step down that has a rule. */
function walkedDown(
  account: { permissions: ReadonlySet<PermissionLetter>; directories: readonly DirectoryRule[] },
  directory: VirtualPath,
): ReadonlySet<PermissionLetter> {
  let inherited = account.permissions;
  const parts = pathParts(directory);
  for (let depth = 0; depth <= parts.length; depth++) {
    const here = account.directories.find((each) => each.path === `/${parts.slice(0, depth).join('/')}`);
    if (here !== undefined && (here.recursive || depth === parts.length)) inherited = here.permissions;
  }
  return inherited;
}

function rule(text: string, permissions: string, recursive = true): DirectoryRule {
  return { path: path(text), permissions: letters(permissions), recursive };
}

function letters(text: string): ReadonlySet<PermissionLetter> {
  return parsePermissions(text) ?? expect.unreachable(`no letters: ${text}`);
}

function path(text: string): VirtualPath {
  return resolvePath(ROOT, text) ?? expect.unreachable(`no path: ${text}`);
}
