/** What the actions of `sallyport user` share: which file they edit, names, and how an edit that is refused ends. */
import { InvalidArgumentError } from 'commander';
import { userName } from '../auth/users.ts';
import { BUILT_IN_DIRECTIVES } from '../config/built-in-directives.ts';
import { UsersFileRefused } from '../config/users-file.ts';
import { CommandFailure } from './command-failure.ts';
import { type NamedUsersFile, refuseProblems, usersFileOf } from './configuration.ts';
import type { Terminal } from './terminal.ts';

/** How the command line names the users file. */
export interface FileOptions {
  readonly users?: string;
  readonly config?: string;
}

/** The users file. @throws CommandFailure when the command line does not say which. */
export async function namedUsersFile({ users, config }: FileOptions, terminal: Terminal): Promise<NamedUsersFile> {
  if (users !== undefined) return { path: users, directives: BUILT_IN_DIRECTIVES };
  if (config !== undefined) return usersFileOf(config, terminal);
  throw new CommandFailure(
    'wrongUse',
    'Say which file the accounts are in: --users <file>, or --config <file> that names it.',
  );
}

/** What an edit of the users file says. @throws CommandFailure when the file has mistakes; they have been printed. */
export async function edited(terminal: Terminal, path: string, edit: Promise<boolean>): Promise<boolean> {
  try {
    return await edit;
  } catch (error) {
    if (error instanceof UsersFileRefused) return refuseProblems(path, error.problems, terminal);
    throw error;
  }
}

/** A name on the command line. @throws InvalidArgumentError when no account can have it. */
export function parseName(text: string): string {
  const checked = userName.safeParse(text);
  if (!checked.success) throw new InvalidArgumentError('A name is 1 to 64 letters, digits and . _ @ -');
  return checked.data;
}

/** How every action ends. */
export const EXIT_HELP = `
Exit codes:
  0  done
  1  it could not be done: no such account, or a name that is taken; the users file is as it was
  2  wrong options, or a mistake in the users file`;
