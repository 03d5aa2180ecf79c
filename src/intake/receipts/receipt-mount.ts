/**
 * `/.receipts`: an account's receipts as files that can be listed and read and nothing else, in front of everything, so
 * that who may only store gets its evidence too.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, open, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { decorate } from '../../lib/decorate.ts';
import { hasCode } from '../../lib/error-code.ts';
import type { DirectoryEntry, FileFacts } from '../../protocol/file-facts.ts';
import { baseName, isWithin, pathParts, ROOT, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { FileSystem, OpenedFile } from '../../spi/file-system.ts';
import { RECEIPT_ENDING, RECEIPTS_PATH } from './receipt-names.ts';

/** What is shown. */
export interface ReceiptTree {
  /** The directory on the disk; it need not exist. */
  readonly directory: string;
  /** The largest file that is read. */
  readonly bytesMax: number;
  /** What is shown in place of what the file on the disk says; undefined when that is no receipt. */
  compared(at: string, text: string): Promise<string | undefined>;
}

/** Entries of a directory that are given at once. */
const BATCH_ENTRIES = 256;

/** Puts the tree in front of the files. */
export function receiptMount(files: FileSystem, tree: ReceiptTree): FileSystem {
  const inside = (path: VirtualPath) => isWithin(path, RECEIPTS_PATH);
  const refuse = (...paths: readonly VirtualPath[]) => {
    if (paths.some(inside)) throw new Fault('PermissionDenied', { text: 'Receipts can be read and not changed.' });
  };
  const { removeTree, isLink, setCreated, makeSymlink, onDisk, held } = files;

  return decorate<FileSystem>(files, {
    stat: async (path) => (inside(path) ? (await found(tree, path)).facts : files.stat(path)),
    async enter(path) {
      if (!inside(path)) return files.enter(path);
      if ((await found(tree, path)).facts.kind !== 'directory') throw new Fault('NotADirectory');
    },
    async list(path, wanted) {
      if (inside(path)) return listed(tree, path);
      const entries = await files.list(path, wanted);
      return path === ROOT ? withoutReal(entries) : entries;
    },
    openRead: async (path) => (inside(path) ? opened(tree, path) : files.openRead(path)),
    resumableBytes: async (path) => (inside(path) ? undefined : files.resumableBytes(path)),
    freeBytes: async (path) => (inside(path) ? undefined : files.freeBytes(path)),
    async stage(path, request) {
      refuse(path);
      return files.stage(path, request);
    },
    async makeDirectory(path) {
      refuse(path);
      await files.makeDirectory(path);
    },
    async removeDirectory(path) {
      refuse(path);
      await files.removeDirectory(path);
    },
    async removeFile(path) {
      refuse(path);
      await files.removeFile(path);
    },
    async rename(from, to, existing) {
      refuse(from, to);
      await files.rename(from, to, existing);
    },
    async setModified(path, modifiedMs) {
      refuse(path);
      await files.setModified(path, modifiedMs);
    },
    async setMode(path, mode) {
      refuse(path);
      await files.setMode(path, mode);
    },
    ...(removeTree !== undefined && {
      async removeTree(path: VirtualPath, entriesMax: number) {
        refuse(path);
        await removeTree.call(files, path, entriesMax);
      },
    }),
    ...(setCreated !== undefined && {
      async setCreated(path: VirtualPath, createdMs: number) {
        refuse(path);
        await setCreated.call(files, path, createdMs);
      },
    }),
    ...(makeSymlink !== undefined && {
      async makeSymlink(path: VirtualPath, target: VirtualPath) {
        refuse(path, target);
        await makeSymlink.call(files, path, target);
      },
    }),
    ...(isLink !== undefined && {
      isLink: async (path: VirtualPath) => (inside(path) ? false : isLink.call(files, path)),
    }),
    ...(onDisk !== undefined && {
      onDisk: (path: VirtualPath) => (inside(path) ? undefined : onDisk.call(files, path)),
    }),
    ...(held !== undefined && {
      async held(path: VirtualPath, id: string) {
        refuse(path);
        return held.call(files, path, id);
      },
    }),
  });
}

