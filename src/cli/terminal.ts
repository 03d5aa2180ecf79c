/** What a command sees of the world outside, handed in so that tests can run commands inside their own process. */
import type { Readable, Writable } from 'node:stream';
import type { ExitCode } from './command-failure.ts';
import { EXIT_CODES } from './command-failure.ts';

/**
 * The streams and signals of a command. Standard output carries what was asked for (a password, a table, the files made),
 * standard error everything said about it, so that output can be piped.
 */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Calls `act` at every SIGINT and SIGTERM, in place of what they do otherwise, until the returned function is called. */
  onStopSignal(act: () => void): () => void;
  /** Calls `act` at every SIGHUP, which would end the process otherwise, until the returned function is called. */
  onReloadSignal(act: () => void): () => void;
  /** Calls `act` at every SIGUSR2, which would end the process otherwise, until the returned function is called. */
  onRestartSignal(act: () => void): () => void;
  /** Ends the process now, whatever is still open. For someone who asks twice; every other end is a return. */
  exit(code: ExitCode): void;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  // Output has no reader any more (`sallyport user list | head`): end without a stack, as other programs do. That goes for
  // the gateway too, whose log this is: it must not go on unseen.
  process.stdout.on('error', () => process.exit(EXIT_CODES.failure));
  // Nobody is left to be told, which is no reason to stop serving.
  process.stderr.on('error', () => undefined);
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    onStopSignal(act) {
      process.on('SIGINT', act).on('SIGTERM', act);
      return () => void process.off('SIGINT', act).off('SIGTERM', act);
    },
    onReloadSignal(act) {
      process.on('SIGHUP', act);
      return () => void process.off('SIGHUP', act);
    },
    onRestartSignal(act) {
      process.on('SIGUSR2', act);
      return () => void process.off('SIGUSR2', act);
    },
    exit: (code) => process.exit(code),
  };
}
