import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import type { FileFacts } from '../../src/protocol/file-facts.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { ExistingFile, FileSystem } from '../../src/spi/file-system.ts';
import type { PermissionLetter } from '../../src/spi/permissions.ts';
import { PERMISSIONS, parsePermissions } from '../../src/spi/permissions.ts';

type Operation = (files: FileSystem) => unknown;

/** Every operation, on /dir and what lies in it, and the one letter that it needs in /dir. */
const OPERATIONS: readonly (readonly [string, PermissionLetter, Operation])[] = [
  ['stat', 'l', (files) => files.stat(path('/dir/file'))],
  ['resumableBytes', 'l', (files) => files.resumableBytes(path('/dir/file'))],
  ['enter', 'e', (files) => files.enter(path('/dir'))],
  ['list', 'l', (files) => files.list(path('/dir'))],
  ['openRead', 'r', (files) => files.openRead(path('/dir/file'))],
  ['stage empty', 'w', (files) => files.stage(path('/dir/file'), { from: 'empty', existing: 'replace' })],
  ['stage append', 'a', (files) => files.stage(path('/dir/file'), { from: 'append', existing: 'replace' })],
  [
    'stage restart',
    'w',
    (files) => files.stage(path('/dir/file'), { from: 'restart', offsetBytes: 3, existing: 'replace' }),
  ],
  ['removeFile', 'd', (files) => files.removeFile(path('/dir/file'))],
  ['removeDirectory', 'd', (files) => files.removeDirectory(path('/dir/sub'))],
  ['makeDirectory', 'm', (files) => files.makeDirectory(path('/dir/sub'))],
  ['rename', 'f', (files) => files.rename(path('/dir/old'), path('/dir/new'), 'replace')],
  ['setMode', 'M', (files) => files.setMode(path('/dir/file'), 0o600)],
  ['setModified', 'T', (files) => files.setModified(path('/dir/file'), 0)],
];

describe.each(OPERATIONS)('%s', (_, needed, operation) => {
  test(`is refused with every letter but ${needed}, and storage is not asked`, async () => {
    const others = Object.keys(PERMISSIONS).filter((letter) => letter !== needed);
    const { files, calls } = account({ permissions: 'elradfmwMT', directories: { '/dir': others.join('') } });
    await expect(outcome(operation, files)).resolves.toBe('PermissionDenied');
    expect(calls).toEqual([]);
  });

  test(`is allowed with ${needed} alone`, async () => {
    const { files, calls } = account({ permissions: '', directories: { '/dir': needed } });
    await expect(outcome(operation, files)).resolves.toBe('done');
    expect(calls).toHaveLength(1);
  });
});

describe('a file is judged by its own directory, not by what lies above or below', () => {
  const { files } = account({ permissions: '', directories: { '/': 'l', '/dir': 'r', '/dir/sub': 'w' } });
  test.each<[string, Operation, string]>([
    ['reading in /dir', (f) => f.openRead(path('/dir/file')), 'done'],
    ['reading in /', (f) => f.openRead(path('/file')), 'PermissionDenied'],
    ['reading below', (f) => f.openRead(path('/dir/sub/file')), 'PermissionDenied'],
    ['writing below', (f) => f.stage(path('/dir/sub/file'), { from: 'empty', existing: 'keep' }), 'done'],
    ['listing /', (f) => f.list(ROOT), 'done'],
    ['listing /dir', (f) => f.list(path('/dir')), 'PermissionDenied'],
    ['facts of /dir, which the list of / shows anyway', (f) => f.stat(path('/dir')), 'done'],
  ])('%s', async (_, operation, expected) => {
    await expect(outcome(operation, files)).resolves.toBe(expected);
  });
});

describe('a drop box tells nothing', () => {
  const { files, calls } = account({ permissions: 'w', facts: { '/file': 'file', '/sub': 'directory' } });

  test.each(['/file', '/sub', '/absent', '/'])('not whether %s exists', async (name) => {
    await expect(outcome((f) => f.stat(path(name)), files)).resolves.toBe('PermissionDenied');
    await expect(outcome((f) => f.resumableBytes(path(name)), files)).resolves.toBe('PermissionDenied');
    expect(calls).toEqual([]);
  });

  test('but takes files', async () => {
    const stage: Operation = (f) => f.stage(path('/file'), { from: 'empty', existing: 'keep' });
    await expect(outcome(stage, files)).resolves.toBe('done');
  });
});

