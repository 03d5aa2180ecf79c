/**
 * The promises of a storage and of an authenticator, checked with the suites that come with the library: each case is a
 * name and a function, for whatever test runner. Here a storage that hides names with a dot in front, and a user table.
 *
 * Run: `node --test check-your-parts.test.ts`.
 */
import { test } from 'node:test';
import { createUserTable, type DirectoryEntry, decorate, type FileSystem, MemoryFiles, Secret } from 'sallyport';
import { authenticatorConformance, fileSystemConformance } from 'sallyport/testing';

function hidingDots(files: FileSystem): FileSystem {
  return decorate(files, { list: async (path) => withoutDots(await files.list(path)) });
}

async function* withoutDots(batches: AsyncIterable<readonly DirectoryEntry[]>): AsyncGenerator<DirectoryEntry[]> {
  for await (const batch of batches) yield batch.filter(({ name }) => !name.startsWith('.'));
}

for (const { name, run } of fileSystemConformance(() => hidingDots(new MemoryFiles()))) {
  test(`storage: ${name}`, run);
}

async function table() {
  const users = createUserTable({ filesFor: () => new MemoryFiles() });
  const password = 'correct horse battery';
  await users.add({ name: 'partner', password: new Secret(password), home: '/' });
  return { authenticator: users.authenticator, user: 'partner', password };
}

for (const { name, run } of authenticatorConformance(table)) test(`authenticator: ${name}`, run);
