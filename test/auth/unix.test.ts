/** Unix accounts: who may log in, with fakes; what is asked of the system's programs, with stand-ins. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { PasswordQueue } from '../../src/auth/password-queue.ts';
import { unixEntry, unixProver, unixSource } from '../../src/auth/unix.ts';
import { systemAccounts, type UnixAccount, type UnixAccounts } from '../../src/auth/unix-accounts.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { RecordingLog } from '../fixtures/gateway.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A file with a text, and its path. */
async function file(name: string, text: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-unix-'));
  folders.push(folder);
  await writeFile(join(folder, name), text);
  await chmod(join(folder, name), mode);
  return join(folder, name);
}

const signal = new AbortController().signal;
const credentials = (user: string, password: string | undefined) => ({
  user,
  password: password === undefined ? undefined : new Secret(password),
  address: '192.0.2.1',
  tls: undefined,
  host: undefined,
});

describe('who may log in', () => {
  const alice = { name: 'alice', uid: 1_001, gid: 1_001, home: '/home/alice', shell: '/bin/bash' };
  const known: readonly UnixAccount[] = [
    alice,
    { ...alice, name: 'root', uid: 0, gid: 0, home: '/root' },
    { ...alice, name: 'toor', uid: 0, gid: 0, home: '/root' },
    { ...alice, name: 'daemon', uid: 1 },
    { ...alice, name: 'service', shell: '/usr/sbin/nologin' },
    { ...alice, name: 'expired' },
  ];

  /** A clock whose waiting is over at once, and how long it was. */
  function hurriedClock(): Clock & { readonly waitedMs: number[] } {
    const waitedMs: number[] = [];
    const still = new FakeClock();
    return {
      waitedMs,
      now: () => still.now(),
      monotonicMs: () => still.monotonicMs(),
      after(delayMs, act) {
        waitedMs.push(delayMs);
        queueMicrotask(act);
        return { cancel: () => undefined };
      },
    };
  }

  async function prover(written: object = {}) {
    const passwords: string[] = [];
    const accounts: UnixAccounts = {
      find: async (name) => known.find((account) => account.name === name),
      groupsOf: async ({ name }) => [name, 'staff'],
      async isPassword(name, password) {
        passwords.push(name);
        return password.reveal() === 'right';
      },
      isCurrent: async (name) => name !== 'expired',
    };
    const shellsFile = await file('shells', '# login shells\n\n/bin/sh\n/bin/bash # the usual one\n');
    const clock = hurriedClock();
    const log = new RecordingLog();
    const entry = unixEntry.parse({ type: 'unix', shellsFile, ...written });
    const queue = new PasswordQueue({ waitingMax: 10 });
    const subject = unixProver(entry, { accounts, queue, clock, log });
    const logIn = (user: string, password: string | undefined = 'right') =>
      subject.prove(credentials(user, password), signal);
    return { logIn, passwords, clock, log };
  }

  test.each<[string, object, string, string]>([
    ['root', {}, 'root', 'user number 0 never logs in'],
    ['root although allowed', { rejectedUsers: [], allowedUsers: ['root'], uidMin: 1 }, 'root', 'user number 0'],
    ['root under another name', { rejectedUsers: [], uidMin: 1 }, 'toor', 'user number 0'],
    ['a user of a service', {}, 'daemon', 'user number below 1000'],
    ['who is rejected', { rejectedUsers: ['alice'] }, 'alice', 'in rejected_users'],
    ['who is rejected and allowed', { rejectedUsers: ['alice'], allowedUsers: ['alice'] }, 'alice', 'in rejected'],
    ['who is not among the allowed', { allowedUsers: ['bob'] }, 'alice', 'not in allowed_users'],
    ['who has no login shell', {}, 'service', 'no valid login shell'],
  ])('%s is refused before the password is looked at', async (_, written, user, reason) => {
    const { logIn, passwords } = await prover(written);
    expect(await logIn(user)).toMatchObject({ verdict: 'refused', reason: expect.stringContaining(reason) });
    expect(passwords).toEqual([]);
  });

  test('a wrong password, an account that has expired', async () => {
    const { logIn } = await prover();
    expect(await logIn('alice', 'wrong')).toEqual({ verdict: 'refused', reason: 'wrong password' });
    expect(await logIn('expired')).toEqual({ verdict: 'refused', reason: 'account or password has expired' });
  });

  test('a name that the system does not have is left to the next entry', async () => {
    const { logIn, passwords } = await prover();
    expect(await logIn('mallory')).toEqual({ verdict: 'declined' });
    expect(passwords).toEqual([]);
  });

  test('every no takes the same time, whatever it is for; a yes does not wait', async () => {
    const { logIn, clock } = await prover();
    for (const user of ['mallory', 'root', 'daemon', 'service', 'expired']) await logIn(user);
    await logIn('alice', 'wrong');
    expect(clock.waitedMs).toEqual(Array.from({ length: 6 }, () => 300));
    await logIn('alice');
    expect(clock.waitedMs).toHaveLength(6);
  });

  test('a client that is gone is not waited for', async () => {
    const left = new AbortController();
    const clock = new FakeClock();
    const subject = unixProver(unixEntry.parse({ type: 'unix' }), {
      accounts: {
        async find() {
          queueMicrotask(() => left.abort(new Error('gone')));
          return undefined;
        },
        groupsOf: async () => [],
        isPassword: async () => false,
        isCurrent: async () => false,
      },
      queue: new PasswordQueue({ waitingMax: 1 }),
      clock,
      log: new RecordingLog(),
    });
    await expect(subject.prove(credentials('mallory', 'x'), left.signal)).rejects.toThrow('gone');
  });

  test('no password at all is left to the next entry', async () => {
    const subject = unixProver(unixEntry.parse({ type: 'unix' }), {
      accounts: systemAccounts({ getent: '/nonexistent', chkpwd: '/nonexistent' }),
      queue: new PasswordQueue({ waitingMax: 1 }),
      clock: new FakeClock(),
      log: new RecordingLog(),
    });
    expect(await subject.prove(credentials('alice', undefined), signal)).toEqual({ verdict: 'declined' });
  });

  test('the right password proves user, groups, home and numbers', async () => {
    const { logIn } = await prover();
    expect(await logIn('alice')).toEqual({
      verdict: 'accepted',
      identity: { user: 'alice', groups: ['alice', 'staff'], home: '/home/alice', uid: 1_001, gid: 1_001 },
    });
  });

  test('where there is no list of shells every shell is one, and the log says so', async () => {
    const { logIn, log } = await prover({ shellsFile: '/nonexistent/shells' });
    expect(await logIn('service')).toMatchObject({ verdict: 'accepted' });
    expect(log.of('login.no_shells_file')).toEqual([{ user: 'service', file: '/nonexistent/shells' }]);
  });

  test('a list of shells that cannot be read ends the login', async () => {
    const { logIn } = await prover({ shellsFile: tmpdir() });
    await expect(logIn('alice')).rejects.toThrow('EISDIR');
  });

  test('a shell is not looked at where none is required', async () => {
    const { logIn } = await prover({ requireValidShell: false });
    expect(await logIn('service')).toMatchObject({ verdict: 'accepted' });
  });

  test('as a place of identities it knows users, and not root', async () => {
    const find = async (name: string) => known.find((account) => account.name === name);
    const none: UnixAccounts = {
      find,
      groupsOf: async () => ['staff'],
      isPassword: () => Promise.reject(new Error('never asked')),
      isCurrent: () => Promise.reject(new Error('never asked')),
    };
    const source = unixSource(none);
    expect(await source.lookup('mallory', signal)).toBeUndefined();
    expect(await source.lookup('root', signal)).toBeUndefined();
    expect(await source.lookup('alice', signal)).toMatchObject({ user: 'alice', home: '/home/alice', uid: 1_001 });
  });
});

