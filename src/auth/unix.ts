/** Unix accounts: who of the system's users may log in, proof by the system's own check, identity from its databases. */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../lib/clock.ts';
import { hasCode } from '../lib/error-code.ts';
import type { Credentials, Identity, IdentitySource, Proof, Prover } from '../spi/authenticator.ts';
import type { Log } from '../spi/log.ts';
import { accountKeys, entryKeys, totpKeys } from './entry-options.ts';
import type { PasswordQueue } from './password-queue.ts';
import { systemAccounts, type UnixAccount, type UnixAccounts } from './unix-accounts.ts';
import { userName } from './users.ts';

const GETENT = '/usr/bin/getent';
const CHKPWD = '/usr/sbin/unix_chkpwd';

const programPath = z.string().regex(/^\/[^\0]{1,4095}$/, { error: 'must be an absolute path' });

/** The accounts of the system that the gateway runs on. */
export const unixEntry = z.strictObject({
  type: z.literal('unix'),
  ...entryKeys,
  ...totpKeys,
  ...accountKeys,
  /** Who may log in; without it everybody whom nothing else refuses. */
  allowedUsers: z.array(userName).min(1).max(100_000).optional(),
  /** Who may not, whatever else is said. The user number 0 never may, under any name. */
  rejectedUsers: z.array(userName).max(100_000).default(['root']),
  /** Whether the login shell must be one of `shellsFile`, which keeps service accounts out. */
  requireValidShell: z.boolean().default(true),
  /** The login shells; where there is no such file, every shell is one (and the log says so). */
  shellsFile: z.string().min(1).max(4_096).default('/etc/shells'),
  /** The lowest user number that may log in; below 1000 are the accounts of services. */
  uidMin: z.int().min(1).max(4_294_967_294).default(1_000),
  /** The program that compares a password with the shadow file (Linux-PAM). */
  chkpwd: programPath.default(CHKPWD),
  /** The program that asks the databases of users and groups (NSS). */
  getent: programPath.default(GETENT),
});

/** An entry for Unix accounts, checked and with its defaults. */
export type UnixEntry = z.output<typeof unixEntry>;

/** What decides who may log in. */
export type UnixPolicy = Pick<
  UnixEntry,
  'allowedUsers' | 'rejectedUsers' | 'requireValidShell' | 'shellsFile' | 'uidMin'
>;

/** What the prover works with. */
export interface UnixProverParts {
  readonly accounts: UnixAccounts;
  /** Bounds how many of the system's programs run at once. */
  readonly queue: PasswordQueue;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Proves names by the system's passwords. A name that the system does not have is declined. It answers no within a time
 * that does not depend on why: the check of a password takes long, and that there is no such user is known at once.
 */
export function unixProver(policy: UnixPolicy, { accounts, queue, clock, log }: UnixProverParts): Prover {
  return {
    name: 'unix',
    async prove(credentials, signal) {
      const { password } = credentials;
      if (password === undefined) return { verdict: 'declined' };
      const startMs = clock.monotonicMs();
      const proof = await queue.run(
        () => judge(policy, { accounts, log }, { ...credentials, password }, signal),
        signal,
      );
      if (proof.verdict !== 'accepted') await until(startMs + REFUSAL_MS, clock, signal);
      return proof;
    },
  };
}

/** The system's users, groups and homes, for whomever another prover has proven. User number 0 is not one of them. */
export function unixSource(accounts: UnixAccounts): IdentitySource {
  return {
    name: 'unix',
    async lookup(user, signal) {
      const account = await accounts.find(user, signal);
      if (account === undefined || account.uid === 0) return undefined;
      return identityOf(account, accounts, signal);
    },
  };
}

/** The system's accounts as the programs at these places tell them; those of Debian by default. */
export function accountsOfSystem(paths: Partial<Pick<UnixEntry, 'getent' | 'chkpwd'>> = {}): UnixAccounts {
  return systemAccounts({ getent: paths.getent ?? GETENT, chkpwd: paths.chkpwd ?? CHKPWD });
}

/** How long every no takes at least. `unix_chkpwd` takes a fraction of it with the hashes that systems make today. */
const REFUSAL_MS = 300;

async function judge(
  policy: UnixPolicy,
  { accounts, log }: Pick<UnixProverParts, 'accounts' | 'log'>,
  { user, password }: Credentials & { readonly password: NonNullable<Credentials['password']> },
  signal: AbortSignal,
): Promise<Proof> {
  const account = await accounts.find(user, signal);
  if (account === undefined) return { verdict: 'declined' };
  // Before the password: nobody shall be able to try root's here.
  const reason = await whyNot(account, policy, log);
  if (reason !== undefined) return { verdict: 'refused', reason };
  if (!(await accounts.isPassword(user, password, signal))) return { verdict: 'refused', reason: 'wrong password' };
  if (!(await accounts.isCurrent(user, signal)))
    return { verdict: 'refused', reason: 'account or password has expired' };
  return { verdict: 'accepted', identity: await identityOf(account, accounts, signal) };
}

async function identityOf(account: UnixAccount, accounts: UnixAccounts, signal: AbortSignal): Promise<Identity> {
  const { name, home, uid, gid } = account;
  return { user: name, groups: await accounts.groupsOf(account, signal), home, uid, gid };
}

/** Why an account may not log in whatever its password is; undefined when it may. */
async function whyNot(account: UnixAccount, policy: UnixPolicy, log: Log): Promise<string | undefined> {
  const { allowedUsers, rejectedUsers, uidMin, requireValidShell, shellsFile } = policy;
  if (account.uid === 0) return 'user number 0 never logs in';
  if (rejectedUsers.includes(account.name)) return 'in rejected_users';
  if (allowedUsers !== undefined && !allowedUsers.includes(account.name)) return 'not in allowed_users';
  if (account.uid < uidMin) return `user number below ${uidMin}`;
  if (!requireValidShell) return undefined;
  const shells = await loginShells(shellsFile);
  if (shells === undefined) log.warn('login.no_shells_file', { user: account.name, file: shellsFile });
  return shells === undefined || shells.includes(account.shell) ? undefined : 'no valid login shell';
}

/** The shells of shells(5); undefined when there is no file. @throws the system's error when it cannot be read. */
async function loginShells(file: string): Promise<readonly string[] | undefined> {
  try {
    if ((await stat(file)).size > SHELLS_FILE_BYTES_MAX) throw new Error(`${file} is too large`);
    const lines = (await readFile(file, 'utf8')).split('\n').map((line) => line.replace(/#.*/, '').trim());
    return lines.filter((line) => line !== '');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

const SHELLS_FILE_BYTES_MAX = 1_048_576;

/** Waits for a moment of the monotonic clock. @throws the signal's reason when it aborts before. */
function until(momentMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = clock.after(Math.max(0, momentMs - clock.monotonicMs()), () => {
      signal.removeEventListener('abort', leave);
      resolve();
    });
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
  });
}
