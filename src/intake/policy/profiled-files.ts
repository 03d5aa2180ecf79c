/**
 * An account's files behind what their directories are for. As with the permission letters the decision is by effect and
 * not by verb, comes before storage is asked, and reads the same whether or not a name exists.
 */
import type { DirectoryEntry, FileFacts } from '../../protocol/file-facts.ts';
import { nameMatchesAnyCase } from '../../protocol/name-glob.ts';
import { baseName, isWithin, parentOf, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';
import type { Account } from '../../spi/authenticator.ts';
import { Fault, type FaultKind } from '../../spi/fault.ts';
import type { FileSystem, StageRequest } from '../../spi/file-system.ts';
import type { PermissionLetter } from '../../spi/permissions.ts';
import type { Session } from '../../spi/session.ts';
import type { Settings } from '../../spi/settings.ts';
import { intakeDirective } from '../intake-directive.ts';
import { lettersUnder, type ResolvedIntake, resolvedIntake } from './profiles.ts';

/** Whose files they are, and where notes for the log go. */
export interface PolicyUse {
  readonly session: Session;
  readonly account: Account;
  note(fields: Readonly<Record<string, unknown>>): void;
}

/** What a directory is for is looked up with these. */
export interface ProfileParts {
  settings(): Settings;
  /** Directories with sections of their own, which may say something else than those around them. */
  readonly sections: readonly VirtualPath[];
}

/** What holds in a directory for a session. @throws Fault `PermissionDenied` when that cannot be known. */
export async function intakeAt(settings: Settings, session: Session, directory: VirtualPath): Promise<ResolvedIntake> {
  return resolvedIntake(await settings.atDirectory(intakeDirective, session, directory));
}

/**
 * The same files, each operation allowed only as profiles and name patterns leave it. A file, and a directory as an
 * entry, is judged by the directory that holds it; entering and listing a directory by that directory itself.
 *
 * @throws Fault `PermissionDenied` for a letter that the profile takes away, `BadName` for a name that does not match.
 */
export function profiledFiles(files: FileSystem, use: PolicyUse, parts: ProfileParts): FileSystem {
  const place = new Places(use, parts);
  const require = (letter: PermissionLetter, directory: VirtualPath) => place.require(letter, directory);
  const asEntry = (letter: PermissionLetter, path: VirtualPath) => place.require(letter, parentOf(path));

  return {
    async stat(path) {
      if (await place.holds('l', parentOf(path))) return place.withoutActivity(path, await files.stat(path));
      // A directory that may be looked into has facts, although what surrounds it may not be seen.
      await require('l', path);
      return directoryFacts(files, path);
    },
    async enter(path) {
      await require('e', path);
      await place.blindly(parentOf(path), () => files.enter(path));
    },
    async list(path, wanted) {
      await require('l', path);
      const batches = await files.list(path, wanted);
      return parts.sections.length === 0 || wanted === 'names' ? batches : place.listed(path, batches);
    },
    async openRead(path) {
      await asEntry('r', path);
      return files.openRead(path);
    },
    async stage(path, asked) {
      const request = (await place.holds('a', parentOf(path))) ? asked : await ownAppending(files, path, asked);
      await asEntry(request.from === 'append' ? 'a' : 'w', path);
      const intake = await place.at(parentOf(path));
      place.requireName(intake, path);
      await requireOwnBeginning(files, path, { request, readable: await place.holds('r', parentOf(path)) });
      // Versions are made where a file gets its name; storage that is asked directly must at least spare what is there.
      const existing = intake.collision === 'replace' ? request.existing : 'keep';
      return place.blindly(parentOf(path), () => files.stage(path, { ...request, existing }));
    },
    /** Who may not look may go on with what it has sent itself, where that is kept. Nothing else is told. */
    async resumableBytes(path) {
      if (await place.holds('l', parentOf(path))) return files.resumableBytes(path);
      await asEntry('w', path);
      const kept = await place.blindly(parentOf(path), () => files.resumableBytes(path));
      if (kept === undefined) throw new Fault('PermissionDenied');
      return kept;
    },
    async makeDirectory(path) {
      await asEntry('m', path);
      await files.makeDirectory(path);
    },
    async removeDirectory(path) {
      await place.requireChange('d', path);
      await files.removeDirectory(path);
    },
    async removeFile(path) {
      await place.requireChange('d', path);
      await files.removeFile(path);
    },
    async rename(from, to, existing) {
      await asEntry('f', from);
      await asEntry('f', to);
      const there = await place.requireMove(from, to);
      place.requireName(there, to);
      const mayReplace = there.collision === 'replace' && (await place.holds('w', parentOf(to)));
      await files.rename(from, to, mayReplace ? existing : 'keep');
    },
    async setModified(path, modifiedMs) {
      await place.requireChange('T', path);
      await files.setModified(path, modifiedMs);
    },
    async setMode(path, mode) {
      await place.requireChange('M', path);
      await files.setMode(path, mode);
    },
    /** Known to whoever may store something there. */
    async freeBytes(path) {
      const stores = (await place.storesAt(path)) || (await place.storesAt(parentOf(path)));
      return stores ? files.freeBytes(path) : undefined;
    },
    ...optionalMethods(files, place),
  };
}

/** What not every storage can do. */
function optionalMethods(
  files: FileSystem,
  place: Places,
): Pick<FileSystem, 'removeTree' | 'makeSymlink' | 'setCreated'> {
  const { removeTree, makeSymlink, setCreated } = files;
  return {
    ...(removeTree !== undefined && {
      async removeTree(path: VirtualPath, entriesMax: number) {
        await place.requireChange('d', path);
        await removeTree.call(files, path, entriesMax);
      },
    }),
    ...(makeSymlink !== undefined && {
      async makeSymlink(path: VirtualPath, target: VirtualPath) {
        // A link is a second name: what a profile, a quota or a pattern says of the one must not end at the other.
        await place.requireNoProfile([parentOf(path), path, parentOf(target), target]);
        place.requireName(await place.requireEven(path, target), path);
        await makeSymlink.call(files, path, target);
      },
    }),
    ...(setCreated !== undefined && {
      async setCreated(path: VirtualPath, createdMs: number) {
        await place.requireChange('T', path);
        await setCreated.call(files, path, createdMs);
      },
    }),
  };
}

/** The letters that a file must not come under by being renamed. */
const GAINS: readonly PermissionLetter[] = ['r', 'a', 'd', 'M', 'T'];

/** What holds where, for one command of one session. */
class Places {
  readonly #use: PolicyUse;
  readonly #parts: ProfileParts;

  constructor(use: PolicyUse, parts: ProfileParts) {
    this.#use = use;
    this.#parts = parts;
  }

  at(directory: VirtualPath): Promise<ResolvedIntake> {
    return intakeAt(this.#parts.settings(), this.#use.session, directory);
  }

  /** Without a profile the letters are not this decorator's business. */
  async holds(letter: PermissionLetter, directory: VirtualPath): Promise<boolean> {
    const intake = await this.at(directory);
    return intake.left === undefined || lettersUnder(this.#use.account, intake, directory).has(letter);
  }

  async require(letter: PermissionLetter, directory: VirtualPath): Promise<void> {
    if (await this.holds(letter, directory)) return;
    const { profile } = await this.at(directory);
    this.#use.note({ profile });
    throw new Fault('PermissionDenied');
  }

  /** Changing an entry that is a directory touches everything in it. */
  async requireChange(letter: PermissionLetter, path: VirtualPath): Promise<void> {
    await this.require(letter, parentOf(path));
    for (const section of [path, ...this.#parts.sections.filter((one) => isWithin(one, path))]) {
      await this.require(letter, section);
      // What lies below a section that is not recursive is under another one.
      const below = resolvePath(section, '-');
      if (below !== undefined) await this.require(letter, below);
    }
  }

  /** @throws Fault `BadName` with the patterns, which the operator has made known by writing them. */
  requireName({ names }: ResolvedIntake, path: VirtualPath): void {
    if (names.length === 0 || names.some((glob) => nameMatchesAnyCase(glob, baseName(path)))) return;
    this.#use.note({ names });
    throw new Fault('BadName', { text: `Names here must match ${listed(names)}.` });
  }

  /** @throws Fault `PermissionDenied` when one of the directories has a profile. */
  async requireNoProfile(directories: readonly VirtualPath[]): Promise<void> {
    for (const directory of directories) {
      const { profile } = await this.at(directory);
      if (profile === undefined) continue;
      this.#use.note({ profile });
      throw new Fault('PermissionDenied');
    }
  }

  /**
   * What is moved keeps what it was let in under: it goes to where exactly the same holds, and comes under no more letters.
   * A directory takes everything in it along, so that what its sections say counts too.
   *
   * @returns what holds where it goes. @throws Fault `PermissionDenied`.
   */
  async requireMove(from: VirtualPath, to: VirtualPath): Promise<ResolvedIntake> {
    const there = await this.at(parentOf(to));
    if (parentOf(from) !== parentOf(to)) await this.require('w', parentOf(to));
    const [sources, targets] = [this.#around(from), this.#around(to)];
    for (const letter of GAINS) {
      const held = await Promise.all(targets.map((directory) => this.holds(letter, directory)));
      if (!held.includes(true)) continue;
      for (const directory of sources) await this.require(letter, directory);
    }
    await this.#requireTerms(there, { directories: [...sources, ...targets], from, to });
    return there;
  }

  /** What holds an entry, the entry in case it is a directory, and what is said of anything below it. */
  #around(path: VirtualPath): readonly VirtualPath[] {
    const sections = this.#parts.sections.filter((one) => isWithin(one, path));
    const below = [path, ...sections].flatMap((one) => resolvePath(one, '-') ?? []);
    return [parentOf(path), path, ...sections, ...below];
  }

  /** @returns what holds at both. @throws Fault `PermissionDenied` when it is not the same. */
  async requireEven(one: VirtualPath, other: VirtualPath): Promise<ResolvedIntake> {
    const intake = await this.at(parentOf(one));
    await this.#requireTerms(intake, { directories: [parentOf(other), one, other], from: one, to: other });
    return intake;
  }

  async #requireTerms(
    intake: ResolvedIntake,
    { directories, from, to }: { readonly directories: readonly VirtualPath[]; from: VirtualPath; to: VirtualPath },
  ): Promise<void> {
    const wanted = contentTerms(intake);
    for (const directory of directories) {
      if (contentTerms(await this.at(directory)) === wanted) continue;
      this.#use.note({ intake: 'differs', path: from, to });
      throw new Fault('PermissionDenied');
    }
  }

  /**
   * Facts of a directory without what moves when something is done in it, where it is a drop: to see that others hand in is
   * to know something of them.
   */
  async withoutActivity<Facts extends FileFacts>(path: VirtualPath, facts: Facts): Promise<Facts> {
    if (facts.kind !== 'directory') return facts;
    if ((await this.at(path)).profile !== 'drop' || (await this.holds('l', path))) return facts;
    return { ...facts, ...STILL };
  }

  async *listed(
    directory: VirtualPath,
    batches: AsyncIterable<readonly DirectoryEntry[]>,
  ): AsyncGenerator<readonly DirectoryEntry[]> {
    for await (const batch of batches) {
      const entries: DirectoryEntry[] = [];
      for (const entry of batch) {
        const path = entry.kind === 'directory' ? resolvePath(directory, entry.name) : undefined;
        entries.push(path === undefined ? entry : await this.withoutActivity(path, entry));
      }
      yield entries;
    }
  }

  async storesAt(directory: VirtualPath): Promise<boolean> {
    return (await this.holds('w', directory)) || (await this.holds('a', directory));
  }

  /** Where nothing may be seen, what storage says of names that are there or missing is one and the same. */
  async blindly<T>(directory: VirtualPath, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof Fault) || !TELLING.has(error.kind) || (await this.holds('l', directory))) throw error;
      throw new Fault('PermissionDenied', { cause: error });
    }
  }
}

