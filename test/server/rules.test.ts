import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { worksOnFiles } from '../../src/access/rules-module.ts';
import { COMMANDS } from '../../src/commands/all.ts';
import { type GatewayOptionsInput, gatewayOptions } from '../../src/config/options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { type Explanation, explainAccess, lettersOf } from '../../src/server/explain.ts';
import type { ClientOptions } from '../fixtures/ftp-client.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';

type Options = Partial<GatewayOptionsInput>;

/** Rules and classes as an operator would write them: a drop box, no programs, partners by TLS 1.3, and people. */
const OPTIONS = {
  classes: [
    { name: 'modern', tls: { minVersion: 'TLSv1.3' } },
    { name: 'elsewhere', networks: ['198.51.100.0/24'] },
    { name: 'here', networks: ['127.0.0.0/8', '::1'] },
  ],
  rules: [
    { deny: ['write'], paths: ['*.exe'] },
    { allow: ['write'], paths: ['/drop/**'] },
    { deny: ['info', 'read', 'write'], paths: ['/drop/**'] },
    { deny: ['read'], paths: ['/modern/**'], classes: '!modern' },
    { deny: ['DELE', 'SITE CHMOD'], users: '!carol' },
    { deny: ['read'], paths: ['/staff/**'], groups: '!staff' },
    { deny: ['MKD'], classes: 'elsewhere' },
  ],
  directories: [{ path: '/open', rules: [{ allow: ['DELE'] }, { deny: ['CWD'] }] }],
} satisfies Options;

const PEOPLE: readonly TestUser[] = [
  { name: 'alice', groups: ['staff'] },
  { name: 'bob', permissions: 'elr' },
  {
    name: 'carol',
    rules: [{ deny: ['SIZE'], paths: ['/report.csv'] }],
    directories: [{ path: '/open', permissions: 'el' }],
  },
];

/** What is asked, and in which way it is sent. */
const ASKED: readonly (readonly [string, string])[] = [
  ['RETR', '/report.csv'],
  ['RETR', '/drop/new.csv'],
  ['RETR', '/modern/a'],
  ['RETR', '/staff/a'],
  ['RETR', '/open/a'],
  ['STOR', '/drop/new.csv'],
  ['STOR', '/drop/new.exe'],
  ['STOR', '/SETUP.EXE'],
  ['STOR', '/plain.csv'],
  ['APPE', '/plain.csv'],
  ['LIST', '/'],
  ['LIST', '/drop'],
  ['LIST', '/open'],
  ['MLSD', '/drop'],
  ['SIZE', '/report.csv'],
  ['MDTM', '/report.csv'],
  ['MDTM', '/drop/new.csv'],
  ['CWD', '/open'],
  ['CWD', '/staff'],
  ['HASH', '/drop/new.csv'],
  ['HASH', '/report.csv'],
  ['XMD5', '/drop/new.csv'],
  ['XMD5', '/report.csv'],
  ['MKD', '/made'],
  ['MKD', '/made.exe'],
  ['SITE CHMOD', '/report.csv'],
  ['MFMT', '/report.csv'],
  ['DELE', '/open/a'],
  ['DELE', '/plain.csv'],
  ['RMDA', '/made'],
  ['PWD', '/'],
  ['NOOP', '/'],
];

describe.each(PEOPLE)('what $name is answered is what explain says', (user) => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', async (version) => {
    const gateway = await started(OPTIONS, user);
    const client = await RawClient.login(gateway, { version });
    await client.send('OPTS HASH SHA-256');
    const differences: string[] = [];
    for (const [verb, path] of ASKED) {
      const said = await explained(gateway, OPTIONS, user, { verb, path, tls: version });
      const answer = await sent(client, verb, path);
      const code = Number(answer.slice(0, 3));
      const refused = code >= 500 ? code : undefined;
      if (refused !== said.code)
        differences.push(`${verb} ${path}: ${answer}, explained ${said.code} (${said.refusedBy})`);
    }
    expect(differences).toEqual([]);
    client.close();
  });
});

