/**
 * What directives amount to for a session: the sections of the configuration from the outermost to the innermost, then
 * those of every directory from the root down, then what lies in the directories themselves.
 */
import { allowOverride } from '../access/allow-override.ts';
import type { AccountOptions } from '../auth/users.ts';
import type { GatewayOptions } from '../config/options.ts';
import { oncePer } from '../lib/once-per.ts';
import type { DirectoryEntry } from '../protocol/file-facts.ts';
import { parentOf, ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import type { Account } from '../spi/authenticator.ts';
import type { Directive, DirectorySection } from '../spi/directive.ts';
import { accountIn, type Session } from '../spi/session.ts';
import type { Settings } from '../spi/settings.ts';
import type { AccessFiles } from './access-files.ts';

/** What settings are read from. */
export interface SettingsParts {
  readonly options: GatewayOptions;
  /** The names of the classes that a session belongs to, in the configuration's order. */
  classesOf(session: Session): readonly string[];
  readonly accessFiles: AccessFiles;
  /**
   * The accounts that are written down, in the options or in the users file, as they are now. Whoever leaves them out has
   * a users file taken for one that permits access files.
   */
  users?(): readonly AccountOptions[];
}

/** Settings that also know which directories are shut. */
export interface GatewaySettings extends Settings {
  /**
   * Succeeds when every access file on the way to a directory is right. @throws Fault `PermissionDenied` when one is not.
   */
  admit(session: Session, directory: VirtualPath): Promise<void>;
  /** Whether any access file can be in force for a session; without one there is nothing to admit. */
  mayOverride(session: Session): boolean;
  /**
   * Whether one can be in force for anybody: an account that is written down, or one that a program's own authenticator
   * gave and that has been seen.
   */
  mayOverrideAnybody(): boolean;
  /** Hears of what a listing leaves out because its name is that of an access file but for the spelling. */
  noteMisspelt(account: Account, directory: VirtualPath, entry: DirectoryEntry): Promise<void>;
}

/** Reads settings from the gateway's options, and from access files where they are permitted. */
export function settingsOf({ options, classesOf, accessFiles, users }: SettingsParts): GatewaySettings {
  const { merged } = sectionReader();
  const own = byPath(options.directories.map(sectionOf));
  const hosts = new Map(
    options.hosts.map((host) => [host.name, { host, sections: byPath(host.directories.map(sectionOf)) }]),
  );
  const classes = new Map(options.classes.map((section) => [section.name, section]));
  const sectionsOfAccount = oncePer(({ sections }: Account) => byPath(sections ?? []));

  /** The sections of directories that hold for a session; at one path the last one is the innermost. */
  const listsFor = (session: Session): readonly Sections[] => {
    const account = accountIn(session);
    const ofHost = hosts.get(session.host ?? '')?.sections;
    const ofAccount = account && sectionsOfAccount(account);
    return [own, ofHost, ofAccount].filter((list) => list !== undefined).filter(({ size }) => size > 0);
  };

  const inSession = <Value>(directive: Directive<Value>, session: Session): Value => {
    const ofClasses = classes.size === 0 ? [] : classesOf(session).map((name) => classes.get(name));
    const sections = [options, hosts.get(session.host ?? '')?.host, ...ofClasses, accountIn(session)?.settings];
    return sections.reduce<Value>((outer, section) => merged(outer, directive, section), directive.initial);
  };

  const permits = (section: object): boolean => merged(allowOverride.initial, allowOverride, section).length > 0;
  let someoneIsOverridden = placesOf(options).some(permits) || (users === undefined && options.usersFile !== undefined);

  const mayOverride = (session: Session): boolean => {
    const overridden =
      inSession(allowOverride, session).length > 0 ||
      listsFor(session).some((list) => [...list.values()].some(({ settings }) => permits(settings)));
    // The accounts of a program's own authenticators are known once they come.
    someoneIsOverridden ||= overridden;
    return overridden;
  };

  /** The directories from the root down whose access files are looked at, each with what these may hold. */
  const overrides = (session: Session, directory: VirtualPath): ReadonlyMap<VirtualPath, Permitted> => {
    const found = new Map<VirtualPath, Permitted>();
    if (!mayOverride(session)) return found;
    const lists = listsFor(session);
    let below: Permitted = inSession(allowOverride, session);
    for (const stop of fromRoot(directory)) {
      let here = below;
      for (const { settings, recursive } of sectionsAt(lists, stop)) {
        here = merged(here, allowOverride, settings);
        if (recursive) below = merged(below, allowOverride, settings);
      }
      // What may be in a file is a matter of where the file is, so it does not depend on how far down one stands.
      if (here.length > 0) found.set(stop, here);
    }
    return found;
  };

  return {
    inSession,
    mayOverride,
    // Those of the users file may have changed, and are looked through each time: it is asked when a directory is moved.
    mayOverrideAnybody: () =>
      someoneIsOverridden || (users?.().some((user) => withSections(user).some(permits)) ?? false),

    async noteMisspelt(account, directory, entry) {
      if (someoneIsOverridden) await accessFiles.noteMisspelt(account, directory, entry);
    },

    isEverywhereAlike: (session) => listsFor(session).length === 0 && !mayOverride(session),

    async atDirectory(directive, session, directory) {
      let value = inSession(directive, session);
      const account = accountIn(session);
      const lists = listsFor(session);
      const takesFiles = account !== undefined && directive.contexts.includes('accessFile');
      const files = takesFiles ? overrides(session, directory) : NO_FILES;
      if (lists.length === 0 && files.size === 0) return value;
      for (const stop of fromRoot(directory)) {
        for (const { settings, recursive } of sectionsAt(lists, stop)) {
          if (recursive || stop === directory) value = merged(value, directive, settings);
        }
        const permitted = files.get(stop);
        if (permitted === undefined || account === undefined) continue;
        value = merged(value, directive, await accessFiles.settingsIn(stop, account, permitted));
      }
      return value;
    },

    async admit(session, directory) {
      const account = accountIn(session);
      if (account === undefined) return;
      for (const [stop, permitted] of overrides(session, directory)) {
        await accessFiles.settingsIn(stop, account, permitted);
      }
    },
  };
}

type Permitted = 'all' | readonly string[];

/** Every place of the options where directives may stand for somebody or other, but for classes. */
function placesOf(options: GatewayOptions): readonly object[] {
  const templates = options.authentication.flatMap((entry) =>
    entry.type === 'users' || entry.account === 'users' ? [] : [entry.account],
  );
  return [options, ...options.hosts, ...options.users, ...templates].flatMap(withSections);
}

function withSections(place: { readonly directories: readonly object[] }): readonly object[] {
  return [place, ...place.directories];
}

/** Sections of directories by their paths: there is one for each at most. */
type Sections = ReadonlyMap<VirtualPath, DirectorySection>;

const NO_FILES: ReadonlyMap<VirtualPath, Permitted> = new Map();

function byPath(sections: readonly DirectorySection[]): Sections {
  return new Map(sections.map((section) => [section.path, section]));
}

/** A section as it is written down has the values of directives beside its path. */
function sectionOf({ path, recursive, ...settings }: GatewayOptions['directories'][number]): DirectorySection {
  return { path, recursive, settings };
}

function sectionsAt(lists: readonly Sections[], path: VirtualPath): DirectorySection[] {
  return lists.flatMap((list) => list.get(path) ?? []);
}

/** The directories from the root down to this one. */
function fromRoot(directory: VirtualPath): VirtualPath[] {
  const stops = [directory];
  for (let stop = directory; stop !== ROOT; ) {
    stop = parentOf(stop);
    stops.unshift(stop);
  }
  return stops;
}

/**
 * Makes the function that merges into `outer` what a section says. The configuration was checked when it was read, but
 * the settings of an account may come from anywhere: each value passes its schema once.
 */
function sectionReader() {
  const keptIn = oncePer((_section: object) => new Map<unknown, unknown>());
  const valueIn = <Value>(section: object, directive: Directive<Value>): Value => {
    const values = keptIn(section);
    const value = values.get(directive);
    if (isKeptFor(directive, value)) return value;
    const parsed = directive.schema.parse(Reflect.get(section, directive.name));
    values.set(directive, parsed);
    return parsed;
  };
  return {
    merged: <Value>(outer: Value, directive: Directive<Value>, section: object | undefined): Value =>
      section !== undefined && saysAnything(section, directive)
        ? directive.merge(outer, valueIn(section, directive))
        : outer,
  };
}

function saysAnything(section: object, { name }: { readonly name: string }): boolean {
  return Object.hasOwn(section, name) && Reflect.get(section, name) !== undefined;
}

/** What is kept for a directive came out of its own schema. */
function isKeptFor<Value>(_directive: Directive<Value>, value: unknown): value is Value {
  return value !== undefined;
}
