/** The accounts of a gateway: where they are written down (config), what they become (auth), where their files live (storage). */
import { accountOf, fillTemplate } from '../auth/account.ts';
import type { AccountAnswer } from '../auth/compose.ts';
import type { AccountOptions, AccountTemplate, UserOptions } from '../auth/users.ts';
import type { GatewayOptions } from '../config/options.ts';
import { modeBits } from '../config/storage-options.ts';
import { readUsersFile, UsersFileRefused } from '../config/users-file.ts';
import type { Clock } from '../lib/clock.ts';
import type { Identity } from '../spi/authenticator.ts';
import type { Directive } from '../spi/directive.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import { createLocalStorage } from '../storage/local.ts';
import { createUserStorage } from '../storage/worker/user-storage.ts';
import { charsetNamed } from './legacy-charset.ts';
import { rereadFile } from './reread-file.ts';

/** The accounts of the options and of the users file, which may change while the gateway runs. */
export interface Accounts {
  /**
   * Reads the users file if it has changed since; the accounts stay as they were when it cannot be read.
   * @throws UsersFileRefused naming every mistake in it, once for each version of it.
   */
  refresh(): Promise<void>;
  /** Reads the users file, whether or not it has changed. @throws UsersFileRefused, as `refresh`. */
  reload(): Promise<void>;
  /** The accounts that are written down, as they were when the users file was last right. */
  users(): readonly UserOptions[];
  /** The account of that name; none when it is disabled or not written down. */
  ownAccountFor(identity: Identity): AccountAnswer;
  /** The account that a template makes for somebody. */
  templateAccountFor(template: AccountTemplate, identity: Identity): AccountAnswer;
  /** Ends the processes that work for accounts. Resolves when none is left. */
  close(): Promise<void>;
}

/** What accounts are made with. */
export interface AccountsParts {
  readonly directives: readonly Directive[];
  readonly clock: Clock;
  readonly log: Log;
  /** What stands in front of an account's storage; nothing by default. */
  readonly decorated?: (files: FileSystem, account: string) => FileSystem;
}

/**
 * Joins both sources of accounts. The users file is read again at the next login after it has changed, so that
 * `sallyport user` takes effect without a restart.
 */
export function accountsOf(options: GatewayOptions, parts: AccountsParts): Accounts {
  const { directives, clock, log, decorated = (files: FileSystem) => files } = parts;
  const storage = createLocalStorage();
  const { fileMode, directoryMode, sync, workersMax, workerIdleMs } = options.storage;
  const userStorage = createUserStorage({ clock, log, workersMax, idleMs: workerIdleMs });
  const kept = {
    fileMode: modeBits(fileMode),
    directoryMode: modeBits(directoryMode),
    sync,
    sealedName: options.accessFile,
  };
  const file = usersFileOf(options.usersFile, directives);
  const users = () => [...options.users, ...file.users()];
  const filesOf = ({ runAs, tree, home, name }: AccountOptions, { user, uid, gid }: Identity): FileSystem | string => {
    const place = { root: tree === 'machine' ? '/' : home, owner: name, ...kept };
    if (runAs === 'gateway') return tree === 'home' ? storage.filesFor(place) : 'tree: machine is for run_as: user';
    if (uid === undefined || gid === undefined) return 'run_as: user, and the identity has no user number';
    return userStorage.whyNot({ user, uid, gid }) ?? userStorage.filesFor({ user, uid, gid }, place);
  };
  const made = (account: AccountOptions, identity: Identity): AccountAnswer => {
    const files = filesOf(account, identity);
    if (typeof files === 'string') return { ok: false, reason: files };
    const { groups } = identity;
    const charset = charsetNamed(account.charset);
    return { ok: true, account: accountOf(account, { files: decorated(files, account.name), charset, groups }) };
  };
  return {
    refresh: () => file.refresh(),
    reload: () => file.reload(),
    close: () => userStorage.close(),
    users,
    ownAccountFor(identity) {
      const user = users().find(({ name }) => name === identity.user);
      if (user === undefined) return { ok: false, reason: 'the name is not in users' };
      if (!user.enabled) return { ok: false, reason: 'account is disabled' };
      return made(user, identity);
    },
    templateAccountFor(template, identity) {
      const filled = fillTemplate(template, identity);
      return filled.ok ? made(filled.options, identity) : filled;
    },
  };
}

/** The accounts of a users file as they were when it was last right. */
function usersFileOf(
  path: string | undefined,
  directives: readonly Directive[],
): { users(): readonly UserOptions[]; refresh(): Promise<void>; reload(): Promise<void> } {
  if (path === undefined) return { users: () => [], refresh: async () => undefined, reload: async () => undefined };
  const file = rereadFile(path, async (occasion) => {
    // At the start a home that is missing is a mistake; later it must not keep every other account from changing.
    const read = await readUsersFile(path, { directives, homes: occasion === 'start' ? 'checked' : 'unchecked' });
    if (!read.ok) throw new UsersFileRefused(read.problems);
    return read.users;
  });
  return { users: () => file.content() ?? [], refresh: () => file.refresh(), reload: () => file.reload() };
}
