/** An upload in progress: a hidden file beside its target that becomes the target in one step, or never does. */
import { type BigIntStats, constants } from 'node:fs';
import { assert } from '../lib/assert.ts';
import { Fault } from '../spi/fault.ts';
import type { StagedWrite } from '../spi/file-system.ts';
import { asFault, translated } from './errors.ts';
import { type EndingParts, finishAtOnce, lookAgain } from './finish-at-once.ts';
import { letGo, lstatIfAny, type StorageIo, unlinkIfAny } from './io.ts';
import type { HeldDirectory } from './jail.ts';
import { readBytes } from './read-bytes.ts';
import { type Claim, heldName } from './staging-names.ts';
import { WriteBehind } from './write-behind.ts';

/** How an upload in progress is opened: itself, never what a symlink in its place leads to. */
export const STAGED_FLAGS = constants.O_RDWR | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Permission bits of an upload in progress: nobody else reads it before it is published. */
export const STAGED_MODE = 0o600;

/** What an upload in progress consists of. It owns the directory, the claim and the handle, and lets them go at its end. */
export interface StagedFileParts extends EndingParts {
  readonly io: StorageIo;
  readonly claim: Claim;
  /** Bytes in the staged file now. */
  readonly startBytes: number;
  /** Whether those bytes are this account's earlier upload, which nobody else has; otherwise they can be had again. */
  readonly resumed: boolean;
  /** Whether to wait for the disk before publishing. */
  readonly sync: boolean;
  /** Whether the path that was asked for still leads to `directory`, which may have been renamed since. */
  readonly stillThere: () => Promise<boolean>;
}

/** An upload that is smaller is written when it ends: without it each would take a way through the thread pool more. */
const PENDING_BYTES_MAX = 65_536;

/** See `StagedWrite`. Calls are carried out one after the other in the order they were made. */
export class StagedFile implements StagedWrite {
  readonly startBytes: number;
  readonly #parts: StagedFileParts;
  #positionBytes: number;
  /** What it is called now. */
  #name: string;
  #state: 'open' | 'published' | 'held' | 'ended' = 'open';
  /**
   * False once the disk has failed to take the bytes. The kernel reports that once and may then forget it, so a later
   * sync that succeeds proves nothing, and the file must neither be published nor resumed.
   */
  #sound = true;
  #last: Promise<unknown> = Promise.resolve();
  readonly #behind: WriteBehind | undefined;
  /** The first bytes, as long as they are few and nobody needs them on the disk. */
  #pending: Buffer | undefined;
  /** What had the target's name when somebody asked behind the last byte, so that the commit need not look again. */
  #seen: { readonly stats: BigIntStats | undefined } | undefined;

  constructor(parts: StagedFileParts) {
    this.#parts = parts;
    this.startBytes = parts.startBytes;
    this.#positionBytes = parts.startBytes;
    this.#name = parts.claim.name;
    if (parts.atOnce !== undefined) this.#pending = NOTHING;
    if (parts.sync) this.#behind = new WriteBehind(() => parts.handle.datasync(), parts.startBytes);
  }

