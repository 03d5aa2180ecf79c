/** `allow` gives back what an account has, so that letters which it has not are told of where they stand. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The warnings of `allow` for these accounts, those of the users file last. */
async function warningsOf(users: string, more = 'users: []\n'): Promise<readonly string[]> {
  const { files } = await testCertificates();
  const head = `listen: [{ port: 0 }]\ntls: { certificate_file: ${files.cert}, key_file: ${files.key} }\nusers_file: users.yaml\n`;
  const folder = await temporaryFolder({ 'home/': '', 'sallyport.yaml': head + users, 'users.yaml': more });
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'));
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  const lines = loaded.warnings.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, ''));
  return lines.filter((line) => line.includes('.allow'));
}

const accounts = (name: string, permissions: string, rest: string) =>
  `users:\n  - name: ${name}\n    home: home\n    permissions: ${permissions}\n${rest}`;

test('a letter that the account has not is told of with its line, in both files', async () => {
  const rest = '    directories:\n      - { path: /out, intake: { profile: outbox, allow: da } }\n';
  expect(await warningsOf(accounts('one', 'elrw', rest), accounts('two', 'elrwa', rest))).toEqual([
    "sallyport.yaml:9:57 users[0].directories[0].intake.allow: warning: gives nothing by a d, for the account's permissions have no such letter here",
    "users.yaml:6:57 users[0].directories[0].intake.allow: warning: gives nothing by d, for the account's permissions have no such letter here",
  ]);
});

test('accounts without permissions have those of the default, also as templates', async () => {
  const account = 'intake: { profile: inbox, allow: lw }';
  const template = `authentication:\n  - type: unix\n    account: { home: home, ${account} }\n`;
  expect(await warningsOf(`users:\n  - { name: one, home: home, ${account} }\n`)).toEqual([
    expect.stringContaining('users[0].intake.allow: warning: gives nothing by w,'),
  ]);
  expect(await warningsOf(template)).toEqual([
    expect.stringContaining('authentication[0].account.intake.allow: warning: gives nothing by w,'),
  ]);
});

test.each([
  ['the account has it', 'elrd', '    directories:\n      - { path: /out, intake: { profile: outbox, allow: d } }\n'],
  [
    'a directory gives it',
    'elr',
    '    directories:\n      - { path: /out, permissions: elrd, intake: { profile: outbox, allow: d } }\n',
  ],
  [
    'a directory below gives it',
    'elr',
    '    intake: { profile: outbox, allow: d }\n    directories:\n      - { path: /out/new, permissions: elrd }\n',
  ],
])('nothing is said where %s', async (_, permissions, rest) => {
  expect(await warningsOf(accounts('one', permissions, rest))).toEqual([]);
});
