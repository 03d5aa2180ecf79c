/** COMB: the target has all parts or is as it was, and no part goes before that. */
import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import type { VirtualPath } from '../../src/protocol/virtual-path.ts';
import { Fault } from '../../src/spi/fault.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, type Scene, say } from '../fakes/say.ts';

const ONE = 'one'.padEnd(20, '1');
const TWO = 'two'.padEnd(20, '2');

function parts(): MemoryFiles {
  return new MemoryFiles().put('/in/p1', ONE).put('/in/p 2', TWO).put('/out/old', 'old,');
}

const LINE = 'COMB "out/new" "in/p1" "in/p 2"';
const ONTO_OLD = 'COMB "out/old" "in/p1" "in/p 2"';

function expectPartsKept(files: MemoryFiles): void {
  expect(files.text('/in/p1')).toBe(ONE);
  expect(files.text('/in/p 2')).toBe(TWO);
  expect(files.text('/out/old')).toBe('old,');
  expect(files.text('/out/new')).toBeUndefined();
  expect(files.openFiles).toBe(0);
}

describe('COMB is refused', () => {
  test.each<[string, Scene, string]>([
    ['COMB', {}, '501'],
    ['COMB "out/new"', {}, '501'],
    ['COMB "out/new" "in/p1', {}, '501'],
    ['COMB "out/new" in/p1 "in/../in/p1"', {}, '501'],
    ['COMB "out/old" "in/p1" "out/old"', {}, '553 The target cannot be one of its parts.'],
    ['COMB "out/new" "in/p1" "in/missing"', {}, '550 No such file or directory.'],
    ['COMB "out/new" "in/p1" "out"', {}, '550 Not a regular file.'],
    ['COMB "out" "in/p1"', {}, '550 Not a regular file.'],
    ['COMB "none/new" "in/p1"', {}, '550'],
    [LINE, { account: { uploadBytesMax: 39 } }, '552'],
    [ONTO_OLD, { account: { uploadBytesMax: 43 } }, '552'],
    [ONTO_OLD, { account: { existing: 'keep' } }, '553'],
  ])('%s: %o', async (line, scene, reply) => {
    const files = parts();
    expect((await say(line, { ...scene, files })).text).toContain(reply);
    expectPartsKept(files);
    expect(files.calls.filter((call) => call !== 'abort remove')).toEqual([]);
  });

  test.each([
    ['without r on the parts', 'eld', 'elaw', LINE],
    ['without d on the parts', 'elr', 'elaw', LINE],
    ['without w on the target', 'elrd', 'ela', LINE],
    ['without w on a target that exists', 'elrd', 'ela', ONTO_OLD],
    ['without a on a target that exists', 'elrd', 'elw', ONTO_OLD],
  ])('%s', async (_, root, out, line) => {
    const files = parts();
    expect((await say(line, allowed(files, root, out))).text).toBe('550 Permission denied.');
    expectPartsKept(files);
    expect(files.calls).toEqual([]);
  });

  test('for a part that is the target by another name', async () => {
    const files = parts();
    const openRead = files.openRead.bind(files);
    // A symbolic link to the directory: /alias/old is /out/old.
    const aliased = Object.assign(files, {
      openRead: (path: VirtualPath) => openRead(at(path.replace('/alias/', '/out/'))),
    });
    const answer = await say('COMB "out/old" "in/p1" "alias/old"', { files: aliased });
    expect(answer.text).toBe('553 The target cannot be one of its parts.');
    expectPartsKept(files);
  });

  test('when the target vanishes and an unfinished upload would be taken for it, which stays', async () => {
    const files = parts().putPartial('/out/old', 'half of another file');
    const stat = files.stat.bind(files);
    const racing = Object.assign(files, {
      async stat(path: VirtualPath) {
        const facts = await stat(path);
        await files.removeFile(path);
        return facts;
      },
    });
    expect((await say(ONTO_OLD, { files: racing })).code).toBe(450);
    expect(files.partials.get(at('/out/old'))?.toString()).toBe('half of another file');
    expect(files.text('/in/p1')).toBe(ONE);
  });

  test('where files are encrypted: the parts could not be told apart any more', async () => {
    const files = parts();
    const stage = files.stage.bind(files);
    const opaque = Object.assign(files, {
      stage: async (...args: Parameters<typeof stage>) => Object.assign(await stage(...args), { opaque: true }),
    });
    expect((await say(LINE, { files: opaque })).text).toBe('554 Files are encrypted here: send the whole file.');
    expectPartsKept(files);
  });

  test('when a part changes meanwhile', async () => {
    const files = parts();
    const stage = files.stage.bind(files);
    const racing = Object.assign(files, {
      async stage(...args: Parameters<typeof stage>) {
        files.put('/in/p 2', 'other');
        return stage(...args);
      },
    });
    expect((await say(LINE, { files: racing })).code).toBe(450);
    expect(files.text('/out/new')).toBeUndefined();
    expect(files.text('/in/p1')).toBe(ONE);
    expect(files.text('/in/p 2')).toBe('other');
  });
});

