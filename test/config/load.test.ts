import { chmod, mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { selfSigned, temporaryFolder } from './temporary-folder.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

let mine: ReturnType<typeof selfSigned>;
let other: ReturnType<typeof selfSigned>;

beforeAll(() => {
  const [from, to] = [new Date(Date.UTC(2025, 0, 1)), new Date(Date.UTC(2027, 0, 1))];
  mine = selfSigned(from, to);
  other = selfSigned(from, to);
});

/** The start of a right configuration: seven lines. */
const HEAD = `listen:
  - port: 2121
tls:
  certificate_file: server.crt
  key_file: server.key
users_file: users.yaml
users:
`;

const ALICE = `  - name: alice
    password_hash: ${HASH}
    home: homes/alice
`;

const clock = new FakeClock(Date.UTC(2026, 0, 1));

/** A folder with a right configuration, but for the files given. */
function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  return temporaryFolder({
    'server.crt': mine.certificate,
    'server.key': mine.key,
    'homes/alice/': '',
    'users.yaml': 'users: []\n',
    ...files,
  });
}

/** The problems of a configuration as lines, without the folder's name. */
async function problemsOf(files: Readonly<Record<string, string>>, at = clock): Promise<string[]> {
  const folder = await folderWith(files);
  return linesOf(await loadConfig(join(folder, 'sallyport.yaml'), { clock: at }), folder);
}

function linesOf(loaded: LoadedConfig, folder: string): string[] {
  if (loaded.ok) return [];
  return loaded.problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
}

describe('a file that cannot be read is a problem', () => {
  test('because it is not there', async () => {
    const folder = await temporaryFolder();
    expect(linesOf(await loadConfig(join(folder, 'sallyport.yaml')), folder)).toEqual([
      'sallyport.yaml:1:1 does not exist: sallyport.yaml',
    ]);
  });

  test('because it is a folder', async () => {
    const folder = await temporaryFolder({ 'sallyport.yaml/': '' });
    expect(linesOf(await loadConfig(join(folder, 'sallyport.yaml')), folder)).toEqual([
      'sallyport.yaml:1:1 is not a file: sallyport.yaml',
    ]);
  });

  test('because it is no YAML', async () => {
    expect(await problemsOf({ 'sallyport.yaml': 'listen:\n  - port: [21\nusers: {\n' })).toEqual([
      expect.stringMatching(/^sallyport\.yaml:3:1 .*flow sequence/i),
      expect.stringMatching(/^sallyport\.yaml:4:1 .*flow map/i),
    ]);
  });
});

test.each([
  ['an empty file', '', ['1:1 listen: is missing', '1:1 tls: is missing']],
  ['only a comment', '# later\n', ['1:1 listen: is missing', '1:1 tls: is missing']],
  ['a list', '- 1\n', ['1:1 must be a section with keys']],
  ['text', 'hello\n', ['1:1 must be a section with keys']],
])('%s is reported at the beginning', async (_, text, expected) => {
  expect(await problemsOf({ 'sallyport.yaml': text })).toEqual(expected.map((line) => `sallyport.yaml:${line}`));
});

/** What is appended to a right configuration, and the problems that this makes; line 1 is the first appended one. */
const MISTAKES: readonly (readonly [string, string, readonly string[]])[] = [
  ['an unknown key', 'weather: fine\n', ['1:1 weather: is not a known key']],
  [
    'a misspelt key',
    'tls_data_requird: true\n',
    ['1:1 tls_data_requird: is not a known key; did you mean tls_data_required?'],
  ],
  [
    'a key as the program has it',
    'closeNotify: off\n',
    ['1:1 closeNotify: is not a known key; did you mean close_notify?'],
  ],
  [
    'a misspelt key further in',
    'limits:\n  idle_timeout: 5\n',
    ['2:3 limits.idle_timeout: is not a known key; did you mean idle_timeout_ms?'],
  ],
  [
    'a key that objects have',
    'constructor: 1\n__proto__: {}\n',
    ['1:1 constructor: is not a known key', '2:1 __proto__: is not a known key'],
  ],
  ['a merge key', 'log:\n  <<: { level: info }\n', ['2:3 log.<<: is not a known key']],
  ['a key that comes twice', 'banner: a\nbanner: b\n', ['2:1 Map keys must be unique.']],
  ['a value out of bounds', 'limits:\n  line_bytes_max: 5\n', ['2:19 limits.line_bytes_max: must be at least 512']],
  ['a value above them', 'passive: { port_max: 70000 }\n', ['1:22 passive.port_max: must be at most 65535']],
  ['text for a number', 'limits:\n  idle_timeout_ms: 15m\n', ['2:20 limits.idle_timeout_ms: must be a whole number']],
  ['a word for yes', 'tls_control_required: yes\n', ['1:23 tls_control_required: must be true or false']],
  ['a number for text', 'storage:\n  file_mode: 0640\n', ['2:14 storage.file_mode: must be text; put it in quotes']],
  [
    'a choice that does not exist',
    'session_reuse: maybe\n',
    ['1:16 session_reuse: must be one of required, preferred, off'],
  ],
  ['a list for a section', 'log:\n  - level: info\n', ['1:1 log: must be a section with keys']],
  ['a section for text', 'banner:\n  text: hello\n', ['1:1 banner: must be text']],
  ['an ordered map', 'log: !!omap [level: debug]\n', ['1:13 log: has a tag; write it without']],
  [
    'a second document',
    'banner: hello\n---\nbanner: other\n',
    ['2:1 A second document begins here; everything must stand in one.'],
  ],
  ['an alias', 'banner: &b hello\nlog:\n  level: *b\n', ['3:10 log.level: is an alias; write it out']],
  ['a tag', 'banner: !secret hello\n', ['1:9 Unresolved tag: !secret.']],
  ['a mistake of two keys', 'passive: { port_min: 60000 }\n', ['1:1 passive.port_max: is below the first port']],
];

