/**
 * Accounts that a program keeps in memory and changes while its gateway runs, as pyftpdlib's DummyAuthorizer has them.
 * What is changed holds at once, for those who are logged in as well.
 */
import { stat } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import type { Secret } from '../lib/secret.ts';
import { ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import type { Account, Authenticator } from '../spi/authenticator.ts';
import type { DirectoryRule, PermissionLetter } from '../spi/permissions.ts';
import { parsePermissions } from '../spi/permissions.ts';
import { hashPassword } from './password-hash.ts';
import type { UserOptions, UserOptionsInput } from './users.ts';
import { userOptions } from './users.ts';
import type { UsersProverParts } from './users-prover.ts';
import { usersProver } from './users-prover.ts';

/** An account for the table: as in the configuration, with a password in place of its hash if that is what there is. */
export type TableUser = Omit<UserOptionsInput, 'passwordHash'> & {
  /** Values of directives that may be written in an account, such as `loginMessage`. */
  readonly settings?: Readonly<Record<string, unknown>>;
} & ({ readonly password: Secret } | { readonly passwordHash: string });

/** What guests may do. */
export interface GuestOptions {
  /** `elr` by default: look and fetch. */
  readonly permissions?: string;
  /** Must be said for permissions that change anything: everybody in the world would have them. */
  readonly writable?: boolean;
  /** Values of directives that may be written in an account. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

/** The table. Give its `authenticator` to `createGateway`. */
export interface UserTable {
  readonly authenticator: Authenticator;
  /**
   * Adds an account. @throws UserRefused when the name is taken, the password empty, the home no directory, or an option
   * wrong; its text names every mistake.
   */
  add(user: TableUser): Promise<void>;
  /**
   * Lets everybody in who calls himself `anonymous` or `ftp`, whatever the password. @throws UserRefused when guests are
   * let in already, the home is no directory, or the permissions change something and `writable` was not said.
   */
  addAnonymous(home: string, options?: GuestOptions): Promise<void>;
  /**
   * Gives an account other permissions in a directory, and in everything below unless `recursive` is false; a second
   * call for one directory takes the place of the first. @throws UserRefused for a name that is not in the table, what is
   * no directory of clients, or no permissions.
   */
  overridePermissions(
    name: string,
    directory: string,
    permissions: string,
    options?: { readonly recursive?: boolean; readonly writable?: boolean },
  ): void;
  /**
   * Removes an account. Who is logged in by it stays connected and may do nothing more. @throws UserRefused for a name
   * that is not in the table.
   */
  remove(name: string): void;
  has(name: string): boolean;
}

/** Why the table did not do what was asked. */
export class UserRefused extends Error {
  override readonly name = 'UserRefused';
}

/** What a table is made with. */
export interface UserTableParts extends Omit<UsersProverParts, 'users'> {
  /** The account that options make; its permissions are the table's own. */
  readonly accountFor: (options: UserOptions) => Account;
}

/** The names of guests (RFC 1635). */
const GUEST = 'anonymous';
const GUEST_NAMES: ReadonlySet<string> = new Set([GUEST, 'ftp']);

/** The letters that change nothing. */
const READING: ReadonlySet<PermissionLetter> = new Set(['e', 'l', 'r'] as const);

/** What the table knows of one account; what can change stands here, and accounts look it up. */
interface Entry {
  readonly options: UserOptions;
  readonly settings: Readonly<Record<string, unknown>>;
  permissions: ReadonlySet<PermissionLetter>;
  directories: readonly DirectoryRule[];
}

/** Makes an empty table. */
export function userTable({ accountFor, ...prover }: UserTableParts): UserTable {
  const entries = new Map<string, Entry>();
  const proving = usersProver({ ...prover, users: () => [...entries.values()].map(({ options }) => options) });

  const insert = (options: UserOptions, settings: Readonly<Record<string, unknown>> = {}): void => {
    const directories = options.directories.flatMap(({ path, recursive, permissions }) =>
      permissions === undefined ? [] : [{ path, recursive, permissions: letters(permissions) }],
    );
    entries.set(options.name, { options, settings, permissions: letters(options.permissions), directories });
  };
  const refuseTaken = (name: string): void => {
    if (entries.has(name)) throw new UserRefused(`${name} is in the table already`);
  };
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw new UserRefused(`${name} is not in the table`);
    return entry;
  };
  /** An account whose rights are looked up whenever they are asked for. */
  const accountOf = (entry: Entry): Account => {
    const { settings } = entry;
    return {
      ...accountFor(entry.options),
      settings,
      get permissions() {
        return entry.permissions;
      },
      get directories() {
        return entry.directories;
      },
    };
  };

  return {
    authenticator: {
      name: 'user-table',
      async authenticate(credentials, signal) {
        const guest = GUEST_NAMES.has(credentials.user.toLowerCase()) ? entries.get(GUEST) : undefined;
        if (guest !== undefined && credentials.password !== undefined) {
          return { verdict: 'accepted', account: accountOf(guest) };
        }
        // Without a hash of its own: the chain behind it spends one on names that nobody knows, so that both take one.
        if (!entries.has(credentials.user)) return { verdict: 'declined' };
        const proof = await proving.prove(credentials, signal);
        if (proof.verdict !== 'accepted') return proof;
        const entry = entries.get(proof.identity.user);
        // It may have been removed while its password was being checked.
        if (entry === undefined) return { verdict: 'refused', reason: 'the account was removed' };
        return { verdict: 'accepted', account: accountOf(entry) };
      },
    },

    async add({ settings, ...user }) {
      refuseTaken(user.name);
      if (GUEST_NAMES.has(user.name.toLowerCase())) throw new UserRefused(`${user.name} is a guest: use addAnonymous`);
      const { password, ...rest } = 'password' in user ? user : { ...user, password: undefined };
      if (password?.reveal() === '') throw new UserRefused(`${user.name} needs a password that is not empty`);
      const options = checked(password === undefined ? rest : { ...rest, passwordHash: await hashPassword(password) });
      if (options.passwordHash === undefined) throw new UserRefused(`${options.name} has neither password nor hash`);
      // Its names are the program's own: no user of the system stands behind them.
      if (options.runAs === 'user') throw new UserRefused(`${options.name} has no user number to run as`);
      await refuseUnlessHome(options.home);
      // Another call may have added it while this one was hashing.
      refuseTaken(options.name);
      insert(options, settings);
    },

    async addAnonymous(home, { permissions = 'elr', writable = false, settings } = {}) {
      refuseTaken(GUEST);
      const options = checked({ name: GUEST, home, permissions });
      refuseUnlessSaid(letters(options.permissions), writable);
      await refuseUnlessHome(home);
      refuseTaken(GUEST);
      insert(options, settings);
    },

    overridePermissions(name, directory, text, { recursive = true, writable = false } = {}) {
      const entry = entryOf(name);
      const path = virtualDirectory(directory);
      const permissions = letters(text);
      if (name === GUEST) refuseUnlessSaid(permissions, writable);
      const others = entry.directories.filter((rule) => rule.path !== path);
      entry.directories = [...others, { path, permissions, recursive }];
    },

    remove(name) {
      const entry = entryOf(name);
      entries.delete(name);
      entry.permissions = new Set();
      entry.directories = [];
    },

    has: (name) => entries.has(name),
  };
}

/** @throws UserRefused with every mistake in words. */
function checked(written: UserOptionsInput): UserOptions {
  const read = userOptions.safeParse(written);
  if (read.success) return read.data;
  const mistakes = read.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
  throw new UserRefused(`${String(written.name)}: ${mistakes.join('; ')}`, { cause: read.error });
}

/** A home that is missing would let somebody in and then show nothing but errors. */
async function refuseUnlessHome(home: string): Promise<void> {
  if (!isAbsolute(home)) throw new UserRefused(`${home} must be an absolute path`);
  const found = await stat(home).catch((cause: unknown) => {
    throw new UserRefused(`${home} cannot be used as a home`, { cause });
  });
  if (!found.isDirectory()) throw new UserRefused(`${home} is no directory`);
}

function refuseUnlessSaid(permissions: ReadonlySet<PermissionLetter>, writable: boolean): void {
  const changing = [...permissions].filter((letter) => !READING.has(letter)).join('');
  if (changing === '' || writable) return;
  throw new UserRefused(`guests would be everybody in the world: say writable: true to give them ${changing}`);
}

function letters(text: string): ReadonlySet<PermissionLetter> {
  const parsed = parsePermissions(text);
  if (parsed === undefined) throw new UserRefused(`${text} are no permission letters`);
  return parsed;
}

function virtualDirectory(text: string): VirtualPath {
  const path = resolvePath(ROOT, text);
  if (path !== undefined && path === text) return path;
  throw new UserRefused(`${text} must be an absolute path as clients see it, such as /inbox`);
}
