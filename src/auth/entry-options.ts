/** What every entry of `authentication` can be told, whatever its type. */
import { z } from 'zod';
import { accountTemplate, userName } from './users.ts';

/** The names that an entry is asked about at all, and how long it may take. */
export const entryKeys = {
  /** The names that this entry is asked about; without it about all. */
  users: z.array(userName).min(1).max(100_000).optional(),
  /** How long it may take, waiting in queues included; a login that takes longer is refused. */
  timeoutMs: z.int().min(100).max(60_000).default(15_000),
};

/** The second factor of an entry. */
export const totpKeys = {
  /**
   * Whether a code of an authenticator app (RFC 6238) must stand behind the password: of everybody, of those who have a
   * secret, or of nobody.
   */
  totp: z.enum(['required', 'optional', 'off']).default('optional'),
  /** A YAML file with the secrets of users who have no account in `users` or `usersFile`. */
  totpSecretsFile: z.string().min(1).max(4_096).optional(),
};

/** The account of whom an entry lets in, when it does not come with one. */
export const accountKeys = {
  /**
   * Where the account comes from: what is written here, for everybody alike, or `users`: the account of that name in
   * `users` or `usersFile`, so that the proof is here and the account there.
   */
  account: z.union([z.literal('users'), accountTemplate]).prefault({}),
  /** Where user, groups and home are looked up instead of taking the prover's own. */
  identity: z.enum(['unix']).optional(),
};
