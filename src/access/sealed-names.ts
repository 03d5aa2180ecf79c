/**
 * Files without those that hold settings: no client ever sees, reads, makes, changes or moves an access file. The
 * decision is by effect, so that no verb reaches one by a side door, and always on: what is not in force today may be
 * tomorrow. Only names that are asked for can be judged here; that no link leads to one is for storage to see to.
 */
import { foldedName, foldsTo } from '../lib/folded-name.ts';
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';
import { pathParts, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { FileSystem } from '../spi/file-system.ts';

/** What there is to know of access files beside their name. */
export interface Sealing {
  /**
   * Whether one can be in force for anybody. Only then a directory is looked through before it is moved, which costs a
   * walk; otherwise it is enough to look at the top of it. Asked when something is moved; yes by default.
   */
  readonly inForce?: () => boolean;
  /** Told of what a listing leaves out though its name is spelt otherwise. */
  readonly misspelt?: (directory: VirtualPath, entry: DirectoryEntry) => Promise<void>;
}

/**
 * The same files, with everything of this name out of reach: a path with such a part names nothing, and nothing gets
 * such a name. A directory that holds one stays where it is, and so do all above it: elsewhere the settings would hold
 * for other files, and where they held they would be gone. A link to a directory holds nothing and may be moved.
 *
 * @throws Fault `NoSuchFile` for what is asked of such a name, `PermissionDenied` for making one, and for removing or
 *   moving a directory with one in it.
 */
export function sealedFiles(files: FileSystem, name: string, sealing: Sealing = {}): FileSystem {
  const { inForce = () => true, misspelt = async () => undefined } = sealing;
  const sealed = foldedName(name);
  const isSealed = (path: VirtualPath) => pathParts(path).some((part) => foldsTo(sealed, part));
  const refuseName = (path: VirtualPath) => {
    if (isSealed(path)) throw new Fault('NoSuchFile');
  };
  const refuseMaking = (path: VirtualPath) => {
    if (isSealed(path)) throw new Fault('PermissionDenied', { text: 'That name is reserved.' });
  };
  const refuseMove = () => {
    throw new Fault('PermissionDenied', { text: 'The directory holds settings of the server; it stays as it is.' });
  };
  const refuseHolder = async (path: VirtualPath, entriesMax: number) => {
    if (await holds(files, path, { name, entriesMax })) refuseMove();
  };
  const { removeTree, makeSymlink, setCreated } = files;

  return {
    async stat(path) {
      refuseName(path);
      return files.stat(path);
    },
    async enter(path) {
      refuseName(path);
      await files.enter(path);
    },
    async list(path, wanted) {
      refuseName(path);
      const note = async (entry: DirectoryEntry) => {
        const facts = wanted === 'names' ? await factsOf(files, resolvePath(path, entry.name)) : entry;
        if (facts !== undefined) await misspelt(path, { ...facts, name: entry.name });
      };
      return without(await files.list(path, wanted), name, note);
    },
    async openRead(path) {
      refuseName(path);
      return files.openRead(path);
    },
    async stage(path, request) {
      refuseMaking(path);
      return files.stage(path, request);
    },
    async resumableBytes(path) {
      refuseName(path);
      return files.resumableBytes(path);
    },
    async makeDirectory(path) {
      refuseMaking(path);
      await files.makeDirectory(path);
    },
    async removeDirectory(path) {
      refuseName(path);
      await files.removeDirectory(path);
    },
    async removeFile(path) {
      refuseName(path);
      await files.removeFile(path);
    },
    async rename(from, to, existing) {
      refuseName(from);
      refuseMaking(to);
      if (!inForce()) {
        if ((await hasInside(files, from, name)) && !(await isLink(files, from))) refuseMove();
      } else if ((await kindOf(files, from)) === 'directory' && !(await isLink(files, from))) {
        await refuseHolder(from, MOVED_ENTRIES_MAX);
      }
      await files.rename(from, to, existing);
    },
    async setModified(path, modifiedMs) {
      refuseName(path);
      await files.setModified(path, modifiedMs);
    },
    async setMode(path, mode) {
      refuseName(path);
      await files.setMode(path, mode);
    },
    async freeBytes(path) {
      refuseName(path);
      return files.freeBytes(path);
    },
    ...(removeTree !== undefined && {
      async removeTree(path: VirtualPath, entriesMax: number) {
        refuseName(path);
        // Of a link nothing is removed: storage refuses it, whatever it leads to.
        if (!(await isLink(files, path))) await refuseHolder(path, entriesMax);
        await removeTree.call(files, path, entriesMax);
      },
    }),
    ...(makeSymlink !== undefined && {
      async makeSymlink(path: VirtualPath, target: VirtualPath) {
        refuseMaking(path);
        refuseName(target);
        await makeSymlink.call(files, path, target);
      },
    }),
    ...(setCreated !== undefined && {
      async setCreated(path: VirtualPath, createdMs: number) {
        refuseName(path);
        await setCreated.call(files, path, createdMs);
      },
    }),
  };
}

/** Entries of a directory that may be looked through before it is moved; a larger one stays where it is. */
const MOVED_ENTRIES_MAX = 100_000;

async function* without(
  batches: AsyncIterable<readonly DirectoryEntry[]>,
  name: string,
  misspelt: (entry: DirectoryEntry) => Promise<void>,
): AsyncGenerator<readonly DirectoryEntry[]> {
  const sealed = foldedName(name);
  for await (const batch of batches) {
    const shown = batch.filter((entry) => !foldsTo(sealed, entry.name));
    if (shown.length < batch.length) {
      for (const entry of batch) if (entry.name !== name && !shown.includes(entry)) await misspelt(entry);
    }
    yield shown;
  }
}

/** Undefined for what is not there: whoever acts on it then says so in its own words. */
async function kindOf(files: FileSystem, path: VirtualPath): Promise<FileFacts['kind'] | undefined> {
  return (await factsOf(files, path))?.kind;
}

async function factsOf(files: FileSystem, path: VirtualPath | undefined): Promise<FileFacts | undefined> {
  if (path === undefined) return undefined;
  try {
    return await files.stat(path);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Whether this name is a link. What cannot be looked at is none: whoever acts on it then says why. */
async function isLink(files: FileSystem, path: VirtualPath): Promise<boolean> {
  try {
    return (await files.isLink?.(path)) ?? false;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** Whether something in a directory has this name, also a link that leads nowhere, which no listing shows. */
async function hasInside(files: FileSystem, directory: VirtualPath, name: string): Promise<boolean> {
  const inside = resolvePath(directory, name);
  if (inside === undefined) return false;
  return (await kindOf(files, inside)) !== undefined || isLink(files, inside);
}

/**
 * Whether there is an access file anywhere in a directory; links in it are not followed. @throws Fault `ListingTooLong`
 * past `entriesMax`.
 */
async function holds(
  files: FileSystem,
  top: VirtualPath,
  { name, entriesMax }: { readonly name: string; readonly entriesMax: number },
): Promise<boolean> {
  const sealed = foldedName(name);
  const waiting = [top];
  let entryCount = 0;
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    if (await hasInside(files, directory, name)) return true;
    for await (const batch of await files.list(directory)) {
      entryCount += batch.length;
      if (entryCount > entriesMax) throw new Fault('ListingTooLong');
      if (batch.some((entry) => foldsTo(sealed, entry.name))) return true;
      for (const entry of batch) {
        const inner = entry.kind === 'directory' ? resolvePath(directory, entry.name) : undefined;
        if (inner !== undefined && !(await isLink(files, inner))) waiting.push(inner);
      }
    }
  }
  return false;
}
