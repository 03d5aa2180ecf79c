/** The contract of storage: what a place for files must be able to do. Every path is virtual; no disk is assumed. */
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Arrival, Publication } from './intake.ts';

/** What is wanted of the entries of a directory: everything, which is the default, or their names alone. */
export type EntriesWanted = 'all' | 'names';

/**
 * Where one account's files live. Every method throws `Fault`s of the file kinds (`NoSuchFile`, `NotADirectory`,
 * `PermissionDenied`, `StorageFull` ...) for what can be expected, with the cause inside.
 *
 * What is refused by name, as access files are, the gateway refuses by the name that is asked for: more it does not know.
 * Storage where one thing has several names (links) must itself keep the others from leading there.
 */
export interface FileSystem {
  /** The facts of what the path names. @throws Fault `NoSuchFile`. */
  stat(path: VirtualPath): Promise<FileFacts>;

  /** Succeeds when a session may stand in this directory (CWD). @throws Fault `NoSuchFile`, `NotADirectory`. */
  enter(path: VirtualPath): Promise<void>;

  /**
   * The entries of a directory, in batches, without `.` and `..`, in no particular order. What forbids it is told by the
   * promise; what storage finds, by the promise or by the first batch. Nothing is held open before that is asked for.
   * With `names` nobody will look at more than the names: where facts cost something, storage may give those of `UNASKED` in place of
   * an entry's own, and `other` as its kind. Who decides by them in between asks for all.
   * @throws Fault `NotADirectory`.
   */
  list(path: VirtualPath, wanted?: EntriesWanted): Promise<AsyncIterable<readonly DirectoryEntry[]>>;

  /** Opens a regular file for reading. @throws Fault `NoSuchFile`, `NotAFile`. */
  openRead(path: VirtualPath): Promise<OpenedFile>;

  /** Begins a write that stays invisible until it is committed. See `StageRequest` for what it may build on. */
  stage(path: VirtualPath, request: StageRequest): Promise<StagedWrite>;

  /**
   * Bytes of an unfinished upload of this path that can be resumed; undefined when there is none. Lets SIZE tell a
   * client where to go on when nothing has been published under the name yet.
   */
  resumableBytes(path: VirtualPath): Promise<number | undefined>;

  /**
   * What `StagedWrite.hold` keeps out of sight for this path under this id. Absent where storage cannot hold.
   * @throws Fault `NoSuchFile` when there is none (any more).
   */
  held?(path: VirtualPath, id: string): Promise<HeldFile>;

  makeDirectory(path: VirtualPath): Promise<void>;
  /** @throws Fault `DirectoryNotEmpty`, `NotADirectory`. */
  removeDirectory(path: VirtualPath): Promise<void>;
  /**
   * Removes a directory with everything in it and follows no links; absent where storage cannot. What forbids it is
   * looked for before anything is removed. @throws Fault `NotADirectory`, `FileBusy`, `ListingTooLong` past `entriesMax`.
   */
  removeTree?(path: VirtualPath, entriesMax: number): Promise<void>;
  /** @throws Fault `NotAFile` for a directory. */
  removeFile(path: VirtualPath): Promise<void>;
  /**
   * Renames atomically; `existing` says what happens to a file that has the new name already.
   * @throws Fault `FileExists` when it must be kept, or is a directory.
   */
  rename(from: VirtualPath, to: VirtualPath, existing: ExistingFile): Promise<void>;

  /**
   * Whether the name itself is a symbolic link, also one that leads nowhere or out of the root; false for what is not
   * there. Absent where storage has no links. All other methods but those that remove and rename follow links.
   */
  isLink?(path: VirtualPath): Promise<boolean>;

  /** Sets the time of last modification, in milliseconds since 1970 (UTC). */
  setModified(path: VirtualPath, modifiedMs: number): Promise<void>;
  /** Sets the time of creation; absent where storage cannot (no Unix file system can). */
  setCreated?(path: VirtualPath, createdMs: number): Promise<void>;
  /** Makes a symbolic link at `path` to `target`; absent where storage has none. Links never lead out of the root. */
  makeSymlink?(path: VirtualPath, target: VirtualPath): Promise<void>;
  /** Sets the Unix permission bits, 0 to 0o777. */
  setMode(path: VirtualPath, mode: number): Promise<void>;

  /**
   * Where on this machine's disk the path would be, symlinks in it not resolved; absent where storage keeps files
   * elsewhere. For telling programs and people, never for opening: only storage itself opens files safely.
   */
  onDisk?(path: VirtualPath): string | undefined;

