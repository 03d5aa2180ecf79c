/**
 * Storage in which what has to be kept is kept. It stands right in front of the disk, below everything that publishes, so
 * that a promise is made for whatever takes a name there, whichever way and however late.
 */
import { decorate } from '../../lib/decorate.ts';
import { parentOf, type VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { ExistingFile, FileSystem, HeldFile, StagedWrite } from '../../spi/file-system.ts';
import { type DiskPlace, placeBehind, placeOf } from './disk-place.ts';
import type { Keeping, Promises, Touched } from './keeping.ts';
import type { ResolvedIntake } from './profiles.ts';
import { refuseUntil } from './retention.ts';

/** Whose storage it is, and what holds there. */
export interface RetainingParts {
  readonly account: string;
  readonly book: Promises;
  /**
   * What holds in a directory; absent where no session is, as behind a restart: then only what is held already is
   * published, and the book knows for how long that is kept.
   */
  intakeAt?(directory: VirtualPath): Promise<Pick<ResolvedIntake, 'retainDays' | 'collision'>>;
}

/**
 * The same storage; no file, and no directory with one in it, goes away, changes or gets another name before its time.
 *
 * @throws Fault `Retained` with the date.
 */
export function retainingFiles(files: FileSystem, parts: RetainingParts): FileSystem {
  const { account, book } = parts;
  const { removeTree, setCreated, held } = files;
  /**
   * A name, and what it leads to when that is a directory: a link may be how an account comes to its home, and then what
   * lies there would be out of reach, or another's.
   */
  const entry = async (path: VirtualPath): Promise<Touched> => {
    const [place, behind] = [await placeOf(files, account, path), await placeBehind(files, account, path)];
    return { places: [place], behind: behind === place ? [] : [behind] };
  };
  /** Changes a name, or what it leads to. Without promises no place is looked up. */
  const changing = async <T>(touched: () => Promise<Touched>, change: () => Promise<T>): Promise<T> =>
    book.empty ? book.changeAnywhere(change) : book.changing(await touched(), change);
  const changingEntry = <T>(path: VirtualPath, change: () => Promise<T>) => changing(() => entry(path), change);
  const changingContent = <T>(path: VirtualPath, change: () => Promise<T>) =>
    changing(async () => ({ places: [await placeBehind(files, account, path)] }), change);

  return decorate(files, {
    async stage(path, request) {
      const intake = await parts.intakeAt?.(parentOf(path));
      if (intake?.retainDays !== undefined) book.expect();
      // A version leaves what is there alone.
      const mayReplace = request.existing === 'replace' && intake?.collision !== 'version';
      const existing = mayReplace ? await sparing(files, path, parts) : request.existing;
      const staged = await files.stage(path, { ...request, existing });
      return retainingWrite(staged, { ...parts, files, path, existing, days: intake?.retainDays });
    },
    removeFile: (path) => changingEntry(path, () => files.removeFile(path)),
    removeDirectory: (path) => changingEntry(path, () => files.removeDirectory(path)),
    async rename(from, to, existing) {
      const spared = existing === 'replace' ? await sparing(files, to, parts) : existing;
      const replaced = async () => (spared === 'replace' ? replacedPlaces(files, account, to) : []);
      const touched = async () => {
        const { places, behind } = await entry(from);
        return { places: [...places, ...(await replaced())], behind };
      };
      await changing(touched, () => files.rename(from, to, spared));
    },
    setModified: (path, modifiedMs) => changingContent(path, () => files.setModified(path, modifiedMs)),
    setMode: (path, mode) => changingContent(path, () => files.setMode(path, mode)),
    ...(setCreated !== undefined && {
      setCreated: (path: VirtualPath, createdMs: number) =>
        changingContent(path, () => setCreated.call(files, path, createdMs)),
    }),
    ...(removeTree !== undefined && {
      removeTree: (path: VirtualPath, entriesMax: number) =>
        changingEntry(path, () => removeTree.call(files, path, entriesMax)),
    }),
    ...(held !== undefined && {
      async held(path: VirtualPath, id: string) {
        return retainingHeld(await held.call(files, path, id), { ...parts, files, id });
      },
    }),
  });
}

interface WriteParts extends RetainingParts {
  readonly files: FileSystem;
  readonly path: VirtualPath;
  readonly existing: ExistingFile;
  readonly days: number | undefined;
}

function retainingWrite(staged: StagedWrite, parts: WriteParts): StagedWrite {
  const { files, path, existing, days, book, account } = parts;
  const { hold } = staged;
  return decorate(staged, {
    async commit(arrival) {
      const keeping = days === undefined ? undefined : { days };
      await publishing({ files, account, book, path, existing, keeping }, () => staged.commit(arrival));
    },
    ...(hold !== undefined && {
      async hold(id: string) {
        // First, since what is held may be published by a later process.
        if (days !== undefined) await book.hold(id, days);
        try {
          await hold.call(staged, id);
        } catch (error) {
          await book.settle(id);
          throw error;
        }
      },
    }),
  });
}

function retainingHeld(
  held: HeldFile,
  { files, account, book, id }: RetainingParts & { readonly files: FileSystem; readonly id: string },
): HeldFile {
  return decorate(held, {
    async publish(path, existing) {
      const promised = await book.held(id);
      const keeping = promised && { days: promised.days, id };
      // Behind a crash the promise that stands in its way may be its own.
      const isOwn = promised?.at !== undefined && promised.at === (await placeOf(files, account, path));
      if (isOwn && keeping !== undefined) {
        await book.keep(promised.at, keeping, () => held.publish(path, existing));
      } else {
        const spared = existing === 'replace' ? await sparing(files, path, { account, book }) : existing;
        await publishing({ files, account, book, path, existing: spared, keeping }, () => held.publish(path, spared));
      }
      if (promised !== undefined) await book.settle(id);
    },
    async destroy() {
      await held.destroy();
      await book.settle(id);
    },
  });
}

interface Publication extends Pick<RetainingParts, 'account' | 'book'> {
  readonly files: FileSystem;
  readonly path: VirtualPath;
  readonly existing: ExistingFile;
  /** For how long it is kept; undefined when it need not be. */
  readonly keeping: Keeping | undefined;
}

/** Gives a file its name, as a change of what it replaces. @throws Fault `Retained`; what `publish` throws. */
async function publishing(
  { files, account, book, path, existing, keeping }: Publication,
  publish: () => Promise<void>,
): Promise<void> {
  const replaced = async () => (existing === 'replace' ? replacedPlaces(files, account, path) : []);
  if (keeping !== undefined) {
    const place = await placeOf(files, account, path);
    return book.keep(place, { ...keeping, replaces: await replaced() }, publish);
  }
  // Without one that replaces nothing, a promise need not wait: at worst it finds the name taken.
  if (existing === 'keep') return publish();
  return book.empty ? book.changeAnywhere(publish) : book.changing({ places: await replaced() }, publish);
}

/** What is touched when something takes this name: the name itself, and the file that a link of that name leads to. */
async function replacedPlaces(files: FileSystem, account: string, path: VirtualPath): Promise<readonly DiskPlace[]> {
  return [await placeOf(files, account, path), await placeBehind(files, account, path)];
}

/**
 * How something may take a name. A promise without a file is that of a publication that was cut short, or is under way:
 * then the name may be taken as long as it is free. @throws Fault `Retained` when what is there has to be kept.
 */
async function sparing(
  files: FileSystem,
  path: VirtualPath,
  { account, book }: Pick<RetainingParts, 'account' | 'book'>,
): Promise<ExistingFile> {
  if (book.empty) return 'replace';
  const until = await book.latestMs(await replacedPlaces(files, account, path));
  if (until === 0) return 'replace';
  if (await isThere(files, path)) refuseUntil(until);
  return 'keep';
}

async function isThere(files: FileSystem, path: VirtualPath): Promise<boolean> {
  try {
    await files.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Fault && error.kind === 'NoSuchFile') return false;
    throw error;
  }
}
