/**
 * Files behind the rules. As with the permission letters the decision is by effect: every path that a command touches is
 * asked about, whichever verb leads there, and before storage is. It stands between the letters and storage.
 */
import { baseName, isWithin, parentOf, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { globMatches, globReachesInto } from './path-glob.ts';
import { type Decision, decide, type Effect, type Question } from './rule-decision.ts';
import type { Rule } from './rules.ts';

/** What the rules are asked with. */
export interface Ruling {
  /** The rules in force at a directory, the innermost first. @throws Fault `PermissionDenied` when they cannot be known. */
  rulesAt(directory: VirtualPath): Promise<readonly Rule[]>;
  /** The questions that an effect at a path comes to; each must be answered. */
  questions(path: VirtualPath, effect: Effect): readonly Question[];
  /** Directories with sections of their own: they stay where they are, lest what they hold slip from under its rules. */
  readonly named: readonly VirtualPath[];
  /** Told of every decision as it is made. */
  asked?(decision: Decision, path: VirtualPath): void;
  /** Told of what is refused, for the log. */
  refused(decision: Decision, path: VirtualPath): void;
}

/**
 * The same files, each operation allowed only as the rules say. A file, and a directory as an entry, comes under the
 * rules of the directory that holds it; entering and listing a directory, under those of that directory itself.
 *
 * @throws Fault `PermissionDenied` from every method, before storage is asked for anything but what a tree holds.
 */
export function ruledFiles(files: FileSystem, ruling: Ruling): FileSystem {
  const denial = async (path: VirtualPath, directory: VirtualPath, effect: Effect): Promise<Decision | undefined> =>
    denialBy(await ruling.rulesAt(directory), path, effect, ruling);
  const require = async (path: VirtualPath, directory: VirtualPath, effect: Effect) => {
    const denied = await denial(path, directory, effect);
    if (denied !== undefined) refuse(ruling, denied, path);
  };
  const asEntry = (path: VirtualPath, effect: Effect) => require(path, parentOf(path), effect);
  const asDirectory = (path: VirtualPath, effect: Effect) => require(path, path, effect);

  return {
    async stat(path) {
      const denied = await denial(path, parentOf(path), 'info');
      if (denied === undefined) return files.stat(path);
      // A directory that may be looked into has facts, although what surrounds it may not be seen.
      if ((await denial(path, path, 'info')) !== undefined) refuse(ruling, denied, path);
      const facts = await files.stat(path).catch((error: unknown) => {
        if (error instanceof Fault) return undefined;
        throw error;
      });
      if (facts?.kind !== 'directory') refuse(ruling, denied, path);
      return facts;
    },
    async enter(path) {
      await asDirectory(path, 'directories');
      await files.enter(path);
    },
    async list(path, wanted) {
      await asDirectory(path, 'info');
      return files.list(path, wanted);
    },
    async openRead(path) {
      await asEntry(path, 'read');
      return files.openRead(path);
    },
    async stage(path, request) {
      await asEntry(path, 'write');
      return files.stage(path, request);
    },
    async resumableBytes(path) {
      await asEntry(path, 'info');
      return files.resumableBytes(path);
    },
    async makeDirectory(path) {
      await asEntry(path, 'write');
      await files.makeDirectory(path);
    },
    async removeDirectory(path) {
      await asEntry(path, 'write');
      await asDirectory(path, 'write');
      await files.removeDirectory(path);
    },
    async removeFile(path) {
      await asEntry(path, 'write');
      await files.removeFile(path);
    },
    async rename(from, to, existing) {
      await asEntry(from, 'write');
      await asEntry(to, 'write');
      await refuseSlipping(files, ruling, from, to);
      await refuseEscape(ruling, from, to);
      await files.rename(from, to, existing);
    },
    async setModified(path, modifiedMs) {
      await asEntry(path, 'write');
      await files.setModified(path, modifiedMs);
    },
    async setMode(path, mode) {
      await asEntry(path, 'write');
      await files.setMode(path, mode);
    },
    /** What may not be known is not told, as with the letters. */
    async freeBytes(path) {
      return (await denial(path, path, 'info')) === undefined ? files.freeBytes(path) : undefined;
    },
    ...optionalMethods(files, ruling, asEntry),
  };
}

/** What not every storage can do. */
function optionalMethods(
  files: FileSystem,
  ruling: Ruling,
  asEntry: (path: VirtualPath, effect: Effect) => Promise<void>,
): Pick<FileSystem, 'removeTree' | 'makeSymlink' | 'setCreated'> {
  const removeTree: FileSystem['removeTree'] = async (path, entriesMax) => {
    await asEntry(path, 'write');
    await requireTree(files, ruling, path, entriesMax);
    await files.removeTree?.(path, entriesMax);
  };
  const makeSymlink: FileSystem['makeSymlink'] = async (path, target) => {
    await asEntry(path, 'write');
    await asEntry(target, 'read');
    await refuseUnevenLink(ruling, path, target);
    await files.makeSymlink?.(path, target);
  };
  const setCreated: FileSystem['setCreated'] = async (path, createdMs) => {
    await asEntry(path, 'write');
    await files.setCreated?.(path, createdMs);
  };
  return {
    ...(files.removeTree === undefined ? {} : { removeTree }),
    ...(files.makeSymlink === undefined ? {} : { makeSymlink }),
    ...(files.setCreated === undefined ? {} : { setCreated }),
  };
}

/** The decision that denies, if one does. */
export function denialBy(
  rules: readonly Rule[],
  path: VirtualPath,
  effect: Effect,
  ruling: Pick<Ruling, 'questions' | 'asked'>,
): Decision | undefined {
  if (rules.length === 0) return undefined;
  return ruling.questions(path, effect).reduce<Decision | undefined>((denied, question) => {
    if (denied !== undefined) return denied;
    const decision = decide(rules, question);
    ruling.asked?.(decision, path);
    return decision.verdict === 'deny' ? decision : undefined;
  }, undefined);
}

/**
 * Everything in a tree is asked about before any of it goes.
 *
 * @throws Fault `PermissionDenied`; `ListingTooLong` when it holds more than `entriesMax`.
 */
async function requireTree(files: FileSystem, ruling: Ruling, top: VirtualPath, entriesMax: number): Promise<void> {
  let entriesLeft = entriesMax;
  const { unique } = await files.stat(top);
  const seen = new Set([unique]);
  const pending = [top];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const rules = await ruling.rulesAt(directory);
    const within = [directory];
    for await (const batch of await files.list(directory)) {
      entriesLeft -= batch.length;
      if (entriesLeft < 0) throw new Fault('ListingTooLong', { text: 'The directory holds too much.' });
      for (const entry of batch) {
        const path = resolvePath(directory, entry.name);
        if (path === undefined) throw new Fault('ListingTooLong', { text: 'The directory is too deep.' });
        within.push(path);
        // Symbolic links can lead round in a circle.
        if (entry.kind !== 'directory' || seen.has(entry.unique)) continue;
        seen.add(entry.unique);
        pending.push(path);
      }
    }
    for (const path of within) {
      const denied = denialBy(rules, path, 'write', ruling);
      if (denied !== undefined) refuse(ruling, denied, path);
    }
  }
}