test.each(MISTAKES)('%s is reported where it stands', async (_, text, expected) => {
  const right = HEAD + ALICE;
  const above = right.split('\n').length - 1;
  expect(await problemsOf({ 'sallyport.yaml': right + text })).toEqual(
    expected.map((line) => `sallyport.yaml:${line.replace(/^\d+/, (number) => String(above + Number(number)))}`),
  );
});

test('every mistake is reported at once, in the order of the lines, the users file last', async () => {
  const config = `listen:
  - port: 99999
  - host: example.com
tls:
  certificate_file: absent.crt
  key_file: server.key
  key: |
    not here
tls_controll_required: true
users_file: users.yaml
passive:
  port_min: 2000
  port_max: 1999
users:
  - name: alice
    password_hash: plain
    home: homes/alice
  - name: bob smith
    passwordHash: x
    home: homes/bob
    permissions: elz
    directories:
      - { path: in }
  - name: alice
    home: server.key
  -
limits:
  connections_max: 0
`;
  const users = `users:
  - name: carol
    password_hash: ${HASH}
    home: nowhere
    enabld: false
  - name: alice
    password_hash: ${HASH}
    home: homes/alice
`;
  expect(await problemsOf({ 'sallyport.yaml': config, 'users.yaml': users })).toEqual([
    'sallyport.yaml:2:11 listen[0].port: must be at most 65535',
    'sallyport.yaml:3:5 listen[1].port: is missing',
    'sallyport.yaml:3:11 listen[1].host: must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::',
    'sallyport.yaml:4:1 tls: needs two files or two PEM texts, not some of both',
    'sallyport.yaml:5:21 tls.certificate_file: does not exist: absent.crt',
    'sallyport.yaml:7:8 tls.key: belongs in a file of its own: use key_file',
    'sallyport.yaml:9:1 tls_controll_required: is not a known key; did you mean tls_control_required?',
    'sallyport.yaml:13:13 passive.port_max: is below the first port',
    "sallyport.yaml:16:20 users[0].password_hash: must be the hash of a password, as 'sallyport user passwd' makes it",
    'sallyport.yaml:18:11 users[1].name: must be 1 to 64 letters, digits and . _ @ -',
    'sallyport.yaml:19:5 users[1].passwordHash: is not a known key; did you mean password_hash?',
    'sallyport.yaml:20:11 users[1].home: does not exist: homes/bob',
    'sallyport.yaml:21:18 users[1].permissions: must be made of the letters e l r a d f m w M T',
    "sallyport.yaml:23:17 users[1].directories[0].path: must be an absolute path as clients see it, such as /inbox, without '.', '..' or a slash at the end",
    'sallyport.yaml:24:11 users[2].name: is taken by another user',
    'sallyport.yaml:25:11 users[2].home: is not a directory: server.key',
    'sallyport.yaml:26:4 users[3]: is missing',
    'sallyport.yaml:28:20 limits.connections_max: must be at least 1',
    'users.yaml:4:11 users[0].home: does not exist: nowhere',
    'users.yaml:5:5 users[0].enabld: is not a known key; did you mean enabled?',
  ]);
});

test('a secret in the wrong place is not repeated', async () => {
  const lines = await problemsOf({
    'sallyport.yaml': `${HEAD}  - { name: hunter2 hunter2, password_hash: hunter2 }\n`,
  });
  expect(lines).toHaveLength(3);
  expect(lines.join('\n')).not.toContain('hunter2');
});

