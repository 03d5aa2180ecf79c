/**
 * An account's files behind its permissions. The decision is by effect and not by verb, so that no command, present or
 * future, reaches files by a side door (the mistake of ProFTPD's SITE CPFR, CVE-2015-3306). A refusal comes before
 * storage is asked and reads the same whether or not the name exists.
 */
import type { FileFacts } from '../protocol/file-facts.ts';
import { isWithin, parentOf, type VirtualPath } from '../protocol/virtual-path.ts';
import type { Account } from '../spi/authenticator.ts';
import { Fault } from '../spi/fault.ts';
import type { ExistingFile, FileSystem } from '../spi/file-system.ts';
import { mayChange, type PermissionLetter, permissionsAt } from '../spi/permissions.ts';
import { mayLink, mayRemoveTree } from './trees.ts';

/**
 * The account's files, each operation allowed only with its letters. A file, and a directory as an entry, is judged by
 * the directory that holds it; entering and listing a directory by that directory itself.
 *
 * @throws Fault `PermissionDenied` from every method, before anything is done.
 */
export function authorizedFiles(account: Account): FileSystem {
  const { files } = account;
  const may = (letter: PermissionLetter, directory: VirtualPath) => permissionsAt(account, directory).has(letter);
  const holds = (letter: PermissionLetter, path: VirtualPath) => may(letter, parentOf(path));
  const named = (path: VirtualPath) => account.directories.filter((rule) => isWithin(rule.path, path));

  /** A file that exists is kept when the account may not overwrite, whatever the command asked for. */
  const spared = (existing: ExistingFile): ExistingFile => (account.existing === 'keep' ? 'keep' : existing);

  return {
    async stat(path) {
      if (holds('l', path)) return files.stat(path);
      refuseUnless(may('l', path));
      return directoryFacts(files, path);
    },

    async enter(path) {
      refuseUnless(may('e', path));
      await files.enter(path);
    },

    async list(path, wanted) {
      refuseUnless(may('l', path));
      return files.list(path, wanted);
    },

    async openRead(path) {
      refuseUnless(holds('r', path));
      return files.openRead(path);
    },

    async stage(path, request) {
      refuseUnless(holds(request.from === 'append' ? 'a' : 'w', path));
      return files.stage(path, { ...request, existing: spared(request.existing) });
    },

    async resumableBytes(path) {
      refuseUnless(holds('l', path));
      return files.resumableBytes(path);
    },

    async makeDirectory(path) {
      refuseUnless(holds('m', path));
      await files.makeDirectory(path);
    },

    async removeDirectory(path) {
      refuseUnless(mayChange(account, 'd', path));
      await files.removeDirectory(path);
    },

    async removeFile(path) {
      refuseUnless(mayChange(account, 'd', path));
      await files.removeFile(path);
    },

    async rename(from, to, existing) {
      refuseUnless(holds('f', from) && holds('f', to));
      // A directory that a rule names stays where it is: elsewhere, what it holds would come under other letters.
      refuseUnless(named(from).length === 0 && named(to).length === 0);
      const mayWrite = holds('w', to);
      // Into another directory a rename stores, and over a file it overwrites: both are writing.
      refuseUnless(mayWrite || parentOf(from) === parentOf(to));
      // Nothing is moved to where it may be read or changed by whom its own place does not let.
      refuseUnless(GAINS.every((letter) => holds(letter, from) || !holds(letter, to)));
      await files.rename(from, to, mayWrite ? spared(existing) : 'keep');
    },

    async setModified(path, modifiedMs) {
      refuseUnless(mayChange(account, 'T', path));
      await files.setModified(path, modifiedMs);
    },

    async setMode(path, mode) {
      refuseUnless(mayChange(account, 'M', path));
      await files.setMode(path, mode);
    },

    /** Known to whoever may store something there; for others storage cannot tell. */
    async freeBytes(path) {
      const stores = [path, parentOf(path)].some((directory) => may('w', directory) || may('a', directory));
      return stores ? files.freeBytes(path) : undefined;
    },

    ...optionalMethods(account),
  };
}

/** The letters that a file must not come under by being renamed. */
const GAINS: readonly PermissionLetter[] = ['r', 'a', 'd', 'M', 'T'];

/** What not every storage can do: what it cannot, the account cannot either. */
function optionalMethods(account: Account): Pick<FileSystem, 'removeTree' | 'makeSymlink' | 'setCreated'> {
  const { files } = account;
  const removeTree: FileSystem['removeTree'] = async (path, entriesMax) => {
    refuseUnless(mayRemoveTree(account, path));
    await files.removeTree?.(path, entriesMax);
  };
  const makeSymlink: FileSystem['makeSymlink'] = async (path, target) => {
    // What a link to a file needs, a link to anything needs: without it nobody is told whether the target exists.
    refuseUnless(mayLink(account, path, target, 'file'));
    const { kind } = await files.stat(target);
    refuseUnless(mayLink(account, path, target, kind));
    await files.makeSymlink?.(path, target);
  };
  const setCreated: FileSystem['setCreated'] = async (path, createdMs) => {
    refuseUnless(mayChange(account, 'T', path));
    await files.setCreated?.(path, createdMs);
  };
  return {
    ...(files.removeTree === undefined ? {} : { removeTree }),
    ...(files.makeSymlink === undefined ? {} : { makeSymlink }),
    ...(files.setCreated === undefined ? {} : { setCreated }),
  };
}

function refuseUnless(allowed: boolean): void {
  if (!allowed) throw new Fault('PermissionDenied');
}

/**
 * The facts of a directory that may be listed itself while the one that holds it may not. Anything but a directory
 * gives the one refusal, so that names beside it cannot be guessed.
 */
async function directoryFacts(files: FileSystem, path: VirtualPath): Promise<FileFacts> {
  try {
    const facts = await files.stat(path);
    if (facts.kind === 'directory') return facts;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault('PermissionDenied', { cause: error });
  }
  throw new Fault('PermissionDenied');
}