/**
 * A directory stays where it is, and nothing becomes one, where a section or a rule's path names what it holds: under
 * another name, that would come under other rules. It is asked of rules for anybody, since homes may be shared.
 */
async function refuseSlipping(files: FileSystem, ruling: Ruling, from: VirtualPath, to: VirtualPath): Promise<void> {
  const rules = [...(await ruling.rulesAt(from)), ...(await ruling.rulesAt(to))];
  const isNamed = (path: VirtualPath) =>
    ruling.named.some((section) => isWithin(section, path)) ||
    rules.some(({ paths = [] }) => paths.some((glob) => globReachesInto(glob, path)));
  if (!isNamed(from) && !isNamed(to)) return;
  const { kind } = await files.stat(from);
  if (kind === 'directory') throw new Fault('PermissionDenied');
}

/** Nothing is renamed to where something is allowed that a rule denies here: to be read there, say. */
async function refuseEscape(ruling: Ruling, from: VirtualPath, to: VirtualPath): Promise<void> {
  const here = await ruling.rulesAt(parentOf(from));
  const there = await ruling.rulesAt(parentOf(to));
  const [subject] = ruling.questions(from, 'write');
  if (subject === undefined) return;
  for (const kind of new Set(here.flatMap(({ deny = [] }) => deny))) {
    const saidOf = (rules: readonly Rule[], path: VirtualPath) =>
      decide(rules, { ...subject, path, kinds: ['all', kind] });
    const denied = saidOf(here, from);
    if (denied.verdict === 'deny' && saidOf(there, to).verdict !== 'deny') refuse(ruling, denied, to);
  }
}

/** A link is a second name: it is made only where every rule says the same of both names and of what lies behind them. */
async function refuseUnevenLink(ruling: Ruling, path: VirtualPath, target: VirtualPath): Promise<void> {
  const here = await ruling.rulesAt(parentOf(path));
  const there = await ruling.rulesAt(parentOf(target));
  const even =
    JSON.stringify(here) === JSON.stringify(there) &&
    JSON.stringify(here) === JSON.stringify(await ruling.rulesAt(target)) &&
    !ruling.named.some((section) => isWithin(section, path) || isWithin(section, target)) &&
    here.every(({ paths = [] }) => paths.every((glob) => saysTheSame(glob, path, target)));
  if (!even) throw new Fault('PermissionDenied');
}

function saysTheSame(glob: string, path: VirtualPath, target: VirtualPath): boolean {
  if (globReachesInto(glob, path) || globReachesInto(glob, target)) return false;
  if (glob.startsWith('/')) return globMatches(glob, path) === globMatches(glob, target);
  return baseName(path) === baseName(target) || globMatches(glob, path) === globMatches(glob, target);
}

function refuse(ruling: Ruling, decision: Decision, path: VirtualPath): never {
  ruling.refused(decision, path);
  throw new Fault('PermissionDenied');
}