test('control characters in keys and paths do not reach the terminal', async () => {
  const lines = await problemsOf({ 'sallyport.yaml': `${HEAD}${ALICE}"\\e[2J": 1\n` });
  expect(lines).toEqual(['sallyport.yaml:11:1 \\u001b[2J: is not a known key']);
});

describe('certificate and key', () => {
  const config = HEAD + ALICE;

  test('that do not belong together', async () => {
    expect(await problemsOf({ 'sallyport.yaml': config, 'server.key': other.key })).toEqual([
      'sallyport.yaml:5:13 tls.key_file: does not belong to the certificate',
    ]);
  });

  test('that are neither', async () => {
    expect(
      await problemsOf({ 'sallyport.yaml': config, 'server.crt': 'hello', 'server.key': mine.certificate }),
    ).toEqual([
      'sallyport.yaml:4:21 tls.certificate_file: holds no certificate in PEM form',
      'sallyport.yaml:5:13 tls.key_file: holds no private key in PEM form',
    ]);
  });

  test.each([
    ['expired', Date.UTC(2027, 0, 2), 'has expired: it was valid until Jan  1 00:00:00 2027 GMT'],
    ['not valid yet', Date.UTC(2024, 11, 31), 'is not valid yet: only from Jan  1 00:00:00 2025 GMT'],
  ])('%s', async (_, nowMs, message) => {
    expect(await problemsOf({ 'sallyport.yaml': config }, new FakeClock(nowMs))).toEqual([
      `sallyport.yaml:4:21 tls.certificate_file: ${message}`,
    ]);
  });

  test.skipIf(process.platform === 'win32')('a key that others can read', async () => {
    const folder = await folderWith({ 'sallyport.yaml': config });
    await chmod(join(folder, 'server.key'), 0o644);
    const load = () => loadConfig(join(folder, 'sallyport.yaml'), { clock });
    expect(linesOf(await load(), folder)).toEqual([
      'sallyport.yaml:5:13 tls.key_file: can be read by others or written by its group (mode 0644): run chmod 640 server.key, or 600',
    ]);
    await chmod(join(folder, 'server.key'), 0o640);
    expect(linesOf(await load(), folder)).toEqual([]);
  });
});

describe('the certificate of a virtual host', () => {
  const withHost = (certificate: string, key: string) =>
    `${HEAD}${ALICE}hosts:\n  - name: LOCALHOST\n    certificate_file: ${certificate}\n    key_file: ${key}\n`;

  test('that is not there, and a key that is none', async () => {
    expect(await problemsOf({ 'sallyport.yaml': withHost('absent.crt', 'users.yaml') })).toEqual([
      'sallyport.yaml:13:23 hosts[0].certificate_file: does not exist: absent.crt',
      'sallyport.yaml:14:15 hosts[0].key_file: holds no private key in PEM form',
    ]);
  });

  test('that does not belong to its key', async () => {
    const files = { 'sallyport.yaml': withHost('server.crt', 'other.key'), 'other.key': other.key };
    expect(await problemsOf(files)).toEqual([
      'sallyport.yaml:14:15 hosts[0].key_file: does not belong to the certificate',
    ]);
  });

  test('that is for another name', async () => {
    const text = withHost('server.crt', 'server.key').replace('LOCALHOST', 'a.example');
    expect(await problemsOf({ 'sallyport.yaml': text })).toEqual([
      'sallyport.yaml:13:23 hosts[0].certificate_file: is not for a.example',
    ]);
  });

  test('with its key in the configuration', async () => {
    const text = `${HEAD}${ALICE}hosts:\n  - { name: localhost, certificate: x, key: y }\n`;
    expect(await problemsOf({ 'sallyport.yaml': text })).toEqual([
      'sallyport.yaml:12:45 hosts[0].key: belongs in a file of its own: use key_file',
    ]);
  });

  test('that is right has absolute paths', async () => {
    const folder = await folderWith({ 'sallyport.yaml': withHost('server.crt', 'server.key') });
    expect(await loadConfig(join(folder, 'sallyport.yaml'), { clock })).toMatchObject({
      ok: true,
      options: {
        hosts: [
          {
            name: 'localhost',
            certificateFile: join(folder, 'server.crt'),
            keyFile: join(folder, 'server.key'),
          },
        ],
      },
    });
  });
});

test.each([
  ['beside the file', '', 'state', undefined],
  ['where the file says', 'state_directory: kept\naudit: { key_file: keys/log.pem }\n', 'kept', 'keys/log.pem'],
])('what the gateway remembers is kept %s', async (_, text, directory, key) => {
  const folder = await folderWith({ 'sallyport.yaml': `${text}${HEAD}${ALICE}` });
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'), { clock });
  expect(loaded).toMatchObject({ ok: true, options: { stateDirectory: join(folder, directory) } });
  const keyFile = loaded.ok ? loaded.options.audit.keyFile : '';
  expect(keyFile).toBe(key && join(folder, key));
});

