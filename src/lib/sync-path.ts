/** Waiting for the disk. */
import { open } from 'node:fs/promises';

/**
 * Waits until a file is on the disk, or the names in a directory: a rename lasts only then. @throws the system's error.
 */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
