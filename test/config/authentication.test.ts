/** The chain of authentication in a configuration file: what is told of mistakes, and the files that it names. */
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { readTotpSecretsFile, setSecretInFile } from '../../src/config/totp-secrets-file.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { TOTP_SECRET } from '../fixtures/totp.ts';
import { selfSigned, temporaryFolder } from './temporary-folder.ts';

let pair: ReturnType<typeof selfSigned>;
beforeAll(() => {
  pair = selfSigned(new Date(Date.UTC(2025, 0, 1)), new Date(Date.UTC(2027, 0, 1)));
});

/** Four lines, behind which a chain stands. */
const HEAD = `listen: [{ port: 2121 }]
tls: { certificate_file: server.crt, key_file: server.key }
users: [{ name: alice, home: . }]
authentication:
`;

async function load(chain: string, files: Readonly<Record<string, string>> = {}) {
  const folder = await temporaryFolder({
    'server.crt': pair.certificate,
    'server.key': pair.key,
    'sallyport.yaml': HEAD + chain,
    ...files,
  });
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'), { clock });
  const lines = (loaded.ok ? loaded.warnings : loaded.problems).map((problem) =>
    formatProblem(problem).replaceAll(`${folder}/`, ''),
  );
  return { folder, loaded, lines };
}

describe('a mistake is told with its place', () => {
  test.each([
    ['a type that there is not', '  - type: unx\n', '5:11 authentication[0].type: must be one of users, unix, '],
    ['no type', '  - users: [a]\n', '5:5 authentication[0].type: is missing'],
    [
      'a misspelt key',
      '  - type: unix\n    uid_mn: 5\n',
      '6:5 authentication[0].uid_mn: is not a known key; did you mean uid_min?',
    ],
    [
      'a key of another type',
      '  - type: users\n    uid_min: 5\n',
      '6:5 authentication[0].uid_min: does not belong to an entry of this type',
    ],
    [
      'an account of nobody',
      '  - type: unix\n    account: bob\n',
      '6:14 authentication[0].account: must be one of users, or a section with keys',
    ],
    [
      'a misspelt key of an account',
      '  - type: unix\n    account: { hom: /srv }\n',
      '6:16 authentication[0].account.hom: is not a known key; did you mean home?',
    ],
    [
      'a wrong permission',
      '  - type: unix\n    account: { permissions: elx }\n',
      '6:29 authentication[0].account.permissions: must be made of',
    ],
    [
      'braces that mean nothing',
      '  - type: unix\n    account: { home: "/srv/{group}" }\n',
      '6:22 authentication[0].account.home: can hold',
    ],
    ['anonymous without an account', '  - type: anonymous\n', '5:5 authentication[0].account: is missing'],
    ['no entries', '  []\n', '4:1 authentication: must have at least 1 entries'],
    [
      'a file of secrets that is not there',
      '  - { type: users, totp_secrets_file: t.yaml }\n',
      '5:39 authentication[0].totp_secrets_file: does not exist: t.yaml',
    ],
  ])('%s', async (_, chain, line) => {
    const { lines } = await load(chain);
    expect(lines).toEqual([expect.stringContaining(`sallyport.yaml:${line}`)]);
  });

  test('a file of secrets with mistakes, and one that others may read', async () => {
    const chain = '  - { type: users, totp_secrets_file: t.yaml }\n';
    const wrong = await load(chain, { 't.yaml': 'secrets:\n  - { name: alice, secret: short }\n' });
    expect(wrong.lines).toEqual([expect.stringContaining('t.yaml:2:28 secrets[0].secret: must be base32')]);
    const twice = await load(chain, {
      't.yaml': `secrets:\n  - { name: a, secret: ${TOTP_SECRET} }\n  - { name: a, secret: ${TOTP_SECRET} }\n`,
    });
    expect(twice.lines).toEqual([expect.stringContaining('t.yaml:3:13 secrets[1].name: has a secret already')]);
    await chmod(join(twice.folder, 't.yaml'), 0o644);
    const read = await readTotpSecretsFile(join(twice.folder, 't.yaml'), 't.yaml');
    expect(read.ok ? [] : read.problems.map(formatProblem)[0]).toContain('t.yaml:1:1 can be read by others');
  });
});

test('paths in the chain are relative to the file; what a template begins with braces is not touched', async () => {
  const { loaded, folder, lines } = await load(
    `  - { type: users, totp_secrets_file: t.yaml }
  - { type: unix, account: { home: '{home}/ftp' } }
  - { type: unix, account: { home: 'homes/{user}' } }
`,
    { 't.yaml': 'secrets: []\n' },
  );
  expect(lines).toEqual([]);
  expect(loaded.ok && loaded.options.authentication).toMatchObject([
    { totpSecretsFile: join(folder, 't.yaml') },
    { account: { home: '{home}/ftp' } },
    { account: { home: join(folder, 'homes/{user}') } },
  ]);
});

test('hashes in a configuration that others may read are warned of', async () => {
  const hash =
    '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.';
  const chain = '  - type: users\n';
  const { folder } = await load(chain, {
    'sallyport.yaml': `${HEAD.replace('name: alice,', `name: alice, password_hash: ${hash},`)}${chain}`,
  });
  const path = join(folder, 'sallyport.yaml');
  const clock = new FakeClock(Date.UTC(2026, 0, 1));
  const warnings = async () => {
    const loaded = await loadConfig(path, { clock });
    return loaded.ok ? loaded.warnings.map(({ message }) => message) : loaded.problems;
  };
  expect(await warnings()).toEqual([]);
  await chmod(path, 0o644);
  expect(await warnings()).toEqual([expect.stringContaining('others on this machine may read the file')]);
});

describe('a file of secrets', () => {
  test('is made for its owner only, gets secrets and loses them', async () => {
    const path = join(await temporaryFolder(), 'totp.yaml');
    expect(await setSecretInFile(path, 'alice', TOTP_SECRET)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await setSecretInFile(path, 'Bob.B', TOTP_SECRET)).toBe(true);
    expect(await setSecretInFile(path, 'alice', TOTP_SECRET)).toBe(true);
    const read = await readTotpSecretsFile(path);
    expect(read.ok && [...read.secrets.keys()].sort()).toEqual(['Bob.B', 'alice']);
    expect(await setSecretInFile(path, 'nobody', undefined)).toBe(false);
    expect(await setSecretInFile(path, 'alice', undefined)).toBe(true);
    expect(await readFile(path, 'utf8')).not.toContain('alice');
  });

  test('with mistakes is not touched', async () => {
    const folder = await temporaryFolder({ 'totp.yaml': 'secret: []\n' });
    await expect(setSecretInFile(join(folder, 'totp.yaml'), 'alice', TOTP_SECRET)).rejects.toThrow('secret: is not');
    expect(await readFile(join(folder, 'totp.yaml'), 'utf8')).toBe('secret: []\n');
  });
});
