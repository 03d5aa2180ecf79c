/** Accounts as they are written down: in the configuration, in a users file, or as the template of an authentication entry. */
import { z } from 'zod';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { CHARSET_NAMES } from '../spi/charset.ts';
import { PERMISSIONS, parsePermissions } from '../spi/permissions.ts';
import { certificateDigest } from './certificate-digest.ts';
import { whyNoPasswordHash } from './password-hash.ts';
import { totpSecret } from './totp-secret.ts';

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

/** Names of groups, for rules that name groups. Directory servers have spaces in them. */
export const groupName = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,256}$/u, { error: 'must be one line of 1 to 256 characters' });

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
  /** They take the place of the account's own; without them those stay, and the section is one of directives alone. */
  permissions: permissions.optional(),
  /** Whether they hold in everything below as well. A rule that protects should not end one level down. */
  recursive: z.boolean().default(true),
});

/** What every account has, wherever its name and its proof come from. */
const accountKeys = {
  /** Permission letters; the default can look and fetch but change nothing. */
  permissions: permissions.default('elr'),
  /** Other permissions for single directories; the longest path that fits decides. */
  directories: z.array(directoryOptions).max(1_000).superRefine(refuseTwins).default([]),
  /** The groups that it is a member of, for rules that name groups. */
  groups: z.array(groupName).max(1_000).default([]),
  /** Whether an upload or a rename may take the place of a file that exists; published files never change half-way. */
  overwrite: z.enum(['replace', 'keep']).default('replace'),
  /** Whether an upload that did not arrive whole can be resumed, or is removed; it is visible in neither case. */
  onIncomplete: z.enum(['keep', 'remove']).default('keep'),
  /** Per-account override of the gateway's `sessionReuse`, for clients that cannot resume. */
  sessionReuse: requirement.optional(),
  /** Per-account override of the gateway's `closeNotify`, for clients that end without it. */
  closeNotify: requirement.optional(),
  /** Whether it can be used at all only with a client certificate that counts, however the login is proven. */
  clientCertificate: z.enum(['required', 'not_required']).default('not_required'),
  /** SHA-256 of the certificates with one of which alone it can be used; they change with every renewal. */
  certificateFingerprints: z.array(certificateDigest).max(100).default([]),
  /** SHA-256 of public keys (SubjectPublicKeyInfo, DER), likewise; a renewal may keep the key. */
  certificatePublicKeys: z.array(certificateDigest).max(100).default([]),
  /** Largest upload in bytes; without it the gateway's limit holds. */
  uploadBytesMax: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  /** How the client writes names of files; for clients that do not know UTF-8. */
  charset: z.enum(CHARSET_NAMES).default('utf-8'),
  /**
   * Whose rights its file operations have: the gateway's own, or those of the system's user of that name, in a process
   * that is that user's. That takes a gateway that runs as root and an identity with a user number (`unix`).
   */
  runAs: z.enum(['gateway', 'user']).default('gateway'),
  /** What it sees as `/`: its home, or the whole tree of the machine, where it begins in its home. */
  tree: z.enum(['home', 'machine']).default('home'),
};

/** One account. */
export const userOptions = z
  .strictObject({
    /** What the client sends with USER; case matters. */
    name: userName,
    /**
     * argon2id in PHC form, as `sallyport user passwd` makes it, or a hash that was brought along from elsewhere. Never a
     * plain password. Without it another entry of `authentication` has to prove who comes.
     */
    passwordHash: z
      .string()
      .superRefine((text, context) => {
        const message = whyNoPasswordHash(text);
        if (message !== undefined) context.addIssue({ code: 'custom', message });
      })
      .optional(),
    /** The secret of the account's authenticator app (RFC 6238) in base32; `sallyport user totp` makes one. */
    totpSecret: totpSecret.optional(),
    /** The directory on disk that the account sees as `/`. */
    home: z.string().min(1).max(4_096),
    ...accountKeys,
    /** A disabled account keeps its files and cannot log in. */
    enabled: z.boolean().default(true),
  })
  .superRefine(refuseWholeMachine);

/** The account of everybody whom an entry of `authentication` lets in. */
export const accountTemplate = z
  .strictObject({
    /** As an account's; `{user}` and `{home}` stand for what the identity says. Without it the identity's own home. */
    home: z
      .string()
      .min(1)
      .max(4_096)
      .refine((text) => !/[{}]/.test(text.replaceAll(/\{(?:user|home)\}/g, '')), {
        error: 'can hold {user} and {home}, and no other braces',
      })
      .optional(),
    ...accountKeys,
  })
  .superRefine(refuseWholeMachine);

/** One account, checked and with its defaults. */
export type UserOptions = z.output<typeof userOptions>;

/** One account as it is written down. */
export type UserOptionsInput = z.input<typeof userOptions>;

/** An account for many, checked and with its defaults. */
export type AccountTemplate = z.output<typeof accountTemplate>;

/** What an account is made of once its owner is known, wherever it was written down. */
export type AccountOptions = Omit<UserOptions, 'passwordHash' | 'totpSecret' | 'enabled'>;

/** Two rules for one directory leave open which of them holds. */
function refuseTwins(rules: readonly { readonly path: string }[], context: z.RefinementCtx): void {
  rules.forEach((rule, index) => {
    const twin = rules.findIndex((other) => other.path === rule.path);
    if (twin < index) context.addIssue({ code: 'custom', path: [index, 'path'], message: 'has a rule already' });
  });
}

/** Refuses the whole machine with the gateway's own rights: there would be nothing left between an account and every file that there is. */
export function refuseWholeMachine(
  { tree, runAs }: { readonly tree: 'home' | 'machine'; readonly runAs: 'gateway' | 'user' },
  context: z.RefinementCtx,
): void {
  if (tree === 'home' || runAs === 'user') return;
  context.addIssue({ code: 'custom', path: ['tree'], message: 'is for accounts with run_as: user' });
}
