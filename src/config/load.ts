/**
 * Reads the gateway's configuration: its file, what that includes, the modules and the users file that it names. Every
 * mistake in them is found at once.
 */
import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import type { UserOptions } from '../auth/users.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Directive } from '../spi/directive.ts';
import type { Module } from '../spi/module.ts';
import { allowWarnings } from './allow-warnings.ts';
import { tlsFindings } from './certificate-files.ts';
import { complianceWarnings } from './compliance-options.ts';
import { type ConfigTree, readConfigTree } from './config-tree.ts';
import { fileOptionsWith } from './file-options.ts';
import { withAbsolutePaths } from './file-paths.ts';
import { inventoryFindings } from './inventory-file.ts';
import { loadModules, type NamedModule } from './load-modules.ts';
import { loginFindings } from './login-files.ts';
import type { GatewayOptions } from './options.ts';
import { listedNames, partNameFindings } from './part-names.ts';
import { inOrder, type Problem } from './problem.ts';
import { type Finding, homeFindings, stateFindings } from './reality.ts';
import { revocationWarnings } from './revocation-warnings.ts';
import { type RuleSource, ruleWarnings } from './rule-warnings.ts';
import { runAsWarnings } from './run-as-warnings.ts';
import { octal, othersMayRead } from './secret-mode.ts';
import { postQuantumFindings } from './tls-findings.ts';
import { totpSecretsProblems } from './totp-secrets-file.ts';
import { unaskedAccounts } from './unasked-certificates.ts';
import { checkUsers, readUsersText } from './users-file.ts';
import { validate } from './validate.ts';
import { workerFindings, workersIn } from './workers.ts';

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
      /** The modules that the configuration names; the gateway needs them to understand the options. */
      readonly modules: readonly Module[];
      /** Where those modules are loaded from, for processes that have to load them again. */
      readonly moduleNames: readonly NamedModule[];
      /** The configuration file's folder, absolute. */
      readonly baseDir: string;
      /** The configuration files that were read, absolute: this one, those that it includes, and the users file. */
      readonly files: readonly string[];
      /** What is right and yet probably not meant; nothing is refused for it. */
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Loads a configuration file. Nothing is thrown for what an operator can get wrong: all of it comes back as problems,
 * in the order of the lines, those of included files behind them and those of the users file last. Relative paths are
 * relative to the file in which they stand.
 */
