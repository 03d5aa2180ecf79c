/** The chain of authentication, composed from the options: for each entry its prover, second factor, identity and account. */
import { availableParallelism } from 'node:os';
import { anonymousProver } from '../auth/anonymous.ts';
import type { AuthenticationEntry } from '../auth/authentication-options.ts';
import { certificateProver } from '../auth/certificate.ts';
import { type AccountAnswer, asksForCode, authenticatorOf, type SecondFactor } from '../auth/compose.ts';
import { HashThreads } from '../auth/hash-threads.ts';
import { httpProver } from '../auth/http-hook.ts';
import { ldapProver } from '../auth/ldap.ts';
import { PasswordQueue } from '../auth/password-queue.ts';
import { type CodeLedger, TotpLedger } from '../auth/totp.ts';
import { accountsOfSystem, unixProver, unixSource } from '../auth/unix.ts';
import type { AccountOptions } from '../auth/users.ts';
import { usersProver } from '../auth/users-prover.ts';
import { VerifiedPasswords } from '../auth/verified-passwords.ts';
import type { GatewayOptions } from '../config/options.ts';
import { unreachable } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import type { Authenticator, Identity, IdentitySource, Prover } from '../spi/authenticator.ts';
import type { Log } from '../spi/log.ts';
import { type Accounts, type AccountsParts, accountsOf } from './accounts.ts';
import type { Reloadable } from './reload.ts';
import { type TotpSecrets, totpSecretsOf } from './totp-secrets.ts';

/** Who may log in, and how. */
export interface Authentication {
  /** The chain, in its order. */
  readonly chain: readonly Authenticator[];
  /** The accounts that are written down, as they are now. */
  users(): readonly AccountOptions[];
  /** See `Accounts.filesAt`. */
  filesAt: Accounts['filesAt'];
  /** See `Accounts.readableAt`. */
  readableAt: Accounts['readableAt'];
  /** Reads the files that it rests on for the first time. @throws what names every mistake in them. */
  load(): Promise<void>;
  /** Ends the processes and threads that work for accounts and forgets passwords, once no session is left. Resolves when they are gone. */
  close(): Promise<void>;
  /** The files that it rests on, to be read again on demand; a login reads them anyway when they have changed. */
  readonly reloadable: readonly Reloadable[];
}

