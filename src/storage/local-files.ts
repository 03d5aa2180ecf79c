/** `FileSystem` on the local disk. Each method finds its place through the jail and lets go of it before it ends. */
import { join } from 'node:path';
import { assert } from '../lib/assert.ts';
import type { Clock } from '../lib/clock.ts';
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';
import { baseName, parentOf, pathParts, ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type {
  EntriesWanted,
  ExistingFile,
  FileSystem,
  HeldFile,
  OpenedFile,
  StagedWrite,
  StageRequest,
} from '../spi/file-system.ts';
import { beginStage, resumableBytes, type UploadSettings } from './begin-stage.ts';
import type { DiskThread } from './disk-thread.ts';
import { asFault, isFault, translated } from './errors.ts';
import { openHeld } from './held-file.ts';
import { refuseHeldWithin } from './held-within.ts';
import { factsOf, lstatIfAny, type StorageIo } from './io.ts';
import type { HeldDirectory, HeldNode, Jail } from './jail.ts';
import { type ListingParts, listDirectory, listNames } from './listing.ts';
import { makeSymlink } from './make-symlink.ts';
import { openFile, SmallOpenedFile } from './opened-file.ts';
import { removeEmptyDirectory } from './remove-directory.ts';
import { removeTree } from './remove-tree.ts';
import { movePlaceBack, type Place, renamePlace } from './rename.ts';
import { stageAtOnce } from './stage-at-once.ts';
import { leadsToReserved } from './staging-names.ts';

/** What an account's files need to know beside where they are. */
export interface LocalFilesSettings extends UploadSettings, ListingParts {
  /** Absolute path of the home. */
  readonly root: string;
  readonly clock: Clock;
  readonly directoryMode: number;
  /** What does small jobs in one go; undefined where there is no such thing. */
  readonly disk: DiskThread | undefined;
}

/** See `FileSystem`. Symlinks inside the home work; removing and renaming are done to the link itself. */
export class LocalFiles implements FileSystem {
  readonly #jail: Jail;
  readonly #settings: LocalFilesSettings;
  readonly #io: StorageIo;

  constructor(jail: Jail, settings: LocalFilesSettings) {
    this.#jail = jail;
    this.#settings = settings;
    this.#io = settings.io;
  }

  onDisk(path: VirtualPath): string {
    return join(this.#settings.root, ...pathParts(path));
  }

  stat(path: VirtualPath): Promise<FileFacts> {
    return this.#withNode(path, async (node) => factsOf(node.stats));
  }

  async isLink(path: VirtualPath): Promise<boolean> {
    if (path === ROOT || leadsToReserved(path)) return false;
    try {
      return await this.#withPlace(path, async ({ directory, name }) => {
        const stats = await lstatIfAny(this.#io, directory.at(name));
        return stats?.isSymbolicLink() ?? false;
      });
    } catch (error) {
      if (isFault(error, 'NoSuchFile', 'NotADirectory')) return false;
      throw error;
    }
  }

  async enter(path: VirtualPath): Promise<void> {
    refuseReserved(path, 'NoSuchFile');
    await translated(async () => (await this.#jail.openDirectory(path)).close());
  }

  async list(path: VirtualPath, wanted: EntriesWanted = 'all'): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
    refuseReserved(path, 'NoSuchFile');
    return this.#batches(path, wanted);
  }

  async *#batches(path: VirtualPath, wanted: EntriesWanted): AsyncGenerator<readonly DirectoryEntry[]> {
    const directory = await translated(() => this.#jail.openDirectory(path));
    try {
      yield* wanted === 'names' ? listNames(this.#settings, directory) : listDirectory(this.#settings, directory);
    } catch (error) {
      throw asFault(error);
    } finally {
      await directory.close();
    }
  }

  async openRead(path: VirtualPath): Promise<OpenedFile> {
    refuseReserved(path, 'NoSuchFile');
    return translated(async () => (await this.#readSmall(path)) ?? openFile(this.#io, await this.#jail.openNode(path)));
  }

  async #readSmall(path: VirtualPath): Promise<OpenedFile | undefined> {
    const { disk } = this.#settings;
    const place = disk?.mayAsk() === true ? this.#jail.straight?.(path) : undefined;
    const small = place && (await disk?.read(place));
    return disk && small && new SmallOpenedFile(disk, small);
  }

  async stage(path: VirtualPath, request: StageRequest): Promise<StagedWrite> {
    if (path === ROOT) throw new Fault('NotAFile');
    refuseReserved(path, 'BadName');
    const begun = request.from === 'empty' ? await this.#stageAtOnce(path, request.existing) : undefined;
    if (begun !== undefined) return begun;
    return this.#withOwnDirectory(path, (directory) => {
      const place = this.#jail.straight?.(parentOf(path));
      if (place !== undefined) this.#settings.disk?.identities.set(place.literal, directory.identity);
      const name = baseName(path);
      return beginStage(this.#settings, { directory, name, stillThere: this.#stillThere(path, directory) }, request);
    });
  }

  /** An upload that begins from nothing in a directory that is known, by a thread; undefined where it can not begin so. */
  async #stageAtOnce(path: VirtualPath, existing: ExistingFile): Promise<StagedWrite | undefined> {
    const { disk } = this.#settings;
    const { straight, holdOpened } = this.#jail;
    const place = disk?.mayAsk() && holdOpened !== undefined ? straight?.(parentOf(path)) : undefined;
    const identity = place && disk?.identities.get(place.literal);
    if (disk === undefined || holdOpened === undefined || place === undefined || identity === undefined)
      return undefined;
    return stageAtOnce(this.#settings, {
      ...{ disk, place, identity, existing, name: baseName(path) },
      hold: (handle) => {
        const directory = holdOpened(handle, identity, parentOf(path));
        return { directory, stillThere: this.#stillThere(path, directory) };
      },
    });
  }

  /** Asks whether the path still leads to its directory. */
  #stillThere(path: VirtualPath, directory: HeldDirectory): () => Promise<boolean> {
    return async () => (await directory.isWhereAsked()) || this.#leadsTo(parentOf(path), directory.identity);
  }

  async held(path: VirtualPath, id: string): Promise<HeldFile> {
    assert(path !== ROOT, 'the root is no file');
    refuseReserved(path, 'NoSuchFile');
    const { io, fileMode, sync } = this.#settings;
    const onDisk = (name: string) => join(this.onDisk(parentOf(path)), name);
    return this.#withOwnDirectory(path, (directory) => openHeld({ io, directory, path, fileMode, sync, onDisk }, id));
  }

  async resumableBytes(path: VirtualPath): Promise<number | undefined> {
    if (path === ROOT || leadsToReserved(path)) return undefined;
    try {
      return await this.#withPlace(path, (place) => resumableBytes(this.#settings, place));
    } catch (error) {
      if (isFault(error, 'NoSuchFile', 'NotADirectory')) return undefined;
      throw error;
    }
  }

  async makeDirectory(path: VirtualPath): Promise<void> {
    if (path === ROOT) throw new Fault('FileExists');
    refuseReserved(path, 'BadName');
    const { directoryMode, sync } = this.#settings;
    await this.#withPlace(path, async ({ directory, name }) => {
      await this.#io.mkdir(directory.at(name), directoryMode);
      try {
        await this.#setBits(directory, name, directoryMode);
        // A file in it that was synced is lost all the same if its directory is.
        if (sync) await directory.sync();
      } catch (error) {
        // Refused means not there. It is empty, or else in use and left alone.
        await this.#io.rmdir(directory.at(name)).catch(() => undefined);
        throw error;
      }
    });
  }

  async removeDirectory(path: VirtualPath): Promise<void> {
    if (path === ROOT) throw new Fault('PermissionDenied');
    refuseReserved(path, 'NoSuchFile');
    await this.#withPlace(path, (place) => removeEmptyDirectory(this.#io, this.#settings.live, place));
  }

  async removeTree(path: VirtualPath, entriesMax: number): Promise<void> {
    if (path === ROOT) throw new Fault('PermissionDenied');
    refuseReserved(path, 'NoSuchFile');
    await this.#withPlace(path, (place) => removeTree(this.#io, this.#settings.live, place, entriesMax));
  }

  async removeFile(path: VirtualPath): Promise<void> {
    if (path === ROOT) throw new Fault('NotAFile');
    refuseReserved(path, 'NoSuchFile');
    await this.#withPlace(path, async ({ directory, name }) => {
      // Not every system says "is a directory" to unlink.
      const stats = await this.#io.lstat(directory.at(name));
      if (stats.isDirectory()) throw new Fault('NotAFile');
      if (stats.isSymbolicLink()) await this.#refuseHeldBehind(path);
      await this.#io.unlink(directory.at(name));
    });
  }

  async rename(from: VirtualPath, to: VirtualPath, existing: ExistingFile): Promise<void> {
    if (from === ROOT || to === ROOT) throw new Fault('PermissionDenied');
    refuseReserved(from, 'NoSuchFile');
    refuseReserved(to, 'BadName');
    await this.#withPlace(from, (source) =>
      this.#withPlace(to, async (target) => {
        const stats = await this.#io.lstat(source.directory.at(source.name));
        const mayHold = stats.isDirectory() || stats.isSymbolicLink();
        if (mayHold) await this.#refuseHeldBehind(from);
        await renamePlace(this.#io, source, target, existing);
        if (mayHold) await this.#undoIfHolding(to, { source, target });
        if (!this.#settings.sync) return;
        // Partners upload under one name and rename when done: the new name is what was promised, so it goes first.
        await target.directory.sync();
        if (source.directory.identity !== target.directory.identity) await source.directory.sync();
      }),
    );
  }

  async makeSymlink(path: VirtualPath, target: VirtualPath): Promise<void> {
    if (path === ROOT) throw new Fault('FileExists');
    refuseReserved(path, 'BadName');
    const { sync } = this.#settings;
    await this.#withNode(target, (node) =>
      this.#withPlace(path, (place) => makeSymlink(this.#io, { place, node, sync })),
    );
  }

  setModified(path: VirtualPath, modifiedMs: number): Promise<void> {
    return this.#withNode(path, async (node) => {
      refuseOther(node);
      await this.#io.utimes(node.path, new Date(this.#settings.clock.now()), new Date(modifiedMs));
    });
  }

  async setMode(path: VirtualPath, mode: number): Promise<void> {
    assert(Number.isInteger(mode) && mode >= 0 && mode <= 0o777, 'permission bits without set-id and sticky');
    await this.#withNode(path, async (node) => {
      refuseOther(node);
      await this.#io.chmod(node.path, mode);
    });
  }

  async freeBytes(path: VirtualPath): Promise<number | undefined> {
    try {
      return await this.#withNode(path, async (node) => {
        const { bavail, bsize } = await this.#io.statfs(node.path);
        return bavail * bsize;
      });
    } catch (error) {
      // The name of a file to come: its directory knows.
      if (path === ROOT || !isFault(error, 'NoSuchFile')) throw error;
      return this.freeBytes(parentOf(path));
    }
  }

  /** A path leads somewhere else once a directory or a link in it is gone: what is held must be found by its path. */
  async #refuseHeldBehind(path: VirtualPath): Promise<void> {
    let directory: HeldDirectory;
    try {
      directory = await this.#jail.openDirectory(path);
    } catch (error) {
      // A link to a file, to nothing or to what is outside.
      if (isFault(asFault(error), 'NoSuchFile', 'NotADirectory') || isFault(error, 'PermissionDenied')) return;
      throw error;
    }
    try {
      await refuseHeldWithin(this.#io, directory);
    } finally {
      await directory.close();
    }
  }

  /** An upload that was held while its directory was being moved did not see that, and the move did not see it. */
  async #undoIfHolding(to: VirtualPath, places: { readonly source: Place; readonly target: Place }): Promise<void> {
    try {
      await this.#refuseHeldBehind(to);
    } catch (error) {
      await movePlaceBack(this.#io, places.target, places.source);
      throw error;
    }
  }

  /** Whether the path is that of this very directory. */
  async #leadsTo(path: VirtualPath, identity: string): Promise<boolean> {
    try {
      const directory = await this.#jail.openDirectory(path);
      await directory.close();
      return directory.identity === identity;
    } catch (error) {
      if (isFault(asFault(error), 'NoSuchFile', 'NotADirectory', 'PermissionDenied')) return false;
      throw error;
    }
  }

  /** For what keeps the directory that holds the path: it is closed only when that fails. */
  #withOwnDirectory<T>(path: VirtualPath, open: (directory: HeldDirectory) => Promise<T>): Promise<T> {
    return translated(async () => {
      const directory = await this.#jail.openDirectory(parentOf(path));
      try {
        return await open(directory);
      } catch (error) {
        await directory.close();
        throw error;
      }
    });
  }

  /** Bits as asked for, which mkdir takes the process's umask away from. */
  async #setBits(directory: HeldDirectory, name: string, mode: number): Promise<void> {
    const made = await directory.child(name);
    try {
      await this.#io.chmod(made.path, mode);
    } finally {
      await made.close();
    }
  }

  async #withNode<T>(path: VirtualPath, use: (node: HeldNode) => Promise<T>): Promise<T> {
    refuseReserved(path, 'NoSuchFile');
    return translated(async () => {
      const node = await this.#jail.openNode(path);
      try {
        return await use(node);
      } finally {
        await node.close();
      }
    });
  }

  /** For operations on a name, whatever it stands for. */
  #withPlace<T>(path: VirtualPath, use: (place: Place) => Promise<T>): Promise<T> {
    return translated(async () => {
      const directory = await this.#jail.openDirectory(parentOf(path));
      try {
        return await use({ directory, name: baseName(path) });
      } finally {
        await directory.close();
      }
    });
  }
}

function refuseReserved(path: VirtualPath, kind: FaultKind): void {
  if (leadsToReserved(path)) throw new Fault(kind);
}

/** Times and bits of devices, sockets and FIFOs are not a client's to set. */
function refuseOther(node: HeldNode): void {
  if (!node.stats.isFile() && !node.stats.isDirectory()) throw new Fault('NotAFile');
}