describe("the system's programs", () => {
  /** Stand-ins for both, as shell scripts. */
  async function programs(getent: string, chkpwd = 'exit 7') {
    return systemAccounts({
      getent: await file('getent', `#!/bin/sh\n${getent}\n`, 0o700),
      chkpwd: await file('chkpwd', `#!/bin/sh\n${chkpwd}\n`, 0o700),
    });
  }

  test.each([
    ['a name that begins like an option', '-i'],
    ['a path', '../alice'],
    ['nothing', ''],
    ['a line', 'alice\nroot'],
    ['two words', 'alice root'],
  ])('are not asked about %s', async (_, name) => {
    const accounts = await programs('echo "$2:x:1001:1001::/home/alice:/bin/sh"', 'exit 0');
    expect(await accounts.find(name, signal)).toBeUndefined();
    expect(await accounts.isPassword(name, new Secret('x'), signal)).toBe(false);
    expect(await accounts.isCurrent(name, signal)).toBe(false);
  });

  test.each([
    ['another name', 'bob:x:1001:1001::/home/bob:/bin/sh'],
    ['the name in other letters', 'Alice:x:1001:1001::/home/alice:/bin/sh'],
    ['no number', 'alice:x::1001::/home/alice:/bin/sh'],
    ['a number below nothing', 'alice:x:-1:1001::/home/alice:/bin/sh'],
    ['a number of 11 digits', 'alice:x:10000000000:1001::/home/alice:/bin/sh'],
    ['half a line', 'alice:x'],
    ['nothing', ''],
  ])('a row with %s is nobody', async (_, row) => {
    expect(await (await programs(`echo '${row}'`)).find('alice', signal)).toBeUndefined();
  });

  test('a name of digits is not taken for a number', async () => {
    const accounts = await programs('echo "alice:x:1001:1001::/home/alice:/bin/sh"');
    expect(await accounts.find('1001', signal)).toBeUndefined();
  });

  test('an unknown name is nobody; a database that does not answer is a failure', async () => {
    expect(await (await programs('exit 2')).find('alice', signal)).toBeUndefined();
    await expect((await programs('exit 3')).find('alice', signal)).rejects.toThrow('getent passwd ended with 3');
    await expect((await programs('kill -9 $$')).find('alice', signal)).rejects.toThrow();
    await expect(
      systemAccounts({ getent: '/nonexistent', chkpwd: '/nonexistent' }).find('alice', signal),
    ).rejects.toThrow('ENOENT');
  });

  test('an answer without end is a failure, and so is one that does not come in time', async () => {
    await expect((await programs('exec cat /dev/zero')).find('alice', signal)).rejects.toThrow('maxBuffer');
    const late = new AbortController();
    const asked = (await programs('exec sleep 60')).find('alice', late.signal);
    late.abort(new Error('too late'));
    await expect(asked).rejects.toThrow('too late');
  });

  test('an account and its groups', async () => {
    const accounts = await programs(`case $1 in
      passwd) echo 'alice:x:1001:100::/home/alice:' ;;
      initgroups) echo 'alice                 100 27 1001' ;;
      group) shift; echo "$*" | grep -qx '100 27 1001' && printf 'users:x:100:\\nsudo:x:27:alice\\nalice:x:1001:\\n' ;;
    esac`);
    const account = await accounts.find('alice', signal);
    expect(account).toEqual({ name: 'alice', uid: 1_001, gid: 100, home: '/home/alice', shell: '/bin/sh' });
    if (account === undefined) return;
    expect(await accounts.groupsOf(account, signal)).toEqual(['users', 'sudo', 'alice']);
  });

  test('a password goes over standard input with NUL behind it, and only 0 is a yes', async () => {
    const right = await programs(
      'exit 2',
      '[ "$1 $2" = "alice nonull" ] && [ "$(od -An -c | tr -d " \\n")" = "r\\0" ]',
    );
    expect(await right.isPassword('alice', new Secret('r'), signal)).toBe(true);
    expect(await right.isPassword('alice', new Secret('s'), signal)).toBe(false);
    for (const code of [1, 7, 9, 10]) {
      const no = await programs('exit 2', `cat >/dev/null; exit ${code}`);
      expect(await no.isPassword('alice', new Secret('r'), signal), String(code)).toBe(false);
    }
  });

  test('an empty password, one with NUL and one too long to be read whole are never asked about', async () => {
    const yes = await programs('exit 2', 'cat >/dev/null; exit 0');
    for (const password of ['', 'right\0', 'x'.repeat(512), 'ä'.repeat(256)]) {
      expect(await yes.isPassword('alice', new Secret(password), signal), JSON.stringify(password)).toBe(false);
    }
    expect(await yes.isPassword('alice', new Secret('x'.repeat(511)), signal)).toBe(true);
  });

  test('get nothing of the environment', async () => {
    const accounts = await programs('exit 2', '[ -z "$HOME$USER$SECRET" ]');
    expect(await accounts.isPassword('alice', new Secret('r'), signal)).toBe(true);
  });
});
