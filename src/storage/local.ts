/** Storage on the local disk: one directory of the machine as the whole world of an account. */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { assert } from '../lib/assert.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { DiskThread } from './disk-thread.ts';
import { type FactsSource, FactsThreads } from './facts-threads.ts';
import { nodeIo, type StorageIo } from './io.ts';
import type { JailMaker } from './jail.ts';
import { linuxJail } from './linux-jail.ts';
import { LocalFiles } from './local-files.ts';
import { LocalMounts } from './local-mounts.ts';
import { portableJail } from './portable-jail.ts';
import { DEFAULT_SEALED_NAME, sealedParts } from './sealed-name.ts';
import { type LiveUploads, OwnUploads } from './staging-names.ts';

/** What an operator may choose for files on the local disk. */
export const localStorageOptions = z.strictObject({
  /** Permission bits of a new file. The gateway itself must be able to read and write it. */
  fileMode: z.int().min(0o600).max(0o777).default(0o640),
  /** Permission bits of a new directory. The gateway itself must be able to use it. */
  directoryMode: z.int().min(0o700).max(0o777).default(0o750),
  /** Whether a file is on the disk before it is called complete. Without it a power loss may take what was acknowledged. */
  sync: z.boolean().default(true),
});

/** An account's place on the local disk; what is left out is as `localStorageOptions` has it. */
export interface LocalHome extends Partial<z.infer<typeof localStorageOptions>> {
  /** Absolute path of a directory that exists. */
  readonly root: string;
  /** Name of the account; unfinished uploads belong to it. */
  readonly owner: string;
  /**
   * A name that no link leads to: what is called so on the disk is reached by that very name or not at all. A gateway
   * keeps its access files from clients by their name, so it is its `accessFile`; `.ftpaccess` by default.
   */
  readonly sealedName?: string | undefined;
}

/** What local storage stands on; every default is this machine's own. */
export interface LocalMachine {
  readonly io?: StorageIo;
  readonly clock?: Clock;
  readonly jail?: JailMaker;
  /** Different after each boot of the machine. */
  readonly bootId?: string;
  /** Asks the real disk for the facts of long listings; with an `io` of one's own there is none unless it is given. */
  readonly thread?: FactsSource;
  /** Does with the real disk in one go what small files take; with an `io` of one's own there is none unless it is given. */
  readonly disk?: DiskThread;
  /** The uploads that run; those of this process by default. */
  readonly live?: LiveUploads;
}

/** The local disk, shared by all accounts of a gateway, whose homes may overlap. */
export interface LocalStorage {
  filesFor(home: LocalHome): FileSystem;
}

/**
 * Opens the local disk. Make one for the process, unless the uploads that run are told: what it does not know to
 * be running it takes for leftovers of a crash.
 */
export function createLocalStorage(machine: LocalMachine = {}): LocalStorage {
  const { io = nodeIo, clock = systemClock, jail = defaultJail() } = machine;
  const { bootId = readBootId(clock), live = new OwnUploads() } = machine;
  const mounts = new LocalMounts(clock);
  const thread = machine.thread ?? (io === nodeIo ? new FactsThreads(clock) : undefined);
  const disk = machine.disk ?? (io === nodeIo ? new DiskThread(clock) : undefined);
  return {
    filesFor({ root, owner, sealedName = DEFAULT_SEALED_NAME, ...options }) {
      assert(isAbsolute(root), 'a home is an absolute path');
      const { fileMode, directoryMode, sync } = localStorageOptions.parse(options);
      const held = jail(io, root, sealedParts(sealedName), (real) => mounts.isLocal(real));
      return new LocalFiles(held, {
        root,
        io,
        thread,
        disk,
        live,
        clock,
        bootId,
        owner,
        fileMode,
        directoryMode,
        sync,
      });
    },
  };
}

/** One account's files on a local disk that nobody else uses, as for a test or a gateway with one account. */
export function localFiles(home: LocalHome, machine: LocalMachine = {}): FileSystem {
  return createLocalStorage(machine).filesFor(home);
}

function defaultJail(): JailMaker {
  return process.platform === 'linux' ? linuxJail : portableJail;
}

/** Elsewhere than on Linux: when the machine came up, to ten minutes, so that a clock being set rarely changes it. */
function readBootId(clock: Clock): string {
  if (process.platform === 'linux') return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return `up-since-${Math.round((clock.now() - uptime() * 1_000) / 600_000)}`;
}