  /**
   * The same, where the gateway's own process has no business with the files: only for telling whether two accounts mean
   * one file. Absent where `onDisk` says it.
   */
  placeOnDisk?(path: VirtualPath): string;

  /** The user of the system with whose rights everything here is done; absent where those are the gateway's own. */
  readonly systemUser?: SystemUser;

  /** Bytes that can still be stored, or undefined when storage cannot tell. */
  freeBytes(path: VirtualPath): Promise<number | undefined>;
}

/** A user of the system, as its databases tell. */
export interface SystemUser {
  readonly user: string;
  /** Numbers of user and group. */
  readonly uid: number;
  readonly gid: number;
}

/** What happens to a file that already has the name: `replace` it atomically, or `keep` it and refuse. */
export type ExistingFile = 'replace' | 'keep';

/**
 * What a staged write begins with:
 * - `empty`: nothing (STOR, STOU);
 * - `append`: the published file, or else this account's unfinished upload of it, or else nothing (APPE);
 * - `restart`: the first `offsetBytes` of this account's unfinished upload if it has that many, else of the published
 *   file (REST n, STOR).
 *   @throws Fault `RestartInvalid` when neither is that long.
 */
export type StageRequest = { readonly existing: ExistingFile } & (
  | { readonly from: 'empty' }
  | { readonly from: 'append' }
  | { readonly from: 'restart'; readonly offsetBytes: number }
);

/** A file open for reading. */
export interface OpenedFile {
  readonly facts: FileFacts;
  /**
   * The bytes from `offsetBytes` to the end of the file as it was when opened, in large pieces, each of which is the
   * reader's own. @throws Fault `Local` when the file shrinks under the reader.
   */
  read(offsetBytes: number): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** A write in progress: invisible, private to its account, and ended by exactly one of `commit` and `abort`. */
export interface StagedWrite {
  /** Bytes that it began with; new bytes go behind them. */
  readonly startBytes: number;
  /**
   * Set when what is stored is not what is written, because it is encrypted on its way: then nothing can be put together
   * out of what is stored there.
   */
  readonly opaque?: boolean | undefined;
  /** The bytes that it began with, for hashing them; empty when `startBytes` is 0. */
  prefix(): AsyncIterable<Buffer>;
  /** Adds bytes; the buffers must not change until the promise resolves. One call at a time. @throws Fault `StorageFull`. */
  write(buffers: readonly Buffer[]): Promise<void>;
  /**
   * Makes the bytes durable and visible in one step: sync, atomic rename, sync of the directory. What stands in front of
   * storage may look at the file first and write down what it is told; storage itself needs no `arrival`.
   * @throws Fault `FileExists` when the name was taken meanwhile and `existing` is `keep`; the write is then still open.
   */
  commit(arrival?: Arrival): Promise<void>;
  /**
   * Whether a file has the target's name now, which `commit` would replace; undefined when only `FileSystem.stat` can tell,
   * as of a link. Absent where storage has no quicker way than that.
   */
  replacesFile?(): Promise<boolean | undefined>;
  /** What its place says becomes of it when it does not arrive whole; goes before what the account says. */
  readonly onIncomplete?: 'keep' | 'remove';
  /** What became of it behind `commit`, where more than storage had a say in that. */
  readonly publication?: Publication | undefined;
  /**
   * Makes the bytes durable and keeps them out of sight under `id`, beside their target: nobody reads, lists or resumes
   * them, and the directory cannot be removed, until they are published or destroyed through `FileSystem.held`, by this
   * process or a later one. They last like those of a published file. Ends the write. Absent where storage cannot hold.
   */
  hold?(id: string): Promise<void>;
  /**
   * Ends the write without publishing. `keep` leaves what arrived to be resumed by the same account, `remove` leaves
   * nothing. @returns bytes that can be resumed, 0 when none.
   */
  abort(partial: 'keep' | 'remove'): Promise<number>;
}

/** A file that is held between its arrival and its publication; every `held` must be closed. */
export interface HeldFile {
  readonly sizeBytes: number;
  /** Where it lies on this machine's disk; absent where storage keeps files elsewhere, or shows nobody. */
  readonly onDisk?: string;
  /** Its bytes from the beginning, in pieces that are the reader's own; may be called again. */
  read(): AsyncIterable<Buffer>;
  /**
   * Gives it the name `path`, which is in the directory in which it is held, in one step that lasts (rename and sync of the
   * directory). @throws Fault `FileExists` when the name is taken and `existing` is `keep`; it is then still held.
   */
  publish(path: VirtualPath, existing: ExistingFile): Promise<void>;
  /** Removes it for good. */
  destroy(): Promise<void>;
  close(): Promise<void>;
}
