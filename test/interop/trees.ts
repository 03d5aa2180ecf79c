/** Folders full of files: making them, and comparing them by hashes of what is on both disks. */
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf, sha256Of } from '../fixtures/local-files.ts';

const DIRECTORIES = 10;

/** Writes so many files of 1,000 bytes and more into ten directories below a folder. */
export async function writeTree(folder: string, files: number): Promise<void> {
  for (let index = 0; index < files; index++) {
    const directory = join(folder, `${index % DIRECTORIES}`);
    if (index < DIRECTORIES) await mkdir(directory, { recursive: true });
    await writeFile(join(directory, `${index}.txt`), bytesOf(1_000 + index));
  }
}

/** `name hash` of every file below a folder, in order. */
export async function hashesOf(folder: string): Promise<readonly string[]> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const lines: string[] = [];
  for (const { parentPath, name } of files) {
    lines.push(`${join(parentPath, name).slice(folder.length)} ${await sha256Of(join(parentPath, name))}`);
  }
  return lines.sort();
}