test.each([
  ['openRead', 5],
  ['stat', 1],
  ['stage', 2],
  ['prefix', 1],
  ['read', 4],
  ['write', 4],
  ['commit', 1],
])('whichever call of %s fails, the target is as it was and every part is there', async (operation, calls) => {
  for (let n = 1; n <= calls; n++) {
    const files = parts();
    files.failures.plan(operation, n, new Fault('StorageFull'));
    expect((await say(ONTO_OLD, { files })).code, `${operation} ${n}`).toBe(452);
    expect(files.failures.count(operation)).toBe(n);
    expectPartsKept(files);
    expect(files.partials.size).toBe(0);
  }
});

test.each([
  ['openRead', 6],
  ['openRead', 7],
  ['removeFile', 1],
  ['removeFile', 2],
])('a part that stays because %s %i fails is told, and the target is whole', async (operation, n) => {
  for (const error of [new Fault('FileBusy'), new Error('a bug')]) {
    const files = parts();
    files.failures.plan(operation, n, error);
    const { text } = await say(ONTO_OLD, { files });
    expect(text).toMatch(/^250 Combined into 44 bytes, SHA-256 [0-9a-f]{64}\. 1 of the parts could not be deleted\.$/);
    expect(files.text('/out/old')).toBe(`old,${ONE}${TWO}`);
    expect([files.text('/in/p1'), files.text('/in/p 2')].filter((one) => one === undefined)).toHaveLength(1);
    expect(files.openFiles).toBe(0);
  }
});

test('a part that someone has replaced since is not deleted', async () => {
  const files = parts();
  files.published = () => files.put('/in/p1', 'the next file');
  expect((await say(LINE, { files })).text).toContain('1 of the parts');
  expect(files.text('/in/p1')).toBe('the next file');
  expect(files.text('/in/p 2')).toBeUndefined();
});

test('COMB makes a file of its parts, in their order, and deletes them', async () => {
  const files = parts().putPartial('/out/new', 'half of another file');
  const answer = await say('COMB out/new "in/p 2" in/p1', { files });
  expect(answer.code).toBe(250);
  expect(answer.notes).toMatchObject({ path: '/out/new', parts: ['/in/p 2', '/in/p1'], bytes: 40 });
  expect(files.text('/out/new')).toBe(`${TWO}${ONE}`);
  expect(files.text('/in/p1')).toBeUndefined();
  expect(files.text('/in/p 2')).toBeUndefined();
  expect(files.calls).toEqual(['stage /out/new empty keep', 'commit']);
});

test('COMB adds to a file that exists', async () => {
  const files = parts();
  expect((await say(ONTO_OLD, allowed(files, 'rd', 'law'))).code).toBe(250);
  expect(files.text('/out/old')).toBe(`old,${ONE}${TWO}`);
});

test('into a drop box a new file can be combined without seeing what is there', async () => {
  const files = parts();
  expect((await say(LINE, allowed(files, 'rd', 'w'))).code).toBe(250);
  expect(files.text('/out/new')).toBe(`${ONE}${TWO}`);
});

function allowed(files: MemoryFiles, root: string, out: string): Scene {
  const letters = (text: string) => parsePermissions(text) ?? expect.unreachable(text);
  const directories = [{ path: at('/out'), permissions: letters(out), recursive: true }];
  const account = member({ files, permissions: letters(root), directories });
  return { account: { files: authorizedFiles(account), permissions: account.permissions, directories } };
}
