/** What an account may do to whole trees: removing one, and giving one a second name. */
import type { FileFacts } from '../protocol/file-facts.ts';
import { isWithin, parentOf, type VirtualPath } from '../protocol/virtual-path.ts';
import { mayChange, type PermissionLetter, type Permitted, permissionsAt } from '../spi/permissions.ts';

/** Whether a directory may be removed with everything in it: `d` where it is an entry, and everywhere inside. */
export function mayRemoveTree(account: Permitted, path: VirtualPath): boolean {
  return mayChange(account, 'd', path) && lettersWithin(account, path).every((letters) => letters.has('d'));
}

/**
 * Whether `path` may become a link to `target`. Whoever goes through the link is judged by where the link is, so it must
 * not give a letter that the target's own place does not: for a file `l` and `r`, and the letters that change it in
 * place; for a directory every letter, everywhere in it. No link leads to a directory that holds it, since a client
 * that walks such a tree never comes to an end.
 */
export function mayLink(account: Permitted, path: VirtualPath, target: VirtualPath, kind: FileFacts['kind']): boolean {
  const here = permissionsAt(account, parentOf(path));
  const there = permissionsAt(account, parentOf(target));
  if (!here.has('w') || !there.has('l') || !there.has('r')) return false;
  // A rule that is written for what will be the link's name would hold for the target's contents.
  if (account.directories.some((rule) => isWithin(rule.path, path))) return false;
  if (CHANGING.some((letter) => here.has(letter) && !there.has(letter))) return false;
  if (kind !== 'directory') return true;
  if (isWithin(path, target)) return false;
  const given = lettersWithin(account, path).flatMap((letters) => [...letters]);
  return lettersWithin(account, target).every((letters) => given.every((letter) => letters.has(letter)));
}

/** The letters that act on a file or directory itself when it is reached through a link. */
const CHANGING: readonly PermissionLetter[] = ['M', 'T'];

/** Every set of letters that holds somewhere in the tree: at its top, below it, and where rules say otherwise. */
function lettersWithin(account: Permitted, top: VirtualPath): ReadonlySet<PermissionLetter>[] {
  const rules = account.directories.filter((rule) => isWithin(rule.path, top));
  // A rule that is not recursive holds at the top alone.
  const below = permissionsAt({ ...account, directories: account.directories.filter((rule) => rule.recursive) }, top);
  return [permissionsAt(account, top), below, ...rules.map((rule) => rule.permissions)];
}
