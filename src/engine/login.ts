/** Proof of identity: asks the authenticators in their order, then the modules that guard logins. */
import { deadline, within } from '../lib/deadline.ts';
import { ROOT } from '../protocol/virtual-path.ts';
import type { Account, Authenticator, Credentials, Verdict } from '../spi/authenticator.ts';
import { Fault } from '../spi/fault.ts';
import type { Module } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';
import { accountProblem, isAccount, partOf } from './account-check.ts';
import { type Asking, askGuard } from './module-hooks.ts';

/** Who decides about logins. */
export interface LoginGuards {
  readonly authenticators: readonly Authenticator[];
  readonly modules: readonly Module[];
}

/** What a login is decided with. */
export interface LoginParts extends Asking {
  /** How long each authenticator may take; one that takes longer has refused. */
  readonly timeoutMs: number;
}

/**
 * The account that the credentials prove. The first authenticator that does not decline decides; when all decline, or one
 * fails in whatever way, the login is refused. The client learns nothing but that.
 *
 * @throws Fault `LoginIncorrect`; `Busy`, or another one that says 421, when an authenticator throws it; whatever a
 *   module's `onLogin` refuses with; the reason of the signal when the client is gone.
 */
export async function login(
  guards: LoginGuards,
  credentials: Credentials,
  session: Session,
  parts: LoginParts,
): Promise<Account> {
  const answer = await ask(guards.authenticators, credentials, parts);
  if (answer.verdict !== 'accepted') throw new Fault('LoginIncorrect', { cause: new Error(answer.reason) });
  return admitted(guards.modules, answer.account, session, parts);
}

/**
 * The account that the client's certificate alone proves.
 *
 * @returns undefined when nobody takes it for proof enough: whatever the reason is, a password is asked for, so that the
 *   client learns nothing.
 * @throws as `login`, but never because of a proof.
 */
export async function loginByCertificate(
  guards: LoginGuards,
  credentials: Omit<Credentials, 'password'>,
  session: Session,
  parts: LoginParts,
): Promise<Account | undefined> {
  if (credentials.tls?.clientCertificate === undefined) return undefined;
  const answer = await ask(guards.authenticators, { ...credentials, password: undefined }, parts);
  return answer.verdict === 'accepted' ? admitted(guards.modules, answer.account, session, parts) : undefined;
}

async function admitted(
  modules: readonly Module[],
  account: Account,
  session: Session,
  parts: LoginParts,
): Promise<Account> {
  const asking = { ...parts, otherwise: 'LoginIncorrect' } as const;
  for (const module of modules) {
    if (module.onLogin !== undefined)
      await askGuard(module, 'onLogin', () => module.onLogin?.(account, session), asking);
  }
  const { startDirectory, files } = account;
  if (startDirectory === undefined) return account;
  try {
    await files.enter(startDirectory);
    return account;
  } catch (error) {
    // A home that is away must not keep its owner out of everything else.
    parts.log.warn('login.start_directory_refused', { user: account.name, path: startDirectory, error });
    return beginningAtRoot(account);
  }
}

/** Not by copying values: an account may look up what it permits whenever it is asked. */
function beginningAtRoot(account: Account): Account {
  const own = Object.getOwnPropertyDescriptors(account);
  const startDirectory = { value: ROOT, enumerable: true };
  return Object.create(Object.getPrototypeOf(account), { ...own, startDirectory });
}

/** What the first authenticator says that does not decline; a refusal when none does. */
async function ask(
  authenticators: readonly Authenticator[],
  credentials: Credentials,
  parts: LoginParts,
): Promise<Exclude<Verdict, { verdict: 'declined' }>> {
  for (const authenticator of authenticators) {
    const answer = await verdictOf(authenticator, credentials, parts);
    if (answer.verdict !== 'declined') return answer;
  }
  return { verdict: 'refused', reason: 'no authenticator knows this user' };
}

/** The answer of one of them; a refusal when it is none, comes too late or does not come. @throws as `login`. */
async function verdictOf(
  authenticator: Authenticator,
  credentials: Credentials,
  { clock, log, signal, timeoutMs }: LoginParts,
): Promise<Verdict> {
  try {
    using bounded = deadline(clock, timeoutMs, signal);
    const answer = await within(bounded.signal, () => authenticator.authenticate(credentials, bounded.signal));
    // Read once: what was looked at is what counts.
    const verdict = partOf(answer, 'verdict');
    if (verdict === 'declined') return { verdict };
    if (verdict === 'refused') return { verdict, reason: `${authenticator.name}: ${partOf(answer, 'reason')}` };
    const account = partOf(answer, 'account');
    if (verdict === 'accepted' && isAccount(account)) return { verdict, account };
    const problem = verdict === 'accepted' ? accountProblem(account) : 'the verdict is none of the three';
    throw new TypeError(`not the answer of an authenticator: ${problem}`);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    // The server may ask to be left alone for a while. Everything else would tell strangers of what is behind it.
    if (error instanceof Fault && error.code === UNAVAILABLE) throw error;
    log.error('login.authenticator_failed', { authenticator: authenticator.name, error });
    return { verdict: 'refused', reason: `${authenticator.name}: the authenticator failed` };
  }
}

/** The code of faults that say to come again later (RFC 959 section 4.2.2). */
const UNAVAILABLE = 421;
