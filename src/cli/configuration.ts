/** The configuration as the commands meet it: loaded, or refused with every mistake told. */
import { dirname, isAbsolute, join } from 'node:path';
import { readConfigTree } from '../config/config-tree.ts';
import type { LoadedConfig } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import { loadModules } from '../config/load-modules.ts';
import type { Problem } from '../config/problem.ts';
import { formatProblem } from '../config/problem.ts';
import type { Directive } from '../spi/directive.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** The file that commands look for when they are not told another. */
export const CONFIG_FILE = 'sallyport.yaml';

/** A configuration that is right. */
export type Configuration = Extract<LoadedConfig, { ok: true }>;

/**
 * Loads a configuration. What is probably not meant is printed and refuses nothing.
 *
 * @throws CommandFailure (wrong use) after every mistake in it has been printed.
 */
export async function requireConfiguration(path: string, terminal: Terminal): Promise<Configuration> {
  const loaded = await loadConfig(path);
  if (!loaded.ok) return refuseProblems(path, loaded.problems, terminal);
  for (const warning of loaded.warnings) terminal.stderr.write(`${formatProblem(warning)}\n`);
  return loaded;
}

/** Prints problems and gives up. @throws CommandFailure (wrong use), always. */
export function refuseProblems(path: string, problems: readonly Problem[], terminal: Terminal): never {
  // Each on a line of its own that begins with its place, so that an editor or a CI log can jump to it.
  for (const problem of problems) terminal.stderr.write(`${formatProblem(problem)}\n`);
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
  throw new CommandFailure('wrongUse', `${path} has ${count}; nothing was started or changed.`);
}

/** A users file, and what accounts in it may hold besides what is built in. */
export interface NamedUsersFile {
  readonly path: string;
  readonly directives: readonly Directive[];
}

/**
 * The users file that a configuration names, and the directives of the modules that it names. Nothing else in the configuration matters: it may still lack a certificate,
 * and the users file itself, when the first account is added.
 *
 * @throws CommandFailure (wrong use) when it names none or cannot be read.
 */
export async function usersFileOf(path: string, terminal: Terminal): Promise<NamedUsersFile> {
  const read = await readConfigTree(path);
  if (!read.ok) return refuseProblems(path, read.problems, terminal);
  const { tree } = read;
  const usersFile = tree.valueAt(['usersFile']);
  if (!tree.sound || typeof usersFile !== 'string' || usersFile === '') {
    throw new CommandFailure(
      'wrongUse',
      `${path} names no users_file; say where the accounts are with --users <file>.`,
    );
  }
  const { directives, problems } = await loadModules(tree);
  if (problems.length > 0) return refuseProblems(path, problems, terminal);
  const { file } = tree.problemAt(['usersFile'], '');
  return { path: isAbsolute(usersFile) ? usersFile : join(dirname(file), usersFile), directives };
}
