/** A user table whose accounts have their files on the local disk. */
import { accountOf } from '../auth/account.ts';
import { HashThreads } from '../auth/hash-threads.ts';
import { PasswordQueue } from '../auth/password-queue.ts';
import type { UserTable } from '../auth/user-table.ts';
import { userTable } from '../auth/user-table.ts';
import type { UserOptions } from '../auth/users.ts';
import { PASSWORD_CACHE_MS, VerifiedPasswords } from '../auth/verified-passwords.ts';
import { systemClock } from '../lib/clock.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { createLocalStorage } from '../storage/local.ts';
import { charsetNamed } from './legacy-charset.ts';

/** How a user table differs from the usual. */
export interface UserTableOptions {
  /**
   * Where an account's files live; its home on the local disk by default. The homes of a table and those of a
   * configuration should not lie within one another: neither knows of the other's uploads. For a gateway whose access files
   * are not called `.ftpaccess`, make them with that name as their `sealedName`.
   */
  readonly filesFor?: (user: UserOptions) => FileSystem;
  /** Password checks that may wait, as `limits.passwordQueueMax`. */
  readonly passwordQueueMax?: number;
  /** As `passwordCacheMs` of an entry `type: users`: 10 minutes by default; 0 computes the hash at every login. */
  readonly passwordCacheMs?: number;
}

/**
 * Makes an empty table of accounts that can be changed while the gateway runs.
 *
 * ```ts
 * const users = createUserTable();
 * await users.add({ name: 'acme', password: new Secret('...'), home: '/srv/acme', permissions: 'elradfmw' });
 * const gateway = createGateway(options, { authenticators: [users.authenticator] });
 * ```
 */
export function createUserTable(options: UserTableOptions = {}): UserTable {
  const storage = createLocalStorage();
  const filesFor = options.filesFor ?? ((user: UserOptions) => storage.filesFor({ root: user.home, owner: user.name }));
  const threads = new HashThreads({ clock: systemClock, threadsMax: 2 });
  return userTable({
    queue: new PasswordQueue({ waitingMax: options.passwordQueueMax ?? DEFAULT_LIMITS.passwordQueueMax }),
    verify: (password, hash) => threads.verify(password, hash),
    verified: new VerifiedPasswords({ clock: systemClock, keptMs: options.passwordCacheMs ?? PASSWORD_CACHE_MS }),
    accountFor: (user) => accountOf(user, { files: filesFor(user), charset: charsetNamed(user.charset), groups: [] }),
  });
}
