/**
 * What stands in front of an account's storage, composed: the permission letters, behind them what directories are for, the
 * rules, the directories that a wrong access file shuts, the access files themselves, which nobody reaches, and at the bottom
 * what directories take and keep. Receipts stand in front of all of it.
 */
import { authorizedFiles } from '../access/authorized-files.ts';
import { guardedDirectories } from '../access/guarded-directories.ts';
import { type FileUse, filesUnderRules, type RuleSources } from '../access/rules-module.ts';
import { sealedFiles } from '../access/sealed-names.ts';
import type { GatewayOptions } from '../config/options.ts';
import type { Intake } from '../intake/intake.ts';
import { watchedFiles } from '../modules/file-effects.ts';
import type { Account } from '../spi/authenticator.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { type IntakePolicy, underProfiles } from './intake-policy.ts';
import type { GatewayReceipts } from './receipts.ts';
import type { GatewaySettings } from './settings.ts';

/** Gives one command its account's files; `explain` gets them the same way. */
export type FilesOf = (account: Account, use: FileUse) => FileSystem;

/** Composes it. A directory that has a section in the options, the host or the account stays where it is. */
export function filesFrom(
  options: Pick<GatewayOptions, 'directories' | 'hosts' | 'accessFile'>,
  sources: Omit<RuleSources, 'settings'> & {
    readonly settings: () => GatewaySettings;
    readonly receipts?: GatewayReceipts | undefined;
    /** Absent where nothing is stored, as in explaining. */
    readonly policy?: IntakePolicy | undefined;
    /** What holds, checks, records and publishes; absent in the same way. */
    readonly intake?: Intake | undefined;
  },
): FilesOf {
  return (account, use) => {
    const host = options.hosts.find(({ name }) => name === use.session.host);
    const sections = [...options.directories, ...(host?.directories ?? []), ...(account.sections ?? [])];
    const settings = sources.settings();
    const { session } = use;
    const overridden = settings.mayOverride(session);
    // What is told of is what was done to storage, whatever stands in front of it.
    const intakeUse = { session, account, note: use.note };
    const kept =
      sources.policy?.retaining(account.files, { ...intakeUse, settings: sources.settings }) ?? account.files;
    const passing = sources.intake?.files(kept, { ...intakeUse, verb: use.command.verb }) ?? kept;
    const policed = sources.policy?.policed(passing, intakeUse, sources.settings) ?? passing;
    const watched = use.effects === undefined ? policed : watchedFiles(policed, use.effects);
    const sealed = sealedFiles(watched, options.accessFile, {
      // What means nothing to who moves it may be what shuts a directory for others in the same home.
      inForce: () => settings.mayOverrideAnybody(),
      misspelt: (directory, entry) => settings.noteMisspelt(account, directory, entry),
    });
    const files = overridden ? guardedDirectories(sealed, (directory) => settings.admit(session, directory)) : sealed;
    const ruled = filesUnderRules(sources, files, use, sections);
    const profiled = underProfiles(ruled, intakeUse, { settings: sources.settings, sections });
    const authorized = authorizedFiles({ ...account, files: profiled });
    // In front of everything: what an account may do with files has nothing to do with its evidence.
    return sources.receipts?.mount(authorized, account) ?? authorized;
  };
}
