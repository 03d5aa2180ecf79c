/** Files behind a question about each directory that they are in, for what can shut a directory and all below it. */
import { parentOf, type VirtualPath } from '../protocol/virtual-path.ts';
import type { FileSystem } from '../spi/file-system.ts';

/**
 * The same files; `admit` is asked before every operation, about the directory that holds what the path names, and about
 * a directory itself before it is entered, listed or removed.
 *
 * @throws what `admit` throws, before storage is asked for anything.
 */
export function guardedDirectories(files: FileSystem, admit: (directory: VirtualPath) => Promise<void>): FileSystem {
  const { removeTree, makeSymlink, setCreated } = files;
  const behind =
    <Rest extends readonly unknown[], Result>(act: (path: VirtualPath, ...rest: Rest) => Promise<Result>) =>
    async (path: VirtualPath, ...rest: Rest): Promise<Result> => {
      await admit(parentOf(path));
      return act.call(files, path, ...rest);
    };
  const within =
    <Rest extends readonly unknown[], Result>(act: (path: VirtualPath, ...rest: Rest) => Promise<Result>) =>
    async (path: VirtualPath, ...rest: Rest): Promise<Result> => {
      await admit(path);
      return act.call(files, path, ...rest);
    };

  return {
    stat: behind(files.stat),
    enter: within(files.enter),
    list: within(files.list),
    openRead: behind(files.openRead),
    stage: behind(files.stage),
    resumableBytes: behind(files.resumableBytes),
    makeDirectory: behind(files.makeDirectory),
    removeDirectory: within(files.removeDirectory),
    removeFile: behind(files.removeFile),
    async rename(from, to, existing) {
      // What is renamed may be a directory that is shut, and what is in it would come out with it.
      for (const directory of [parentOf(from), from, parentOf(to)]) await admit(directory);
      await files.rename(from, to, existing);
    },
    setModified: behind(files.setModified),
    setMode: behind(files.setMode),
    freeBytes: within(files.freeBytes),
    ...(removeTree !== undefined && { removeTree: within(removeTree) }),
    ...(setCreated !== undefined && { setCreated: behind(setCreated) }),
    ...(makeSymlink !== undefined && {
      async makeSymlink(path: VirtualPath, target: VirtualPath) {
        for (const directory of [parentOf(path), parentOf(target), target]) await admit(directory);
        await makeSymlink.call(files, path, target);
      },
    }),
  };
}
