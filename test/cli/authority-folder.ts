/** A folder with an authority made by `sallyport cert ca`, for tests of what is done with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** The folder; it goes away behind the test. */
export interface AuthorityFolder {
  readonly folder: string;
  /** The path of a file in it. */
  at(name: string): string;
  read(name: string): Promise<string>;
  write(name: string, text: string | Buffer): Promise<string>;
  /** Runs `sallyport cert` with these words, which must succeed. */
  cert(...words: string[]): Promise<{ readonly output: string; readonly errors: string }>;
  /** Runs `sallyport cert` with these words, which must fail. @returns exit code and standard error. */
  refused(...words: string[]): Promise<{ readonly exitCode: number; readonly errors: string }>;
}

/** Makes it, with a P-256 key unless said otherwise. */
export async function authorityFolder(keyType = 'ec-p256'): Promise<AuthorityFolder> {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const made: AuthorityFolder = {
    folder,
    at,
    read: (name) => readFile(at(name), 'utf8'),
    async write(name, text) {
      await writeFile(at(name), text, { mode: 0o600 });
      return at(name);
    },
    async cert(...words) {
      const { exitCode, output, errors } = await run(['cert', ...words]);
      expect({ exitCode, errors: exitCode === 0 ? '' : errors }).toEqual({ exitCode: 0, errors: '' });
      return { output, errors };
    },
    async refused(...words) {
      const { exitCode, errors } = await run(['cert', ...words]);
      expect(exitCode).not.toBe(0);
      expect(errors).not.toMatch(/\n\s+at /);
      return { exitCode, errors };
    },
  };
  await made.cert('ca', 'Test partners', '--out', folder, '--key-type', keyType);
  return made;
}
