/** Reading what an operator's path names, without hanging on a pipe or filling the memory from a device. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { errorCode, hasCode } from '../lib/error-code.ts';

/** A file's text, or why there is none, in words that fit behind the name of a key. */
export type FileText =
  | { readonly ok: true; readonly text: string; readonly mode: number }
  | { readonly ok: false; readonly reason: 'absent' | 'unreadable'; readonly message: string };

/** Reads a regular file of at most `bytesMax` bytes as UTF-8. */
export async function readBoundedFile(path: string, bytesMax: number): Promise<FileText> {
  let handle: FileHandle | undefined;
  try {
    // Before opening: to open a named pipe would wait for its writer.
    if (!(await stat(path)).isFile()) return { ok: false, reason: 'unreadable', message: `is not a file: ${path}` };
    handle = await open(path);
    const { size, mode } = await handle.stat();
    if (size > bytesMax)
      return { ok: false, reason: 'unreadable', message: `is larger than ${bytesMax} bytes: ${path}` };
    return { ok: true, text: await handle.readFile('utf8'), mode: mode & 0o777 };
  } catch (error) {
    return { ok: false, reason: isAbsent(error) ? 'absent' : 'unreadable', message: `${whyNot(error)}: ${path}` };
  } finally {
    await handle?.close();
  }
}

/** What a failed file operation means, in plain words. */
export function whyNot(error: unknown): string {
  if (isAbsent(error)) return 'does not exist';
  if (hasCode(error, 'EACCES', 'EPERM')) return 'cannot be read, permission denied';
  return `cannot be read (${errorCode(error) ?? 'unknown error'})`;
}

function isAbsent(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}
