/**
 * What accounts may do where, and where uploads can arrive: for every account that is written down, and every template of
 * accounts, the directories of which something is said. Rules and access files are not looked at: they can only take away, and cannot
 * say anything of `intake`.
 */

import type { AccountTemplate, UserOptions } from '../auth/users.ts';
import type { GatewayOptions } from '../config/options.ts';
import { type IntakeOptions, intakeDirective } from '../intake/intake-directive.ts';
import { lettersUnder, type ResolvedIntake, resolvedIntake } from '../intake/policy/profiles.ts';
import { parentOf, ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { type PermissionLetter, type Permitted, parsePermissions } from '../spi/permissions.ts';

/** A directory, and what somebody may do in it. */
export interface Place {
  /** The account, or the entry of `authentication` whose template it is. */
  readonly account: string;
  /** The virtual host through which it holds; undefined for those who name none. */
  readonly host: string | undefined;
  /** A name `*` at its end stands for what lies below a section that does not reach further down. */
  readonly path: VirtualPath;
  readonly intake: ResolvedIntake;
  readonly letters: ReadonlySet<PermissionLetter>;
  readonly overwrite: 'replace' | 'keep';
  /** What the account sees as `/`, on the disk; undefined where it depends on who comes. */
  readonly root: string | undefined;
}

/** Whether something may be written there. */
export function takesUploads({ letters }: Place): boolean {
  return letters.has('w') || letters.has('a');
}

/** Every such directory. Accounts that are switched off have none. */
export function placesOfAccounts(options: GatewayOptions, accounts: readonly UserOptions[]): readonly Place[] {
  const owners: readonly Owner[] = [
    ...accounts.filter(({ enabled }) => enabled).map((account) => ({ name: account.name, account })),
    ...options.authentication.flatMap((entry, index) =>
      entry.type === 'users' || entry.account === 'users'
        ? []
        : [{ name: `authentication[${index}].account`, account: entry.account }],
    ),
  ];
  const hosts = [undefined, ...options.hosts.filter(saysIntake)];
  return owners.flatMap((owner) =>
    hosts.flatMap((host) => (mayUse(owner, host) ? placesOf(owner, { options, host }) : [])),
  );
}

/** The place as it is told. */
export function placeName({ account, host, path }: Place): string {
  return `${account}:${path}${host === undefined ? '' : ` at ${host}`}`;
}

interface Owner {
  readonly name: string;
  readonly account: UserOptions | AccountTemplate;
}

type Host = GatewayOptions['hosts'][number];

interface Around {
  readonly options: GatewayOptions;
  readonly host: Host | undefined;
}

/** A section of a directory with what it says. */
interface Section {
  readonly path: VirtualPath;
  readonly recursive: boolean;
}

/** Only such a host can make a difference. */
function saysIntake(host: Host): boolean {
  return [host, ...host.directories].some((place) => intakeIn(place) !== undefined);
}

function mayUse({ name }: Owner, host: Host | undefined): boolean {
  return host?.users === undefined || host.users.includes(name);
}

function placesOf({ name, account }: Owner, { options, host }: Around): Place[] {
  // The order in which settings are merged: at one path the account's own section is the innermost.
  const sections: readonly Section[] = [...options.directories, ...(host?.directories ?? []), ...account.directories];
  const outside = [options, host, account].reduce(merged, intakeDirective.initial);
  const paths = new Set([
    ROOT,
    ...sections.flatMap(({ path, recursive }) => (recursive ? [path] : [path, below(path)])),
  ]);
  const permitted = permittedOf(account);
  const root = rootOf(account);
  return [...paths].sort().map((path) => {
    const holding = fromRoot(path).flatMap((stop) =>
      sections.filter((section) => section.path === stop && (section.recursive || stop === path)),
    );
    const intake = resolvedIntake(holding.reduce(merged, outside));
    const letters = lettersUnder(permitted, intake, path);
    return { account: name, host: host?.name, path, intake, letters, overwrite: account.overwrite, root };
  });
}

function rootOf({ tree, home }: Owner['account']): string | undefined {
  if (tree === 'machine') return '/';
  return home === undefined || /[{}]/.test(home) ? undefined : home;
}

function merged(outer: IntakeOptions, place: object | undefined): IntakeOptions {
  const inner = place && intakeIn(place);
  return inner === undefined ? outer : intakeDirective.merge(outer, inner);
}

/** What a place says; the type of an account does not know directives, and its value has passed the schema before. */
function intakeIn(place: object): IntakeOptions | undefined {
  return intakeDirective.schema.optional().parse(Reflect.get(place, intakeDirective.name));
}

function permittedOf({ permissions, directories }: Owner['account']): Permitted {
  const lettersOf = (text: string) => parsePermissions(text) ?? new Set<PermissionLetter>();
  return {
    permissions: lettersOf(permissions),
    directories: directories.flatMap(({ path, recursive, permissions: own }) =>
      own === undefined ? [] : [{ path, recursive, permissions: lettersOf(own) }],
    ),
  };
}

function below(path: VirtualPath): VirtualPath {
  return resolvePath(path, '*') ?? path;
}

function fromRoot(path: VirtualPath): VirtualPath[] {
  const stops = [path];
  for (let stop = path; stop !== ROOT; ) {
    stop = parentOf(stop);
    stops.unshift(stop);
  }
  return stops;
}
