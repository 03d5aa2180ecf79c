/** The accounts of a gateway: where they are written down (config), what they become (auth), where their files live (storage). */
import { accountOf, fillTemplate } from '../auth/account.ts';
import type { AccountAnswer } from '../auth/compose.ts';
import type { AccountOptions, AccountTemplate, UserOptions } from '../auth/users.ts';
import type { GatewayOptions } from '../config/options.ts';
import { modeBits } from '../config/storage-options.ts';
import { readUsersFile, UsersFileRefused } from '../config/users-file.ts';
import type { Clock } from '../lib/clock.ts';
import { ROOT } from '../protocol/virtual-path.ts';
import type { Identity } from '../spi/authenticator.ts';
import type { Directive } from '../spi/directive.ts';
import type { FileSystem, SystemUser } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import { createLocalStorage } from '../storage/local.ts';
import { type LiveUploads, OwnUploads } from '../storage/staging-names.ts';
import { createUserStorage } from '../storage/worker/user-storage.ts';
import { charsetNamed } from './legacy-charset.ts';
import { rereadFile } from './reread-file.ts';
import { type UsersRead, usersReadOf } from './users-read.ts';

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
  /**
   * The files of an account that nobody need be logged in as: those of an account that is written down, or, where it is not or
   * was elsewhere, those at the root that it had. Whose were reached with the rights of a user of the system are reached so
   * again, and never with the gateway's. Undefined when nothing says where they are, or when those rights cannot be had.
   */
  filesAt(account: string, place: FilesPlace): FileSystem | undefined;
  /** The same for handing on what was published, which is read with the gateway's rights, also where a user's put it there. */
  readableAt(account: string, root: string | undefined): FileSystem | undefined;
  /** Ends the processes that work for accounts. Resolves when none is left. */
  close(): Promise<void>;
}

/** Where an account's files were, and with whose rights: the gateway's own when no `user` is told. */
export interface FilesPlace {
  readonly root?: string | undefined;
  readonly user?: SystemUser | undefined;
}

/** What accounts are made with. */
export interface AccountsParts {
  readonly directives: readonly Directive[];
  readonly clock: Clock;
  readonly log: Log;
  /** What stands in front of an account's storage; nothing by default. */
  readonly decorated?: (files: FileSystem, account: string) => FileSystem;
  /** Told whenever the users file was read and is not as it was. It must not throw. */
  readonly usersRead?: ((read: UsersRead) => void) | undefined;
  /** The uploads that run; those of this process by default. */
  readonly uploads?: LiveUploads | undefined;
}

/**
 * Joins both sources of accounts. The users file is read again at the next login after it has changed, so that
 * `sallyport user` takes effect without a restart.
 */
export function accountsOf(options: GatewayOptions, parts: AccountsParts): Accounts {
  const { clock, log, decorated = (files: FileSystem) => files, uploads = new OwnUploads() } = parts;
  const storage = createLocalStorage({ live: uploads });
  const { fileMode, directoryMode, sync, workersMax, workerIdleMs } = options.storage;
  const userStorage = createUserStorage({ clock, log, workersMax, idleMs: workerIdleMs });
  const kept = {
    fileMode: modeBits(fileMode),
    directoryMode: modeBits(directoryMode),
    sync,
    sealedName: options.accessFile,
  };
  const file = usersFileOf(options.usersFile, parts);
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
  const ownAccountFor = (identity: Identity): AccountAnswer => {
    const user = users().find(({ name }) => name === identity.user);
    if (user === undefined) return { ok: false, reason: 'the name is not in users' };
    if (!user.enabled) return { ok: false, reason: 'account is disabled' };
    return made(user, identity);
  };
  const readableAt = (account: string, root: string | undefined): FileSystem | undefined => {
    const answer = ownAccountFor({ user: account, groups: [] });
    const own = answer.ok ? answer.account.files : undefined;
    if (root === undefined || (own !== undefined && own.onDisk?.(ROOT) === root)) return own;
    return decorated(storage.filesFor({ root, owner: account, ...kept }), account);
  };
  const filesOfUser = (account: string, user: SystemUser, root: string | undefined): FileSystem | undefined => {
    const reason = root === undefined ? 'it is not known where they are' : userStorage.whyNot(user);
    if (root !== undefined && reason === undefined) {
      return decorated(userStorage.filesFor(user, { root, owner: account, ...kept }), account);
    }
    log.error('files.user_unreachable', { account, root, ...user, reason });
    return undefined;
  };
  return {
    refresh: () => file.refresh(),
    reload: () => file.reload(),
    close: () => userStorage.close(),
    users,
    ownAccountFor,
    filesAt(account, { root, user }) {
      if (user !== undefined) return filesOfUser(account, user, root);
      const written = users().find(({ name }) => name === account);
      if (written?.runAs !== 'user') return readableAt(account, root);
      // The gateway's rights are not for an account that runs as a user, however its files were reached before.
      const reason = 'the account is run_as: user now, and the user is not known: release it by hand';
      log.error('files.user_unreachable', { account, root, reason });
      return undefined;
    },
    readableAt,
    templateAccountFor(template, identity) {
      const filled = fillTemplate(template, identity);
      return filled.ok ? made(filled.options, identity) : filled;
    },
  };
}

/** The accounts of a users file as they were when it was last right. */
function usersFileOf(
  path: string | undefined,
  { directives, usersRead }: Pick<AccountsParts, 'directives' | 'usersRead'>,
): { users(): readonly UserOptions[]; refresh(): Promise<void>; reload(): Promise<void> } {
  if (path === undefined) return { users: () => [], refresh: async () => undefined, reload: async () => undefined };
  let before: { readonly users: readonly UserOptions[]; readonly sha256: string } | undefined;
  const file = rereadFile(path, async (occasion) => {
    // At the start a home that is missing is a mistake; later it must not keep every other account from changing.
    const read = await readUsersFile(path, { directives, homes: occasion === 'start' ? 'checked' : 'unchecked' });
    if (!read.ok) throw new UsersFileRefused(read.problems);
    const { users, sha256 } = read;
    if (sha256 !== before?.sha256) usersRead?.(usersReadOf({ users, sha256 }, before?.users));
    before = { users, sha256 };
    return users;
  });
  return { users: () => file.content() ?? [], refresh: () => file.refresh(), reload: () => file.reload() };
}
