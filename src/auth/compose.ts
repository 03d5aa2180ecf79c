/**
 * An entry of the chain out of its parts: who it is asked about, the proof, the second factor, where the identity is
 * looked up, and the account. Every step that fails refuses; only what an entry does not know goes on to the next one.
 */
import type { Clock } from '../lib/clock.ts';
import type {
  Account,
  Authenticator,
  Credentials,
  Identity,
  IdentitySource,
  Prover,
  Verdict,
} from '../spi/authenticator.ts';
import { type CodeLedger, type CodeRefusal, splitCode } from './totp.ts';

/** An account for an identity, or why there is none; the reason is for the log. */
export type AccountAnswer =
  | { readonly ok: true; readonly account: Account }
  | { readonly ok: false; readonly reason: string };

/** The second factor of an entry. */
export interface SecondFactor {
  readonly mode: 'required' | 'optional' | 'off';
  /** The secret of a user in base32; undefined when it has none. */
  readonly secretOf: (user: string) => string | undefined;
  readonly ledger: CodeLedger;
}

/** What an entry is made of, besides its prover. */
export interface EntryParts {
  /** Its name in the log. */
  readonly name: string;
  /** The names that it is asked about; undefined for all. */
  readonly users: readonly string[] | undefined;
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly factor: SecondFactor | undefined;
  /** Asked for user, groups and home; undefined takes those of the proof. */
  readonly identitySource: IdentitySource | undefined;
  readonly accountFor: (identity: Identity) => Promise<AccountAnswer> | AccountAnswer;
}

/** Makes a prover an element of the chain. It throws when the time is up, which the engine takes as a refusal. */
export function authenticatorOf(prover: Prover, parts: EntryParts): Authenticator {
  const names = parts.users && new Set(parts.users);
  return {
    name: parts.name,
    async authenticate(credentials, signal) {
      if (names !== undefined && !names.has(credentials.user)) return { verdict: 'declined' };
      return within(parts, signal, (bounded) => decide(prover, parts, credentials, bounded));
    },
  };
}

/** Whether somebody of that name has to show a code behind the password. */
export function asksForCode(factor: SecondFactor | undefined, user: string): boolean {
  if (factor === undefined || factor.mode === 'off') return false;
  return factor.mode === 'required' || factor.secretOf(user) !== undefined;
}

async function decide(
  prover: Prover,
  parts: EntryParts,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Verdict> {
  const { factor, identitySource } = parts;
  const asked = asksForCode(factor, credentials.user);
  // At USER there is no field for a code yet: whoever needs one is asked for it with PASS.
  if (asked && credentials.password === undefined) return { verdict: 'declined' };
  const split = asked && credentials.password !== undefined ? splitCode(credentials.password) : undefined;
  const proof = await prover.prove(split ? { ...credentials, password: split.password } : credentials, signal);
  if (proof.verdict !== 'accepted') return proof;

  // Before anything else is looked up, so that a wrong code takes no longer than a wrong password.
  const proven = proof.identity.user;
  const refusal = await codeRefusal(factor, proven, split && { code: split.code });
  if (refusal !== undefined) return { verdict: 'refused', reason: refusal };

  const identity = identitySource === undefined ? proof.identity : await identitySource.lookup(proven, signal);
  if (identity === undefined) return { verdict: 'refused', reason: `${identitySource?.name} does not know ${proven}` };
  if (identity.user !== proven && split === undefined && asksForCode(factor, identity.user)) {
    return { verdict: 'refused', reason: OTHER_NAME };
  }
  const answer = await parts.accountFor(identity);
  if (!answer.ok) return { verdict: 'refused', reason: `no account: ${answer.reason}` };
  return { verdict: 'accepted', account: answer.account };
}

/** Whoever writes a name in another way than the one that has a secret must not get around the code by that. */
const OTHER_NAME = 'a code is asked of this user under another spelling of the name';

function codeRefusal(
  factor: SecondFactor | undefined,
  user: string,
  split: { readonly code: string | undefined } | undefined,
): Promise<CodeRefusal> | CodeRefusal {
  if (factor === undefined || !asksForCode(factor, user)) {
    // The name that was sent has a secret, and who was proven has none: then nobody has shown a code.
    return split === undefined ? undefined : OTHER_NAME;
  }
  if (split === undefined) return OTHER_NAME;
  const secret = factor.secretOf(user);
  return secret === undefined
    ? 'a code is required, and there is no secret'
    : factor.ledger.spend(user, secret, split.code);
}

/** Runs with a deadline that holds also for a prover that does not listen to its signal. */
async function within<T>(
  { clock, timeoutMs }: Pick<EntryParts, 'clock' | 'timeoutMs'>,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const over = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    ended.abort(reason);
    over.reject(reason);
  };
  const leave = () => end(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  const timer = clock.after(timeoutMs, () => end(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    return await Promise.race([act(ended.signal), over.promise]);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', leave);
  }
}
