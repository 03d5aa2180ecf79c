/** Accounts made of what is written down: an account of its own, or the template of an entry filled in for an identity. */
import { assert } from '../lib/assert.ts';
import { ROOT, resolvePath } from '../protocol/virtual-path.ts';
import type { Account, Identity } from '../spi/authenticator.ts';
import type { Charset } from '../spi/charset.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { type PermissionLetter, parsePermissions } from '../spi/permissions.ts';
import { directivesIn } from './account-directives.ts';
import { type AccountOptions, type AccountTemplate, userName } from './users.ts';

/** An account of a template, or why there is none; the reason is for the log. */
export type FilledTemplate =
  | { readonly ok: true; readonly options: AccountOptions }
  | { readonly ok: false; readonly reason: string };

/** The account as the gateway works with it. `groups` are those of the identity; the account's own are added to them. */
export function accountOf(
  options: AccountOptions,
  parts: { readonly files: FileSystem; readonly charset: Charset; readonly groups: readonly string[] },
): Account {
  return {
    name: options.name,
    groups: [...new Set([...parts.groups, ...options.groups])],
    files: parts.files,
    charset: parts.charset,
    ...startOf(options),
    permissions: letters(options.permissions),
    directories: options.directories.flatMap(({ path, recursive, permissions }) =>
      permissions === undefined ? [] : [{ path, recursive, permissions: letters(permissions) }],
    ),
    ...directivesIn(options),
    existing: options.overwrite,
    onIncomplete: options.onIncomplete,
    ...(options.sessionReuse !== undefined && { sessionReuse: options.sessionReuse }),
    ...(options.closeNotify !== undefined && { closeNotify: options.closeNotify }),
    ...certificateOf(options),
    ...(options.uploadBytesMax !== undefined && { uploadBytesMax: options.uploadBytesMax }),
  };
}

/**
 * Fills a template in for somebody. What comes from outside, the name and the home that a directory tells, is checked
 * before it becomes part of a path: a user called `..` must not get the folder above everybody's homes.
 */
export function fillTemplate(template: AccountTemplate, { user, home }: Identity): FilledTemplate {
  if (!isSafeName(user)) return { ok: false, reason: 'the name cannot be that of an account' };
  const pattern = template.home ?? '{home}';
  if (pattern.includes('{home}')) {
    if (home === undefined) return { ok: false, reason: 'the identity has no home, and the template names none' };
    if (!isSafeHome(home)) return { ok: false, reason: 'the home of the identity is no absolute path of a folder' };
  }
  // Functions, since a replacement text would give a dollar sign in a home a meaning.
  const filled = pattern.replaceAll(/\{(user|home)\}/g, (_, key) => (key === 'user' ? user : (home ?? '')));
  return { ok: true, options: { ...template, name: user, home: filled } };
}

/** Whether a name that came from outside may become part of a path: one segment, visible, of plain characters. */
export function isSafeName(name: string): boolean {
  return userName.safeParse(name).success && !name.startsWith('.');
}

/** Absolute, below the root itself, and the same place however it is read. */
function isSafeHome(home: string): boolean {
  return /^\/[^\0\r\n]{1,4095}$/.test(home) && !home.split('/').some((part) => part === '.' || part === '..');
}

/** Somebody who sees the whole machine begins at home. A home that can be no path for a client is none to begin in. */
function startOf({ tree, home }: AccountOptions): Pick<Account, 'startDirectory'> {
  const startDirectory = tree === 'machine' ? resolvePath(ROOT, home) : undefined;
  return startDirectory === undefined ? {} : { startDirectory };
}

/** Who lists certificates means that one of them is needed. */
function certificateOf(options: AccountOptions): Pick<Account, 'clientCertificate'> {
  const { clientCertificate, certificateFingerprints: fingerprints, certificatePublicKeys: publicKeys } = options;
  const isNeeded = clientCertificate === 'required' || fingerprints.length > 0 || publicKeys.length > 0;
  return isNeeded ? { clientCertificate: { fingerprints, publicKeys } } : {};
}

function letters(text: string): ReadonlySet<PermissionLetter> {
  const parsed = parsePermissions(text);
  assert(parsed !== undefined, 'permissions were checked when the account was read');
  return parsed;
}
