/** Proof by password for the accounts that the operator wrote down, in the configuration or in a users file. */
import { z } from 'zod';
import type { Secret } from '../lib/secret.ts';
import { networkOf } from '../protocol/ip-address.ts';
import type { Prover } from '../spi/authenticator.ts';
import { entryKeys, totpKeys } from './entry-options.ts';
import { verifyPassword } from './password-hash.ts';
import type { PasswordQueue } from './password-queue.ts';
import type { UserOptions } from './users.ts';
import { PASSWORD_CACHE_MS, VERIFIED_AGE_MAX_MS, type VerifiedPasswords } from './verified-passwords.ts';

/** The accounts of `users` and `usersFile`, by their passwords. The account is the one that is written there. */
export const usersEntry = z.strictObject({
  type: z.literal('users'),
  ...entryKeys,
  ...totpKeys,
  /**
   * How long behind its last use a password that was found right counts without its hash being computed again, an hour at most in
   * all; 0 computes it at every login.
   */
  passwordCacheMs: z.int().min(0).max(VERIFIED_AGE_MAX_MS).default(PASSWORD_CACHE_MS),
});

/** What the prover works with. */
export interface UsersProverParts {
  /** Asked at every login, so that a users file that was read anew holds from then on. */
  readonly users: () => readonly UserOptions[];
  readonly queue: PasswordQueue;
  /** The check of a password against a hash; tests count its calls. */
  readonly verify?: (password: Secret, hash: string) => Promise<boolean>;
  /** Passwords that were found right a short while ago; without it every login costs a hash. */
  readonly verified?: VerifiedPasswords | undefined;
  /** Whether a code is asked of the user besides the password; of nobody by default. */
  readonly asksForCode?: (user: string) => boolean;
}

/**
 * Proves names by their passwords. Unknown names, disabled accounts and wrong passwords all cost one hash and end
 * alike, so that nobody learns which names exist; the reason in the proof is for the log. A name that is unknown here,
 * or has no password here, is declined, behind its hash: the next entry of the chain may know it.
 *
 * A right password that was proven from the same network not long ago costs no hash; it needs no place in the queue either, so that a
 * flood of logins holds up nobody who logs in all the time.
 */
export function usersProver({
  users,
  queue,
  verify = verifyPassword,
  verified,
  asksForCode,
}: UsersProverParts): Prover {
  const mayCount = (user: UserOptions | undefined) =>
    user?.passwordHash !== undefined && user.enabled && isProofEnough(user) && asksForCode?.(user.name) !== true;
  return {
    name: 'users',
    async prove({ user: name, password, address }, signal) {
      if (password === undefined) return { verdict: 'declined' };
      const user = users().find((candidate) => candidate.name === name);
      const passwordHash = user?.passwordHash ?? DUMMY_HASH;
      const claim = { user: name, passwordHash, password, network: networkOf(address) };
      const known = mayCount(user) ? verified : undefined;
      // Asked once more when its turn has come: of several logins at once the first one may have proven it for the others.
      const check = async () => known?.has(claim) === true || (await computed());
      const computed = async () => {
        const isRight = await verify(password, passwordHash);
        if (isRight) known?.add(claim);
        return isRight;
      };
      const proven = known?.has(claim) === true || (await queue.run(check, signal, claim.network));
      // Also one without a password here: switched off is switched off, whatever the next entry would say.
      if (user?.enabled === false) return { verdict: 'refused', reason: 'account is disabled' };
      if (user?.passwordHash === undefined) return { verdict: 'declined' };
      if (!proven) return { verdict: 'refused', reason: 'wrong password' };
      return { verdict: 'accepted', identity: { user: user.name, groups: [] } };
    },
  };
}

/**
 * Whether the password is all that the account asks for. Where it is not, a right password would be refused sooner than a wrong one, and
 * so tell whoever lacks the rest that it is right.
 */
function isProofEnough({ totpSecret, clientCertificate, certificateFingerprints, certificatePublicKeys }: UserOptions) {
  if (totpSecret !== undefined || clientCertificate === 'required') return false;
  return certificateFingerprints.length === 0 && certificatePublicKeys.length === 0;
}

/**
 * What a login as nobody is checked against: a hash with the default costs whose salt and tag are random bytes, so that
 * no password is known for it. An account whose hash was made elsewhere with other costs takes another time than this.
 */
const DUMMY_HASH = '$argon2id$v=19$m=19456,t=2,p=1$CQuo7eIV8f+dSFqAQlr6jA$AAjeXFIsvsr0uttTgb+azCnL8auoolTCuqbGPU6/J7Q';
