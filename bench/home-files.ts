/** Files in the homes of the contestants. */
import { randomFillSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, link, mkdir, open, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What is written at once. */
const PIECE = randomFillSync(Buffer.allocUnsafe(2 ** 20));
/** Files that are made side by side. */
const SIDE_BY_SIDE = 32;

/** A file to be laid out. */
export interface LaidFile {
  readonly name: string;
  readonly bytes: number;
  /** Random bytes, or a hole: zeros that take no room on the disk, for files of which the disk should not be full. */
  readonly content?: 'random' | 'hole';
}

/** Lays a file into a home. All homes share one, so that the page cache holds it once. */
export async function layFile(home: string, shared: string, { name, bytes, content = 'random' }: LaidFile) {
  const original = join(shared, `${content}-${bytes}`);
  if (!existsSync(original)) await (content === 'hole' ? makeHole(original, bytes) : makeRandom(original, bytes));
  await link(original, join(home, name));
}

async function makeRandom(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w', 0o644);
  for (let left = bytes; left > 0; left -= PIECE.length) await file.write(PIECE, 0, Math.min(left, PIECE.length));
  // Or the disk would still be busy with it while others are measured.
  await file.sync();
}

async function makeHole(path: string, bytes: number): Promise<void> {
  await using file = await open(path, 'w', 0o644);
  await file.truncate(bytes);
}

/** Makes a directory that a server may write, whatever user it becomes. */
export async function layDirectory(home: string, name: string): Promise<string> {
  const directory = join(home, name);
  await mkdir(directory);
  await chmod(directory, 0o777);
  return directory;
}

/** Makes a directory with so many empty files in the folder that all homes share, unless it is there, and tells where it is. */
export async function layEntries(shared: string, count: number): Promise<string> {
  const directory = join(shared, `entries-${count}`);
  if (existsSync(directory)) return directory;
  await layDirectory(shared, `entries-${count}`);
  for (let index = 0; index < count; index += SIDE_BY_SIDE) {
    const some = Array.from({ length: Math.min(SIDE_BY_SIDE, count - index) }, (_, each) => index + each);
    await Promise.all(some.map((each) => writeFile(join(directory, `entry-${`${each}`.padStart(6, '0')}.dat`), '')));
  }
  return directory;
}

/** Removes everything in a directory and leaves the directory itself. */
export async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name), { recursive: true, force: true });
}
