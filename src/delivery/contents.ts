/**
 * The file that is handed on, as it lies in its account's storage now. It is read by its path, and must be what was published:
 * where files may be replaced or removed, another one can have the name.
 */
import { createHash } from 'node:crypto';
import { ROOT } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { FileSystem, OpenedFile } from '../spi/file-system.ts';
import type { Published } from './published.ts';
import { Undeliverable } from './undeliverable.ts';

/** An open file of the right size. Dispose of it. */
export interface Contents extends AsyncDisposable {
  readonly bytes: number;
  /** Where it lies on this machine's disk; undefined when storage keeps files elsewhere. */
  readonly onDisk: string | undefined;
  /** Its bytes from the beginning. @throws Undeliverable in place of its end, when it is not what was published. */
  read(): AsyncGenerator<Buffer, void, void>;
}

/**
 * Opens a published file in the first of the account's places that has it.
 *
 * @throws Undeliverable when there is none, or another one; what storage says when it cannot be reached, which may change.
 */
export async function openPublished(places: readonly FileSystem[], published: Published): Promise<Contents> {
  const { account, path } = published;
  if (places.length === 0) throw new Error(`nothing says where the files of ${account} are`);
  let gone: unknown = new Undeliverable(`the file is gone: ${path} of ${account}`);
  for (const files of places) {
    // A disk that is not there must not be taken for one from which the file was removed.
    await files.enter(ROOT);
    const opened = await openIn(files, published);
    if (opened === undefined) continue;
    const contents = contentsOf(files, opened, published);
    if (opened.facts.sizeBytes === published.storedBytes) {
      if (places.length === 1 || (await isWhole(contents))) return contents;
    }
    await opened.close();
    gone = anotherFile(published);
  }
  throw gone;
}

async function openIn(files: FileSystem, { path }: Published): Promise<OpenedFile | undefined> {
  try {
    return await files.openRead(path);
  } catch (error) {
    if (error instanceof Fault && NOT_THERE.has(error.kind)) return undefined;
    throw error;
  }
}

const NOT_THERE: ReadonlySet<string> = new Set(['NoSuchFile', 'NotAFile', 'NotADirectory']);

function contentsOf(files: FileSystem, opened: OpenedFile, published: Published): Contents {
  return {
    bytes: published.storedBytes,
    onDisk: files.onDisk?.(published.path),
    async *read() {
      const hash = createHash('sha256');
      for await (const piece of opened.read(0)) {
        hash.update(piece);
        yield piece;
      }
      if (hash.digest('hex') !== published.storedSha256) throw anotherFile(published);
    },
    [Symbol.asyncDispose]: () => opened.close(),
  };
}

/** Reads a file to its end, so that it is known to be the right one. @throws Undeliverable when it is not. */
export async function verify(contents: Contents, signal?: AbortSignal): Promise<void> {
  for await (const _piece of contents.read()) signal?.throwIfAborted();
}

async function isWhole(contents: Contents): Promise<boolean> {
  try {
    await verify(contents);
    return true;
  } catch (error) {
    if (error instanceof Undeliverable) return false;
    throw error;
  }
}

function anotherFile({ path, account }: Published): Undeliverable {
  return new Undeliverable(`another file has the name now: ${path} of ${account}`);
}
