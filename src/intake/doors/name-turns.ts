/**
 * The name under which a file is published. It is chosen before the record is written, so that record, receipt and directory
 * say the same; until the file has it, nobody else may choose it, or decide by what is under it.
 */
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import { Fault } from '../../spi/fault.ts';
import type { ExistingFile, FileSystem } from '../../spi/file-system.ts';
import { placeOf } from '../policy/disk-place.ts';
import { versionedName } from '../policy/versioned-name.ts';

/** What happens when a file of the name is there. */
export type Collision = 'refuse' | 'version' | 'replace';

/** The name that an upload would have. */
export interface Wanted {
  readonly account: string;
  readonly path: VirtualPath;
  readonly collision: Collision;
}

/** A name that is one's own until it is released. */
export interface ChosenName extends Disposable {
  readonly path: VirtualPath;
  readonly existing: ExistingFile;
  /** Whether a file has the name now, which publication replaces. */
  readonly replaces: boolean;
}

/** Names that somebody decides about, each by the key of its place on the disk. */
export interface NameClaims {
  /** Takes a name, and gives what lets it go again; undefined when somebody has it. */
  take(key: string): Promise<(() => void) | undefined> | (() => void) | undefined;
  /** Takes a name as soon as nobody has it, and gives what lets it go again. */
  turn(key: string): Promise<() => void>;
}

/** Versions that are looked at before a name is refused; bounds what one upload can ask of the disk. */
const VERSIONS_MAX = 1_000;

/** Names in use, each by one publication at a time. A turn is of a name and not of a directory, so that others share syncs. */
export class NameTurns {
  readonly #claims: NameClaims;

  constructor(claims: NameClaims = new OwnNames()) {
    this.#claims = claims;
  }

  /**
   * Chooses the name for a file that was uploaded, and takes it.
   *
   * @throws Fault `FileExists` when the name is taken and may not be replaced, and when too many versions are there.
   */
  async choose(files: FileSystem, { account, path, collision }: Wanted): Promise<ChosenName> {
    // By whatever account and links it is reached, one name of the disk has one turn.
    const keyOf = (name: VirtualPath) => placeOf(files, account, name);
    if (collision === 'version') return this.#version(files, path, keyOf);
    const release = await this.#claims.turn(await keyOf(path));
    try {
      const taken = await isTaken(files, path);
      if (taken && collision === 'refuse') throw new Fault('FileExists');
      const existing = collision === 'replace' ? 'replace' : 'keep';
      return { path, existing, replaces: taken, [Symbol.dispose]: release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #version(
    files: FileSystem,
    path: VirtualPath,
    keyOf: (name: VirtualPath) => Promise<string>,
  ): Promise<ChosenName> {
    for (let version = 1; version <= VERSIONS_MAX; version++) {
      const candidate = version === 1 ? path : versionedName(path, version);
      if (candidate === undefined) break;
      const release = await this.#claims.take(await keyOf(candidate));
      if (release === undefined) continue;
      try {
        if (!(await isTaken(files, candidate))) {
          return { path: candidate, existing: 'keep', replaces: false, [Symbol.dispose]: release };
        }
      } catch (error) {
        release();
        throw error;
      }
      release();
    }
    throw new Fault('FileExists');
  }
}

/** The names that are being decided about in this process, when it is the only one. */
export class OwnNames implements NameClaims {
  readonly #taken = new Map<string, Promise<void>>();

  async turn(key: string): Promise<() => void> {
    for (;;) {
      const release = this.take(key);
      if (release !== undefined) return release;
      await this.#taken.get(key);
    }
  }

  take(key: string): (() => void) | undefined {
    if (this.#taken.has(key)) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#taken.set(key, promise);
    return () => {
      if (this.#taken.get(key) !== promise) return;
      this.#taken.delete(key);
      resolve();
    };
  }
}

/** Whether anything has the name, a link that leads nowhere included. @throws Fault `NotAFile` for a directory. */
async function isTaken(files: FileSystem, path: VirtualPath): Promise<boolean> {
  try {
    if ((await files.stat(path)).kind === 'directory') throw new Fault('NotAFile');
    return true;
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'NoSuchFile') throw error;
    return (await files.isLink?.(path)) ?? false;
  }
}