describe('the users file', () => {
  test('that is not there is a problem of the configuration', async () => {
    const config = `${HEAD.replace('users.yaml', 'absent.yaml')}${ALICE}`;
    expect(await problemsOf({ 'sallyport.yaml': config })).toEqual([
      'sallyport.yaml:6:13 users_file: does not exist: absent.yaml',
    ]);
  });

  test('may not have a name of the configuration again', async () => {
    expect(await problemsOf({ 'sallyport.yaml': HEAD + ALICE, 'users.yaml': `users:\n${ALICE}` })).toEqual([
      'users.yaml:2:11 users[0].name: is taken by a user in sallyport.yaml',
    ]);
  });

  test('with a syntax error', async () => {
    expect(await problemsOf({ 'sallyport.yaml': HEAD + ALICE, 'users.yaml': 'users: [\n' })).toEqual([
      expect.stringMatching(/^users\.yaml:2:1 .*flow sequence/i),
    ]);
  });
});

test('an account of the users file that needs a certificate for which nobody is asked is told at its line', async () => {
  const users = `users:\n${ALICE.replace('alice', 'bob')}    client_certificate: required\n`;
  const files = { 'users.yaml': users, 'homes/bob/': '' };
  expect(await problemsOf({ ...files, 'sallyport.yaml': HEAD + ALICE })).toEqual([
    'users.yaml:5:25 users[0].client_certificate: needs tls.client_certificate: optional or required',
  ]);
  const asking = HEAD.replace('tls:\n', `tls:\n  client_certificate: optional\n  client_ca_file: server.crt\n`);
  expect(await problemsOf({ ...files, 'sallyport.yaml': asking + ALICE })).toEqual([]);
});

test('metrics at the address and port of a listener are told at their line', async () => {
  expect(await problemsOf({ 'sallyport.yaml': `${HEAD}${ALICE}metrics:\n  port: 2121\n` })).toEqual([
    'sallyport.yaml:12:9 metrics.port: is taken by an entry of listen',
  ]);
  expect(await problemsOf({ 'sallyport.yaml': `${HEAD}${ALICE}metrics: { host: '::1', port: 2121 }\n` })).toEqual([]);
});

test('files are named as the operator named them', async () => {
  const folder = await folderWith({
    'conf/sallyport.yaml': 'users_file: more/users.yaml\n',
    'conf/more/users.yaml': 'user: []\n',
  });
  const shown = join(relative(process.cwd(), folder), 'conf/sallyport.yaml');
  const loaded = await loadConfig(shown, { clock });
  const named = loaded.ok ? [] : loaded.problems.map(({ file }) => file);
  expect(new Set(named)).toEqual(new Set([shown, join(relative(process.cwd(), folder), 'conf/more/users.yaml')]));
});

test('a section whose lines are all commented out has its defaults', async () => {
  expect(
    await problemsOf({ 'sallyport.yaml': `${HEAD}${ALICE}limits:\n  # idle_timeout_ms: 5\nlog:\nbanner:\n` }),
  ).toEqual([]);
});

test('a right configuration has absolute paths, each relative to its own file, and the accounts of both files', async () => {
  const folder = await folderWith({
    'sallyport.yaml': `${HEAD.replace('users.yaml', 'more/users.yaml')}${ALICE}session_reuse: off\nstorage: { file_mode: '0600' }\n`,
    'more/users.yaml': `users:\n${ALICE.replace('name: alice', 'name: bob')}    close_notify: off\n`,
    'more/homes/alice/': '',
  });
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'), { clock });
  expect(loaded).toMatchObject({
    ok: true,
    baseDir: folder,
    files: [join(folder, 'sallyport.yaml'), join(folder, 'more/users.yaml')],
    options: {
      listen: [{ host: '127.0.0.1', port: 2121, tls: 'explicit' }],
      tls: { certificateFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') },
      sessionReuse: 'off',
      storage: { fileMode: '0600' },
      usersFile: join(folder, 'more/users.yaml'),
      users: [{ name: 'alice', home: join(folder, 'homes/alice') }],
    },
    accounts: [
      { name: 'alice', home: join(folder, 'homes/alice') },
      { name: 'bob', home: join(folder, 'more/homes/alice'), closeNotify: 'off' },
    ],
  });
});

test('homes may be links to directories, and paths may be absolute', async () => {
  const folder = await folderWith({});
  await mkdir(join(folder, 'elsewhere'));
  const config = HEAD + ALICE.replace('homes/alice', join(folder, 'elsewhere'));
  expect(await problemsOf({ 'sallyport.yaml': config })).toEqual([]);
});
