import { describe, expect, test } from 'vitest';
import { type Effect, kindsOfEffect, type Question } from '../../src/access/rule-decision.ts';
import { type Ruling, ruledFiles } from '../../src/access/ruled-files.ts';
import { type Rule, ruleOptions } from '../../src/access/rules.ts';
import { isWithin, ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { PATH } from '../../src/spi/argument.ts';
import type { CommandTraits } from '../../src/spi/command.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';

type Operation = readonly [string, Effect, (files: FileSystem) => Promise<unknown>];

/** Every operation on /in or a file in it, and what it does. */
const OPERATIONS: readonly Operation[] = [
  ['stat', 'info', (files) => files.stat(at('/in/a'))],
  ['resumableBytes', 'info', (files) => files.resumableBytes(at('/in/a'))],
  ['list', 'info', (files) => files.list(at('/in'))],
  ['enter', 'directories', (files) => files.enter(at('/in'))],
  ['openRead', 'read', (files) => files.openRead(at('/in/a'))],
  ['stage', 'write', (files) => files.stage(at('/in/a'), { from: 'empty', existing: 'replace' })],
  ['append', 'write', (files) => files.stage(at('/in/a'), { from: 'append', existing: 'replace' })],
  ['removeFile', 'write', (files) => files.removeFile(at('/in/a'))],
  ['makeDirectory', 'write', (files) => files.makeDirectory(at('/in/new'))],
  ['removeDirectory', 'write', (files) => files.removeDirectory(at('/in/empty'))],
  ['removeTree', 'write', (files) => present(files.removeTree)(at('/in/tree'), 100)],
  ['rename out', 'write', (files) => files.rename(at('/in/a'), at('/b'), 'replace')],
  ['rename in', 'write', (files) => files.rename(at('/out/b'), at('/in/b'), 'replace')],
  ['setMode', 'write', (files) => files.setMode(at('/in/a'), 0o600)],
  ['setModified', 'write', (files) => files.setModified(at('/in/a'), 0)],
];

describe.each(OPERATIONS)('%s is %s', (_, effect, operation) => {
  test('a rule against that refuses it, whatever the class of the command', async () => {
    const own = { class: effect === 'write' || effect === 'read' ? 'misc' : effect } as const;
    expect(await outcome(operation, [{ deny: effect, paths: '/in/**' }], own)).toBe('PermissionDenied');
  });
  test('a rule against the verb refuses it', async () => {
    expect(await outcome(operation, [{ deny: 'TEST', paths: '/in/**' }])).toBe('PermissionDenied');
  });
  test('rules about other paths, and rules behind one that allows, do not', async () => {
    expect(await outcome(operation, [{ deny: 'all', paths: '/other/**' }])).toBe('done');
    expect(await outcome(operation, [{ allow: 'all' }, { deny: 'all' }])).toBe('done');
  });
});

test('a tree is removed only when everything in it may be', async () => {
  const files = await tree();
  const ruled = under(files, [{ deny: 'write', paths: '/in/tree/deep/*' }]);
  await expect(present(ruled.removeTree)(at('/in/tree'), 100)).rejects.toThrow(Fault);
  expect(files.text('/in/tree/deep/file')).toBe('');
});

test('rules of a directory further down are asked about what is in it', async () => {
  const files = await tree();
  const ruled = under(files, [], { '/in/tree/deep': [{ deny: 'write' }] });
  await expect(present(ruled.removeTree)(at('/in/tree'), 100)).rejects.toThrow(Fault);
  await expect(ruled.removeFile(at('/in/tree/deep/file'))).rejects.toThrow(Fault);
  await ruled.removeFile(at('/in/a'));
});

test('an inner place may allow what an outer one denies', async () => {
  const ruled = under(await tree(), [{ deny: 'write' }], { '/in': [{ allow: 'write' }] });
  await expect(ruled.removeFile(at('/out/b'))).rejects.toThrow(Fault);
  await ruled.removeFile(at('/in/a'));
});

describe('a file is not renamed to where it may be had', () => {
  test.each([
    ['by class and path', [{ deny: 'read', paths: '/in/**' }], '/in/a', '/out/a'],
    ['by verb and path', [{ deny: 'RETR', paths: '/in/**' }], '/in/a', '/out/a'],
    ['by ending', [{ deny: ['read', 'HASH'], paths: 'a' }], '/in/a', '/in/b'],
  ])('%s', async (_, rules, from, to) => {
    const ruled = under(await tree(), rules);
    await expect(ruled.rename(at(from), at(to), 'keep')).rejects.toThrow(Fault);
  });
  test('by a section of its directory', async () => {
    const ruled = under(await tree(), [], { '/in': [{ deny: 'read' }] });
    await expect(ruled.rename(at('/in/a'), at('/out/a'), 'keep')).rejects.toThrow(Fault);
  });
  test('and is renamed to where it is denied as well, or where nothing was denied', async () => {
    const ruled = under(await tree(), [{ deny: 'read', paths: ['/in/**', '/out/**'] }]);
    await ruled.rename(at('/in/a'), at('/out/a'), 'keep');
    await ruled.rename(at('/file'), at('/file2'), 'keep');
  });
});

describe('a directory stays where it is', () => {
  test('when a path of a rule names something in it', async () => {
    const ruled = under(await tree(), [{ deny: 'read', paths: '/in/tree/deep/**' }]);
    await expect(ruled.rename(at('/in/tree'), at('/moved'), 'keep')).rejects.toThrow(Fault);
    await expect(ruled.rename(at('/in'), at('/moved'), 'keep')).rejects.toThrow(Fault);
    await ruled.rename(at('/in/a'), at('/moved'), 'keep');
  });
  test('when the name that it would get is one that a rule speaks of', async () => {
    const ruled = under(await tree(), [{ allow: 'read', paths: '/free/**' }]);
    await expect(ruled.rename(at('/in/tree'), at('/free'), 'keep')).rejects.toThrow(Fault);
  });
  test('when a section is about it', async () => {
    const ruled = under(await tree(), [], { '/in/tree/deep': [] });
    await expect(ruled.rename(at('/in/tree'), at('/moved'), 'keep')).rejects.toThrow(Fault);
  });
  test('and moves when rules speak of endings alone, or of all around it alike', async () => {
    const ruled = under(await tree(), [{ deny: 'read', paths: ['*.exe', '/in/**'] }]);
    await ruled.rename(at('/in/tree'), at('/in/moved'), 'keep');
  });
});

describe('a directory that may be looked into has facts, although its surroundings may not be seen', () => {
  const sections = { '/in': [{ allow: 'info' }] };
  test.each([
    ['/in', 'done'],
    ['/out', 'PermissionDenied'],
    ['/file', 'PermissionDenied'],
    ['/absent', 'PermissionDenied'],
  ])('%s: %s', async (name, expected) => {
    const ruled = under(await tree(), [{ deny: 'info' }], sections, { ...TEST, class: 'info' });
    expect(await outcomeOf(() => ruled.stat(at(name)))).toBe(expected);
  });
});

test('free space that may not be known is not told', async () => {
  const files = await tree();
  files.freeBytesLeft = 1_000;
  const asInfo = { ...TEST, class: 'info' } as const;
  expect(await under(files, [{ deny: 'info' }], {}, asInfo).freeBytes(at('/in'))).toBeUndefined();
  expect(await under(files, [{ deny: 'read' }], {}, asInfo).freeBytes(at('/in'))).toBe(1_000);
});

test('what storage cannot do, files behind rules cannot either', async () => {
  const ruled = under(plain(await tree()), []);
  expect(ruled.setCreated).toBeUndefined();
  expect(ruled.removeTree).toBeUndefined();
});

describe('a link', () => {
  test.each<[string, readonly object[], string]>([
    ['is made where rules do not care', [{ deny: 'info', paths: '*.exe' }], 'done'],
    ['not to a file whose ending a rule knows', [{ deny: 'info', paths: 'a' }], 'PermissionDenied'],
    ['not to what a path of a rule names', [{ deny: 'info', paths: '/in/*' }], 'PermissionDenied'],
    ['not to what may not be read', [{ deny: 'read', paths: '/in/a' }], 'PermissionDenied'],
  ])('%s', async (_, rules, expected) => {
    const files: FileSystem = { ...plain(await tree()), makeSymlink: async () => undefined };
    const ruled = under(files, rules);
    expect(await outcomeOf(() => present(ruled.makeSymlink)(at('/link'), at('/in/a')))).toBe(expected);
  });
});

async function tree(): Promise<MemoryFiles> {
  const files = new MemoryFiles().put('/file', '').put('/in/a', 'a').put('/in/tree/deep/file', '').put('/out/b', 'b');
  await files.makeDirectory(at('/in/empty'));
  return files;
}

/** Files without what not every storage can do. */
function plain(files: FileSystem): FileSystem {
  return {
    stat: (path) => files.stat(path),
    enter: (path) => files.enter(path),
    list: (path) => files.list(path),
    openRead: (path) => files.openRead(path),
    stage: (path, request) => files.stage(path, request),
    resumableBytes: (path) => files.resumableBytes(path),
    makeDirectory: (path) => files.makeDirectory(path),
    removeDirectory: (path) => files.removeDirectory(path),
    removeFile: (path) => files.removeFile(path),
    rename: (from, to, existing) => files.rename(from, to, existing),
    setModified: (path, modifiedMs) => files.setModified(path, modifiedMs),
    setMode: (path, mode) => files.setMode(path, mode),
    freeBytes: (path) => files.freeBytes(path),
  };
}

const TEST: CommandTraits = { verb: 'TEST', class: 'write', who: 'members', rfc: '', help: '', argument: PATH };

function under(
  files: FileSystem,
  outer: readonly object[],
  sections: Readonly<Record<string, readonly object[]>> = {},
  command: CommandTraits = TEST,
): FileSystem {
  const parsed = (rules: readonly object[]): readonly Rule[] => rules.map((one) => ruleOptions.parse(one));
  const inner = Object.entries(sections).map(([name, rules]) => ({ path: at(name), rules: parsed(rules) }));
  const ruling: Ruling = {
    rulesAt: async (directory) => [
      ...inner.filter(({ path }) => isWithin(directory, path)).flatMap(({ rules }) => rules),
      ...parsed(outer),
    ],
    questions: (path, effect) =>
      kindsOfEffect(command, '', effect).map(
        (kinds): Question => ({ user: 'u', groups: [], classes: [], kinds, path }),
      ),
    named: inner.map(({ path }) => path),
    refused: () => undefined,
  };
  return ruledFiles(files, ruling);
}

async function outcome(
  operation: Operation[2],
  rules: readonly object[],
  command: Partial<CommandTraits> = {},
): Promise<string> {
  const ruled = under(await tree(), rules, {}, { ...TEST, ...command });
  return outcomeOf(() => operation(ruled));
}

async function outcomeOf(act: () => Promise<unknown>): Promise<string> {
  try {
    await act();
    return 'done';
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}

function at(text: string): VirtualPath {
  return resolvePath(ROOT, text) ?? expect.unreachable(`no path: ${text}`);
}

function present<T>(value: T | undefined): T {
  return value ?? expect.unreachable('it is there');
}
