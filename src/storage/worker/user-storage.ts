/**
 * Storage with the rights of the system's users: files are local ones, and everything done to them is done by a process
 * of that user. The kernel decides what it may; the gateway's own rights, root's most often, never touch those files.
 */
import type { FileSystem } from '../../spi/file-system.ts';
import { type LocalHome, localStorageOptions } from '../local.ts';
import { DEFAULT_SEALED_NAME } from '../sealed-name.ts';
import { isAlready, maySwitch, type UnixUser } from './rights.ts';
import { WorkerFiles } from './worker-files.ts';
import { Workers, type WorkersParts } from './workers.ts';

/** The system's users, shared by all accounts of a gateway. */
export interface UserStorage {
  /** Why this process cannot work with the rights of that user; undefined when it can. The reason is for the log. */
  whyNot(user: UnixUser): string | undefined;
  /** The files of a home, with that user's rights. A worker is started when one is needed, not before. */
  filesFor(user: UnixUser, home: LocalHome): FileSystem;
  /** Process ids of the workers that run. */
  readonly pids: readonly number[];
  /** Ends every worker. Resolves when no process is left; what is asked afterwards starts a new one. */
  close(): Promise<void>;
}

/** Makes one for a gateway. */
export function createUserStorage(parts: WorkersParts): UserStorage {
  const workers = new Workers(parts);
  return {
    get pids() {
      return workers.pids;
    },
    whyNot(user) {
      if (user.uid === 0) return 'user number 0 is never served';
      if (maySwitch() || isAlready(user)) return undefined;
      return `the gateway is not root, so it cannot take on user ${user.uid}`;
    },
    filesFor(user, { root, owner, sealedName = DEFAULT_SEALED_NAME, ...options }) {
      const kept = localStorageOptions.parse(options);
      return new WorkerFiles({ user: user.user, uid: user.uid, gid: user.gid }, () => workers.lease(user), {
        root,
        owner,
        sealedName,
        ...kept,
      });
    },
    close: () => workers.close(),
  };
}
