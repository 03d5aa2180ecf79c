/** Writing new certificates and keys: whole, with their modes, and never over something that is there. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, ifThere } from '../lib/error-code.ts';
import { CommandFailure } from './command-failure.ts';
import { writeWholeFile } from './whole-file.ts';

/** A file to be written. Those with a key in them are for their owner alone. */
export interface NewFile {
  readonly path: string;
  readonly contents: string | Uint8Array;
  readonly holds: 'key' | 'certificate';
}

/**
 * Refuses to go on when one of the files exists: before keys are made and passwords asked for.
 *
 * @throws CommandFailure that names them all.
 */
export async function refuseExisting(paths: readonly string[]): Promise<void> {
  const there: string[] = [];
  for (const path of paths) if (await exists(path)) there.push(path);
  if (there.length > 0) throw alreadyThere(there);
}

/**
 * Writes the files in their order, a key before its certificate, so that no certificate is ever without its key. Folders
 * that are missing are made.
 *
 * @returns the paths. @throws CommandFailure when one exists and `existing` is `keep`; those before it have been written.
 */
export async function writeFiles(files: readonly NewFile[], existing: 'keep' | 'replace'): Promise<readonly string[]> {
  if (existing === 'keep') await refuseExisting(files.map(({ path }) => path));
  for (const { path, contents, holds } of files) {
    await mkdir(dirname(path), { recursive: true });
    await writeWholeFile(path, contents, { mode: holds === 'key' ? 0o600 : 0o644, existing }).catch((error) => {
      throw hasCode(error, 'EEXIST') ? alreadyThere([path]) : error;
    });
  }
  return files.map(({ path }) => path);
}

/** Whether something has the name. */
export async function exists(path: string): Promise<boolean> {
  return (await ifThere(stat(path))) !== undefined;
}

/** Files exist that would have to be replaced. */
export function alreadyThere(paths: readonly string[]): CommandFailure {
  const list = paths.map((path) => `  ${path}`).join('\n');
  return new CommandFailure(
    'failure',
    `These files exist already and were left as they are:\n${list}\nUse --force to replace them.`,
  );
}