/** Faults that tell what a name is. */
const TELLING: ReadonlySet<FaultKind> = new Set(['NoSuchFile', 'NotADirectory', 'NotAFile']);

/** Facts of every drop at any time. */
const STILL = { sizeBytes: 0, linkCount: 2, modifiedMs: 0, changedMs: 0 } as const satisfies Partial<FileFacts>;

/** What a file is let in under, as text to compare. Letters are judged on their own; names and collisions at the new one. */
function contentTerms(intake: ResolvedIntake): string {
  const { types, bytesMax, bytesMin, quotaBytes, quotaFiles, gates, verdict, encryptTo, retainDays, deliver } = intake;
  const terms = { types, bytesMax, bytesMin, quotaBytes, quotaFiles, gates, verdict, encryptTo, retainDays, deliver };
  return JSON.stringify(terms);
}

/**
 * Behind REST, storage builds on the published file when no unfinished upload is long enough. For who may not read, that
 * would tell how long the file is: such an account goes on with its own bytes only.
 */
async function requireOwnBeginning(
  files: FileSystem,
  path: VirtualPath,
  { request, readable }: { readonly request: StageRequest; readonly readable: boolean },
): Promise<void> {
  if (readable || request.from !== 'restart' || request.offsetBytes === 0) return;
  const kept = (await files.resumableBytes(path)) ?? 0;
  if (kept < request.offsetBytes) throw new Fault('RestartInvalid');
}

