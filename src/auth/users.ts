/**
 * Accounts that the operator writes down, in the configuration or in a users file, and the login with their passwords.
 */
import { z } from 'zod';
import { assert } from '../lib/assert.ts';
import type { Secret } from '../lib/secret.ts';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import type { Account, Authenticator } from '../spi/authenticator.ts';
import { CHARSET_NAMES, type Charset, type CharsetName } from '../spi/charset.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { PERMISSIONS, type PermissionLetter, parsePermissions } from '../spi/permissions.ts';
import { isPasswordHash, verifyPassword } from './password-hash.ts';
import type { PasswordQueue } from './password-queue.ts';

/**
 * Names of accounts: they end up in logs, paths and reports, so they are made of characters that need no care there.
 */
export const userName = z
  .string()
  .regex(/^[A-Za-z0-9._@-]{1,64}$/, { error: 'must be 1 to 64 letters, digits and . _ @ -' });

const permissions = z.string().refine((text) => parsePermissions(text) !== undefined, {
  error: `must be made of the letters ${Object.keys(PERMISSIONS).join(' ')}`,
});

/** Whether something must happen, is done when it can be, or is not looked at. */
export const requirement = z.enum(['required', 'preferred', 'off']);

/** Other permissions for one directory. */
export const directoryOptions = z.strictObject({
  /** The directory as the client sees it: absolute, without `.`, `..` or a slash at the end. */
  path: z.string().transform((text, context): VirtualPath => {
    const path = resolvePath(ROOT, text);
    if (path !== undefined && path === text) return path;
    context.addIssue({
      code: 'custom',
      message: "must be an absolute path as clients see it, such as /inbox, without '.', '..' or a slash at the end",
    });
    return z.NEVER;
  }),
  /** They take the place of the account's own. */
  permissions,
  /** Whether they hold in everything below as well. A rule that protects should not end one level down. */
  recursive: z.boolean().default(true),
});

/** One account. */
export const userOptions = z.strictObject({
  /** What the client sends with USER; case matters. */
  name: userName,
  /** argon2id in PHC form; `sallyport user passwd` makes one. Never a plain password. */
  passwordHash: z
    .string()
    .refine(isPasswordHash, { error: "must be an argon2id hash, as 'sallyport user passwd' makes it" }),
  /** The directory on disk that the account sees as `/`. */
  home: z.string().min(1).max(4_096),
  /** Permission letters; the default can look and fetch but change nothing. */
  permissions: permissions.default('elr'),
  /** Other permissions for single directories; the longest path that fits decides. */
  directories: z.array(directoryOptions).max(1_000).superRefine(refuseTwins).default([]),
  /** Whether an upload or a rename may take the place of a file that exists; published files never change half-way. */
  overwrite: z.enum(['replace', 'keep']).default('replace'),
  /** Whether an upload that did not arrive whole can be resumed, or is removed; it is visible in neither case. */
  onIncomplete: z.enum(['keep', 'remove']).default('keep'),
  /** Per-account override of the gateway's `sessionReuse`, for clients that cannot resume. */
  sessionReuse: requirement.optional(),
  /** Per-account override of the gateway's `closeNotify`, for clients that end without it. */
  closeNotify: requirement.optional(),
  /** Largest upload in bytes; without it the gateway's limit holds. */
  uploadBytesMax: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  /** How the client writes names of files; for clients that do not know UTF-8. */
  charset: z.enum(CHARSET_NAMES).default('utf-8'),
  /** A disabled account keeps its files and cannot log in. */
  enabled: z.boolean().default(true),
});

/** One account, checked and with its defaults. */
export type UserOptions = z.output<typeof userOptions>;

/** One account as it is written down. */
export type UserOptionsInput = z.input<typeof userOptions>;

/** What the authenticator works with. */
export interface UsersAuthenticatorOptions {
  /** Asked at every login, so that a users file that was read anew holds from then on. */
  readonly users: () => readonly UserOptions[];
  /** The storage of an account's files. */
  readonly filesFor: (user: UserOptions) => FileSystem;
  /** The charset of this name. */
  readonly charsetNamed: (name: CharsetName) => Charset;
  readonly queue: PasswordQueue;
  /** The check of a password against a hash; tests count its calls. */
  readonly verify?: (password: Secret, phc: string) => Promise<boolean>;
}

/**
 * Logs accounts in by their password. Unknown names, disabled accounts and wrong passwords all cost one hash and end
 * alike, so that nobody learns which names exist; the reason in the verdict is for the log.
 */
export function usersAuthenticator(options: UsersAuthenticatorOptions): Authenticator {
  const { users, filesFor, charsetNamed, queue, verify = verifyPassword } = options;
  return {
    name: 'users',
    async authenticate({ user: name, password }, signal) {
      const user = users().find((candidate) => candidate.name === name);
      const proven = await queue.run(() => verify(password, user?.passwordHash ?? DUMMY_HASH), signal);
      if (user === undefined) return { verdict: 'refused', reason: 'unknown user' };
      if (!user.enabled) return { verdict: 'refused', reason: 'account is disabled' };
      if (!proven) return { verdict: 'refused', reason: 'wrong password' };
      return { verdict: 'accepted', account: accountOf(user, filesFor(user), charsetNamed(user.charset)) };
    },
  };
}

/**
 * What a login as nobody is checked against: a hash with the default costs whose salt and tag are random bytes, so that
 * no password is known for it. An account whose hash was made elsewhere with other costs takes another time than this.
 */
const DUMMY_HASH = '$argon2id$v=19$m=19456,t=2,p=1$CQuo7eIV8f+dSFqAQlr6jA$AAjeXFIsvsr0uttTgb+azCnL8auoolTCuqbGPU6/J7Q';

function accountOf(user: UserOptions, files: FileSystem, charset: Charset): Account {
  return {
    name: user.name,
    files,
    charset,
    permissions: letters(user.permissions),
    directories: user.directories.map((rule) => ({ ...rule, permissions: letters(rule.permissions) })),
    existing: user.overwrite,
    onIncomplete: user.onIncomplete,
    ...(user.sessionReuse !== undefined && { sessionReuse: user.sessionReuse }),
    ...(user.closeNotify !== undefined && { closeNotify: user.closeNotify }),
    ...(user.uploadBytesMax !== undefined && { uploadBytesMax: user.uploadBytesMax }),
  };
}

function letters(text: string): ReadonlySet<PermissionLetter> {
  const parsed = parsePermissions(text);
  assert(parsed !== undefined, 'permissions were checked when the user was read');
  return parsed;
}

/** Two rules for one directory leave open which of them holds. */
function refuseTwins(rules: readonly { readonly path: string }[], context: z.RefinementCtx): void {
  rules.forEach((rule, index) => {
    const twin = rules.findIndex((other) => other.path === rule.path);
    if (twin < index) context.addIssue({ code: 'custom', path: [index, 'path'], message: 'has a rule already' });
  });
}
