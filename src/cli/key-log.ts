/** `--tls-keylog`: a file with the secrets of TLS connections, for those who look into recorded traffic of their own. */
import { closeSync, constants, fstatSync, openSync, type Stats, writeSync } from 'node:fs';
import { CommandFailure } from './command-failure.ts';

/** What is said whenever secrets are written down. */
export const KEY_LOG_WARNING = (file: string) => `WARNING: the secrets of every TLS connection are written to ${file}.
WARNING: whoever reads that file can read all traffic, also what was recorded before. Stop, and remove it, when you are done.
`;

/**
 * Opens the file, made with mode 0600 when it is missing, and gives the function that adds a line to it.
 *
 * @throws CommandFailure (wrong use) when it is no file, is not this user's, or others may read or write it.
 */
export function openKeyLog(file: string): { readonly write: (line: Buffer) => void; readonly close: () => void } {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  const descriptor = opened(file, O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
  const problem = problemOf(fstatSync(descriptor));
  if (problem !== undefined) {
    closeSync(descriptor);
    throw new CommandFailure('wrongUse', `--tls-keylog: ${file} ${problem}`);
  }
  return { write: (line) => void writeSync(descriptor, line), close: () => closeSync(descriptor) };
}

function opened(file: string, flags: number): number {
  try {
    return openSync(file, flags, 0o600);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandFailure('wrongUse', `--tls-keylog: cannot write ${file} (${why})`, { cause: error });
  }
}

function problemOf(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'is not a regular file';
  if (process.platform === 'win32') return undefined;
  if (stats.uid !== process.getuid?.()) return 'belongs to another user';
  if ((stats.mode & 0o077) === 0) return undefined;
  return `can be used by others (mode ${(stats.mode & 0o7777).toString(8).padStart(4, '0')}): run chmod 600 on it, or name another`;
}
