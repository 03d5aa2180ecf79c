/**
 * What a gateway would answer somebody, without anybody asking: the decision is made by what makes it at run time, on
 * files that can be looked at and not be changed.
 */
import { classesFrom } from '../access/classes.ts';
import type { Decision } from '../access/rule-decision.ts';
import { decideCommand, decideLogin, type RuleSources, worksOnFiles } from '../access/rules-module.ts';
import { COMMANDS } from '../commands/all.ts';
import { allDirectives, type GatewayOptions } from '../config/options.ts';
import { loggedInAs, newSession, withControlTls } from '../engine/apply-change.ts';
import { PROFILE_NAMES, type ProfileName } from '../intake/intake-directive.ts';
import { intakeAt } from '../intake/policy/profiled-files.ts';
import { lettersUnder } from '../intake/policy/profiles.ts';
import type { Clock } from '../lib/clock.ts';
import { parentOf, type VirtualPath } from '../protocol/virtual-path.ts';
import { asciiUpper } from '../protocol/words.ts';
import type { Account } from '../spi/authenticator.ts';
import type { CommandDefinition, CommandTraits } from '../spi/command.ts';
import type { Directive } from '../spi/directive.ts';
import { Fault } from '../spi/fault.ts';
import type { ExistingFile, FileSystem } from '../spi/file-system.ts';
import { silentLog } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { PERMISSION_LETTERS, type PermissionLetter, parsePermissions } from '../spi/permissions.ts';
import type { Session } from '../spi/session.ts';
import type { Settings } from '../spi/settings.ts';
import { AccessFiles } from './access-files.ts';
import { filesFrom } from './account-files.ts';
import { accountsOf } from './accounts.ts';
import { settingsOf } from './settings.ts';

/** The session that is imagined, and what it sends. */
export interface Imagined {
  readonly user: string;
  readonly path: VirtualPath;
  /** A verb in capitals, or `SITE` and what stands behind it. */
  readonly verb: string;
  /** The client's IP address. */
  readonly address: string;
  readonly host: string | undefined;
  /** The version of TLS on the control channel; undefined in clear. */
  readonly tls: string | undefined;
}

/** What a gateway is made of, as far as it decides. */
export interface ExplainParts {
  readonly options: GatewayOptions;
  readonly modules: readonly Module[];
  readonly clock: Clock;
}

/** The rules as they were asked about one thing. */
export interface Asked {
  /** What was asked about: the login, the command as such, or a path. */
  readonly about: string;
  readonly decision: Decision;
}

/** What would be answered, and why. */
export interface Explanation {
  readonly classes: readonly string[];
  readonly asked: readonly Asked[];
  /** The letters that the command needs, and those that hold in the directory that holds the path and in the path itself. */
  readonly letters: { readonly needed: readonly PermissionLetter[]; readonly around: string; readonly within: string };
  /** Who has decided: without a refusal nobody did. */
  readonly refusedBy:
    | 'TLS policy'
    | 'list of the host'
    | 'login rules'
    | 'rules'
    | 'permission letters'
    | `profile ${ProfileName}`
    | 'name patterns of the directory'
    | 'directory, which lets in nothing that was not let in there'
    | 'account or directory, which keeps what exists'
    | 'access file'
    | undefined;
  /** The code of the refusal; undefined when nothing refuses, and the command answers as it goes. */
  readonly code: number | undefined;
}

/** @throws Error in a sentence when there is no such account or command. */
export async function explainAccess(imagined: Imagined, parts: ExplainParts): Promise<Explanation> {
  const { options, modules, clock } = parts;
  const directives = allDirectives(modules);
  const command = commandOf(imagined.verb);
  if (command.command.refused !== undefined) {
    throw new Error(
      `${imagined.verb} is refused to everybody: ${command.command.refused} ${command.command.note ?? ''}`,
    );
  }
  const accounts = accountsOf(options, { directives, clock, log: silentLog });
  try {
    await accounts.refresh();
    // Groups that come from elsewhere, with the proof, are not known here.
    const answer = accounts.ownAccountFor({ user: imagined.user, groups: [] });
    if (!answer.ok)
      throw new Error(`there is no account for ${imagined.user} in users or the users file: ${answer.reason}`);
    return await explainAccount(answer.account, { imagined, parts, directives, ...command });
  } finally {
    await accounts.close();
  }
}

/** What is to be explained, with everything looked up but what it comes to. */
interface Case {
  readonly imagined: Imagined;
  readonly parts: ExplainParts;
  readonly directives: readonly Directive[];
  readonly command: CommandDefinition;
  /** The text behind the verb, as far as it is part of its name. */
  readonly argument: string;
}

