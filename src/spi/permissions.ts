/** Permission letters, as pyftpdlib has them: what each one allows, and which of them hold where. */
import { isWithin, parentOf, type VirtualPath } from '../protocol/virtual-path.ts';

/** Every letter with what it allows, in the order in which they are usually written. */
export const PERMISSIONS = {
  e: 'enter a directory (CWD, CDUP)',
  l: 'list a directory and see facts of files (LIST, NLST, MLSD, MLST, STAT, SIZE, MDTM, AVBL, DSIZ)',
  r: 'read a file (RETR, HASH, CPFR, SITE COPY)',
  a: 'append to a file (APPE, COMB)',
  d: 'delete a file or a directory (DELE, RMD, RMDA, COMB)',
  f: 'rename a file or a directory (RNFR, RNTO)',
  m: 'make a directory (MKD)',
  w: 'write a file (STOR, STOU, CPTO, COMB, SITE COPY) or make a link (SITE SYMLINK)',
  M: 'change permission bits (MFF, SITE CHMOD)',
  T: 'change the times of modification and creation (MFMT, MFCT, MFF, SITE UTIME)',
} as const;

/** One of the letters. */
export type PermissionLetter = keyof typeof PERMISSIONS;

/** The letters themselves, in that order. */
export const PERMISSION_LETTERS: readonly PermissionLetter[] = Object.keys(PERMISSIONS).filter(isLetter);

/** The letters of a text such as `elr`; undefined when one of its characters is no permission letter. */
export function parsePermissions(text: string): ReadonlySet<PermissionLetter> | undefined {
  const letters = new Set<PermissionLetter>();
  for (const character of text) {
    if (!isLetter(character)) return undefined;
    letters.add(character);
  }
  return letters;
}

/** Permissions that hold from a directory down (`recursive`) or in it alone, in place of the account's own. */
export interface DirectoryRule {
  readonly path: VirtualPath;
  readonly permissions: ReadonlySet<PermissionLetter>;
  readonly recursive: boolean;
}

/** What decides permissions; every account has it. */
export interface Permitted {
  readonly permissions: ReadonlySet<PermissionLetter>;
  readonly directories: readonly DirectoryRule[];
}

/**
 * The letters that hold in a directory, and so for the files in it and for directories as entries of it. The most
 * specific rule decides alone: the one with the longest path. A rule that is not recursive holds in its directory and
 * not in those below.
 */
export function permissionsAt(account: Permitted, directory: VirtualPath): ReadonlySet<PermissionLetter> {
  let nearest: DirectoryRule | undefined;
  for (const rule of account.directories) {
    const holds = rule.recursive ? isWithin(directory, rule.path) : directory === rule.path;
    if (holds && (nearest === undefined || rule.path.length > nearest.path.length)) nearest = rule;
  }
  return nearest?.permissions ?? account.permissions;
}

/**
 * Whether a letter that changes an entry (`d`, `M`, `T`) holds for what the path names. Changing an entry that is a
 * directory touches what lies in it, so every rule at or below it must agree. Otherwise `d` at /a would reach into /a/b,
 * where a rule takes it away.
 */
export function mayChange(account: Permitted, letter: PermissionLetter, path: VirtualPath): boolean {
  const within = account.directories.filter((rule) => isWithin(rule.path, path));
  return permissionsAt(account, parentOf(path)).has(letter) && within.every((rule) => rule.permissions.has(letter));
}

/** Whether there is any place where the letter holds; which places those are, an operation on one of them finds out. */
export function holdsAnywhere({ permissions, directories }: Permitted, letter: PermissionLetter): boolean {
  return permissions.has(letter) || directories.some((rule) => rule.permissions.has(letter));
}

function isLetter(character: string): character is PermissionLetter {
  return Object.hasOwn(PERMISSIONS, character);
}