/**
 * Clients such as curl go on with an upload by APPE. For who may not append to files that is still a way to go on with what
 * it has sent itself, and with nothing else.
 */
async function ownAppending(files: FileSystem, path: VirtualPath, request: StageRequest): Promise<StageRequest> {
  if (request.from !== 'append') return request;
  const offsetBytes = await files.resumableBytes(path);
  return offsetBytes === undefined ? request : { from: 'restart', offsetBytes, existing: request.existing };
}

/** Anything but a directory gives the one refusal, so that names beside it cannot be guessed. */
async function directoryFacts(files: FileSystem, path: VirtualPath): Promise<FileFacts> {
  const facts = await files.stat(path).catch((error: unknown) => {
    if (error instanceof Fault) return undefined;
    throw error;
  });
  if (facts?.kind !== 'directory') throw new Fault('PermissionDenied');
  return facts;
}

/** So many patterns are told; more would not be read. */
const NAMES_TOLD_MAX = 10;

function listed(names: readonly string[]): string {
  const told = names.slice(0, NAMES_TOLD_MAX);
  const last = told.pop();
  if (names.length > NAMES_TOLD_MAX) return `${[...told, last].join(', ')} or others`;
  return told.length === 0 ? `${last}` : `${told.join(', ')} or ${last}`;
}
