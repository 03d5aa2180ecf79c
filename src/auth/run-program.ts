/** Runs one of the system's programs for an answer: bounded in output and time, without a shell and without environment. */
import { execFile } from 'node:child_process';

/** How a program ended. */
export interface ProgramEnd {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * Runs a program by its absolute path. `input` is written to its standard input.
 *
 * @throws the system's error when it cannot be started; the signal's reason; an Error when it was killed or wrote too much.
 */
export function runProgram(
  path: string,
  words: readonly string[],
  { input = '', signal }: { readonly input?: string; readonly signal: AbortSignal },
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    // The environment of the gateway is nobody's business; LC_ALL keeps the answers in one language.
    const options = { env: { LC_ALL: 'C' }, maxBuffer: OUTPUT_BYTES_MAX, killSignal: 'SIGKILL', signal } as const;
    const child = execFile(path, words, options, (error, output) => {
      if (error === null) return resolve({ exitCode: 0, output });
      if (signal.aborted) return reject(signal.reason);
      if (typeof error.code === 'number') return resolve({ exitCode: error.code, output });
      reject(error);
    });
    // A program that does not read its input to the end answers all the same.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** Protects memory from a database that answers without end. */
const OUTPUT_BYTES_MAX = 1_048_576;
