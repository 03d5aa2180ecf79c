/** Proof of identity: asks the authenticators in their order, then the modules that guard logins. */
import type { Account, Authenticator, Credentials } from '../spi/authenticator.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';

/** Who decides about logins. */
export interface LoginGuards {
  readonly authenticators: readonly Authenticator[];
  readonly modules: readonly Module[];
}

/**
 * The account that the credentials prove. The first authenticator that does not decline decides; when all decline, or
 * one throws, the login is refused. The client learns nothing but that.
 *
 * @throws Fault `LoginIncorrect`; `Busy` when too many proofs are waiting; whatever a module's `onLogin` refuses with.
 */
export async function login(
  guards: LoginGuards,
  credentials: Credentials,
  session: Session,
  options: { readonly log: Log; readonly signal: AbortSignal },
): Promise<Account> {
  const account = await prove(guards.authenticators, credentials, options);
  for (const module of guards.modules) module.onLogin?.(account, session);
  return account;
}

async function prove(
  authenticators: readonly Authenticator[],
  credentials: Credentials,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
): Promise<Account> {
  for (const authenticator of authenticators) {
    const answer = await authenticator.authenticate(credentials, signal).catch((error: unknown) => {
      if (error instanceof Fault) throw error;
      log.error('login.authenticator_failed', { authenticator: authenticator.name, error });
      return { verdict: 'refused', reason: 'the authenticator failed' } as const;
    });
    if (answer.verdict === 'accepted') return answer.account;
    if (answer.verdict === 'declined') continue;
    throw new Fault('LoginIncorrect', { cause: new Error(`${authenticator.name}: ${answer.reason}`) });
  }
  throw new Fault('LoginIncorrect', { cause: new Error('no authenticator knows this user') });
}
