/**
 * Replaces a small file in one step, so that a reader or a power cut meets the old text or the new one, never a
 * mixture.
 */
import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncPath } from '../lib/sync-path.ts';

/**
 * Writes the text beside the file, syncs it and renames it into place with mode 0600. A link is followed, and the owner
 * of a file that exists is kept, and that its group may read it: an edit by root must not lock the gateway out.
 *
 * @throws what the file system throws; the file is then as it was.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const folder = dirname(target);
  const staged = join(folder, `.${basename(target)}.${randomBytes(6).toString('hex')}.tmp`);
  const before = await stat(target).catch(() => undefined);
  try {
    const handle = await open(staged, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      const made = await handle.stat();
      if (before !== undefined && (before.uid !== made.uid || before.gid !== made.gid)) {
        await handle.chown(before.uid, before.gid);
      }
      // Behind the change of owner, which takes rights away.
      await handle.chmod(0o600 | ((before?.mode ?? 0) & 0o040));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(staged, target);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
  await syncPath(folder);
}
