/** Access files over real sockets: they take effect at once, shut what they say wrongly, and no client touches them. */
import {
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { accessFile } from '../../src/config/directory-options.ts';
import type { GatewayOptionsInputWith } from '../../src/config/options.ts';
import { Secret } from '../../src/lib/secret.ts';
import { DEFAULT_SEALED_NAME } from '../../src/storage/sealed-name.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';
import { type trail, trailCommand, type trailMark, trailModule } from '../fixtures/trail-module.ts';

type Options = Partial<GatewayOptionsInputWith<typeof trail | typeof trailMark>>;

/** A gateway whose account has directories `/in/deep` and `/free`, each with a file `f`, and these files besides. */
async function start(options: Options, files: Readonly<Record<string, string>> = {}, user: TestUser = {}) {
  const gateway = await startGateway(options, user, { modules: [trailModule], commands: [trailCommand] });
  await mkdir(join(gateway.home, 'in/deep'), { recursive: true });
  await mkdir(join(gateway.home, 'free'));
  for (const [name, text] of Object.entries({ 'in/f': 'f', 'in/deep/f': 'f', 'free/f': 'f', ...files })) {
    await writeFile(join(gateway.home, name), text);
  }
  return { gateway, client: await RawClient.login(gateway) };
}

const ALL = { allowOverride: 'all' } as const;
const mistakes = (gateway: TestGateway) => gateway.log.of('access_file.refused').map((fields) => fields.mistakes);

test('what no allow_override permits is not even looked at', async () => {
  const { gateway, client } = await start({}, { 'in/.ftpaccess': 'trail: [' });
  expect(await client.send('TRAIL /in')).toBe('200 none, 0');
  expect(await client.send('CWD /in')).toMatch(/^250/);
  expect(mistakes(gateway)).toEqual([]);
});

test.each<[string, string, string]>([
  ['YAML that is none', 'trail: [\n', '/in/.ftpaccess:2:1 Flow sequence'],
  ['an alias', 'trail: &a x\ntrail_mark: *a\n', '/in/.ftpaccess:2:13 trail_mark: is an alias; write it out'],
  ['a misspelt directive', 'trial: x\n', '/in/.ftpaccess:1:1 trial: is not a known key; did you mean trail?'],
  [
    'a directive of another context',
    'trail: x\nallow_override: all\n',
    '/in/.ftpaccess:2:1 allow_override: may be written in server, host, account, directory; not here',
  ],
  ['a value that cannot be', 'trail_mark: 10\n', '/in/.ftpaccess:1:13 trail_mark: must be at most 9'],
  ['a list', '- trail\n', '/in/.ftpaccess:1:1 must be a section with keys'],
  [
    'what is not permitted',
    'trail: x\ntrail_mark: 1\n',
    '/in/.ftpaccess:2:1 trail_mark: is not permitted here by allow_override',
  ],
  ['more than a page', `# ${'x'.repeat(65_536)}\n`, '/in/.ftpaccess:1:1 is larger than 65536 bytes'],
])('an access file with %s shuts its directory and all below it, and the log says where', async (_, text, mistake) => {
  const { gateway, client } = await start({ allowOverride: ['trail'] }, { 'in/.ftpaccess': text });
  for (const line of ['CWD /in', 'CWD /in/deep', 'SIZE /in/f', 'DELE /in/deep/f', 'MKD /in/new', 'TRAIL /in/deep']) {
    expect(await client.send(line), line).toMatch(/^550 Permission denied/);
  }
  expect(await client.upload('STOR /in/new', 'x')).toMatch(/^550/);
  for (const [from, to] of [
    ['/free/f', '/in/g'],
    ['/in/f', '/free/g'],
    ['/in/deep', '/free/deep'],
  ]) {
    // RNFR alone tells nothing of the file, for accounts that may rename and not look.
    await client.send(`RNFR ${from}`);
    expect(await client.send(`RNTO ${to}`), from).toMatch(/^550/);
  }
  expect(await client.send('CWD /free')).toMatch(/^250/);
  expect(mistakes(gateway)).toEqual([[expect.stringContaining(mistake)]]);

  await writeFile(join(gateway.home, 'in/.ftpaccess'), 'trail: right\n');
  expect(await client.send('CWD /in')).toMatch(/^250/);
  expect(await client.send('TRAIL /in/deep')).toBe('200 none right, 0');
});

test('bytes that are no UTF-8, and a directory of that name, shut it too', async () => {
  const { gateway, client } = await start(ALL);
  await writeFile(join(gateway.home, 'in/.ftpaccess'), Buffer.from([0xff]));
  await mkdir(join(gateway.home, 'free/.ftpaccess'));
  expect(await client.send('CWD /in')).toMatch(/^550/);
  expect(await client.send('CWD /free')).toMatch(/^550/);
  expect(mistakes(gateway)).toEqual([['/in/.ftpaccess:1:1 is not UTF-8'], ['/free/.ftpaccess:1:1 is not a file']]);
});

test('an access file takes effect at once, also changed within one tick, also replaced by another of its size', async () => {
  const { gateway, client } = await start(ALL);
  const file = join(gateway.home, 'in/.ftpaccess');
  for (const text of ['one', 'two', 'six']) {
    await writeFile(file, `trail: ${text}\n`);
    expect(await client.send('TRAIL /in/deep')).toBe(`200 none ${text}, 0`);
    await writeFile(join(gateway.home, 'next'), `trail: ${text.toUpperCase()}\n`);
    await rename(join(gateway.home, 'next'), file);
    expect(await client.send('TRAIL /in/deep')).toBe(`200 none ${text.toUpperCase()}, 0`);
  }
  await rm(file);
  expect(await client.send('TRAIL /in/deep')).toBe('200 none, 0');
});

test('permission is a matter of the place: the innermost allow_override decides for the files in it', async () => {
  const { client } = await start(
    {
      allowOverride: ['trailMark'],
      directories: [
        { path: '/in', allowOverride: 'all', recursive: false },
        { path: '/free', allowOverride: [] },
      ],
    },
    {
      '.ftpaccess': 'trail_mark: 1\n',
      'in/.ftpaccess': 'trail: in\n',
      'in/deep/.ftpaccess': 'trail_mark: 2\n',
      'free/.ftpaccess': 'trail: [',
    },
  );
  expect(await client.send('TRAIL /')).toBe('200 none, 1');
  expect(await client.send('TRAIL /in')).toBe('200 none in, 1');
  expect(await client.send('TRAIL /in/deep')).toBe('200 none in, 2');
  expect(await client.send('TRAIL /free')).toBe('200 none, 1');
});

test('another name can be chosen, and the usual one is then a file like any other', async () => {
  const { client } = await start(
    { ...ALL, accessFile: '.settings' },
    { 'in/.settings': 'trail: x\n', 'in/.ftpaccess': '[' },
  );
  expect(await client.send('TRAIL /in')).toBe('200 none x, 0');
  expect(await client.send('SIZE /in/.ftpaccess')).toBe('213 1');
  expect(await client.send('SIZE /in/.SETTINGS')).toMatch(/^550/);
});

test.each([{}, ALL])('no verb reaches an access file, whatever is permitted (%o)', async (options) => {
  const { gateway, client } = await start({ ...options, symlinks: true }, { 'in/.ftpaccess': 'trail: x\n' });
  const refused = [
    ...[
      'SIZE',
      'MDTM',
      'MLST',
      'STAT',
      'HASH',
      'XCRC',
      'RNFR',
      'DELE',
      'CWD',
      'RMD',
      'RMDA',
      'MKD',
      'CPFR',
      'AVBL',
      'DSIZ',
    ].map((verb) => `${verb} /in/.ftpaccess`),
    'DELE /in/.FtpAccess',
    'MKD /free/.FTPACCESS',
    'MKD /free/.ftpaccess',
    'CWD /in/.ftpaccess/x',
    'MFMT 20260101000000 /in/.ftpaccess',
    'MFF UNIX.mode=0777; /in/.ftpaccess',
    'SITE CHMOD 777 /in/.ftpaccess',
    'SITE UTIME 20260101000000 /in/.ftpaccess',
    'SITE COPY /in/.ftpaccess /free/copy',
    'SITE COPY /free/f /free/.ftpaccess',
    'SITE SYMLINK /in/.ftpaccess /free/link',
    'SITE SYMLINK /free/f /free/.ftpaccess',
    'COMB /free/.ftpaccess /free/f',
    'COMB /free/sum /in/.ftpaccess',
    'RMDA /in',
  ];
  for (const line of refused) expect(await client.send(line), line).toMatch(/^55[0-9][ -]/);
  for (const line of ['STOR /in/.ftpaccess', 'APPE /in/.ftpaccess', 'STOR /free/.Ftpaccess']) {
    expect(await client.upload(line, 'trail: mine\n'), line).toMatch(/^550/);
  }
  for (const from of ['/free/f', '/free']) {
    expect(await client.send(`RNFR ${from}`)).toMatch(/^350/);
    expect(await client.send('RNTO /in/deep/.ftpaccess'), from).toMatch(/^550/);
  }
  expect(await client.send('CPFR /free/f')).toMatch(/^350/);
  expect(await client.send('CPTO /in/.ftpaccess')).toMatch(/^550/);
  expect(await client.send('RNFR /in')).toMatch(/^350/);
  expect(await client.send('RNTO /out')).toBe('550 The directory holds settings of the server; it stays as it is.');
  expect((await client.download('RETR /in/.ftpaccess')).reply).toMatch(/^550/);
  for (const verb of ['LIST', 'NLST', 'MLSD']) {
    const { reply, data } = await client.download(`${verb} /in`);
    expect(reply, verb).toMatch(/^226/);
    expect(data.toString(), verb).not.toMatch(/ftpaccess/i);
    expect(data.toString(), verb).toContain('deep');
  }
  expect(await client.send('STAT /in')).not.toMatch(/ftpaccess/i);
  expect(await readFile(join(gateway.home, 'in/.ftpaccess'), 'utf8')).toBe('trail: x\n');
});

test('a link of the operator’s leads to a directory that its access file shuts', async () => {
  const { gateway, client } = await start(ALL, { 'in/.ftpaccess': '[' });
  await symlink('in', join(gateway.home, 'way'));
  expect(await client.send('CWD /way')).toMatch(/^550/);
  expect(await client.send('SIZE /way/f')).toMatch(/^550/);
});

test('no link and no verb behind it reaches an access file by another name', async () => {
  const { gateway, client } = await start({}, { 'in/.ftpaccess': 'trail: x\n' });
  const file = join(gateway.home, 'in/.ftpaccess');
  await symlink('../in/.ftpaccess', join(gateway.home, 'free/plain.txt'));
  const before = await stat(file);
  for (const line of [
    'SIZE /free/plain.txt',
    'MDTM /free/plain.txt',
    'MLST /free/plain.txt',
    'STAT /free/plain.txt',
    'HASH /free/plain.txt',
    'MFMT 20010101000000 /free/plain.txt',
    'MFF UNIX.mode=0777; /free/plain.txt',
    'SITE CHMOD 777 /free/plain.txt',
    'SITE UTIME 20010101000000 /free/plain.txt',
    'SITE COPY /free/plain.txt /free/copy',
  ]) {
    expect(await client.send(line), line).toMatch(/^55[0-9][ -]/);
  }
  expect((await client.download('RETR /free/plain.txt')).reply).toMatch(/^550/);
  expect((await client.download('NLST /free')).data.toString()).toBe('/free/f\r\n');
  const after = await stat(file);
  expect([after.mode, after.mtimeMs]).toEqual([before.mode, before.mtimeMs]);
});

test('local storage seals the usual name by itself', () => {
  expect(accessFile.parse(undefined)).toBe(DEFAULT_SEALED_NAME);
});

test('an access file with a second name shuts its directory, for nobody knows which name that is', async () => {
  const { gateway, client } = await start(ALL, { 'in/.ftpaccess': 'trail: x\n' });
  expect(await client.send('TRAIL /in')).toBe('200 none x, 0');
  await link(join(gateway.home, 'in/.ftpaccess'), join(gateway.home, 'free/plain.txt'));
  expect(await client.send('TRAIL /in')).toMatch(/^550/);
  expect(mistakes(gateway)).toEqual([[expect.stringContaining('has a second name')]]);
  await rm(join(gateway.home, 'free/plain.txt'));
  expect(await client.send('TRAIL /in')).toBe('200 none x, 0');
});

test('an access file that is a link shuts its directory when it leads nowhere, and counts where it leads to one', async () => {
  const { gateway, client } = await start(ALL);
  await symlink('../rules.yaml', join(gateway.home, 'in/.ftpaccess'));
  expect(await client.send('CWD /in/deep')).toMatch(/^550/);
  expect(await client.upload('STOR /in/new', 'x')).toMatch(/^550/);
  expect(mistakes(gateway)).toEqual([['/in/.ftpaccess:1:1 is a link that leads nowhere']]);
  expect(await client.send('CWD /free')).toMatch(/^250/);
  await writeFile(join(gateway.home, 'rules.yaml'), 'trail: x\n');
  expect(await client.send('TRAIL /in/deep')).toBe('200 none x, 0');
});

test('an access file that is written in place counts, though size and time of modification stay', async () => {
  const { gateway, client } = await start(ALL);
  const file = join(gateway.home, 'in/.ftpaccess');
  const long = new Date('2020-01-01T00:00:00Z');
  for (const text of ['one', 'two', 'six']) {
    await writeFile(file, `trail: ${text}\n`);
    await utimes(file, long, long);
    expect(await client.send('TRAIL /in/deep')).toBe(`200 none ${text}, 0`);
  }
});

test('what is spelt otherwise is hidden and not read, and the log says so once', async () => {
  const { gateway, client } = await start(ALL, { 'in/.FTPACCESS': 'trail: [' });
  for (const _ of [1, 2]) expect((await client.download('NLST /in')).data.toString()).not.toMatch(/ftpaccess/i);
  expect(await client.send('TRAIL /in')).toBe('200 none, 0');
  expect(gateway.log.of('access_file.ignored')).toEqual([
    { account: 'partner', file: '/in/.FTPACCESS', expected: '.ftpaccess' },
  ]);
});

test('links within a directory do not keep it from being moved or removed', async () => {
  const { gateway, client } = await start(ALL, { 'in/deep/.ftpaccess': 'trail: x\n' });
  for (const name of ['s1', 's2', 's3']) await symlink('.', join(gateway.home, 'free', name));
  await symlink('../in/deep', join(gateway.home, 'free/way'));
  expect(await client.send('RNFR /free')).toMatch(/^350/);
  expect(await client.send('RNTO /moved')).toMatch(/^250/);
  expect(await client.send('RMDA /moved')).toMatch(/^250/);
  expect(await readFile(join(gateway.home, 'in/deep/.ftpaccess'), 'utf8')).toBe('trail: x\n');
});

/** Two more accounts in the home of the first: `dora`, for whom no access file counts, and `carl` as it is given. */
async function startShared(carl: TestUser, where: 'options' | 'users file' | 'template') {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-shared-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const home = join(folder, 'home');
  await mkdir(join(home, 'proj/sub'), { recursive: true });
  await writeFile(join(home, 'proj/sub/.ftpaccess'), 'rules: [{deny: [write]}]\n');
  const passwordHash = await hashPassword(new Secret(PASSWORD));
  const account = { home, permissions: 'elradfmwMT' };
  const user = (name: string) => ({ name, passwordHash, ...account });
  const usersFile = join(folder, 'users.yaml');
  const filed = {
    ...{ name: 'carl', password_hash: passwordHash, ...account },
    ...(carl.allowOverride !== undefined && { allow_override: carl.allowOverride }),
    ...(carl.directories !== undefined && { directories: [{ path: '/proj', allow_override: 'all' }] }),
  };
  await writeFile(usersFile, JSON.stringify({ users: [filed] }), { mode: 0o600 });
  const gateway = await startGateway({
    users: [user('dora'), ...(where === 'options' ? [{ ...user('carl'), ...carl }] : [])],
    ...(where === 'users file' && { usersFile }),
    ...(where === 'template' && {
      authentication: [{ type: 'users' }, { type: 'anonymous', account: { home, permissions: 'el', ...carl } }],
    }),
  });
  return { home, client: await RawClient.login({ ...gateway, user: 'dora' }) };
}

test.each<[string, TestUser, 'options' | 'users file' | 'template']>([
  ['an account', { allowOverride: 'all' }, 'options'],
  ['a section of an account', { directories: [{ path: '/proj', allowOverride: 'all' }] }, 'options'],
  ['an account of the users file', { allowOverride: 'all' }, 'users file'],
  ['a section in the users file', { directories: [{ path: '/proj', allowOverride: 'all' }] }, 'users file'],
  ['the account of an entry of authentication', { allowOverride: 'all' }, 'template'],
])('who is not overridden moves no tree with the access file of somebody who is: %s', async (_, carl, where) => {
  const { home, client } = await startShared(carl, where);
  expect(await client.send('RNFR /proj')).toMatch(/^350/);
  expect(await client.send('RNTO /away')).toBe('550 The directory holds settings of the server; it stays as it is.');
  expect(await readdir(join(home, 'proj/sub'))).toEqual(['.ftpaccess']);
});

test('where nobody is overridden a tree is moved without being looked through', async () => {
  const { client } = await startShared({ allowOverride: [] }, 'options');
  expect(await client.send('RNFR /proj')).toMatch(/^350/);
  expect(await client.send('RNTO /away')).toMatch(/^250/);
});
