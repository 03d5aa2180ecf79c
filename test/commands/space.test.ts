/** AVBL, ALLO, DSIZ, SITE QUOTA and RMDA: about room, and about directories as a whole. */
import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import { DEFAULT_LIMITS } from '../../src/protocol/limits.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, type Scene, say } from '../fakes/say.ts';

function tree(): MemoryFiles {
  const files = new MemoryFiles()
    .put('/a/one', '1')
    .put('/a/b/two', '22')
    .put('/a/b/c/three', '333')
    .put('/top', '4444');
  files.freeBytesLeft = 1_000;
  return files;
}

function allowed(files: MemoryFiles, letters: string, inside: Readonly<Record<string, string>> = {}): Scene {
  const permissions = parsePermissions(letters) ?? expect.unreachable(letters);
  const directories = Object.entries(inside).map(([path, text]) => ({
    path: at(path),
    permissions: parsePermissions(text) ?? expect.unreachable(text),
    recursive: true,
  }));
  const account = member({ files, permissions, directories });
  return { account: { files: authorizedFiles(account), permissions, directories } };
}

const few: Scene['context'] = { limits: { ...DEFAULT_LIMITS, listingEntriesMax: 4 } };

describe('AVBL', () => {
  test.each([
    ['AVBL missing', '550'],
    ['AVBL top', '550 Not a directory.'],
  ])('%s is refused', async (line, reply) => {
    expect((await say(line, { files: tree() })).text).toContain(reply);
  });

  test('is refused where the directory may not be listed', async () => {
    expect((await say('AVBL a', allowed(tree(), 'w'))).text).toBe('550 Permission denied.');
  });

  test('is refused where nobody knows', async () => {
    expect((await say('AVBL', {})).text).toBe('550 The free space is not known.');
  });

  test.each([
    ['the free space', {}, '213 1000'],
    ['the largest upload, if that is less', { uploadBytesMax: 10 }, '213 10'],
    ['the free space, if that is less', { uploadBytesMax: 5_000 }, '213 1000'],
  ])('is %s', async (_, account, reply) => {
    const files = tree();
    expect((await say('AVBL', { files, account })).text).toBe(reply);
    expect((await say('AVBL /a/b', { files, account })).text).toBe(reply);
  });

  test('is the largest upload where storage cannot tell, and nothing where nothing may be stored', async () => {
    expect((await say('AVBL', { account: { uploadBytesMax: 10 } })).text).toBe('213 10');
    expect((await say('AVBL', allowed(tree(), 'elr'))).text).toBe('213 0');
    expect((await say('AVBL /a', allowed(tree(), 'elr', { '/a': 'elw' }))).text).toBe('213 1000');
  });
});

describe('ALLO', () => {
  test('is refused to those who may store nowhere, whom AVBL tells of no room', async () => {
    expect((await say('ALLO 1', allowed(tree(), 'elrdfmMT'))).text).toBe('550 Permission denied.');
    expect((await say('ALLO 1', allowed(tree(), 'elr', { '/a': 'elr' }))).text).toBe('550 Permission denied.');
    expect((await say('AVBL', allowed(tree(), 'elr', { '/a': 'elr' }))).text).toBe('213 0');
  });

  test('is granted to those who may store somewhere, for it does not say where', async () => {
    for (const letters of ['w', 'a']) {
      expect((await say('ALLO 1', allowed(tree(), letters))).code).toBe(200);
      expect((await say('ALLO 1', allowed(tree(), 'elr', { '/a': letters }))).code).toBe(200);
    }
    expect((await say('ALLO 1001', allowed(tree(), 'a'))).code).toBe(452);
  });
});

describe('DSIZ', () => {
  test.each([
    ['DSIZ missing', {}, '550'],
    ['DSIZ top', {}, '550 Not a directory.'],
    ['DSIZ', few, '451 The directory holds too much to be added up.'],
  ])('%s is refused', async (line, context, reply) => {
    expect((await say(line, { files: tree(), context })).text).toContain(reply);
  });

  test('is refused for a tree that may not be listed everywhere', async () => {
    const scene = allowed(tree(), 'elr', { '/a/b/c': 'er' });
    expect((await say('DSIZ a', scene)).text).toBe('550 Permission denied.');
    expect((await say('DSIZ', allowed(tree(), 'er'))).text).toBe('550 Permission denied.');
  });

  test('adds up the files below, and stops with the client', async () => {
    const files = tree();
    expect((await say('DSIZ', { files })).text).toBe('213 10');
    expect((await say('DSIZ a', { files, session: { type: 'A' } })).text).toBe('213 6');
    expect((await say('DSIZ', { files, session: { cwd: at('/a/b') } })).text).toBe('213 5');
    expect((await say('DSIZ /a/b', { files, context: few })).text).toBe('213 5');
    const signal = AbortSignal.abort(new Error('gone'));
    await expect(say('DSIZ', { files, context: { signal } })).rejects.toThrow('gone');
  });
});

describe('SITE QUOTA', () => {
  test('tells what bounds uploads', async () => {
    const files = tree();
    expect((await say('SITE QUOTA now', { files })).code).toBe(501);
    const bound = (await say('SITE QUOTA', { files, account: { uploadBytesMax: 10 } })).text.split('\r\n');
    expect(bound).toEqual([
      '200-Limits of alice:',
      ' Largest upload: 10 bytes',
      ' Free space here: 1000 bytes',
      '200 End',
    ]);
    const free = (await say('site quota'.toUpperCase(), {})).text;
    expect(free).toContain('Largest upload: as large as the free space');
    expect(free).toContain('Free space here: not known');
  });
});

describe('RMDA', () => {
  test.each([
    ['RMDA', {}, '501'],
    ['RMDA /', {}, '550 The root cannot be removed.'],
    ['RMDA a/../..', {}, '550 The root cannot be removed.'],
    ['RMDA missing', {}, '550'],
    ['RMDA top', {}, '550 Not a directory.'],
    ['RMDA a', few, '451'],
  ])('%s is refused', async (line, context, reply) => {
    const files = tree();
    expect((await say(line, { files, context })).text).toContain(reply);
    expect(files.text('/a/b/c/three')).toBe('333');
  });

  test('is refused as long as something in the tree is protected, and where storage cannot', async () => {
    const files = tree();
    expect((await say('RMDA a', allowed(files, 'elrd', { '/a/b/c': 'elr' }))).text).toBe('550 Permission denied.');
    const { removeTree, ...bare } = { ...authorizedFiles(member({ files })) };
    expect(removeTree).toBeDefined();
    expect((await say('RMDA a', { account: { files: bare } })).code).toBe(502);
    expect(files.text('/a/one')).toBe('1');
  });

  test('removes the tree and nothing else', async () => {
    const files = tree();
    const answer = await say('RMDA a', allowed(files, 'd'));
    expect(answer).toMatchObject({ code: 250, notes: { path: '/a' } });
    expect(files.text('/a/b/two')).toBeUndefined();
    expect(files.text('/top')).toBe('4444');
  });
});
