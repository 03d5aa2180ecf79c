/**
 * Access files: settings that lie in the directories they hold for. They are read through the account's own storage, as
 * often as they change. One that is wrong shuts its directory: it was meant to say something.
 */
import { type AccessFileText, accessFileReader } from '../config/access-file.ts';
import { fileProblem, formatProblem, type Problem } from '../config/problem.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { oncePer } from '../lib/once-per.ts';
import type { DirectoryEntry, FileFacts } from '../protocol/file-facts.ts';
import { decodeUtf8 } from '../protocol/utf8.ts';
import { resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import type { Account } from '../spi/authenticator.ts';
import type { Directive } from '../spi/directive.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type { FileSystem, OpenedFile } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';

/** What access files are read with. */
export interface AccessFilesParts {
  /** What they are called. */
  readonly name: string;
  readonly directives: readonly Directive[];
  readonly clock: Clock;
  readonly log: Log;
}

/** A version of an access file as it was read. */
interface Reading {
  readonly version: string;
  readonly text: AccessFileText;
}

/** The access files of all accounts. */
export class AccessFiles {
  readonly #parts: AccessFilesParts;
  readonly #check: (file: string, text: string) => AccessFileText;
  /** By storage, and so by account: two accounts may have different files of one name. */
  readonly #readingsOf = oncePer((_files: FileSystem) => new BoundedMap<VirtualPath, Reading>(READINGS_MAX));
  /** Mistakes that are in the log already. */
  readonly #told = new BoundedMap<string, true>(TOLD_MAX);

  constructor(parts: AccessFilesParts) {
    this.#parts = parts;
    this.#check = accessFileReader(parts.directives);
  }

  /**
   * What the access file of a directory says, by the names of directives; undefined when there is none.
   *
   * @throws Fault `PermissionDenied` when it is wrong, or says what is not `permitted`; the log has the mistakes.
   */
  async settingsIn(
    directory: VirtualPath,
    account: Account,
    permitted: 'all' | readonly string[],
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const path = resolvePath(directory, this.#parts.name);
    // A path too long to be had has no file either.
    if (path === undefined) return undefined;
    const reading = await this.#read(account, path);
    if (reading === undefined) return undefined;
    const { text, version } = reading;
    const problems = text.ok ? text.refusedBy(permitted) : text.problems;
    if (!text.ok || problems.length > 0) throw this.#refused(problems, { account, path, version });
    return text.settings;
  }

  /**
   * Logs, once, what is called like an access file but for its spelling: it is out of reach like one, and not read. Where
   * storage takes both spellings for one file, that file is read, and there is nothing to log.
   */
  async noteMisspelt(account: Account, directory: VirtualPath, entry: DirectoryEntry): Promise<void> {
    const { name, log } = this.#parts;
    const file = resolvePath(directory, entry.name);
    const path = resolvePath(directory, name);
    const key = JSON.stringify([account.name, file]);
    if (file === undefined || path === undefined || this.#told.get(key) !== undefined) return;
    const right = await account.files.stat(path).catch(() => undefined);
    if (right?.unique === entry.unique) return;
    this.#told.set(key, true);
    log.warn('access_file.ignored', { account: account.name, file, expected: name });
  }

  async #read({ files, name: account }: Account, path: VirtualPath): Promise<Reading | undefined> {
    try {
      return await this.#readIfAny(files, path);
    } catch (error) {
      this.#parts.log.error('access_file.unreadable', { account, file: path, error });
      throw new Fault('PermissionDenied', { cause: error });
    }
  }

  async #readIfAny(files: FileSystem, path: VirtualPath): Promise<Reading | undefined> {
    try {
      return await this.#readThere(files, path);
    } catch (error) {
      if (!(error instanceof Fault) || !ABSENT.includes(error.kind)) throw error;
      // Something was put there to say something, and its target has been moved away.
      return (await files.isLink?.(path)) ? wrong('astray', path, 'is a link that leads nowhere') : undefined;
    }
  }

  async #readThere(files: FileSystem, path: VirtualPath): Promise<Reading> {
    const readings = this.#readingsOf(files);
    const facts = await files.stat(path);
    const known = readings.get(path);
    if (known?.version === versionOf(facts)) return known;
    if (facts.kind !== 'file') return wrong(versionOf(facts), path, 'is not a file');
    const opened = await files.openRead(path);
    try {
      const reading = await this.#readOpened(opened, path);
      // A file may change again within the same tick of its clock, with the same size: only later is it known by its facts.
      if (this.#parts.clock.now() - lastChange(opened.facts) > SETTLED_MS) readings.set(path, reading);
      return reading;
    } finally {
      await opened.close();
    }
  }

  async #readOpened(opened: OpenedFile, path: VirtualPath): Promise<Reading> {
    const version = versionOf(opened.facts);
    // Which name the other one is nobody can tell; clients may reach it, and so what it says.
    if (opened.facts.linkCount > 1)
      return wrong(version, path, 'has a second name (a hard link), by which it can be changed');
    const pieces: Buffer[] = [];
    let byteCount = 0;
    for await (const piece of opened.read(0)) {
      byteCount += piece.length;
      if (byteCount > BYTES_MAX) return wrong(version, path, `is larger than ${BYTES_MAX} bytes`);
      pieces.push(piece);
    }
    const text = decodeUtf8(Buffer.concat(pieces));
    if (text === undefined) return wrong(version, path, 'is not UTF-8');
    return { version, text: this.#check(path, text) };
  }

  #refused(
    problems: readonly Problem[],
    { account, path, version }: { readonly account: Account; readonly path: VirtualPath; readonly version: string },
  ): Fault {
    const mistakes = problems.map(formatProblem);
    const key = JSON.stringify([account.name, path, version, mistakes]);
    if (this.#told.get(key) === undefined) {
      this.#told.set(key, true);
      this.#parts.log.error('access_file.refused', { account: account.name, file: path, mistakes });
    }
    return new Fault('PermissionDenied', { cause: new Error(mistakes.join('\n')) });
  }
}

/** More than a page of directives is a mistake, or an attempt to make the gateway read. */
const BYTES_MAX = 65_536;
const READINGS_MAX = 1_000;
const TOLD_MAX = 1_000;
/** Longer than the coarsest clock of a file system counts (FAT: 2 s). */
const SETTLED_MS = 2_500;
const ABSENT: readonly FaultKind[] = ['NoSuchFile', 'NotADirectory'];

/** Size and time of modification can be kept while the contents change; the time of change cannot. */
function versionOf({ unique, sizeBytes, modifiedMs, changedMs, kind, linkCount }: FileFacts): string {
  return [kind, unique, sizeBytes, modifiedMs, changedMs, linkCount].join(' ');
}

function lastChange({ modifiedMs, changedMs = modifiedMs }: FileFacts): number {
  return Math.max(modifiedMs, changedMs);
}

function wrong(version: string, path: VirtualPath, message: string): Reading {
  return { version, text: { ok: false, problems: [fileProblem(path, message)] } };
}
