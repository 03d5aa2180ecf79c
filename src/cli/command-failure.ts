/** How a command ends: exit codes, and the failure that a person at a terminal reads as one sentence and no stack. */

/**
 * What the process tells its caller. `wrongUse` covers the command line and the configuration alike; `incomplete` is for
 * `probe`, whose callers have to tell a server that is badly set up from one that gave no answer.
 */
export const EXIT_CODES = { success: 0, failure: 1, wrongUse: 2, incomplete: 3 } as const;
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];

/** An expected end of a command; `program.ts` prints the message on standard error and exits with the code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;

  constructor(how: 'failure' | 'wrongUse' | 'incomplete', message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.exitCode = EXIT_CODES[how];
  }
}
