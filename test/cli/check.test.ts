import { chmod, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { selfSigned, temporaryFolder } from '../config/temporary-folder.ts';
import { needs } from '../fixtures/client-programs.ts';
import { OpensslAuthority } from '../fixtures/openssl-authority.ts';
import { run } from './fake-terminal.ts';

const CONFIG = `listen: [{ port: 2121 }]
tls: { certificate_file: server.crt, key_file: server.key }
include: [conf.d/*.yaml]
`;

async function check(files: Readonly<Record<string, string>>, prepare = async (_folder: string) => {}) {
  const day = 86_400_000;
  const { certificate, key } = selfSigned(new Date(Date.now() - day), new Date(Date.now() + day));
  const all = { 'server.crt': certificate, 'server.key': key, 'sallyport.yaml': CONFIG, ...files };
  const folder = await temporaryFolder(all);
  await prepare(folder);
  const { exitCode, output, errors } = await run(['check', '-c', join(folder, 'sallyport.yaml')]);
  return { exitCode, output, lines: errors.replaceAll(`${folder}/`, '').trimEnd().split('\n') };
}

test('check reports the mistakes of included files where they stand, and gives 2', async () => {
  const { exitCode, lines, output } = await check({
    'conf.d/10-a.yaml': 'banner: Hello.\nusers:\n  - { name: a, home: nowhere }\n',
    'conf.d/20-b.yaml': 'banner: Hi.\ninclude: [10-a.yaml, absent.yaml]\nallow_overide: all\n',
  });
  expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
  expect(lines).toEqual([
    'conf.d/10-a.yaml:3:22 users[0].home: does not exist: conf.d/nowhere',
    'conf.d/20-b.yaml:1:9 banner: is set already at conf.d/10-a.yaml:1:9',
    'conf.d/20-b.yaml:2:11 include[0]: brings conf.d/10-a.yaml, which is included already',
    'conf.d/20-b.yaml:2:22 include[1]: does not exist: conf.d/absent.yaml',
    'conf.d/20-b.yaml:3:1 allow_overide: is not a known key; did you mean allow_override?',
    'sallyport: sallyport.yaml has 5 mistakes; nothing was started or changed.',
  ]);
});

test('check reports modules that cannot be loaded', async () => {
  const { exitCode, lines } = await check(
    { 'conf.d/a.yaml': 'modules: [../open.mjs, ./empty.mjs]\n', 'open.mjs': '', 'conf.d/empty.mjs': '' },
    (folder) => chmod(join(folder, 'open.mjs'), 0o622),
  );
  expect(exitCode).toBe(2);
  expect(lines.slice(0, 2)).toEqual([
    'conf.d/a.yaml:1:11 modules[0]: can be written by others (mode 0622): run chmod go-w open.mjs',
    'conf.d/a.yaml:1:24 modules[1]: exports no module: neither by default nor by the name module',
  ]);
});

test('check says ok of a configuration in several files', async () => {
  const { exitCode, output } = await check({ 'conf.d/a.yaml': 'users:\n  - { name: a, home: .. }\n' });
  expect(output).toMatch(/ok\n[\s\S]*accounts +1 enabled/);
  expect(exitCode).toBe(0);
});

test('check says where the audit log will be, and writes nothing there', async () => {
  const there = await check({});
  expect(there.output).toMatch(/audit log +\/.+\/state\/audit \(required\)\n/);
  const elsewhere = await check({ 'conf.d/a.yaml': 'state_directory: kept\naudit: { requirement: preferred }\n' });
  expect(elsewhere.output).toMatch(/audit log +\/.+\/conf\.d\/kept\/audit \(preferred\)\n/);
  expect((await check({ 'conf.d/a.yaml': 'audit: { requirement: off }\n' })).output).toMatch(/audit log +OFF\n/);
  const directory = /audit log +(\S+)\/audit/.exec(there.output)?.[1] ?? '';
  await expect(stat(directory)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('check refuses what serve would refuse when everything is put together', async () => {
  const module = "export default { name: 'a', handlers: [{ phase: 'PRE_CMD', verb: 'XMKD', handle() {} }] };\n";
  const { exitCode, output, lines } = await check({
    'conf.d/a.yaml': 'modules: [../a.mjs]\n',
    'a.mjs': module,
  });
  expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
  expect(lines.at(-1)).toContain('its PRE_CMD handler for XMKD would never be called');
});

needs('openssl')(
  'check warns of revocation lists of clients that have ended or end soon, where they are in use',
  async () => {
    const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);
    const opensslTime = (time: Date) => `${time.toISOString().replace(/\D/g, '').slice(0, 14)}Z`;
    const authority = new OpensslAuthority(await temporaryFolder(), 'Partners');
    const past = { lastUpdate: '20200101000000Z', nextUpdate: '20200201000000Z' };
    const lists = {
      'ca.pem': authority.cert,
      'old.crl': `${authority.list(past)}${authority.list()}`,
      'soon.crl': authority.list({ nextUpdate: opensslTime(inHours(3)) }),
    };
    const tls = (crl: string, mode: string) =>
      CONFIG.replace(
        'server.key }',
        `server.key, client_certificate: ${mode}, client_ca_file: ca.pem, crl_file: ${crl} }`,
      );
    const ended = await check({ ...lists, 'sallyport.yaml': tls('old.crl', 'required') });
    expect(ended.exitCode).toBe(0);
    expect(ended.lines.join('\n')).toMatch(
      /^sallyport\.yaml:2:\d+ tls\.crl_file: the list of Test, Partners ended 2020-02-01T00:00:00\.000Z: no certificate of that/m,
    );
    const soon = await check({ ...lists, 'sallyport.yaml': tls('soon.crl', 'optional') });
    expect(soon.lines.join()).toMatch(/tls\.crl_file: the list of Test, Partners ends \S+: a new one is due/);
    const unused = await check({ ...lists, 'sallyport.yaml': tls('old.crl', 'off') });
    expect(unused.lines.join()).not.toContain('list of');
  },
);
