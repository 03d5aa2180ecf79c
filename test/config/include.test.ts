import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { selfSigned, temporaryFolder } from './temporary-folder.ts';

const clock = new FakeClock(Date.UTC(2026, 0, 1));
let pair: ReturnType<typeof selfSigned>;

beforeAll(() => {
  pair = selfSigned(new Date(Date.UTC(2025, 0, 1)), new Date(Date.UTC(2027, 0, 1)));
});

/** A right configuration, to which a test adds lines. */
const HEAD = `listen: [{ port: 2121 }]
tls: { certificate_file: server.crt, key_file: server.key }
`;

async function load(files: Readonly<Record<string, string>>): Promise<{ loaded: LoadedConfig; folder: string }> {
  const folder = await temporaryFolder({ 'server.crt': pair.certificate, 'server.key': pair.key, ...files });
  return { loaded: await loadConfig(join(folder, 'sallyport.yaml'), { clock }), folder };
}

async function problemsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const { loaded, folder } = await load(files);
  if (loaded.ok) return [];
  return loaded.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
}

const account = (name: string, home = '.') => `  - { name: ${name}, home: ${home} }\n`;

describe('what cannot be included', () => {
  test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    [
      'a file that is not there, and a pattern that is no text',
      { 'sallyport.yaml': `${HEAD}include:\n  - more.yaml\n  - 7\n` },
      [
        'sallyport.yaml:4:5 include[0]: does not exist: more.yaml',
        'sallyport.yaml:5:5 include[1]: must be text: a file, or a pattern such as conf.d/*.yaml',
      ],
    ],
    [
      'what is no list',
      { 'sallyport.yaml': `${HEAD}include: a.yaml\n` },
      ['sallyport.yaml:3:10 include: must be a list'],
    ],
    [
      'a file that is no section',
      { 'sallyport.yaml': `${HEAD}include: [a.yaml]\n`, 'a.yaml': '- 1\n' },
      ['a.yaml:1:1 must be a section with keys'],
    ],
    [
      'YAML that is none',
      { 'sallyport.yaml': `${HEAD}include: [a.yaml]\n`, 'a.yaml': 'users: [\n' },
      [expect.stringMatching(/^a\.yaml:2:1 .*flow sequence/i) as unknown as string],
    ],
    [
      'itself',
      { 'sallyport.yaml': `${HEAD}include: [./sallyport.yaml]\n` },
      ['sallyport.yaml:3:11 include[0]: goes round in a circle: sallyport.yaml includes sallyport.yaml'],
    ],
    [
      'what includes it again',
      {
        'sallyport.yaml': `${HEAD}include: [a/*.yaml]\n`,
        'a/b.yaml': 'include: [../c.yaml]\n',
        'c.yaml': 'include: ["a/b.y?ml"]\n',
      },
      ['c.yaml:1:11 include[0]: goes round in a circle: a/b.yaml includes c.yaml includes a/b.yaml'],
    ],
    [
      'one file twice',
      { 'sallyport.yaml': `${HEAD}include: [a.yaml, "*a.yaml"]\n`, 'a.yaml': `users:\n${account('a')}` },
      ['sallyport.yaml:3:19 include[1]: brings a.yaml, which is included already'],
    ],
    [
      'a scalar that is set, and one form for another',
      {
        'sallyport.yaml': `${HEAD}include: [a.yaml]\nbanner: One.\nlimits: { idle_timeout_ms: 1000 }\n`,
        'a.yaml': 'limits: { idle_timeout_ms: 2000 }\nbanner: Two.\nlisten: 3\ntls: []\n',
      },
      [
        'a.yaml:1:28 limits.idle_timeout_ms: is set already at sallyport.yaml:5:28',
        'a.yaml:2:9 banner: is set already at sallyport.yaml:4:9',
        'a.yaml:3:9 listen: is written in another form at sallyport.yaml:1:1',
        'a.yaml:4:1 tls: is written in another form at sallyport.yaml:2:1',
      ],
    ],
    [
      'mistakes, each of which stands in its own file',
      {
        'sallyport.yaml': `${HEAD}include: [b.yaml, a.yaml]\nusers:\n${account('a')}`,
        'a.yaml': `users:\n${account('b', 'absent')}${account('a')}limits: { idle_timeout: 1 }\n`,
        'b.yaml': 'limits:\n  idle_timeout_ms: 1\nbaner: x\n',
      },
      [
        'b.yaml:2:20 limits.idle_timeout_ms: must be at least 100',
        'b.yaml:3:1 baner: is not a known key; did you mean banner?',
        'a.yaml:2:22 users[0].home: does not exist: absent',
        'a.yaml:3:13 users[1].name: is taken by another user',
        'a.yaml:4:11 limits.idle_timeout: is not a known key; did you mean idle_timeout_ms?',
      ],
    ],
  ])('%s', async (_, files, problems) => {
    expect(await problemsOf(files)).toEqual(problems);
  });

  test('a chain of more than eight files', async () => {
    const chain = Array.from({ length: 9 }, (_, i) => [`${i}.yaml`, `include: [${i + 1}.yaml]\n`]);
    const files = { ...Object.fromEntries(chain), '9.yaml': '', 'sallyport.yaml': `${HEAD}include: [0.yaml]\n` };
    expect(await problemsOf(files)).toEqual(['6.yaml:1:11 include[0]: is more than 8 files deep']);
  });

  test('a circle by way of a link', async () => {
    const folder = await temporaryFolder({ 'sallyport.yaml': `${HEAD}include: [again.yaml]\n` });
    await symlink('sallyport.yaml', join(folder, 'again.yaml'));
    const loaded = await loadConfig(join(folder, 'sallyport.yaml'), { clock });
    expect(loaded.ok ? [] : loaded.problems.map(({ message }) => message)).toContainEqual(
      expect.stringContaining('goes round in a circle'),
    );
  });
});

