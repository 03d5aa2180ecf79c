/** Files that are there whole or not at all, with their permissions from the first byte on. */
import { randomBytes } from 'node:crypto';
import { link, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file beside its place, syncs it, and moves it there in one step. `mode` are its Unix permission bits, in force
 * before the first byte is written. `existing` says what becomes of a file that has the name already.
 *
 * @throws the system's error; `EEXIST` when the name is taken and `existing` is `keep`.
 */
export async function writeWholeFile(
  path: string,
  text: string,
  { mode, existing }: { readonly mode: number; readonly existing: 'keep' | 'replace' },
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const file = await open(draft, 'wx', mode);
  try {
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    // A hard link refuses a name that is taken; a rename would replace it in silence.
    if (existing === 'keep') await link(draft, path);
    else await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
