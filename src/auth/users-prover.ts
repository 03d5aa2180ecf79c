/** Proof by password for the accounts that the operator wrote down, in the configuration or in a users file. */
import { z } from 'zod';
import type { Secret } from '../lib/secret.ts';
import type { Prover } from '../spi/authenticator.ts';
import { entryKeys, totpKeys } from './entry-options.ts';
import { verifyPassword } from './password-hash.ts';
import type { PasswordQueue } from './password-queue.ts';
import type { UserOptions } from './users.ts';

/** The accounts of `users` and `usersFile`, by their passwords. The account is the one that is written there. */
export const usersEntry = z.strictObject({ type: z.literal('users'), ...entryKeys, ...totpKeys });

/** What the prover works with. */
export interface UsersProverParts {
  /** Asked at every login, so that a users file that was read anew holds from then on. */
  readonly users: () => readonly UserOptions[];
  readonly queue: PasswordQueue;
  /** The check of a password against a hash; tests count its calls. */
  readonly verify?: (password: Secret, hash: string) => Promise<boolean>;
}

/**
 * Proves names by their passwords. Unknown names, disabled accounts and wrong passwords all cost one hash and end
 * alike, so that nobody learns which names exist; the reason in the proof is for the log. A name that is unknown here,
 * or has no password here, is declined, behind its hash: the next entry of the chain may know it.
 */
export function usersProver({ users, queue, verify = verifyPassword }: UsersProverParts): Prover {
  return {
    name: 'users',
    async prove({ user: name, password }, signal) {
      if (password === undefined) return { verdict: 'declined' };
      const user = users().find((candidate) => candidate.name === name);
      const proven = await queue.run(() => verify(password, user?.passwordHash ?? DUMMY_HASH), signal);
      // Also one without a password here: switched off is switched off, whatever the next entry would say.
      if (user?.enabled === false) return { verdict: 'refused', reason: 'account is disabled' };
      if (user?.passwordHash === undefined) return { verdict: 'declined' };
      if (!proven) return { verdict: 'refused', reason: 'wrong password' };
      return { verdict: 'accepted', identity: { user: user.name, groups: [] } };
    },
  };
}

/**
 * What a login as nobody is checked against: a hash with the default costs whose salt and tag are random bytes, so that
 * no password is known for it. An account whose hash was made elsewhere with other costs takes another time than this.
 */
const DUMMY_HASH = '$argon2id$v=19$m=19456,t=2,p=1$CQuo7eIV8f+dSFqAQlr6jA$AAjeXFIsvsr0uttTgb+azCnL8auoolTCuqbGPU6/J7Q';
