/** Who may read a file with hashes or secrets. */

/** The bits of others: whoever has any account on the machine. */
const OTHERS = 0o007;
const OTHERS_READ = 0o004;
const GROUP_WRITE = 0o020;

/**
 * What is wrong with the mode of a file that holds hashes or secrets, in words behind its name; undefined when nothing
 * is. Its group may read it, for a gateway that runs as a user of its own and an operator who owns the file. Whoever
 * may write it makes accounts, so that nobody but the owner may.
 */
export function openToOthers(file: string, mode: number): string | undefined {
  if ((mode & (OTHERS | GROUP_WRITE)) === 0 || process.platform === 'win32') return undefined;
  return `can be read by others or written by its group (mode ${octal(mode)}): run chmod 640 ${file}, or 600`;
}

/** Whether somebody who is neither the owner nor in the group may read the file. */
export function othersMayRead(mode: number): boolean {
  return (mode & OTHERS_READ) !== 0 && process.platform !== 'win32';
}

/** The permission bits as `chmod` takes them. */
export function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