describe('side doors', () => {
  test('a drop box cannot be read by copying out of it, by COMB, by HASH or by renaming', async () => {
    const gateway = await started(OPTIONS, { name: 'alice', groups: ['staff'] });
    const client = await RawClient.login(gateway);
    expect(await client.upload('STOR /drop/secret.csv', 'secret')).toMatch(/^226/);
    expect(await client.send('CPFR /drop/secret.csv')).toMatch(/^550/);
    expect(await client.send('SITE COPY /drop/secret.csv /out.csv')).toMatch(/^550/);
    expect(await client.send('COMB /out.csv /drop/secret.csv')).toMatch(/^550/);
    expect(await client.send('HASH /drop/secret.csv')).toMatch(/^552/);
    await client.send('RNFR /drop');
    expect(await client.send('RNTO /open/drop')).toMatch(/^550/);
    expect(await readFile(join(gateway.home, 'drop/secret.csv'), 'utf8')).toBe('secret');
    client.close();
  });

  test('a rule against RNFR holds for the rename', async () => {
    const gateway = await started({ rules: [{ deny: ['RNFR'] }] }, {});
    const client = await RawClient.login(gateway);
    await client.send('RNFR /report.csv');
    expect(await client.send('RNTO /other.csv')).toMatch(/^550/);
    client.close();
  });

  test('a tree with something in it that may not be changed stays whole', async () => {
    const gateway = await started({ rules: [{ deny: ['write'], paths: ['/staff/a'] }] }, {});
    const client = await RawClient.login(gateway);
    expect(await client.send('RMDA /staff')).toMatch(/^550/);
    expect(await client.send('RMDA /modern')).toMatch(/^250/);
    client.close();
  });
});

describe('commands that touch no file', () => {
  test('are refused by verb and by class, and QUIT by neither all nor read', async () => {
    const gateway = await started({ rules: [{ deny: ['PWD', 'SYST', 'all'], users: 'partner' }] }, {});
    const client = await RawClient.connect(gateway);
    expect(await client.send('SYST')).toMatch(/^215/);
    client.close();
    const inside = await RawClient.login(gateway);
    expect(await inside.send('PWD')).toMatch(/^550 Permission denied/);
    expect(await inside.send('SYST')).toMatch(/^550/);
    expect(await inside.send('EPSV')).toMatch(/^550/);
    expect(await inside.send('NOOP')).toMatch(/^200/);
    expect(await inside.send('QUIT')).toMatch(/^221/);
  });

  test('a rule with paths is not about them', async () => {
    const gateway = await started({ rules: [{ deny: ['all'], paths: ['/**'] }] }, {});
    const client = await RawClient.login(gateway);
    expect(await client.send('PWD')).toMatch(/^257/);
    expect(await client.send('CWD /open')).toMatch(/^550/);
    client.close();
  });

  test('a class is one of people before login as well', async () => {
    const options: Options = {
      classes: [{ name: 'clear', tls: { minVersion: 'TLSv1.2' } }],
      rules: [{ deny: ['SYST'], classes: '!clear' }],
    };
    const gateway = await started(options, {});
    const client = await RawClient.connect(gateway);
    expect(await client.send('SYST')).toMatch(/^550/);
    await client.send('AUTH TLS');
    await client.startTls();
    expect(await client.send('SYST')).toMatch(/^215/);
    client.close();
  });
});

describe('logins', () => {
  const options: Options = {
    classes: [{ name: 'modern', tls: { minVersion: 'TLSv1.3' } }],
    rules: [{ deny: ['login'], users: 'alice', classes: '!modern' }],
  };

  test('a rule refuses one with the words of a wrong password, and explain says 530', async () => {
    const gateway = await started(options, { name: 'alice' });
    expect(await passAnswer(gateway, { version: 'TLSv1.2' }, 'wrong')).toBe('530 Login incorrect.');
    expect(await passAnswer(gateway, { version: 'TLSv1.2' }, gateway.password)).toBe('530 Login incorrect.');
    const said = await explained(gateway, options, { name: 'alice' }, { verb: 'RETR', path: '/a', tls: 'TLSv1.2' });
    expect(said).toMatchObject({ code: 530, refusedBy: 'login rules' });
  });

  test('and lets others in', async () => {
    const gateway = await started(options, { name: 'alice' });
    expect(await passAnswer(gateway, { version: 'TLSv1.3' }, gateway.password)).toMatch(/^230/);
  });
});

