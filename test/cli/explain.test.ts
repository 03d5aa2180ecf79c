import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { selfSigned, temporaryFolder } from '../config/temporary-folder.ts';
import { run } from './fake-terminal.ts';

const HASH = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';

const CONFIG = `listen:
  - port: 2121
tls:
  certificate_file: server.crt
  key_file: server.key
classes:
  - name: modern
    tls: { min_version: TLSv1.3 }
rules:
  - deny: write
    paths: '*.exe'
  - deny: [read, RETRIEVE]
    users: bob,!carol
    classes: '!modern'
  - deny: login
    classes: offce
users:
  - name: alice
    password_hash: ${HASH}
    home: alice
    permissions: elrw
    rules:
      - allow: [write]
        paths: [/tools/**]
`;

describe('wrong use', () => {
  test.each([
    [['--user', 'nobody', 'STOR'], 'no account for nobody'],
    [['--user', 'alice', 'FLY'], 'no command FLY'],
    [['FLY'], 'no command FLY'],
    [['--user', 'alice', '--address', 'here', 'STOR'], 'no IP address'],
    [['--user', 'alice', '--tls', '1.1', 'STOR'], '--tls is'],
    [['--user', 'alice', '--host', 'part.example', 'STOR'], 'neither a host nor a name'],
    [['--user', 'alice', 'SITE', 'FOO'], 'no command SITE FOO'],
    [['--user', 'alice', 'SITE', 'CHMOD', '600'], 'goes behind --path'],
    [['--user', 'alice', 'ADAT'], 'is refused to everybody'],
    [[], 'missing required argument'],
  ])('%j', async (words, message) => {
    const { exitCode, errors, output } = await explain(await folder(), words);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toContain(message);
  });
});

test('every rule that was asked is told with its place, and why it is the one or is not', async () => {
  const { output } = await explain(await folder(), ['--user', 'alice', '--path', '/a.exe', 'STOR']);
  expect(output).toBe(`alice STOR /a.exe: refused with 550 by the rules
  classes: modern
  letters: needs w; around the path hold elrw, in it elrw
  rules about login: no rule fits: the letters decide
    sallyport.yaml:23:9 allow write at /tools/**: is about another kind
    sallyport.yaml:10:5 deny write at *.exe: is about another kind
    sallyport.yaml:12:5 deny read, RETRIEVE for users bob OR NOT carol and classes NOT modern: is about another kind
    sallyport.yaml:15:5 deny login for classes offce: is about another class
  rules about /a.exe: denied
    sallyport.yaml:23:9 allow write at /tools/**: is about another path
    sallyport.yaml:10:5 deny write at *.exe: fits, and decides
`);
});

test.each([
  ['an inner rule allows it', ['--path', '/tools/a.exe', 'STOR'], 'alice STOR /tools/a.exe: allowed'],
  ['a class is missing', ['--path', '/a', '--tls', '1.2', 'RETR'], 'refused with 550 by the rules'],
  ['a letter is missing', ['--path', '/a', 'DELE'], 'refused with 550 by the permission letters'],
  [
    'a command in small letters',
    ['-p', '/a', 'site', 'chmod'],
    'alice SITE CHMOD /a: refused with 550 by the permission',
  ],
])('%s', async (_, words, expected) => {
  const { exitCode, output } = await explain(await folder(), ['--user', 'alice', ...words]);
  expect(output).toContain(expected);
  expect(exitCode).toBe(0);
});

test('without a user the handlers of the command are listed', async () => {
  const { output } = await explain(await folder(), ['STOR']);
  expect(output).toMatch(/^STOR\n {2}PRE_CMD\n/);
  expect(output).toContain('    rules (every command, priority 0)');
  expect(output).toContain('    the command itself (RFC 959 section 4.1.3)');
});

test('check warns of what is probably not meant, with its place, and gives 0', async () => {
  const place = await folder();
  const { exitCode, errors, output } = await run(['check', '-c', join(place, 'sallyport.yaml')]);
  expect(errors.replaceAll(`${place}/`, '').split('\n')).toEqual([
    'sallyport.yaml:12:5 rules[1].deny: warning: there is no command RETRIEVE unless a program adds it',
    'sallyport.yaml:13:12 rules[1].users: warning: !carol in an OR list is true for all but carol, and so is the whole list; { all: [...] } is an AND list',
    'sallyport.yaml:16:14 rules[2].classes: warning: there is no class offce',
    '',
  ]);
  expect(output).toContain('ok');
  expect(exitCode).toBe(0);
});

/** A folder with a configuration and a home. */
async function folder(): Promise<string> {
  const day = 86_400_000;
  const { certificate, key } = selfSigned(new Date(Date.now() - day), new Date(Date.now() + 90 * day));
  const place = await temporaryFolder({ 'server.crt': certificate, 'server.key': key, 'sallyport.yaml': CONFIG });
  await mkdir(join(place, 'alice/tools'), { recursive: true });
  await writeFile(join(place, 'alice/a'), '');
  return place;
}

/** What it prints; warnings of the configuration, which every command prints, are left out. */
async function explain(place: string, words: readonly string[]) {
  const { exitCode, output, errors } = await run(['explain', '-c', join(place, 'sallyport.yaml'), ...words]);
  const told = errors.split('\n').filter((line) => !line.includes(': warning: '));
  return { exitCode, output: output.replaceAll(`${place}/`, ''), errors: told.join('\n') };
}

test.each([
  [['--path', '/a.txt', 'RNTO'], 'refused with 550 by the permission letters'],
  [['--path', '/tools/a.exe', 'STOR'], 'allowed'],
  [['--tls', 'none', 'STOR'], 'refused with 530 by the TLS policy'],
])('alice %j: %s', async (words, verdict) => {
  const { output } = await explain(await folder(), ['--user', 'alice', ...words]);
  expect(output.split('\n')[0]).toContain(verdict);
});