async function explainAccount(account: Account, one: Case): Promise<Explanation> {
  const { imagined, command, argument } = one;
  const { sources, filesOf } = deciders(one);
  const before = sessionOf(imagined);
  // Access files are read through the session's account, and so for what they are.
  const session = loggedInAs(before, account);
  const needed = lettersOf(command, argument);
  const lettersAt = async (directory: VirtualPath) =>
    text(lettersUnder(account, await intakeAt(sources.settings(), session, directory), directory));
  const letters = {
    needed,
    around: await lettersAt(parentOf(imagined.path)),
    within: await lettersAt(imagined.path),
  };
  const login = decideLogin(sources, before, account);
  const asked: Asked[] = [{ about: 'login', decision: login }];
  const told = { classes: sources.classesOf(session), asked, letters };
  const outside = refusedBefore(one, account);
  if (outside !== undefined) return { ...told, ...outside };
  if (login.verdict === 'deny') return { ...told, refusedBy: 'login rules', code: 530 };

  if (!worksOnFiles(command)) {
    const decision = decideCommand(sources, session, command, argument);
    asked.push({ about: command.verb, decision });
    const refused = decision.verdict === 'deny';
    return { ...told, refusedBy: refused ? 'rules' : undefined, code: refused ? 550 : undefined };
  }

  let ruledOut = false;
  let intakeSays: IntakeNote = {};
  const looked = { ...account, files: lookedAt(account.files, command, imagined.path) };
  const files = filesOf(looked, {
    session,
    command,
    argument,
    note: (fields) => {
      intakeSays = fields;
    },
    asked: (decision, path) => {
      asked.push({ about: path, decision });
      ruledOut ||= decision.verdict === 'deny';
    },
  });
  try {
    for (const letter of needed) await tryLetter(files, letter, imagined.path, command);
    return { ...told, refusedBy: undefined, code: undefined };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.kind === 'FileExists' && (await keepsVersions(sources.settings(), session, imagined.path))) {
      return { ...told, refusedBy: undefined, code: undefined };
    }
    const isRefusal = error.kind === 'PermissionDenied';
    // A hash that may not be had has a code of its own (draft-bryan-ftpext-hash-02 section 3.5).
    const code = isRefusal && command.verb === 'HASH' ? new Fault('HashDenied').code : error.code;
    const byLetters = needed.some((letter) => ![...letters.around, ...letters.within].includes(letter));
    const refusedBy = ruledOut ? 'rules' : (intakeRefused(intakeSays) ?? whoRefused(error, byLetters));
    return { ...told, refusedBy, code };
  }
}

/** What is noted for the log when what a directory is for refuses. */
interface IntakeNote {
  readonly profile?: unknown;
  readonly names?: unknown;
  readonly intake?: unknown;
}

function intakeRefused({ profile, names, intake }: IntakeNote): Explanation['refusedBy'] {
  const found = PROFILE_NAMES.find((name) => name === profile);
  if (found !== undefined) return `profile ${found}`;
  if (names !== undefined) return 'name patterns of the directory';
  return intake === undefined ? undefined : 'directory, which lets in nothing that was not let in there';
}

/** Whether a name that is taken is no refusal: the file gets another one when it is published. */
async function keepsVersions(settings: Settings, session: Session, path: VirtualPath): Promise<boolean> {
  return (await intakeAt(settings, session, parentOf(path))).collision === 'version';
}

function whoRefused(error: Fault, byLetters: boolean): Explanation['refusedBy'] {
  if (error.kind === 'FileExists') return 'account or directory, which keeps what exists';
  return byLetters ? 'permission letters' : 'access file';
}

/** What refuses a login before the rules are asked. */
function refusedBefore(
  { imagined, parts: { options } }: Case,
  { name }: Account,
): Pick<Explanation, 'refusedBy' | 'code'> | undefined {
  if (imagined.tls === undefined && options.tlsControlRequired) return { refusedBy: 'TLS policy', code: 530 };
  const members = options.hosts.find((host) => host.name === imagined.host)?.users;
  return members?.includes(name) === false ? { refusedBy: 'list of the host', code: 530 } : undefined;
}

/** What decides in a gateway with these options. */
function deciders({ parts: { options, clock }, directives }: Case) {
  const classesOf = classesFrom(options.classes, clock);
  const accessFiles = new AccessFiles({ name: options.accessFile, directives, clock, log: silentLog });
  const settings = settingsOf({ options, classesOf, accessFiles });
  const sources = { settings: () => settings, classesOf } satisfies RuleSources;
  return { sources, filesOf: filesFrom(options, sources) };
}

/**
 * The letters that a command always needs; of those that depend on how it is used, the first. `argument` may name what
 * stands behind SITE.
 */
