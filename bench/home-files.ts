/** Files in the homes of the contestants. */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, link, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is written at once. */
const PIECE = randomFillSync(Buffer.allocUnsafe(2 ** 20));
/** Files that are made side by side. */
const SIDE_BY_SIDE = 32;

/** Lays a file of so many bytes into a home. All homes share one, so that the page cache holds it once. */
export async function layFile(home: string, shared: string, { name, bytes }: { name: string; bytes: number }) {
  const original = join(shared, `${bytes}`);
  if (!existsSync(original)) {
    await using file = await open(original, 'w', 0o644);
    for (let left = bytes; left > 0; left -= PIECE.length) await file.write(PIECE, 0, Math.min(left, PIECE.length));
    // Or the disk would still be busy with it while others are measured.
    await file.sync();
  }
  await link(original, join(home, name));
}

/** Makes a directory that a server may write, whatever user it becomes. */
export async function layDirectory(home: string, name: string): Promise<string> {
  const directory = join(home, name);
  await mkdir(directory);
  await chmod(directory, 0o777);
  return directory;
}

/** Makes a directory with so many empty files. */
export async function layEntries(home: string, name: string, count: number): Promise<void> {
  const directory = await layDirectory(home, name);
  for (let index = 0; index < count; index += SIDE_BY_SIDE) {
    const some = Array.from({ length: Math.min(SIDE_BY_SIDE, count - index) }, (_, each) => index + each);
    await Promise.all(some.map((each) => writeFile(join(directory, `entry-${`${each}`.padStart(6, '0')}.dat`), '')));
  }
}

/** Removes everything in a directory and leaves the directory itself. */
export async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
}
