/** A terminal without a person: what is typed is given beforehand, what is printed is kept, signals are sent by the test. */
import { PassThrough, Writable } from 'node:stream';
import type { ExitCode } from '../../src/cli/command-failure.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';

/** A terminal, and the test's view of it. */
export interface FakeTerminal extends Terminal {
  readonly stdin: PassThrough & { isTTY?: boolean };
  /** What standard output has got so far. */
  output(): string;
  /** What standard error has got so far. */
  errors(): string;
  /** Resolves once standard output and standard error together hold the text. */
  printed(text: string): Promise<void>;
  /** Sends a stop signal. @returns how many listened. */
  stop(): number;
  /** Sends a reload signal. @returns how many listened. */
  reload(): number;
  /** Sends a restart signal. @returns how many listened. */
  restart(): number;
  /** Every code given to `exit`. */
  readonly exits: readonly ExitCode[];
}

/** A terminal whose standard input holds `input` and then ends, or stays open for the test to type on when it is a tty. */
export function fakeTerminal({ input = '', tty = false } = {}): FakeTerminal {
  const stdin: PassThrough & { isTTY?: boolean } = new PassThrough();
  if (tty) stdin.isTTY = true;
  else stdin.end(input);
  const printed = { output: '', errors: '' };
  const waiting = new Set<() => void>();
  const keep = (stream: keyof typeof printed) =>
    new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done) {
        printed[stream] += String(chunk);
        for (const look of waiting) look();
        done();
      },
    });
  const listeners = new Set<() => void>();
  const reloaders = new Set<() => void>();
  const restarters = new Set<() => void>();
  const exits: ExitCode[] = [];
  return {
    stdin,
    stdout: keep('output'),
    stderr: keep('errors'),
    onStopSignal(act) {
      listeners.add(act);
      return () => void listeners.delete(act);
    },
    onReloadSignal(act) {
      reloaders.add(act);
      return () => void reloaders.delete(act);
    },
    onRestartSignal(act) {
      restarters.add(act);
      return () => void restarters.delete(act);
    },
    exit: (code) => void exits.push(code),
    output: () => printed.output,
    errors: () => printed.errors,
    printed: (text) =>
      new Promise((resolve) => {
        const look = () => {
          if (!(printed.output + printed.errors).includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    stop() {
      const count = listeners.size;
      for (const act of [...listeners]) act();
      return count;
    },
    reload() {
      for (const act of [...reloaders]) act();
      return reloaders.size;
    },
    restart() {
      for (const act of [...restarters]) act();
      return restarters.size;
    },
    exits,
  };
}

/** Runs a command line to its end. */
export async function run(words: readonly string[], options: { readonly input?: string } = {}) {
  const terminal = fakeTerminal(options);
  const exitCode = await runProgram(words, terminal);
  return { exitCode, output: terminal.output(), errors: terminal.errors() };
}
