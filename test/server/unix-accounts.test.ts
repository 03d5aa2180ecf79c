/**
 * Logins with the system's own accounts: made here with `useradd`, proven by `unix_chkpwd`, removed afterwards. Needs
 * root, as the check of somebody else's password does.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { accountsOfSystem } from '../../src/auth/unix.ts';
import { Secret } from '../../src/lib/secret.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { logIn, replyTo } from '../fixtures/log-in.ts';
import { TOTP_SECRET, totpCode } from '../fixtures/totp.ts';

const CAN = process.getuid?.() === 0 && existsSync('/usr/sbin/unix_chkpwd') && existsSync('/usr/sbin/useradd');
const NAME = `sallyport-${randomBytes(3).toString('hex')}`;
const PASSWORD = 'right pässword';
const REFUSED = '530 Login incorrect.';
const signal = new AbortController().signal;

if (!CAN) test.skip('Unix accounts need root, unix_chkpwd and useradd for these tests', () => undefined);

describe.runIf(CAN)('an account of the system', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-unix-'));
    system('useradd', '--create-home', '--home-dir', join(folder, 'home'), '--shell', '/bin/bash', '-U', NAME);
    system('usermod', '--append', '--groups', 'users', NAME);
    setPassword(PASSWORD);
  });

  afterAll(async () => {
    system('userdel', NAME);
    await rm(folder, { recursive: true, force: true });
  });

  test('logs in to its home with its password, may look and fetch, and is in its groups', async () => {
    await writeFile(join(folder, 'home', 'hello.txt'), 'hello');
    const gateway = await startGateway({ authentication: [{ type: 'users' }, { type: 'unix' }] });
    const { client, reply } = await logIn(gateway, NAME, PASSWORD);
    expect(reply).toMatch(/^230/);
    for (const line of ['PBSZ 0', 'PROT P', 'TYPE I']) await client.send(line);
    expect((await client.download('RETR hello.txt')).data.toString()).toBe('hello');
    expect(await client.send('DELE hello.txt')).toMatch(/^550/);
    client.close();
    const accounts = accountsOfSystem();
    const account = await accounts.find(NAME, signal);
    expect(account).toMatchObject({ name: NAME, home: join(folder, 'home'), shell: '/bin/bash' });
    if (account !== undefined) {
      expect([...(await accounts.groupsOf(account, signal))].sort()).toEqual([NAME, 'users'].sort());
    }
  });

  test.each([
    ['a wrong password', {}, 'wrong'],
    ['an empty password', {}, ''],
    ['the right password and more', {}, `${PASSWORD}x`],
    ['a place among the rejected', { rejectedUsers: [NAME] }, PASSWORD],
    ['no place among the allowed', { allowedUsers: ['somebody'] }, PASSWORD],
    ['a user number that is too low', { uidMin: 4_000_000_000 }, PASSWORD],
  ])('with %s is refused', async (_, entry, password) => {
    const gateway = await startGateway({ authentication: [{ type: 'unix', ...entry }] });
    expect(await replyTo(gateway, NAME, password)).toBe(REFUSED);
  });

  test.each([
    ['no login shell', ['usermod', '--shell', '/usr/sbin/nologin'], ['usermod', '--shell', '/bin/bash']],
    ['an account that has expired', ['chage', '--expiredate', '1'], ['chage', '--expiredate', '-1']],
    ['a password that must be changed first', ['chage', '--lastday', '0'], ['chage', '--lastday', '-1']],
    ['a password that was locked', ['usermod', '--lock'], ['usermod', '--unlock']],
  ])('with %s is refused although the password is right, and lets in again without it', async (_, harm, mend) => {
    const gateway = await startGateway({ authentication: [{ type: 'unix' }] });
    const [breaks = '', ...harmful] = harm;
    const [mends = '', ...mending] = mend;
    system(breaks, ...harmful, NAME);
    expect(await replyTo(gateway, NAME, PASSWORD)).toBe(REFUSED);
    system(mends, ...mending, NAME);
    expect(await replyTo(gateway, NAME, PASSWORD)).toMatch(/^230/);
  });

  test('whose password was taken away lets nobody in, with whatever password', async () => {
    system('passwd', '--delete', NAME);
    onTestFinished(() => setPassword(PASSWORD));
    const gateway = await startGateway({ authentication: [{ type: 'unix' }] });
    for (const password of ['', 'x', PASSWORD]) expect(await replyTo(gateway, NAME, password)).toBe(REFUSED);
  });

  test('root is refused, and so is a name that nobody has', async () => {
    const gateway = await startGateway({ authentication: [{ type: 'unix', rejectedUsers: [], uidMin: 1 }] });
    expect(await replyTo(gateway, 'root', PASSWORD)).toBe(REFUSED);
    expect(await replyTo(gateway, 'nobody-at-all', PASSWORD)).toBe(REFUSED);
    expect(JSON.stringify(gateway.log.entries)).toContain('user number 0 never logs in');
  });

  test('proves who comes, and the account is the one that is written down', async () => {
    const home = join(folder, 'home');
    const users = [{ name: NAME, home, permissions: 'elw' }];
    const gateway = await startGateway({ users, authentication: [{ type: 'unix', account: 'users' }] });
    const { client, reply } = await logIn(gateway, NAME, PASSWORD);
    expect(reply).toMatch(/^230/);
    for (const line of ['PBSZ 0', 'PROT P', 'TYPE I']) await client.send(line);
    expect(await client.upload('STOR new.txt', 'x')).toMatch(/^226/);
    expect((await client.download('RETR new.txt')).reply).toMatch(/^550/);
    client.close();
    const none = await startGateway({ users: [], authentication: [{ type: 'unix', account: 'users' }] });
    expect(await replyTo(none, NAME, PASSWORD)).toBe(REFUSED);
    expect(JSON.stringify(none.log.entries)).toContain('no account: the name is not in users');
  });

  test('gets a folder by its name, and a second factor from a file', async () => {
    const totpSecretsFile = join(folder, 'totp.yaml');
    await writeFile(totpSecretsFile, `secrets: [{ name: ${NAME}, secret: ${TOTP_SECRET} }]\n`, { mode: 0o600 });
    const gateway = await startGateway({
      authentication: [{ type: 'unix', totp: 'required', totpSecretsFile, account: { home: '{home}' } }],
    });
    const code = totpCode(Math.floor(Date.now() / 1_000));
    expect(await replyTo(gateway, NAME, PASSWORD)).toBe(REFUSED);
    expect(await replyTo(gateway, NAME, `wrong${code}`)).toBe(REFUSED);
    expect(await replyTo(gateway, NAME, `${PASSWORD}${code}`)).toMatch(/^230/);
  });

  test('the program is asked as it should be: wrong, empty and unknown are no', async () => {
    const accounts = accountsOfSystem();
    expect(await accounts.isPassword(NAME, new Secret('wrong'), signal)).toBe(false);
    expect(await accounts.isPassword(NAME, new Secret(''), signal)).toBe(false);
    expect(await accounts.isPassword('nobody-at-all', new Secret(PASSWORD), signal)).toBe(false);
    expect(await accounts.isCurrent('nobody-at-all', signal)).toBe(false);
    expect(await accounts.isPassword(NAME, new Secret(PASSWORD), signal)).toBe(true);
    expect(await accounts.isCurrent(NAME, signal)).toBe(true);
  });
});

function system(program: string, ...words: readonly string[]): void {
  execFileSync(program, [...words], { stdio: ['ignore', 'ignore', 'pipe'] });
}

function setPassword(password: string): void {
  execFileSync('chpasswd', { input: `${NAME}:${password}\n` });
}
