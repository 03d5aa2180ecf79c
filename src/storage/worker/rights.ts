/** Whose rights a process has, in the words of the kernel, and taking on a user's for good. */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** A user of the system, as its databases tell. */
export interface UnixUser {
  readonly user: string;
  readonly uid: number;
  readonly gid: number;
}

/** The part of `/proc/PID/status` that tells of rights; see proc(5). */
export interface Rights {
  /** Real, effective, saved and file system user. */
  readonly uids: readonly number[];
  /** The same of groups. */
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  /** Permitted and effective capabilities, as bits. */
  readonly permitted: bigint;
  readonly effective: bigint;
}

/** Reads the text of `/proc/PID/status`. @throws Error when a line is missing. */
export function parseRights(status: string): Rights {
  const words = (name: string): string[] => {
    const line = new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1];
    if (line === undefined) throw new Error(`no ${name} in the status of the process`);
    return line.split(/\s+/).filter((word) => word !== '');
  };
  const bits = (name: string) => BigInt(`0x${words(name)[0] ?? ''}`);
  return {
    uids: words('Uid').map(Number),
    gids: words('Gid').map(Number),
    groups: words('Groups').map(Number),
    permitted: bits('CapPrm'),
    effective: bits('CapEff'),
  };
}

/**
 * Why a process has not exactly this user's rights; undefined when it has. Of a process that was not `switched`, which
 * has the user from the one that started it, the capabilities are that one's.
 */
export function whyNotOf({ uid, gid }: UnixUser, rights: Rights, switched: boolean): string | undefined {
  if (uid === 0 || rights.uids.includes(0)) return 'it has the user number 0';
  if (rights.uids.length !== 4 || rights.uids.some((own) => own !== uid)) return `its users are ${rights.uids}`;
  if (rights.gids.length !== 4 || rights.gids.some((own) => own !== gid)) return `its groups are ${rights.gids}`;
  if (switched && (rights.permitted !== 0n || rights.effective !== 0n)) return 'it has capabilities';
  return undefined;
}

/** Whether this process may take on any user: it has the capabilities for that, or it is root where there are none. */
export function maySwitch(): boolean {
  if (process.platform !== 'linux') return process.getuid?.() === 0;
  const { effective } = parseRights(readFileSync('/proc/self/status', 'utf8'));
  return (effective & SWITCHING) === SWITCHING;
}

/** Whether this process is that user as it is, and no other at the same time. */
export function isAlready({ uid, gid }: UnixUser): boolean {
  const { getuid, geteuid, getgid, getegid } = process;
  return getuid?.() === uid && geteuid?.() === uid && getgid?.() === gid && getegid?.() === gid;
}

/**
 * Takes on the user: the supplementary groups, the group, the user; there is no way back. Afterwards every thread is
 * looked at, and the way back is tried. For a process that does nothing else and has done nothing yet.
 *
 * @throws Error when the process is not exactly that user in the end; it must do nothing more then.
 */
export function becomeUser(wanted: UnixUser): void {
  const { user, uid, gid } = wanted;
  const { setgroups, setgid, setuid, getuid } = process;
  if (!setgroups || !setgid || !setuid || !getuid) throw new Error('this system has no user numbers');
  if (uid === 0) throw new Error('nobody becomes user number 0');
  const switched = maySwitch();
  if (switched) {
    // What initgroups would leave in place, should it do nothing, are the groups of the gateway.
    setgroups([]);
    initGroups(user, gid);
    setgid(gid);
    // Only the step down from user number 0 takes the capabilities away (capabilities(7)).
    if (getuid() !== 0) setuid(0);
    setuid(uid);
  }
  if (!isAlready(wanted)) throw new Error(`not the user ${uid} of group ${gid}`);
  if (leadsBack(setuid)) throw new Error('the process could become user number 0 again');
  if (process.platform !== 'linux') return;
  for (const thread of readdirSync('/proc/self/task')) {
    const rights = parseRights(readFileSync(`/proc/self/task/${thread}/status`, 'utf8'));
    const reason = whyNotOf(wanted, rights, switched);
    if (reason !== undefined) throw new Error(`thread ${thread}: ${reason}`);
  }
}

/**
 * Closes what the process was handed by the one that started it, without knowing: a descriptor above `lastFd` that would
 * survive another exec. Those that Node opens for itself never do.
 */
export function closeInherited(lastFd: number): void {
  if (process.platform !== 'linux') return;
  for (const fd of readdirSync('/proc/self/fd').map(Number)) {
    if (fd > lastFd && !closesOnExec(fd)) closeSync(fd);
  }
}

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch {
    // The one that the list itself was read with is gone by now.
    return true;
  }
}

/** open(2); Node does not export it. */
const O_CLOEXEC = 0o2000000;

/** CAP_SETGID and CAP_SETUID. */
const SWITCHING = (1n << 6n) | (1n << 7n);

/** Takes the supplementary groups from the system's databases. Node has it, its types have not. */
function initGroups(user: string, gid: number): void {
  const initgroups: unknown = Reflect.get(process, 'initgroups');
  if (typeof initgroups !== 'function') throw new Error('this system has no supplementary groups');
  Reflect.apply(initgroups, process, [user, gid]);
}

function leadsBack(setuid: (id: number) => void): boolean {
  try {
    setuid(0);
    return true;
  } catch {
    // Refused, as it must be.
    return false;
  }
}
