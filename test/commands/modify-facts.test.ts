/** MFF and MFCT: refused whole or done whole. */
import { describe, expect, test } from 'vitest';
import { authorizedFiles } from '../../src/access/authorized-files.ts';
import { Fault } from '../../src/spi/fault.ts';
import type { DirectoryRule } from '../../src/spi/permissions.ts';
import { parsePermissions } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../fakes/memory-files.ts';
import { at, member, type Scene, say } from '../fakes/say.ts';

function scene(letters = 'elradfmwMT', directories: readonly DirectoryRule[] = []) {
  const files = new MemoryFiles().put('/dir/a b.txt', 'hello');
  const permissions = parsePermissions(letters) ?? expect.unreachable(letters);
  const account = member({ files, permissions, directories });
  const parts: Scene = {
    account: { files: authorizedFiles(account), permissions, directories },
    session: { cwd: at('/dir') },
  };
  return { files, parts };
}

/** Storage that can set times of creation. */
function withCreation(files: MemoryFiles): Scene {
  const setCreated = async (path: string, createdMs: number) =>
    void files.calls.push(`setCreated ${path} ${createdMs}`);
  return { account: { files: Object.assign(files, { setCreated }) }, session: { cwd: at('/dir') } };
}

describe('MFF', () => {
  test.each([
    ['', '501'],
    ['a b.txt', '501'],
    ['Modify=20260101000000 a b.txt', '501'],
    ['Modify=20260101000000;', '501'],
    ['Modify; a b.txt', '501'],
    ['=20260101000000; a b.txt', '501'],
    ['Modify=; a b.txt', '501'],
    ['Modify=20260229000000; a b.txt', '501'],
    ['modify=20260101000000;MODIFY=20260102000000; a b.txt', '501'],
    ['UNIX.mode=4755;Modify=20260101000000; a b.txt', '501'],
    ['Modify=20260101000000;UNIX.mode=888; a b.txt', '501'],
    ['UNIX.mode=600;Create=20260101000000; a b.txt', '504 Cannot be set: Create.'],
    ['Modify=20260101000000;Fish=cakes;UNIX.owner=0; a b.txt', '504 Cannot be set: Fish, UNIX.owner.'],
    ['constructor=1; a b.txt', '504 Cannot be set: constructor.'],
    ['Modify=20260101000000;UNIX.mode=600; missing', '550'],
    [`Modify=20260101000000; ${'x'.repeat(256)}`, '553'],
  ])('%s is refused, and nothing is changed', async (argument, code) => {
    const { files, parts } = scene();
    expect((await say(`MFF ${argument}`, parts)).text).toContain(code);
    expect((await files.stat(at('/dir/a b.txt'))).mode).toBe(0o644);
    expect(files.calls.filter((call) => call.includes('a b'))).toEqual([]);
  });

  test.each([
    ['without M', scene('elT')],
    ['without T', scene('elM')],
    [
      'with a rule below without M',
      scene('elTM', [{ path: at('/dir/sub'), permissions: new Set(['T']), recursive: true }]),
    ],
  ])('%s changes neither bits nor time', async (_, { files, parts }) => {
    const target = _.includes('below') ? '/dir' : 'a b.txt';
    const answer = await say(`MFF Modify=20200101000000;UNIX.mode=600; ${target}`, parts);
    expect(answer.text).toBe('550 Permission denied.');
    expect(files.calls).toEqual([]);
  });

  test('sets what it is asked for, and says what it has set', async () => {
    const { files, parts } = scene();
    const { text } = await say('MFF modify=20020717210715.123;unix.MODE=0600; a b.txt', parts);
    expect(text).toBe('213 UNIX.mode=600;Modify=20020717210715; a b.txt');
    const facts = await files.stat(at('/dir/a b.txt'));
    expect(facts).toMatchObject({ mode: 0o600, modifiedMs: Date.UTC(2002, 6, 17, 21, 7, 15, 123) });
    expect(files.calls).toEqual(['setMode /dir/a b.txt', 'setModified /dir/a b.txt']);
    expect((await say('MFF UNIX.mode=000; a b.txt', parts)).text).toBe('213 UNIX.mode=000; a b.txt');
  });

  test('needs only the letters of what is set', async () => {
    expect((await say('MFF UNIX.mode=600; a b.txt', scene('M').parts)).code).toBe(213);
    expect((await say('MFF Modify=20200101000000; a b.txt', scene('T').parts)).code).toBe(213);
  });

  test('passes on what storage fails at', async () => {
    const { files } = scene();
    const setMode = async () => {
      throw new Fault('Local');
    };
    const account = { files: Object.assign(files, { setMode }) };
    expect((await say('MFF UNIX.mode=600;Modify=20200101000000; /dir/a b.txt', { account })).code).toBe(451);
    expect(files.calls).toEqual([]);
  });

  test('sets the creation where storage can, and the modification last', async () => {
    const { files } = scene();
    const answer = await say('MFF Modify=20200102000000;Create=20200101000000; a b.txt', withCreation(files));
    expect(answer.text).toBe('213 Create=20200101000000;Modify=20200102000000; a b.txt');
    expect(files.calls).toEqual([`setCreated /dir/a b.txt ${Date.UTC(2020, 0, 1)}`, 'setModified /dir/a b.txt']);
  });
});

describe('MFCT', () => {
  test.each([
    ['20020717212230', '501'],
    ['20260229000000 a b.txt', '501'],
    ['20020717212230 a b.txt', '502 Times of creation cannot be set here.'],
  ])('%s is refused where storage cannot', async (argument, reply) => {
    expect((await say(`MFCT ${argument}`, scene().parts)).text).toContain(reply);
  });

  test('sets the creation where storage can', async () => {
    const { files } = scene();
    const { text } = await say('MFCT 20020717212230 a b.txt', withCreation(files));
    expect(text).toBe('213 Create=20020717212230; a b.txt');
    expect(files.calls).toEqual([`setCreated /dir/a b.txt ${Date.UTC(2002, 6, 17, 21, 22, 30)}`]);
  });
});

test('FEAT promises the creation only where storage can set it', async () => {
  const { files, parts } = scene();
  const without = (await say('FEAT', parts)).text.split('\r\n');
  expect(without).toContain(' MFF Modify;UNIX.mode;');
  expect(without).not.toContain(' MFCT');
  const stranger = (await say('FEAT', { session: { login: { state: 'ExpectUser' } } })).text.split('\r\n');
  expect(stranger).toContain(' MFF Modify;UNIX.mode;');
  const able = (await say('FEAT', withCreation(files))).text.split('\r\n');
  expect(able).toContain(' MFF Create;Modify;UNIX.mode;');
  expect(able).toContain(' MFCT');
});
