/** Paths as clients see them: absolute, `/`-separated, without `.`, `..` or empty parts. Nothing here touches a disk. */

/** An absolute, canonical path below the account's root; `/` is the root itself. */
export type VirtualPath = string & { readonly [brand]: 'VirtualPath' };
declare const brand: unique symbol;

/** The account's root. */
export const ROOT = '/' as VirtualPath;

/** The longest name a file system of today takes, in bytes. */
const NAME_BYTES_MAX = 255;
/** The longest path, in bytes; bounds the work that one command can ask for. */
const PATH_BYTES_MAX = 4_096;

/**
 * The path that a client means by `text` when it stands in `from`. `..` at the root stays at the root, as in Unix.
 *
 * @returns undefined when the text cannot be a path: NUL, CR or LF in it, or a name or path too long.
 */
export function resolvePath(from: VirtualPath, text: string): VirtualPath | undefined {
  if (/[\0\r\n]/.test(text)) return undefined;
  const parts = text.startsWith('/') ? [] : pathParts(from);
  for (const part of text.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  if (parts.some((part) => isLonger(part, NAME_BYTES_MAX))) return undefined;
  const path = `/${parts.join('/')}`;
  return isLonger(path, PATH_BYTES_MAX) ? undefined : (path as VirtualPath);
}

/** Whether the text has more bytes. No character has more than three for each of its units, so that most need no counting. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax;
}

/** The names from the root down to the path; empty for the root. */
export function pathParts(path: VirtualPath): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** The last name of the path; empty for the root. */
export function baseName(path: VirtualPath): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The directory that holds the path; the root's parent is the root. */
export function parentOf(path: VirtualPath): VirtualPath {
  return (path.slice(0, path.lastIndexOf('/')) || '/') as VirtualPath;
}

/** Whether `path` is `ancestor` or lies below it. */
export function isWithin(path: VirtualPath, ancestor: VirtualPath): boolean {
  return ancestor === '/' || path === ancestor || path.startsWith(`${ancestor}/`);
}

/** The path in double quotes, with quotes inside it doubled, as 257 gives it (RFC 959 appendix II). */
export function quotePath(path: VirtualPath): string {
  return `"${path.replaceAll('"', '""')}"`;
}
