/** The configuration as the commands meet it: loaded, or refused with every mistake told. */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import { loadConfig } from '../config/load.ts';
import type { Problem } from '../config/problem.ts';
import { formatProblem } from '../config/problem.ts';
import { parseYaml } from '../config/yaml-source.ts';
import { CommandFailure } from './command-failure.ts';
import type { Terminal } from './terminal.ts';

/** The file that commands look for when they are not told another. */
export const CONFIG_FILE = 'sallyport.yaml';

/** A configuration that is right. */
export type Configuration = Extract<LoadedConfig, { ok: true }>;

/** Loads a configuration. @throws CommandFailure (wrong use) after every mistake in it has been printed. */
export async function requireConfiguration(path: string, terminal: Terminal): Promise<Configuration> {
  const loaded = await loadConfig(path);
  return loaded.ok ? loaded : refuseProblems(path, loaded.problems, terminal);
}

/** Prints problems and gives up. @throws CommandFailure (wrong use), always. */
export function refuseProblems(path: string, problems: readonly Problem[], terminal: Terminal): never {
  // Each on a line of its own that begins with its place, so that an editor or a CI log can jump to it.
  for (const problem of problems) terminal.stderr.write(`${formatProblem(problem)}\n`);
  const count = problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`;
  throw new CommandFailure('wrongUse', `${path} has ${count}; nothing was started or changed.`);
}

/**
 * The users file that a configuration names. Nothing else in the configuration matters: it may still lack a certificate,
 * and the users file itself, when the first account is added.
 *
 * @throws CommandFailure (wrong use) when it names none; the system's error when it cannot be read.
 */
export async function usersFileOf(path: string): Promise<string> {
  const source = parseYaml(path, await readFile(path, 'utf8'));
  const usersFile = source.valueAt(['usersFile']);
  if (!source.sound || typeof usersFile !== 'string' || usersFile === '') {
    throw new CommandFailure(
      'wrongUse',
      `${path} names no users_file; say where the accounts are with --users <file>.`,
    );
  }
  return isAbsolute(usersFile) ? usersFile : join(dirname(path), usersFile);
}