export async function loadConfig(
  path: string,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<LoadedConfig> {
  const read = await readConfigTree(path);
  if (!read.ok) return read;
  const { tree } = read;
  if (!tree.sound) return { ok: false, problems: tree.inOrder(tree.problems) };

  const { modules, names: moduleNames, directives, problems: moduleProblems } = await loadModules(tree);
  // A module that did not load may have declared any key.
  const unknownKeys = moduleProblems.length === 0 ? 'refused' : 'ignored';
  const checked = validate(tree, fileOptionsWith(directives), { directives, unknownKeys });
  const { baseDirAt } = tree;
  const misnamed = partNames(tree, modules, moduleProblems.length === 0);
  const tls = await tlsFindings(tree.value, { baseDirAt, nowMs: clock.now() });
  const ends = await revocationWarnings(tree.value, { baseDirAt, nowMs: clock.now() });
  const findings = [
    ...(await homeFindings(tree.value, { baseDirAt })),
    ...tls.mistakes,
    ...postQuantumFindings(tree.value),
    ...(await loginFindings(tree.value, { baseDirAt })),
    ...(await inventoryFindings(tree.value, { baseDirAt })),
    ...stateFindings(stateDirectoryOf(tree, path)),
    ...misnamed(tree.value),
    ...workerFindings(tree.value),
  ];
  const more = await moreUsers(tree, directives);
  const theirs =
    more.source === undefined
      ? []
      : problemsIn(more.source, [
          ...misnamed(more.source.value),
          ...workerFindings(more.source.value, workersIn(tree.value)),
        ]);
  const secrets = await totpSecretsProblems(tree);

  const ownProblems = [
    ...tree.problems,
    ...moduleProblems,
    ...(checked.ok ? [] : checked.problems),
    ...findings.map((finding) => tree.problemAt(finding.path, finding.message)),
    ...more.ownProblems,
    ...secrets.own,
  ];
  const problems = [...tree.inOrder(ownProblems), ...inOrder([...more.problems, ...theirs]), ...secrets.theirs];
  if (!checked.ok || problems.length > 0) return { ok: false, problems };
  const { include: _include, modules: _modules, ...written } = checked.value;
  const baseDir = dirname(resolve(path));
  const placed = withAbsolutePaths<GatewayOptions>(written, baseDirAt);
  const options = { ...placed, stateDirectory: placed.stateDirectory ?? join(baseDir, STATE_FOLDER) };
  return {
    ok: true,
    options,
    modules,
    moduleNames,
    accounts: [...options.users, ...more.users],
    baseDir,
    files: options.usersFile === undefined ? tree.files : [...tree.files, options.usersFile],
    warnings: [
      ...(await openHashes(tree)),
      ...tree.inOrder([...tls.warnings, ...ends].map(({ path, message }) => tree.problemAt(path, message))),
      ...tree.inOrder(complianceWarnings(tree.value).map(({ path, message }) => tree.problemAt(path, message))),
      ...tree.inOrder(ruleWarnings(tree, classNames(options))),
      ...inOrder(more.source === undefined ? [] : ruleWarnings(more.source, classNames(options))),
      ...tree.inOrder(allowWarnings(tree)),
      ...inOrder(more.source === undefined ? [] : allowWarnings(more.source)),
      ...tree.inOrder(runAsWarnings(tree)),
      ...inOrder(more.source === undefined ? [] : runAsWarnings(more.source)),
    ],
  };
}

/** Where a configuration that does not say so keeps what the gateway has to remember: beside itself. */
const STATE_FOLDER = 'state';

/** It, named or not, as far as it can be told while other parts are wrong. */
function stateDirectoryOf(tree: ConfigTree, path: string): string {
  const key = ['stateDirectory'];
  const named = tree.valueAt(key);
  const baseDir = tree.baseDirAt(key);
  return typeof named === 'string' ? resolve(baseDir, named) : join(dirname(resolve(path)), STATE_FOLDER);
}

/** Finds names of gates and deliveries that there are not; of gates none while a module that may have brought them did not load. */
function partNames(tree: ConfigTree, modules: readonly Module[], complete: boolean): (value: unknown) => Finding[] {
  const gates = [...listedNames(tree.valueAt(['gates'])), ...modules.flatMap((module) => listedNames(module.gates))];
  const deliveries = listedNames(tree.valueAt(['deliveries']));
  return (value) => [
    ...(complete ? partNameFindings(value, 'gates', gates) : []),
    ...partNameFindings(value, 'deliver', deliveries),
  ];
}

function problemsIn(source: RuleSource, findings: readonly Finding[]): Problem[] {
  return findings.map(({ path, message }) => source.problemAt(path, message));
}

/** What the users file brings. */
interface MoreUsers {
  readonly users: readonly UserOptions[];
  /** Problems whose place is in the configuration. */
  readonly ownProblems: readonly Problem[];
  /** Problems whose place is in the users file. */
  readonly problems: readonly Problem[];
  /** Its accounts, and their places. */
  readonly source?: RuleSource;
}

const NOTHING: MoreUsers = { users: [], ownProblems: [], problems: [] };

async function moreUsers(tree: ConfigTree, directives: readonly Directive[]): Promise<MoreUsers> {
  const usersFile = tree.valueAt(['usersFile']);
  if (typeof usersFile !== 'string' || usersFile === '') return NOTHING;
  const absolute = resolve(tree.baseDirAt(['usersFile']), usersFile);
  const read = await readUsersText(absolute);
  if (!read.ok) return { ...NOTHING, ownProblems: [tree.problemAt(['usersFile'], read.message)] };
  const shownIn = dirname(tree.problemAt(['usersFile'], '').file);
  const shownAs = isAbsolute(usersFile) ? usersFile : join(shownIn, usersFile);
  const file = await checkUsers(read, { shownAs, baseDir: dirname(absolute), directives });
  if (!file.ok) return { ...NOTHING, problems: file.problems };
  const taken = new Map(namesIn(tree.valueAt(['users'])).map((name, index) => [name, index]));
  const problems = file.users.flatMap(({ name }, index) => {
    const twin = taken.get(name);
    if (twin === undefined) return [];
    const elsewhere = tree.problemAt(['users', twin], '').file;
    return [file.problemAt(['users', index, 'name'], `is taken by a user in ${elsewhere}`)];
  });
  const unasked = unaskedAccounts(tree.value, file.users).map(({ path, message }) => file.problemAt(path, message));
  const source: RuleSource = { value: { users: file.users }, problemAt: (at, message) => file.problemAt(at, message) };
  return { ...NOTHING, users: file.users, problems: [...problems, ...unasked], source };
}

/** Files of the configuration that hold hashes of passwords and that others may read. */
async function openHashes(tree: ConfigTree): Promise<Problem[]> {
  const users = z
    .array(z.unknown())
    .catch([])
    .parse(tree.valueAt(['users']));
  const places = new Map<string, Problem>();
  for (const index of users.keys()) {
    const at = ['users', index, 'passwordHash'];
    if (tree.valueAt(at) === undefined) continue;
    const place = tree.problemAt(at, '');
    const { mode } = await stat(resolve(place.file));
    const message = othersMayRead(mode) ? `${OPEN_HASHES} (mode ${octal(mode)})` : undefined;
    if (message !== undefined && !places.has(place.file)) places.set(place.file, { ...place, message });
  }
  return [...places.values()];
}

const OPEN_HASHES = 'holds hashes of passwords, and others on this machine may read the file: run chmod 640 on it';

function classNames({ classes }: GatewayOptions): readonly string[] {
  return classes.map(({ name }) => name);
}

/** The names of the users in the configuration, whatever else may be wrong with them. */
function namesIn(users: unknown): (string | undefined)[] {
  return users === undefined ? [] : nameList.parse(users).map(({ name }) => name);
}

const nameList = z.array(z.object({ name: z.string().optional().catch(undefined) }).catch({})).catch([]);
