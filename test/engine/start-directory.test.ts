import { expect, test } from 'vitest';
import { afterCommand, newSession } from '../../src/engine/apply-change.ts';
import { login } from '../../src/engine/login.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Secret } from '../../src/lib/secret.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { text } from '../../src/spi/argument.ts';
import type { Account } from '../../src/spi/authenticator.ts';
import type { CommandTraits } from '../../src/spi/command.ts';
import { silentLog } from '../../src/spi/log.ts';
import type { PermissionLetter } from '../../src/spi/permissions.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';

const HOME = resolvePath(ROOT, '/home/alice');
const endpoint = { address: '192.0.2.1', port: 1_024 };
const session = newSession({ id: 's', peer: endpoint, local: endpoint });
const PASS: CommandTraits = {
  ...{ verb: 'PASS', class: 'auth', who: 'anyone', rfc: 'RFC 959', help: 'PASS password', argument: text('password') },
};
const letters = { now: new Set<PermissionLetter>(['e']) };

/** Logs in somebody with files in which the home is there, or not. */
async function loggedIn({ home, start }: { home: boolean; start: boolean }): Promise<Account> {
  const files = new MemoryFiles();
  if (home) for (const path of ['/home', '/home/alice']) await files.makeDirectory(resolvePath(ROOT, path) ?? ROOT);
  const account: Account = {
    ...{ name: 'alice', files, directories: [], existing: 'keep', onIncomplete: 'remove' },
    ...(start && HOME !== undefined && { startDirectory: HOME }),
    get permissions() {
      return letters.now;
    },
  };
  const authenticate = async () => ({ verdict: 'accepted', account }) as const;
  const guards = { authenticators: [{ name: 'all', authenticate }], modules: [] };
  const credentials = {
    user: 'alice',
    password: new Secret('x'),
    address: '192.0.2.1',
    tls: undefined,
    host: undefined,
  };
  const parts = { log: silentLog, signal: new AbortController().signal, clock: systemClock, timeoutMs: 60_000 };
  return login(guards, credentials, session, parts);
}

const cwdOf = (account: Account) => {
  return afterCommand({ ...session, cwd: HOME ?? ROOT }, PASS, { kind: 'LogIn', account }).cwd;
};

test.each([
  ['at the root, when the account says nothing', { home: true, start: false }, '/'],
  ['at the root, when its directory cannot be entered', { home: false, start: true }, '/'],
  ['in the directory that the account names', { home: true, start: true }, '/home/alice'],
])('a session begins %s', async (_, files, cwd) => {
  expect(cwdOf(await loggedIn(files))).toBe(cwd);
});

test('an account that begins elsewhere still looks up what it permits', async () => {
  const account = await loggedIn({ home: false, start: true });
  letters.now = new Set();
  expect(account.permissions.size).toBe(0);
});
