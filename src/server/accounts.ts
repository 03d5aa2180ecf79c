/** The accounts of a gateway: who they are (auth), where they are written down (config), and where their files live (storage). */
import { stat } from 'node:fs/promises';
import { PasswordQueue } from '../auth/password-queue.ts';
import type { UserOptions } from '../auth/users.ts';
import { usersAuthenticator } from '../auth/users.ts';
import type { GatewayOptions } from '../config/options.ts';
import { modeBits } from '../config/options.ts';
import { readUsersFile, UsersFileRefused } from '../config/users-file.ts';
import type { Authenticator } from '../spi/authenticator.ts';
import type { Log } from '../spi/log.ts';
import { createLocalStorage } from '../storage/local.ts';
import { charsetNamed } from './legacy-charset.ts';

/** The accounts of the options and of the users file, which may change while the gateway runs. */
export interface Accounts {
  readonly authenticator: Authenticator;
  /** Reads the users file for the first time. @throws UsersFileRefused naming every mistake in it. */
  load(): Promise<void>;
}

/**
 * Joins both sources of accounts. The users file is read again at the next login after it has changed, so that
 * `sallyport user` takes effect without a restart; a file that has become wrong is reported, and the accounts stay as
 * they were.
 */
export function accountsOf(options: GatewayOptions, log: Log): Accounts {
  const storage = createLocalStorage();
  const { fileMode, directoryMode, sync } = options.storage;
  const kept = { fileMode: modeBits(fileMode), directoryMode: modeBits(directoryMode), sync };
  const file = usersFileOf(options.usersFile);
  const authenticator = usersAuthenticator({
    users: () => [...options.users, ...file.users()],
    charsetNamed,
    queue: new PasswordQueue({ waitingMax: options.limits.passwordQueueMax }),
    filesFor: (user) => storage.filesFor({ root: user.home, owner: user.name, ...kept }),
  });
  return {
    load: () => file.refresh(),
    authenticator: {
      name: authenticator.name,
      async authenticate(credentials, signal) {
        await file.refresh().catch((error: unknown) => log.error('users_file.refused', { error }));
        return authenticator.authenticate(credentials, signal);
      },
    },
  };
}

/** The accounts of a users file as they were when it was last right. */
function usersFileOf(path: string | undefined): { users(): readonly UserOptions[]; refresh(): Promise<void> } {
  let users: readonly UserOptions[] = [];
  let seen = '';
  return {
    users: () => users,
    async refresh() {
      if (path === undefined) return;
      const { mtimeMs, size, ino } = await stat(path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (version === seen) return;
      // At the start a home that is missing is a mistake; later it must not keep every other account from changing.
      const read = await readUsersFile(path, { homes: seen === '' ? 'checked' : 'unchecked' });
      // A version that is wrong is reported once, not at every login.
      seen = version;
      if (!read.ok) throw new UsersFileRefused(read.problems);
      users = read.users;
    },
  };
}