  async *prefix(): AsyncGenerator<Buffer> {
    assert(this.#state === 'open', 'the staged write is open');
    try {
      yield* readBytes(this.#parts.handle, 0, this.startBytes);
    } catch (error) {
      throw asFault(error);
    }
  }

  write(buffers: readonly Buffer[]): Promise<void> {
    return this.#inTurn(async () => {
      assert(this.#state === 'open', 'the staged write is open');
      this.#seen = undefined;
      const pending = this.#pending;
      const sizeBytes = buffers.reduce((sum, { length }) => sum + length, pending?.length ?? 0);
      if (pending !== undefined && sizeBytes <= PENDING_BYTES_MAX) {
        this.#pending = Buffer.concat([pending, ...buffers]);
        return;
      }
      await this.#flush();
      await this.#write(buffers);
    });
  }

  commit(): Promise<void> {
    return this.#inTurn(async () => {
      assert(this.#state === 'open', 'the staged write is open');
      const { sync, claim } = this.#parts;
      const part = sync ? 'settle' : 'both';
      const settled = await this.#atOnce(part);
      if (settled && !sync) {
        this.#state = 'published';
        return claim.release();
      }
      if (settled) await this.#syncBytes();
      else await this.#settle();
      if (settled && (await this.#atOnce('publish'))) return this.#finishDirectory();
      await this.#publish();
      this.#state = 'published';
      // The name is given: what is left to do of the file itself may be done beside what is left of its directory.
      const closed = letGo(this.#parts.handle);
      try {
        await this.#tidy();
      } finally {
        await closed;
        await this.#letDirectoryGo();
      }
    });
  }

  async replacesFile(): Promise<boolean | undefined> {
    const { io, directory, target, existing } = this.#parts;
    if (existing === 'keep') return false;
    const seen = await translated(
      async () => lookAgain(this.#parts) ?? { stats: await lstatIfAny(io, directory.at(target)) },
    );
    const { stats } = seen;
    this.#seen = seen;
    return stats?.isSymbolicLink() ? undefined : (stats?.isFile() ?? false);
  }

  hold(id: string): Promise<void> {
    const { io, directory, target, names, stillThere } = this.#parts;
    const name = heldName(target, id);
    return this.#inTurn(async () => {
      assert(this.#state === 'open', 'the staged write is open');
      await this.#flush();
      await this.#prepareHold(name);
      await io.rename(this.#stagedPath(), directory.at(name));
      // Also when what follows fails: an abort must find it.
      this.#name = name;
      await this.#syncBytes();
      if (this.#parts.sync) await directory.sync();
      // Asked behind the rename: whoever moves the directory looks for held files after the move.
      if (!(await stillThere())) throw new Fault('FileBusy', { cause: new Error('its directory has been moved') });
      this.#state = 'held';
      // All of it is here, whatever becomes of it. A newer partial that comes while it is held must stay, so now or never.
      await io.unlink(directory.at(names.partial)).catch(() => undefined);
      await this.#release();
    });
  }

  abort(partial: 'keep' | 'remove'): Promise<number> {
    return this.#inTurn(async () => {
      // A commit that failed behind the rename has published, and what is held is not this write's any more.
      if (this.#state !== 'open') return 0;
      this.#state = 'ended';
      try {
        await this.#sounding(async () => this.#behind?.settled()).catch(() => undefined);
        if (partial === 'keep' && (await this.#worthKeeping()) && (await this.#keep())) return this.#positionBytes;
        await unlinkIfAny(this.#parts.io, this.#stagedPath());
        return 0;
      } finally {
        await this.#release();
      }
    });
  }

  #stagedPath(): string {
    return this.#parts.directory.at(this.#name);
  }

  async #write(buffers: readonly Buffer[]): Promise<void> {
    let rest = buffers.filter((buffer) => buffer.length > 0);
    while (rest.length > 0) {
      const { bytesWritten } = await this.#parts.handle.writev(rest, this.#positionBytes);
      if (bytesWritten === 0) throw new Fault('Local', { cause: new Error('the disk took nothing') });
      this.#positionBytes += bytesWritten;
      rest = behind(rest, bytesWritten);
    }
    await this.#sounding(async () => this.#behind?.wrote(this.#positionBytes));
  }

  /** Writes what is not on the disk yet. */
  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending !== undefined) await this.#write([pending]);
  }

  /**
   * Does a part of the commit by way of a thread; `both` and `publish` close the file, and `both` its directory. @returns false when
   * nothing has been done.
   */
  async #atOnce(part: 'settle' | 'publish' | 'both'): Promise<boolean> {
    const bytes = this.#pending ?? NOTHING;
    if (part !== 'publish' && (this.#pending === undefined || !this.#sound)) return false;
    try {
      const job = { part, bytes, positionBytes: this.#positionBytes, staged: this.#name };
      if (!(await finishAtOnce(this.#parts, job))) return false;
    } catch (error) {
      if (error instanceof Fault) {
        // Its descriptors may be closed, and others by now: they are nobody's to close.
        this.#state = 'ended';
        this.#parts.claim.release();
      }
      throw error;
    }
    this.#positionBytes += bytes.length;
    this.#pending = undefined;
    return true;
  }

  /** Gives the file the bits it will have and waits until all of it is on the disk. */
  async #settle(): Promise<void> {
    const { handle, fileMode } = this.#parts;
    await this.#flush();
    const replaced = await this.#replaced();
    await handle.chmod(publishedMode(replaced, fileMode));
    await this.#syncBytes();
  }

  /** Makes sure that it may be called `name`, and that nobody else reads it meanwhile. */
  async #prepareHold(name: string): Promise<void> {
    const { io, directory, handle } = this.#parts;
    await this.#replaced();
    if ((await lstatIfAny(io, directory.at(name))) !== undefined) throw new Fault('FileBusy');
    // A commit that was refused may have given it the bits of what it was to replace.
    await handle.chmod(STAGED_MODE);
  }

  /** What has the target's name now. @throws Fault when this can neither be published nor be held there. */
  async #replaced(): Promise<BigIntStats | undefined> {
    const { io, directory, target } = this.#parts;
    if (!this.#sound) throw new Fault('Local', { cause: new Error('an earlier sync of this file failed') });
    // Another account whose home holds this one may have moved the directory since the upload began.
    await directory.verify();
    const { stats: replaced } = this.#seen ?? { stats: await lstatIfAny(io, directory.at(target)) };
    // Once: a commit that is tried again looks again.
    this.#seen = undefined;
    if (replaced?.isDirectory()) throw new Fault('NotAFile');
    return replaced;
  }

  async #syncBytes(): Promise<void> {
    if (!this.#parts.sync) return;
    await this.#sounding(async () => {
      await this.#behind?.settled();
      await this.#parts.handle.sync();
    });
  }

  /** Does what tells whether the disk has taken the bytes. */
  async #sounding(sync: () => Promise<void>): Promise<void> {
    try {
      await sync();
    } catch (error) {
      this.#sound = false;
      throw error;
    }
  }

  /** The one step. A symlink that has the target's name is replaced itself; what it points to stays as it is. */
  async #publish(): Promise<void> {
    const { io, directory, target, existing } = this.#parts;
    if (existing === 'replace') return io.rename(this.#stagedPath(), directory.at(target));
    // Unlike rename, link refuses a name that is taken, however lately it was.
    await io.link(this.#stagedPath(), directory.at(target));
    // Published. A second name that cannot be removed is harmless: `partialBytes` takes no file with two names.
    await io.unlink(this.#stagedPath()).catch(() => undefined);
  }

  async #tidy(): Promise<void> {
    const { io, directory, names, sync } = this.#parts;
    // What an earlier attempt left is obsolete now. Failing to remove it must not make this upload look failed.
    await io.unlink(directory.at(names.partial)).catch(() => undefined);
    if (!sync) return;
    await syncPublished(directory);
  }

  /**
   * Whether there is something that the client would otherwise have to send again. Only one partial of a target is
   * kept: an upload that began from nothing beside a running one of the same target gives way to it.
   */
  async #worthKeeping(): Promise<boolean> {
    const { resumed, claim } = this.#parts;
    const bytes = this.#positionBytes + (this.#pending?.length ?? 0);
    if (!this.#sound || bytes <= (resumed ? 0 : this.startBytes)) return false;
    return resumed || claim.first || claim.alone();
  }

  /**
   * Makes this the account's partial of the target, in place of an older one: the newest attempt is what the client
   * is sending now, and old bytes with a new tail would be a file that never existed.
   */
  async #keep(): Promise<boolean> {
    const { io, directory, handle, names } = this.#parts;
    try {
      await this.#flush();
      // A commit that failed may have given it the bits of a file that cannot be written, and so not be resumed.
      await handle.chmod(STAGED_MODE);
      // Also without `sync`: a partial outlives power losses, so its bytes must.
      await handle.datasync();
      await io.rename(this.#stagedPath(), directory.at(names.partial));
      return true;
    } catch {
      // What cannot be kept safely is removed; the answer 0 says so.
      return false;
    }
  }

  /** What is left to do behind a publication by a thread that waits for the disk. */
  async #finishDirectory(): Promise<void> {
    this.#state = 'published';
    try {
      await syncPublished(this.#parts.directory);
    } finally {
      await this.#letDirectoryGo();
    }
  }

  async #release(): Promise<void> {
    await letGo(this.#parts.handle);
    await this.#letDirectoryGo();
  }

  async #letDirectoryGo(): Promise<void> {
    const { directory, claim } = this.#parts;
    await directory.close();
    claim.release();
  }

  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(() => translated(operation));
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

const NOTHING = Buffer.alloc(0);

/** Permission bits of what takes this place. Set-id bits are not inherited: they were granted to the old contents. */
export function publishedMode(replaced: BigIntStats | undefined, fileMode: number): number {
  return replaced?.isFile() ? Number(replaced.mode & 0o777n) : fileMode;
}

/** Makes a publication survive a power loss. @throws Fault `Local`; the file is published then all the same. */
export async function syncPublished(directory: HeldDirectory): Promise<void> {
  try {
    await directory.sync();
  } catch (cause) {
    throw new Fault('Local', { cause, text: 'The file is published, but may not survive a power loss.' });
  }
}

/** What is left of the buffers behind the first `countBytes` bytes. */
function behind(buffers: readonly Buffer[], countBytes: number): Buffer[] {
  const rest: Buffer[] = [];
  let skipBytes = countBytes;
  for (const buffer of buffers) {
    if (skipBytes < buffer.length) rest.push(buffer.subarray(skipBytes));
    skipBytes = Math.max(0, skipBytes - buffer.length);
  }
  return rest;
}