/** What a path below `/.receipts` is, and where. @throws Fault `NoSuchFile`. */
async function found(
  tree: ReceiptTree,
  path: VirtualPath,
): Promise<{ readonly at: string; readonly facts: FileFacts }> {
  const [, ...names] = pathParts(path);
  const at = join(tree.directory, ...names);
  const facts = await factsAt(at);
  if (facts !== undefined && isShown(facts, baseName(path))) return { at, facts };
  // Before its first upload an account has an empty directory.
  if (path === RECEIPTS_PATH) return { at, facts: NO_RECEIPTS };
  throw new Fault('NoSuchFile');
}

const NO_RECEIPTS: FileFacts = {
  ...{ kind: 'directory', sizeBytes: 0, modifiedMs: 0, mode: 0o500, linkCount: 2, owner: 0, group: 0 },
  unique: 'receipts',
};

async function listed(tree: ReceiptTree, path: VirtualPath): Promise<AsyncIterable<readonly DirectoryEntry[]>> {
  const { at, facts } = await found(tree, path);
  if (facts.kind !== 'directory') throw new Fault('NotADirectory');
  return facts === NO_RECEIPTS ? nothing() : batches(at);
}

async function* nothing(): AsyncGenerator<never> {}

async function* batches(at: string): AsyncGenerator<readonly DirectoryEntry[]> {
  let batch: DirectoryEntry[] = [];
  for await (const { name } of await opendir(at, { bufferSize: BATCH_ENTRIES })) {
    const facts = await factsAt(join(at, name));
    if (facts === undefined || !isShown(facts, name)) continue;
    batch.push({ ...facts, name });
    if (batch.length < BATCH_ENTRIES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * The entries of the root without a real one of that name. Ours is not among them: a client that fetches, moves or removes
 * whatever it finds listed must not find it.
 */
async function* withoutReal(
  entries: AsyncIterable<readonly DirectoryEntry[]>,
): AsyncGenerator<readonly DirectoryEntry[]> {
  for await (const batch of entries) yield batch.filter(({ name }) => name !== RECEIPTS_NAME);
}

const RECEIPTS_NAME = baseName(RECEIPTS_PATH);

/** A receipt, read whole: it is small, and may be written again at any moment. */
async function opened(tree: ReceiptTree, path: VirtualPath): Promise<OpenedFile> {
  const { at, facts } = await found(tree, path);
  if (facts.kind !== 'file') throw new Fault('NotAFile');
  const text = await tree.compared(at, await contentOf(at, tree.bytesMax));
  if (text === undefined) throw new Fault('NoSuchFile');
  const bytes = Buffer.from(text);
  return {
    facts: { ...facts, sizeBytes: bytes.length },
    async *read(offsetBytes) {
      if (offsetBytes < bytes.length) yield Buffer.from(bytes.subarray(offsetBytes));
    },
    close: async () => undefined,
  };
}

async function contentOf(at: string, bytesMax: number): Promise<string> {
  const handle = await open(at, 'r');
  try {
    const { size } = await handle.stat();
    if (size > bytesMax) throw new Fault('Local', { cause: new Error(`${at} is too large for a receipt`) });
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function isShown({ kind }: FileFacts, name: string): boolean {
  return kind === 'directory' || (kind === 'file' && name.endsWith(RECEIPT_ENDING));
}

async function factsAt(at: string): Promise<FileFacts | undefined> {
  try {
    return factsOf(await lstat(at, { bigint: true }));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw new Fault('Local', { cause: error });
  }
}

/** A name too long to be one is nobody's. */

function factsOf(stats: BigIntStats): FileFacts {
  const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
  return {
    kind,
    sizeBytes: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    changedMs: Number(stats.ctimeMs),
    mode: kind === 'directory' ? 0o500 : 0o400,
    linkCount: Number(stats.nlink),
    owner: Number(stats.uid),
    group: Number(stats.gid),
    unique: `${stats.dev.toString(16)}.${stats.ino.toString(16)}`,
  };
}
