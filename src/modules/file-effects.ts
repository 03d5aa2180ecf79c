/**
 * An account's files with somebody looking on: each change is told of when it has been made, whichever command made it. It
 * stands right in front of storage, so that what is told of is what was done and not what was asked for.
 */
import { decorate } from '../lib/decorate.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type { EffectSink } from '../spi/file-effect.ts';
import type { FileSystem, StagedWrite } from '../spi/file-system.ts';

/** The same files; nothing is changed before the sink admits it. @throws what the sink throws. */
export function watchedFiles(files: FileSystem, sink: EffectSink): FileSystem {
  const { removeTree, setCreated, makeSymlink } = files;
  return decorate(files, {
    async stage(path, request) {
      return watchedWrite(await files.stage(path, request), { path, files, sink });
    },
    async removeFile(path) {
      sink.admit();
      await files.removeFile(path);
      sink.done({ kind: 'deleted', path });
    },
    async removeDirectory(path) {
      sink.admit();
      await files.removeDirectory(path);
      sink.done({ kind: 'removed', path, tree: false });
    },
    async makeDirectory(path) {
      sink.admit();
      await files.makeDirectory(path);
      sink.done({ kind: 'made', path });
    },
    async rename(path, to, existing) {
      sink.admit();
      await files.rename(path, to, existing);
      sink.done({ kind: 'renamed', path, to });
    },
    async setModified(path, modifiedMs) {
      sink.admit();
      await files.setModified(path, modifiedMs);
      sink.done({ kind: 'changed', path, modifiedMs });
    },
    async setMode(path, mode) {
      sink.admit();
      await files.setMode(path, mode);
      sink.done({ kind: 'changed', path, mode });
    },
    removeTree:
      removeTree &&
      (async (path, entriesMax) => {
        sink.admit();
        try {
          await removeTree.call(files, path, entriesMax);
        } catch (failure) {
          // What forbids it is found before anything is removed; behind anything else a part may be gone.
          const whole = failure instanceof Fault && NOTHING_REMOVED.has(failure.kind);
          if (!whole) sink.done({ kind: 'removed', path, tree: true, failure });
          throw failure;
        }
        sink.done({ kind: 'removed', path, tree: true });
      }),
    setCreated:
      setCreated &&
      (async (path, createdMs) => {
        sink.admit();
        await setCreated.call(files, path, createdMs);
        sink.done({ kind: 'changed', path, createdMs });
      }),
    makeSymlink:
      makeSymlink &&
      (async (path, to) => {
        sink.admit();
        await makeSymlink.call(files, path, to);
        sink.done({ kind: 'linked', path, to });
      }),
  });
}

const NOTHING_REMOVED: ReadonlySet<FaultKind> = new Set([
  'NoSuchFile',
  'NotADirectory',
  'PermissionDenied',
  'ListingTooLong',
  'Retained',
]);

/** Where a write goes, and who is told of it. */
interface WriteParts {
  readonly path: VirtualPath;
  readonly files: FileSystem;
  readonly sink: EffectSink;
}

function watchedWrite(staged: StagedWrite, { path, files, sink }: WriteParts): StagedWrite {
  return decorate(staged, {
    async commit(arrival) {
      sink.admit();
      const arrivedMs = sink.now();
      const replaced = await replacesFile(staged, files, path);
      await staged.commit(arrival);
      sink.done({ kind: 'published', path, arrival, publication: staged.publication, replaced, arrivedMs });
    },
  });
}

/** What cannot be looked at is taken for nothing: the commit itself tells what is wrong. */
async function replacesFile(staged: StagedWrite, files: FileSystem, path: VirtualPath): Promise<boolean> {
  try {
    return (await staged.replacesFile?.()) ?? (await files.stat(path)).kind === 'file';
  } catch {
    return false;
  }
}
