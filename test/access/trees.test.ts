/** Whole trees: what removes one, and what gives one a second name. */
import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member } from '../fakes/say.ts';

type Rules = Readonly<Record<string, string>>;

/** Paths of rules that end in `!` hold for their directory alone. */
function accountWith(permissions: string, rules: Rules): { files: FileSystem; calls: string[] } {
  const storage = new MemoryFiles().put('/a/b/file', '').put('/a/file', '').put('/other/file', '').put('/w/keep', '');
  const calls: string[] = [];
  const linking = Object.assign(storage, {
    removeTree: async (path: string) => void calls.push(`removeTree ${path}`),
    setCreated: async (path: string) => void calls.push(`setCreated ${path}`),
    makeSymlink: async (path: string, target: string) => void calls.push(`${path} -> ${target}`),
  });
  const account: Account = member({
    files: linking,
    permissions: letters(permissions),
    directories: Object.entries(rules).map(([name, text]) => ({
      path: at(name.replace('!', '')),
      permissions: letters(text),
      recursive: !name.endsWith('!'),
    })),
  });
  return { files: authorizedFiles(account), calls };
}

function letters(text: string) {
  return parsePermissions(text) ?? expect.unreachable(text);
}

async function outcome(promise: Promise<void> | undefined): Promise<string> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    return error instanceof Fault ? error.kind : expect.unreachable(`${error}`);
  }
}

describe('removing a tree', () => {
  test.each<[string, string, Rules]>([
    ['without d', 'elrafmwMT', {}],
    ['with d inside alone', '', { '/a': 'elrd' }],
    ['with d where it is an entry alone', 'elr', { '/!': 'elrd' }],
    ['with d at its top alone', 'elr', { '/!': 'd', '/a!': 'd' }],
    ['with a rule on it that takes d away', 'elrd', { '/a': 'elr' }],
    ['with a rule below that takes d away', 'elrd', { '/a/b': 'elr' }],
    ['with such a rule that is not recursive', 'elrd', { '/a/b!': 'elr' }],
    ['with such a rule deep below, under one that has d', 'elrd', { '/a/b': 'd', '/a/b/c/d': '' }],
  ])('%s is refused, and storage is not asked', async (_, permissions, rules) => {
    const { files, calls } = accountWith(permissions, rules);
    expect(await outcome(files.removeTree?.(at('/a'), 9))).toBe('PermissionDenied');
    expect(calls).toEqual([]);
  });

  test.each<[string, string, Rules]>([
    ['with d everywhere', 'd', {}],
    ['with rules below that have d as well', 'd', { '/a/b': 'rd', '/a/c!': 'd' }],
    ['with a rule beside that has none', 'd', { '/ab': '' }],
  ])('%s is allowed', async (_, permissions, rules) => {
    const { files, calls } = accountWith(permissions, rules);
    expect(await outcome(files.removeTree?.(at('/a'), 9))).toBe('done');
    expect(calls).toEqual(['removeTree /a']);
  });
});

describe('setting a time of creation', () => {
  test('needs T', async () => {
    expect(await outcome(accountWith('elradfmwM', {}).files.setCreated?.(at('/a'), 0))).toBe('PermissionDenied');
    expect(await outcome(accountWith('T', { '/a/b': 'M' }).files.setCreated?.(at('/a'), 0))).toBe('PermissionDenied');
    expect(await outcome(accountWith('T', {}).files.setCreated?.(at('/a/file'), 0))).toBe('done');
  });
});

describe('a link', () => {
  test.each<[string, string, Rules, string, string]>([
    ['without w at the link', 'elradfmMT', {}, '/w/link', '/a/file'],
    ['to a file that may not be read', 'elrw', { '/a': 'elw' }, '/w/link', '/a/file'],
    ['to a file that may not be listed', 'elrw', { '/a': 'rw' }, '/w/link', '/a/file'],
    ['that would make bits changeable', 'elrwM', { '/a': 'elrw' }, '/w/link', '/a/file'],
    ['that would make times changeable', 'elrwT', { '/a': 'elrw' }, '/w/link', '/a/file'],
    ['under a name that has a rule', 'elrw', { '/w/link': 'elr' }, '/w/link', '/a/file'],
    ['above a name that has a rule', 'elrw', { '/w/link/x': 'elr' }, '/w/link', '/a'],
    ['to a directory that holds it', 'elrw', {}, '/a/b/link', '/a'],
    ['to the root', 'elrw', {}, '/a/link', '/'],
    ['to a directory in which less is allowed', 'elrwd', { '/a': 'elrw' }, '/w/link', '/a'],
    ['to a directory that holds one in which less is allowed', 'elrw', { '/a/b': 'elr' }, '/w/link', '/a'],
    ['to a directory that holds one in which nothing is', 'elrw', { '/a/b!': '' }, '/w/link', '/a'],
    [
      'to a directory that is itself allowed more than what is in it',
      'elr',
      { '/w': 'elrw', '/a!': 'elrw' },
      '/w/x',
      '/a',
    ],
  ])('%s is refused', async (_, permissions, rules, link, target) => {
    const { files, calls } = accountWith(permissions, rules);
    expect(await outcome(files.makeSymlink?.(at(link), at(target)))).toBe('PermissionDenied');
    expect(calls).toEqual([]);
  });

  test('to what does not exist tells so only to those who may list', async () => {
    expect(await outcome(accountWith('elrw', {}).files.makeSymlink?.(at('/w/x'), at('/a/no')))).toBe('NoSuchFile');
    const hidden = accountWith('elrw', { '/a': 'erw' }).files;
    expect(await outcome(hidden.makeSymlink?.(at('/w/x'), at('/a/no')))).toBe('PermissionDenied');
  });

  test.each<[string, string, Rules, string, string]>([
    ['to a file that may be read and listed', 'elr', { '/w': 'elrwd' }, '/w/link', '/a/file'],
    ['to a directory in which as much is allowed', 'elrw', {}, '/w/link', '/a'],
    ['to a directory in which more is allowed', 'elrw', { '/a': 'elrwdM' }, '/w/link', '/a'],
  ])('%s is made', async (_, permissions, rules, link, target) => {
    const { files, calls } = accountWith(permissions, rules);
    expect(await outcome(files.makeSymlink?.(at(link), at(target)))).toBe('done');
    expect(calls).toEqual([`${link} -> ${target}`]);
  });
});

test('what storage cannot do, the account cannot either', () => {
  const { removeTree, ...bare } = { ...authorizedFiles(member()) };
  expect(removeTree).toBeDefined();
  expect(authorizedFiles(member({ files: bare })).removeTree).toBeUndefined();
  expect(bare.makeSymlink).toBeUndefined();
  expect(bare.setCreated).toBeUndefined();
});
