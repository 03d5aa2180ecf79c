/** Reads the gateway's configuration file, and the users file it names, and finds every mistake in them at once. */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import type { UserOptions } from '../auth/users.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { readBoundedFile } from './bounded-file.ts';
import { type GatewayOptions, gatewayOptions } from './options.ts';
import { fileProblem, inOrder, type Problem } from './problem.ts';
import { homeFindings, tlsFindings } from './reality.ts';
import { checkUsers, readUsersText } from './users-file.ts';
import { validate } from './validate.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';

/** A configuration that is right in every way that can be known before starting, or what is wrong with it. */
export type LoadedConfig =
  | {
      readonly ok: true;
      /**
       * Paths are absolute. `users` are those of this file alone: a copy of the others would outlive a password that is
       * changed in the users file.
       */
      readonly options: GatewayOptions;
      /** The accounts of both files as they were when they were read, for showing; not for logging in. */
      readonly accounts: readonly UserOptions[];
      /** The configuration file's folder, absolute. */
      readonly baseDir: string;
      /** The configuration files that were read, absolute: this one, and the users file if there is one. */
      readonly files: readonly string[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Loads a configuration file. Nothing is thrown for what an operator can get wrong: all of it comes back as problems,
 * in the order of the lines, those of the users file last. Relative paths are relative to the file in which they stand.
 */
export async function loadConfig(
  path: string,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<LoadedConfig> {
  const file = resolve(path);
  const baseDir = dirname(file);
  const read = await readBoundedFile(file, CONFIG_BYTES_MAX);
  if (!read.ok) return { ok: false, problems: [fileProblem(path, read.message)] };

  const source = parseYaml(path, read.text);
  if (!source.sound) return { ok: false, problems: source.problems };
  const checked = validate(source, gatewayOptions);
  const findings = [
    ...(await homeFindings(source.value, { baseDir })),
    ...(await tlsFindings(source.value, { baseDir, nowMs: clock.now() })),
  ];
  const more = await moreUsers(source, path);

  const ownProblems = [
    ...source.problems,
    ...(checked.ok ? [] : checked.problems),
    ...findings.map((finding) => source.problemAt(finding.path, finding.message)),
    ...more.ownProblems,
  ];
  const problems = [...inOrder(ownProblems), ...inOrder(more.problems)];
  if (!checked.ok || problems.length > 0) return { ok: false, problems };
  const options = withAbsolutePaths(checked.value, baseDir);
  return {
    ok: true,
    options,
    accounts: [...options.users, ...more.users],
    baseDir,
    files: options.usersFile === undefined ? [file] : [file, options.usersFile],
  };
}

const CONFIG_BYTES_MAX = 16_777_216;

/** What the users file brings. */
interface MoreUsers {
  readonly users: readonly UserOptions[];
  /** Problems whose place is in the configuration. */
  readonly ownProblems: readonly Problem[];
  /** Problems whose place is in the users file. */
  readonly problems: readonly Problem[];
}

const NOTHING: MoreUsers = { users: [], ownProblems: [], problems: [] };

async function moreUsers(source: YamlSource, path: string): Promise<MoreUsers> {
  const usersFile = source.valueAt(['usersFile']);
  if (typeof usersFile !== 'string' || usersFile === '') return NOTHING;
  const absolute = resolve(dirname(path), usersFile);
  const read = await readUsersText(absolute);
  if (!read.ok) return { ...NOTHING, ownProblems: [source.problemAt(['usersFile'], read.message)] };
  const shownAs = isAbsolute(usersFile) ? usersFile : join(dirname(path), usersFile);
  const file = await checkUsers(read.text, { shownAs, baseDir: dirname(absolute) });
  if (!file.ok) return { ...NOTHING, problems: file.problems };
  const taken = new Set(namesIn(source.valueAt(['users'])));
  const problems = file.users.flatMap(({ name }, index) =>
    taken.has(name) ? [file.problemAt(['users', index, 'name'], `is taken by a user in ${path}`)] : [],
  );
  return { ...NOTHING, users: file.users, problems };
}

/** The names of the users in the configuration, whatever else may be wrong with them. */
function namesIn(users: unknown): string[] {
  return users === undefined ? [] : nameList.parse(users).flatMap(({ name }) => (name === undefined ? [] : [name]));
}

const nameList = z.array(z.object({ name: z.string().optional().catch(undefined) }).catch({})).catch([]);

/** The files of a certificate and its key. */
type PairFiles = Pick<GatewayOptions['tls'], 'certificateFile' | 'keyFile'>;

function withAbsolutePaths(options: GatewayOptions, baseDir: string): GatewayOptions {
  const { tls, hosts, usersFile } = options;
  const absolute = <T extends PairFiles>(pair: T): T => ({
    ...pair,
    ...(pair.certificateFile !== undefined && { certificateFile: resolve(baseDir, pair.certificateFile) }),
    ...(pair.keyFile !== undefined && { keyFile: resolve(baseDir, pair.keyFile) }),
  });
  return {
    ...options,
    tls: absolute(tls),
    hosts: hosts.map(absolute),
    users: options.users.map((user) => ({ ...user, home: resolve(baseDir, user.home) })),
    ...(usersFile !== undefined && { usersFile: resolve(baseDir, usersFile) }),
  };
}
