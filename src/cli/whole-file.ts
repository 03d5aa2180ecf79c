/** Files that are there whole or not at all, with their permissions from the first byte on. */
import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, link, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Writes a file beside its place, as it comes when it comes in pieces, syncs it, and moves it there in one step. `mode` are its Unix permission bits, in force
 * before the first byte is written. `existing` says what becomes of a file that has the name already. One that is replaced
 * passes on its owner and that its group may read it, and a link to it stays a link: root must not lock the gateway out.
 *
 * @throws the system's error; `EEXIST` when the name is taken and `existing` is `keep`.
 */
export async function writeWholeFile(
  path: string,
  contents: string | Uint8Array | AsyncIterable<string>,
  { mode, existing }: { readonly mode: number; readonly existing: 'keep' | 'replace' },
): Promise<void> {
  const target = existing === 'keep' ? path : await realpath(path).catch(() => path);
  const before = existing === 'keep' ? undefined : await stat(target).catch(() => undefined);
  const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`);
  const file = await open(draft, 'wx', mode);
  try {
    try {
      await file.writeFile(contents);
      if (before !== undefined) await passOn(before, file, mode);
      await file.sync();
    } finally {
      await file.close();
    }
    // A hard link refuses a name that is taken; a rename would replace it in silence.
    if (existing === 'keep') await link(draft, target);
    else await rename(draft, target);
  } finally {
    await rm(draft, { force: true });
  }
}

async function passOn(before: Stats, file: FileHandle, mode: number): Promise<void> {
  const made = await file.stat();
  if (before.uid !== made.uid || before.gid !== made.gid) await file.chown(before.uid, before.gid);
  // Behind the change of owner, which takes rights away.
  await file.chmod(mode | (before.mode & 0o040));
}