test('rules of an access file are asked first, and explain knows them', async () => {
  const options: Options = { allowOverride: ['rules'], rules: [{ allow: ['all'] }] };
  const gateway = await started(options, {});
  await writeFile(join(gateway.home, 'open/.ftpaccess'), 'rules:\n  - deny: info\n    users: partner\n');
  const client = await RawClient.login(gateway);
  for (const [path, refusal] of [
    ['/open', 550],
    ['/drop', undefined],
  ] as const) {
    const said = await explained(gateway, options, {}, { verb: 'LIST', path, tls: 'TLSv1.3' });
    expect(said.code).toBe(refusal);
    expect((await client.download(`LIST ${path}`)).reply).toMatch(refusal === undefined ? /^226/ : /^550/);
  }
  client.close();
});

test('explain knows the letters of every command that works on files', () => {
  const without = COMMANDS.filter((command) => worksOnFiles(command) && lettersOf(command, '').length === 0);
  // SITE has none of its own, but what stands behind it has.
  expect(without.map(({ verb }) => verb)).toEqual(['SITE']);
});

test('the log says which rule refused', async () => {
  const gateway = await started(OPTIONS, { name: 'alice' });
  const client = await RawClient.login(gateway);
  await client.upload('STOR /a.exe', '');
  const noted = gateway.log.entries.map(({ fields }) => fields.rule).filter((rule) => rule !== undefined);
  expect(noted).toContain('deny write at *.exe');
  client.close();
});

/** A gateway with something in its home. */
async function started(options: Options, user: TestUser): Promise<TestGateway> {
  const gateway = await startGateway(options, user);
  for (const name of ['drop', 'modern', 'staff', 'open']) {
    await mkdir(join(gateway.home, name));
    await writeFile(join(gateway.home, name, 'a'), 'a');
  }
  await writeFile(join(gateway.home, 'report.csv'), 'report');
  await writeFile(join(gateway.home, 'plain.csv'), 'plain');
  return gateway;
}

async function explained(
  gateway: TestGateway,
  options: Options,
  user: TestUser,
  { verb, path, tls }: { readonly verb: string; readonly path: string; readonly tls: string },
): Promise<Explanation> {
  const { certificates, home } = gateway;
  const parsed = gatewayOptions.parse({
    listen: [{ port: 0 }],
    tls: { certificate: certificates.cert, key: certificates.key },
    users: [{ name: gateway.user, home, permissions: 'elradfmwMT', ...user }],
    ...options,
  });
  const imagined = { user: gateway.user, path: at(path), verb, address: '127.0.0.1', host: 'localhost', tls };
  return explainAccess(imagined, { options: parsed, modules: [], clock: systemClock });
}

/** Sends a command as its verb wants it, and reads how it ends. */
async function sent(client: RawClient, verb: string, path: string): Promise<string> {
  if (['STOR', 'APPE'].includes(verb)) return client.upload(`${verb} ${path}`, 'new');
  if (['RETR', 'LIST', 'MLSD'].includes(verb)) return (await client.download(`${verb} ${path}`)).reply;
  if (verb === 'SITE CHMOD') return client.send(`SITE CHMOD 640 ${path}`);
  if (verb === 'MFMT') return client.send(`MFMT 20260101000000 ${path}`);
  return client.send(verb === 'PWD' || verb === 'NOOP' ? verb : `${verb} ${path}`);
}

async function passAnswer(gateway: TestGateway, options: ClientOptions, password: string): Promise<string> {
  const client = await RawClient.connect(gateway, options);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send(`USER ${gateway.user}`);
  const answer = await client.send(`PASS ${password}`);
  client.close();
  return answer;
}

function at(text: string): VirtualPath {
  return resolvePath(ROOT, text) ?? expect.unreachable(`no path: ${text}`);
}
