/**
 * Which places of this machine lie on disks of its own. There the facts of what is open are in memory, and asking for them at
 * once costs a microsecond; on the thread pool it costs thirty. A network's file system may ask a server that does not
 * answer, and then nobody else must have to wait.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../lib/clock.ts';

/** Where the kernel tells what is mounted (proc_pid_mountinfo(5)). */
const TABLE = '/proc/self/mountinfo';
/** How long what was read holds. Being wrong meanwhile costs speed, and with a dead server patience, but no safety. */
const HOLDS_MS = 10_000;

/** File systems that keep the facts of what is open in memory. */
const LOCAL: ReadonlySet<string> = new Set([
  ...['ext2', 'ext3', 'ext4', 'xfs', 'btrfs', 'zfs', 'f2fs', 'bcachefs', 'jfs', 'nilfs2'],
  ...['overlay', 'tmpfs', 'ramfs', 'vfat', 'exfat', 'ntfs3'],
]);

/** The mounts of this machine; of another system than Linux nothing is known, and nothing local. */
export class LocalMounts {
  readonly #clock: Clock;
  #isLocalAt: ReadonlyMap<string, boolean>;
  #readMs: number;
  /** What was asked last, by its directory: one file after the other mostly lies beside it. */
  #last: { readonly directory: string; readonly isLocal: boolean } | undefined;

  /** Reads them, at once, for the first time. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#readMs = clock.monotonicMs();
    this.#isLocalAt = process.platform === 'linux' ? parseMounts(readFileSync(TABLE, 'latin1')) : new Map();
  }

  /** Whether a real path, each byte of it one character, lies on a disk of this machine as far as is known. */
  isLocal(real: string): boolean {
    this.#refresh();
    // What is mounted in a directory has a name there, and files are rarely mounted upon: those of the table are looked at.
    const here = this.#isLocalAt.get(real);
    if (here !== undefined) return here;
    const directory = real.slice(0, real.lastIndexOf('/'));
    if (this.#last?.directory !== directory) this.#last = { directory, isLocal: this.#isLocalBelow(directory) };
    return this.#last.isLocal;
  }

  #isLocalBelow(directory: string): boolean {
    for (let place = directory; ; place = place.slice(0, place.lastIndexOf('/'))) {
      const isLocal = this.#isLocalAt.get(place === '' ? '/' : place);
      if (isLocal !== undefined || place === '') return isLocal ?? false;
    }
  }

  /** Reads them anew when it is time to; nobody waits for it. */
  #refresh(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#isLocalAt.size === 0 || nowMs - this.#readMs < HOLDS_MS) return;
    this.#readMs = nowMs;
    this.#last = undefined;
    readFile(TABLE, 'latin1').then(
      (text) => {
        this.#isLocalAt = parseMounts(text);
        this.#last = undefined;
      },
      // Nothing is taken for local, then, and everything works as it does there.
      () => {
        this.#isLocalAt = new Map();
        this.#last = undefined;
      },
    );
  }
}

/**
 * The mount points of such a table, and whether all that is mounted there is local. A line is: id, parent, device, root, mount
 * point, options, any number of fields, `-`, type, source, options.
 */
export function parseMounts(table: string): ReadonlyMap<string, boolean> {
  const mounts = new Map<string, boolean>();
  for (const line of table.split('\n')) {
    const [place = '', , ...behind] = line.split(' ').slice(4);
    const type = behind[behind.indexOf('-') + 1];
    if (!place.startsWith('/')) continue;
    const point = place.replace(/\\([0-7]{3})/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 8)),
    );
    mounts.set(point, (mounts.get(point) ?? true) && behind.includes('-') && type !== undefined && LOCAL.has(type));
  }
  return mounts;
}
