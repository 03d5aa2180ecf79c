/** Reading the names of a directory: of long ones, as iterating over `Dir` does it, that takes more than asking for half of the facts. */
import type { Dir, Dirent } from 'node:fs';
import type { StorageIo } from './io.ts';

/** Names that are read from the disk at once. */
const READ_ENTRIES = 512;

/** Every name in a directory with what kind of thing has it, in pieces as they are read. Never two readings at a time. */
export async function* namesWithin(io: StorageIo, path: string): AsyncGenerator<readonly Dirent[]> {
  const directory = await io.opendir(path, { bufferSize: READ_ENTRIES });
  try {
    for (;;) {
      const entries = await read(directory);
      if (entries.length > 0) yield entries;
      if (entries.length < READ_ENTRIES) return;
    }
  } finally {
    await directory.close();
  }
}

/** What one call of the disk gives. With a promise for each name it would take twice the time. */
function read(directory: Dir): Promise<readonly Dirent[]> {
  return new Promise((resolve, reject) => {
    const entries: Dirent[] = [];
    const take = (error: Error | null, entry?: Dirent | null) => {
      if (error !== null) return reject(error);
      if (entry) entries.push(entry);
      if (!entry || entries.length === READ_ENTRIES) return resolve(entries);
      directory.read(take);
    };
    directory.read(take);
  });
}