test('a pattern that fits nothing yet is fine', async () => {
  expect(await problemsOf({ 'sallyport.yaml': `${HEAD}include: [conf.d/*.yaml, "{a,b}.yaml"]\n` })).toEqual([]);
});

test('maps merge and lists concatenate, in the order of the names; paths are relative to their own files', async () => {
  const { loaded, folder } = await load({
    'sallyport.yaml':
      'listen: [{ port: 2121 }]\ninclude: [conf.d/*.yaml, last.yaml]\nlimits: { idle_timeout_ms: 1000 }\n',
    'conf.d/b.yaml': `users:\n${account('b', '../homes/b')}`,
    'conf.d/a.yaml': `include: [deep/tls.yaml]\nusers:\n${account('a', '../homes/a')}users_file: more.users\n`,
    'conf.d/deep/tls.yaml': 'tls: { certificate_file: ../../server.crt }\nlimits: { login_attempts_max: 5 }\n',
    'conf.d/more.users': `users:\n${account('more', '../homes/more')}`,
    'last.yaml': `tls: { key_file: server.key }\nusers:\n${account('last', 'homes/last')}`,
    ...Object.fromEntries(['a', 'b', 'more', 'last'].map((name) => [`homes/${name}/`, ''])),
  });
  expect(loaded).toMatchObject({
    ok: true,
    options: {
      tls: { certificateFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') },
      limits: { idleTimeoutMs: 1000, loginAttemptsMax: 5 },
      usersFile: join(folder, 'conf.d/more.users'),
    },
    files: [
      'sallyport.yaml',
      'conf.d/a.yaml',
      'conf.d/deep/tls.yaml',
      'conf.d/b.yaml',
      'last.yaml',
      'conf.d/more.users',
    ].map((name) => join(folder, name)),
  });
  expect(loaded.ok && loaded.accounts.map(({ name, home }) => [name, home])).toEqual(
    ['a', 'b', 'last', 'more'].map((name) => [name, join(folder, 'homes', name)]),
  );
  expect(loaded.ok && Object.keys(loaded.options)).not.toContain('include');
});

test('a name of the users file that an included file has too is told with that file', async () => {
  expect(
    await problemsOf({
      'sallyport.yaml': `${HEAD}users_file: users.yaml\ninclude: [a.yaml]\n`,
      'a.yaml': `users:\n${account('a')}`,
      'users.yaml': `users:\n${account('a')}`,
    }),
  ).toEqual(['users.yaml:2:13 users[0].name: is taken by a user in a.yaml']);
});
