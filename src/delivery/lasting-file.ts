/** Files that are found whole or not at all, and last when whoever wrote them goes on. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ifThere } from '../lib/error-code.ts';
import { syncPath } from '../lib/sync-path.ts';

/** Puts a file in the place of the one of that name, in one step that lasts. @throws the system's error; it is as it was then. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const staged = `${path}.tmp`;
  const handle = await open(staged, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(staged, path);
  await syncPath(dirname(path));
}

/** Removes a file, when there is one, in a way that lasts. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncPath(dirname(path));
}

/** The text of a file; undefined when there is none. */
export function readText(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'));
}

/** Makes a folder, for nobody else's eyes, when it is missing. */
export async function makeFolder(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncPath(dirname(made));
}
