/**
 * What stands in front of an account's storage, composed: the permission letters, behind them the rules, the directories
 * that a wrong access file shuts, and at the bottom the access files themselves, which nobody reaches.
 */
import { authorizedFiles } from '../access/authorized-files.ts';
import { guardedDirectories } from '../access/guarded-directories.ts';
import { type FileUse, filesUnderRules, type RuleSources } from '../access/rules-module.ts';
import { sealedFiles } from '../access/sealed-names.ts';
import type { GatewayOptions } from '../config/options.ts';
import type { Account } from '../spi/authenticator.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { GatewaySettings } from './settings.ts';

/** Gives one command its account's files; `explain` gets them the same way. */
export type FilesOf = (account: Account, use: FileUse) => FileSystem;

/** Composes it. A directory that has a section in the options, the host or the account stays where it is. */
export function filesFrom(
  options: Pick<GatewayOptions, 'directories' | 'hosts' | 'accessFile'>,
  sources: Omit<RuleSources, 'settings'> & { readonly settings: () => GatewaySettings },
): FilesOf {
  return (account, use) => {
    const host = options.hosts.find(({ name }) => name === use.session.host);
    const sections = [...options.directories, ...(host?.directories ?? []), ...(account.sections ?? [])];
    const settings = sources.settings();
    const { session } = use;
    const overridden = settings.mayOverride(session);
    const sealed = sealedFiles(account.files, options.accessFile, {
      // What means nothing to who moves it may be what shuts a directory for others in the same home.
      inForce: () => settings.mayOverrideAnybody(),
      misspelt: (directory, entry) => settings.noteMisspelt(account, directory, entry),
    });
    const files = overridden ? guardedDirectories(sealed, (directory) => settings.admit(session, directory)) : sealed;
    return authorizedFiles({ ...account, files: filesUnderRules(sources, files, use, sections) });
  };
}