export function lettersOf(command: CommandDefinition, argument: string): readonly PermissionLetter[] {
  const verb = `${command.verb} ${asciiUpper(argument)}`;
  const named: CommandTraits = command.subcommands?.find((subcommand) => subcommand.verb === verb) ?? command;
  const needs = named.permissions ?? [];
  const always = needs.filter((need) => need.length === 1);
  return (always.length > 0 ? always : needs.slice(0, 1)).flatMap((need) => [
    ...(parsePermissions(need.charAt(0)) ?? []),
  ]);
}

/** What a command does under one of its letters. Of two paths, both are taken to be the one that is asked about. */
async function tryLetter(
  files: FileSystem,
  letter: PermissionLetter,
  path: VirtualPath,
  { verb }: CommandDefinition,
): Promise<void> {
  switch (letter) {
    case 'e':
      return files.enter(path);
    case 'l':
      if ((await files.stat(path)).kind === 'directory' && LISTS.has(verb)) await files.list(path);
      return;
    case 'r':
      await files.openRead(path);
      return;
    case 'a':
      await files.stage(path, { from: 'append', existing: 'replace' });
      return;
    case 'w':
      await files.stage(path, { from: 'empty', existing: 'replace' });
      return;
    case 'd':
      if (verb === 'RMD') return files.removeDirectory(path);
      if (verb === 'RMDA') return files.removeTree?.(path, TREE_ENTRIES_MAX);
      return files.removeFile(path);
    case 'f':
      return files.rename(path, path, 'replace');
    case 'm':
      return files.makeDirectory(path);
    case 'M':
      return files.setMode(path, 0);
    case 'T':
      return files.setModified(path, 0);
  }
}

/** Commands that read a directory, and not only what it is. */
const LISTS: ReadonlySet<string> = new Set(['LIST', 'NLST', 'MLSD', 'STAT', 'DSIZ']);
/** As many as RMDA itself takes. */
const TREE_ENTRIES_MAX = 100_000;

/** Storage that tells what is there, and changes nothing. If `asked` is absent, it is taken for what the command is meant for. */
function lookedAt(files: FileSystem, { verb }: CommandDefinition, asked: VirtualPath): FileSystem {
  const kind = LISTS.has(verb) || ['CWD', 'RMD', 'RMDA'].includes(verb) ? 'directory' : 'file';
  const facts = { kind, sizeBytes: 0, modifiedMs: 0, mode: 0, linkCount: 1, owner: 0, group: 0, unique: '' } as const;
  const nothing = async () => undefined;
  return {
    ...(files.isLink !== undefined && { isLink: async (path: VirtualPath) => (await files.isLink?.(path)) ?? false }),
    stat: (path) => (path === asked ? files.stat(path).catch(absent(facts)) : files.stat(path)),
    enter: nothing,
    list: (path) => files.list(path).then(quiet),
    openRead: async () => ({ facts, read: async function* () {}, close: nothing }),
    async stage(path, { existing }) {
      await refuseTaken(files, path, existing);
      return { startBytes: 0, prefix: async function* () {}, write: nothing, commit: nothing, abort: async () => 0 };
    },
    resumableBytes: nothing,
    makeDirectory: nothing,
    removeDirectory: nothing,
    removeTree: nothing,
    removeFile: nothing,
    rename: (_from, to, existing) => refuseTaken(files, to, existing),
    setModified: nothing,
    setMode: nothing,
    freeBytes: nothing,
  };
}

async function refuseTaken(files: FileSystem, path: VirtualPath, existing: ExistingFile): Promise<void> {
  if (existing === 'replace') return;
  const isThere = await files.stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) throw new Fault('FileExists');
}

function absent<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Fault) return instead;
    throw error;
  };
}

/** The entries of a directory that may not be there. */
async function* quiet<T>(batches: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* batches;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

function commandOf(text: string): { readonly command: CommandDefinition; readonly argument: string } {
  const [verb = '', ...rest] = text.split(' ');
  const command = COMMANDS.find((one) => one.verb === verb || one.aliases?.includes(verb));
  if (command === undefined) throw new Error(`there is no command ${verb}`);
  const [word = '', ...more] = rest;
  const isNamed =
    word === '' || command.subcommands?.some((one) => one.verb === `${verb} ${asciiUpper(word)}`) === true;
  if (!isNamed || more.length > 0) throw new Error(`there is no command ${text}; what it is about goes behind --path`);
  return { command, argument: word };
}

function sessionOf({ address, host, tls }: Imagined): Session {
  const local = { address: '127.0.0.1', port: 21 };
  const connected = { ...newSession({ id: 'explain', peer: { address, port: 1_024 }, local }), host };
  const facts = { version: tls ?? '', suite: 'TLS_AES_256_GCM_SHA384', resumed: false };
  return tls === undefined ? connected : withControlTls(connected, facts, 'explicit');
}

function text(letters: ReadonlySet<PermissionLetter>): string {
  return PERMISSION_LETTERS.filter((letter) => letters.has(letter)).join('');
}