describe('a directory that may be listed has facts, although its surroundings may not be seen', () => {
  const { files } = account({
    permissions: 'elr',
    directories: { '/': '', '/hidden': '' },
    alone: ['/'],
    facts: { '/in': 'directory', '/file': 'file', '/hidden': 'directory' },
  });
  test.each([
    ['/in', 'done'],
    ['/file', 'PermissionDenied'],
    ['/absent', 'PermissionDenied'],
    ['/hidden', 'PermissionDenied'],
    ['/', 'PermissionDenied'],
  ])('%s: %s', async (name, expected) => {
    await expect(outcome((f) => f.stat(path(name)), files)).resolves.toBe(expected);
  });

  test('a bug in storage is not hidden as a refusal', async () => {
    const broken = { ...fakeFiles([], {}), stat: () => Promise.reject(new TypeError('bug')) };
    const subject = authorizedFiles({
      ...account({ permissions: 'l', directories: { '/': '' }, alone: ['/'] }).account,
      files: broken,
    });
    await expect(subject.stat(path('/in'))).rejects.toThrow(TypeError);
  });
});

test('list refuses by its promise and not at its first batch, so that 550 comes before any mark', async () => {
  const { files } = account({ permissions: '' });
  await expect(files.list(ROOT)).rejects.toThrow(Fault);
});

describe('files that exist are kept when the account says so', () => {
  test.each<[ExistingFile, ExistingFile, ExistingFile]>([
    ['keep', 'replace', 'keep'],
    ['keep', 'keep', 'keep'],
    ['replace', 'keep', 'keep'],
    ['replace', 'replace', 'replace'],
  ])('account %s, command %s: %s', async (existing, asked, granted) => {
    const { files, calls } = account({ permissions: 'wfa', existing });
    await files.stage(path('/a'), { from: 'empty', existing: asked });
    await files.stage(path('/a'), { from: 'append', existing: asked });
    await files.stage(path('/a'), { from: 'restart', offsetBytes: 7, existing: asked });
    await files.rename(path('/a'), path('/b'), asked);
    expect(calls).toEqual([
      ['stage', '/a', { from: 'empty', existing: granted }],
      ['stage', '/a', { from: 'append', existing: granted }],
      ['stage', '/a', { from: 'restart', offsetBytes: 7, existing: granted }],
      ['rename', '/a', '/b', granted],
    ]);
  });
});

describe('renaming', () => {
  const everything = 'elradfmwMT';
  test.each<[string, Record<string, string>, string, string, string]>([
    ['needs f where the name was', { '/a': 'elradmwMT', '/b': everything }, '/a/x', '/b/x', 'PermissionDenied'],
    ['needs f where the name goes', { '/a': everything, '/b': 'elradmwMT' }, '/a/x', '/b/x', 'PermissionDenied'],
    [
      'stores when it goes elsewhere, and so needs w there',
      { '/a': 'f', '/b': 'f' },
      '/a/x',
      '/b/x',
      'PermissionDenied',
    ],
    ['with f here and fw there is allowed', { '/a': 'f', '/b': 'fw' }, '/a/x', '/b/x', 'replace'],
    ['overwrites only with w: without it, what exists is kept', { '/a': 'f' }, '/a/x', '/a/y', 'keep'],
    ['cannot carry a stricter rule away', { '/a/b': 'elr' }, '/a', '/x', 'PermissionDenied'],
    ['cannot carry away a directory with a rule of its own', { '/a/b': 'elr' }, '/a/b', '/a/c', 'PermissionDenied'],
    ['cannot carry away a directory with a generous rule', { '/a/b': everything }, '/a/b', '/a/c', 'PermissionDenied'],
    [
      'cannot put a directory under a rule that is written for its new name',
      { '/a/b': 'elr' },
      '/x',
      '/a/b',
      'PermissionDenied',
    ],
    ['cannot put a directory above a rule', { '/a/b': 'elr' }, '/x', '/a', 'PermissionDenied'],
    ['beside a rule is allowed', { '/a/b': 'elr' }, '/a/c', '/a/bc', 'replace'],
  ])('%s', async (_, directories, from, to, expected) => {
    const { files, calls } = account({ permissions: everything, directories });
    const result = await outcome((f) => f.rename(path(from), path(to), 'replace'), files);
    expect(result === 'done' ? calls[0]?.[3] : result).toBe(expected);
  });
});