/** What provers are made with. */
export interface ProverParts {
  readonly accounts: Accounts;
  /** In front of hashes that this process computes, and the threads that do. */
  readonly queue: PasswordQueue;
  readonly threads: HashThreads;
  /** Passwords whose hash was computed not long ago; each entry has its own. */
  verified(keptMs: number): VerifiedPasswords;
  /** In front of the system's programs: a database of users that hangs must not hold up those who need none. */
  readonly programs: PasswordQueue;
  /** The entry's second factor. */
  readonly factor: SecondFactor | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Composes the chain; `codes` remembers which codes were used, this process by default. Files that have changed are read again before a login is judged by them. */
export function authenticationOf(
  options: GatewayOptions,
  { codes, ...accountsParts }: AccountsParts & { readonly codes?: CodeLedger | undefined },
): Authentication {
  const { clock, log } = accountsParts;
  const accounts = accountsOf(options, accountsParts);
  const waitingMax = options.limits.passwordQueueMax;
  const runningMax = hashesAtOnce();
  const remembered: VerifiedPasswords[] = [];
  const parts = {
    accounts,
    clock,
    log,
    queue: new PasswordQueue({ waitingMax, runningMax }),
    threads: new HashThreads({ clock, threadsMax: runningMax }),
    programs: new PasswordQueue({ waitingMax, runningMax: PROGRAMS_MAX }),
    verified(keptMs: number) {
      const verified = new VerifiedPasswords({ clock, keptMs });
      remembered.push(verified);
      return verified;
    },
  };
  const ledger = codes ?? new TotpLedger(clock);
  const entries = options.authentication.map((entry, index) => {
    const secrets = 'totpSecretsFile' in entry ? totpSecretsOf(entry.totpSecretsFile) : undefined;
    const factor = factorOf(entry, { secrets, accounts, ledger });
    const authenticator = authenticatorOf(proverOf(entry, { ...parts, factor }), {
      name: nameOf(options.authentication, index),
      users: entry.type === 'anonymous' ? undefined : entry.users,
      timeoutMs: entry.timeoutMs,
      clock,
      factor,
      identitySource: 'identity' in entry ? identitySourceOf(entry.identity) : undefined,
      accountFor: (identity) => accountFor(entry, accounts, identity),
    });
    return { authenticator, secrets };
  });
  const files = [
    { event: 'users_file.refused', refresh: () => accounts.refresh() },
    ...entries.map(({ secrets }) => ({ event: 'totp_secrets.refused', refresh: async () => secrets?.refresh() })),
  ];
  // Whoever logs in is judged by what the files say now; what has become wrong leaves everything as it was.
  const refresh = () =>
    Promise.all(files.map((file) => file.refresh().catch((error: unknown) => log.error(file.event, { error }))));
  return {
    async load() {
      for (const file of files) await file.refresh();
    },
    users: accounts.users,
    filesAt: accounts.filesAt,
    readableAt: accounts.readableAt,
    async close() {
      for (const verified of remembered) verified.forget();
      parts.threads.end();
      await accounts.close();
    },
    reloadable: [
      ...(options.usersFile === undefined ? [] : [reloadableFile('users_file', () => accounts.reload())]),
      ...entries.flatMap(({ secrets }) => (secrets ? reloadableFile('totp_secrets', () => secrets.reload()) : [])),
    ],
    chain: entries.map(({ authenticator }) => ({
      name: authenticator.name,
      async authenticate(credentials, signal) {
        await refresh();
        return authenticator.authenticate(credentials, signal);
      },
    })),
  };
}

function reloadableFile(part: string, read: () => Promise<void>): Reloadable {
  return { part, reload: () => read().then(() => 'reloaded' as const) };
}

/** Half of the processors, and never more than two: each takes 19 MiB and more. */
function hashesAtOnce(): number {
  return availableParallelism() < 4 ? 1 : 2;
}

/** How many logins may have the system's programs running at once. */
const PROGRAMS_MAX = 4;

/** The prover of an entry. A type that is added to `authentication-options.ts` is added here. */
function proverOf(entry: AuthenticationEntry, parts: ProverParts): Prover {
  const { accounts, queue, threads, verified, programs, factor, clock, log } = parts;
  switch (entry.type) {
    case 'users':
      return usersProver({
        users: accounts.users,
        queue,
        verify: (password, hash) => threads.verify(password, hash),
        verified: verified(entry.passwordCacheMs),
        asksForCode: (user) => asksForCode(factor, user),
      });
    case 'unix':
      // Anybody else is told nothing but about himself (unix_chkpwd), and would find every password wrong.
      if (process.getuid?.() !== 0) log.warn('login.unix_needs_root', { uid: process.getuid?.() });
      return unixProver(entry, { accounts: accountsOfSystem(entry), queue: programs, clock, log });
    case 'ldap':
      return ldapProver(entry, { clock, log });
    case 'http':
      return httpProver(entry, { clock, log });
    case 'certificate':
      return certificateProver(entry);
    case 'anonymous':
      return anonymousProver(entry, log);
    default:
      return unreachable(entry);
  }
}

/** The place where an entry has identities looked up. */
function identitySourceOf(name: 'unix' | undefined): IdentitySource | undefined {
  return name === undefined ? undefined : unixSource(accountsOfSystem());
}

function accountFor(entry: AuthenticationEntry, accounts: Accounts, identity: Identity): AccountAnswer {
  if (entry.type === 'users' || entry.account === 'users') return accounts.ownAccountFor(identity);
  return accounts.templateAccountFor(entry.account, identity);
}

function factorOf(
  entry: AuthenticationEntry,
  parts: { readonly secrets: TotpSecrets | undefined; readonly accounts: Accounts; readonly ledger: CodeLedger },
): SecondFactor | undefined {
  if (!('totp' in entry)) return undefined;
  const { secrets, accounts, ledger } = parts;
  const own = entry.type === 'users' || entry.account === 'users';
  return {
    mode: entry.totp,
    ledger,
    secretOf(user) {
      const written = own ? accounts.users().find(({ name }) => name === user)?.totpSecret : undefined;
      return secrets?.secretOf(user) ?? written;
    },
  };
}

/** The type, and its number among those of its type where there are several. */
function nameOf(entries: readonly AuthenticationEntry[], index: number): string {
  const type = entries[index]?.type ?? '';
  const number = entries.slice(0, index + 1).filter((entry) => entry.type === type).length;
  return entries.filter((entry) => entry.type === type).length > 1 ? `${type} ${number}` : type;
}