describe('deleting and changing a directory', () => {
  const directories = { '/a/b': 'elr', '/c/d': 'd' };
  test.each<[string, Operation, string]>([
    ['removing one with a rule without d', (f) => f.removeDirectory(path('/a/b')), 'PermissionDenied'],
    ['removing what lies above such a rule', (f) => f.removeDirectory(path('/a')), 'PermissionDenied'],
    ['removing it as if it were a file', (f) => f.removeFile(path('/a/b')), 'PermissionDenied'],
    ['changing the mode above a rule without M', (f) => f.setMode(path('/a'), 0), 'PermissionDenied'],
    [
      'changing the time of a directory with a rule without T',
      (f) => f.setModified(path('/a/b'), 0),
      'PermissionDenied',
    ],
    ['removing one whose rule has d', (f) => f.removeDirectory(path('/c/d')), 'done'],
    ['removing one beside', (f) => f.removeDirectory(path('/a/bc')), 'done'],
  ])('%s: %s', async (_, operation, expected) => {
    const { files } = account({ permissions: 'elradfmwMT', directories });
    await expect(outcome(operation, files)).resolves.toBe(expected);
  });
});

describe('free space is known to whoever may store', () => {
  test.each([
    ['elrdfmMT', undefined],
    ['w', 1_000],
    ['a', 1_000],
  ])('%s', async (permissions, expected) => {
    expect(await account({ permissions }).files.freeBytes(path('/file'))).toBe(expected);
  });
});

interface AccountSketch {
  readonly permissions: string;
  readonly directories?: Readonly<Record<string, string>>;
  /** Directories whose rules do not hold below. */
  readonly alone?: readonly string[];
  readonly existing?: ExistingFile;
  readonly facts?: Readonly<Record<string, FileFacts['kind']>>;
}

/** An account, its files behind their permissions, and the calls that reached storage. */
function account({ permissions, directories = {}, alone = [], existing = 'replace', facts }: AccountSketch) {
  const calls: Call[] = [];
  const whole: Account = {
    name: 'alice',
    files: fakeFiles(calls, facts),
    permissions: letters(permissions),
    directories: Object.entries(directories).map(([name, text]) => ({
      path: path(name),
      permissions: letters(text),
      recursive: !alone.includes(name),
    })),
    existing,
    onIncomplete: 'keep',
  };
  return { account: whole, files: authorizedFiles(whole), calls };
}

type Call = readonly [string, ...(readonly unknown[])];

/** Storage that does nothing, writes down its calls and has the facts that it is given; without any, all are files. */
function fakeFiles(calls: Call[], kinds?: Readonly<Record<string, FileFacts['kind']>>): FileSystem {
  const noted = (...call: Call) => void calls.push(call);
  const factsOf = (name: VirtualPath): FileFacts => {
    const kind = kinds === undefined ? 'file' : kinds[name];
    if (kind === undefined) throw new Fault('NoSuchFile');
    return { kind, sizeBytes: 0, modifiedMs: 0, mode: 0o640, linkCount: 1, owner: 0, group: 0, unique: name };
  };
  return {
    async stat(name) {
      noted('stat', name);
      return factsOf(name);
    },
    enter: async (name) => noted('enter', name),
    async list(name) {
      noted('list', name);
      return (async function* () {})();
    },
    async openRead(name) {
      noted('openRead', name);
      return { facts: factsOf(name), read: async function* () {}, close: async () => {} };
    },
    async stage(name, request) {
      noted('stage', name, request);
      return {
        startBytes: 0,
        prefix: async function* () {},
        write: async () => {},
        commit: async () => {},
        abort: async () => 0,
      };
    },
    async resumableBytes(name) {
      noted('resumableBytes', name);
      return 0;
    },
    makeDirectory: async (name) => noted('makeDirectory', name),
    removeDirectory: async (name) => noted('removeDirectory', name),
    removeFile: async (name) => noted('removeFile', name),
    rename: async (from, to, existing) => noted('rename', from, to, existing),
    setModified: async (name, modifiedMs) => noted('setModified', name, modifiedMs),
    setMode: async (name, mode) => noted('setMode', name, mode),
    freeBytes: async () => 1_000,
  };
}

/** `done`, or the kind of the fault that an operation ended with. */
async function outcome(operation: Operation, files: FileSystem): Promise<string> {
  try {
    await operation(files);
    return 'done';
  } catch (error) {
    if (error instanceof Fault) return error.kind;
    throw error;
  }
}

function letters(text: string): ReadonlySet<PermissionLetter> {
  return parsePermissions(text) ?? expect.unreachable(`no letters: ${text}`);
}

function path(text: string): VirtualPath {
  return resolvePath(ROOT, text) ?? expect.unreachable(`no path: ${text}`);
}
