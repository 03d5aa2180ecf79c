/** The contract of a command: what a verb is called, who may use it, what it reads and what it does. */
import type { Clock } from '../lib/clock.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Reply } from '../protocol/reply.ts';
import { reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import { type ArgumentShape, type ArgumentSpec, readArgument } from './argument.ts';
import type { Account, Requirement } from './authenticator.ts';
import type { DataPort } from './data-port.ts';
import type { Directive } from './directive.ts';
import type { FileEffect } from './file-effect.ts';
import type { FileSystem } from './file-system.ts';
import type { Log } from './log.ts';
import type { PermissionLetter } from './permissions.ts';
import type { Session, SessionChange } from './session.ts';

/** Kinds of commands, as ProFTPD's classes; rules name a class and so cover verbs that are added later. */
export type CommandClass = 'auth' | 'security' | 'info' | 'directories' | 'read' | 'write' | 'misc';

/** How a command stands to the data channel: leaves it alone, arranges one, or transfers over one. */
export type DataUse = 'none' | 'arranges' | 'transfers';

/** A permission letter and, unless it is always needed, when: `r behind RANG`. */
export type PermissionNeed = PermissionLetter | `${PermissionLetter} ${string}`;

/** What everyone may know of a command; HELP, FEAT and the policies read it. */
export interface CommandTraits {
  /** The verb as it is written on the wire, in capitals. */
  readonly verb: string;
  /** Other spellings of the same command (XMKD for MKD). */
  readonly aliases?: readonly string[];
  readonly class: CommandClass;
  /** `members` is refused with 530 before login. */
  readonly who: 'anyone' | 'members';
  readonly data?: DataUse;
  /**
   * Whether it works on files, so that rules are asked at each path that it touches and not about the command as such.
   * By default so do the members' commands of the classes info, directories, read and write.
   */
  readonly files?: boolean;
  /** Uses up the range that RANG chose without being a transfer (HASH). */
  readonly usesRange?: boolean;
  /**
   * While a transfer runs: `now` is answered beside it, `aborts` ends it as soon as it is read and is answered behind
   * it, and everything else waits for its end.
   */
  readonly duringTransfer?: 'now' | 'aborts' | 'waits';
  /** Its argument is never shown to a module or written into a log (PASS). */
  readonly secret?: boolean;
  /** No command has this verb: it stands for what a client has typed, is in no table, and is refused with 500. */
  readonly unknown?: boolean;
  /** Why it is refused whatever is asked; such a command is in the table and answers its code, never more. */
  readonly refused?: string;
  /**
   * The permission letters without which it is refused; none for what touches no file. They are told, by HELP and
   * `docs/rfc.md`, and not asked here: what enforces them sits in front of storage, and a test compares the two.
   */
  readonly permissions?: readonly PermissionNeed[];
  /** Whether it can be used here; HELP and FEAT are silent about what is switched off. Absent: always. */
  readonly offered?: (session: Session, policy: Policy) => boolean;
  /** The commands that its first word chooses from, for a verb that only gathers others (SITE). */
  readonly subcommands?: readonly CommandTraits[];
  /** What a reader of `docs/rfc.md` should know beyond its being there. */
  readonly note?: string;
  /** Where it is defined, as `RFC 959 section 4.1.3`. */
  readonly rfc: string;
  /** What it takes behind the verb. */
  readonly argument: ArgumentShape;
  /** Verb and syntax of the argument, as HELP shows them. */
  readonly help: string;
  /** Its line in FEAT (RFC 2389), or several; none when it is part of RFC 959. */
  readonly feat?: string | ((session: Session, policy: Policy) => string | readonly string[]);
}

/** A command as it stands in the table; made by `defineCommand`. */
export interface CommandDefinition extends CommandTraits {
  /** Checks the argument, then acts. @throws Fault for every expected failure. */
  run(context: CommandContext, argument: string): Promise<Outcome>;
}

/** The result of a command: the reply, and what changes with it. A reply of 400 or more is a failure. */
export interface Outcome {
  readonly reply: Reply;
  readonly change?: SessionChange;
}

/** The parts of the gateway's policy that commands need; a session's account may override some of them. */
export interface Policy {
  readonly tlsControlRequired: boolean;
  readonly tlsDataRequired: boolean;
  /** Whether nobody logs in without a client certificate that counts. */
  readonly clientCertificateRequired: boolean;
  readonly sessionReuse: Requirement;
  readonly closeNotify: Requirement;
  /** Shown after `SYST` and in `HELP`: never more than the product's name. */
  readonly productName: string;
  /** Whether MODE Z is offered; off by default, as compression before encryption can tell an observer of the content. */
  readonly modeZ: boolean;
  /** Whether SITE SYMLINK is offered; off by default, as a link is a second name that rules may not know. */
  readonly symlinks: boolean;
  /** How LIST writes times; everything that RFC 3659 defines is UTC. */
  readonly listingTimes: 'utc' | 'local';
  /** Whether PORT and EPRT are offered: whether the gateway may connect to clients. */
  readonly activeEnabled: boolean;
}

/** One session, as SITE WHO shows it to the account that it belongs to. */
export interface SessionSummary {
  readonly id: string;
  readonly account: string;
  readonly address: string;
  /** Milliseconds since 1970 (UTC). */
  readonly sinceMs: number;
  /** The verb of the transfer that runs; undefined when none does. */
  readonly transfer: string | undefined;
}

/** What is under way on the data channel, for STAT. */
export interface RunningTransfer {
  readonly verb: string;
  /** Bytes so far; 0 until the data connection is open. */
  readonly bytesMoved: number;
}

/** What a command works with. */
export interface CommandContext {
  readonly session: Session;
  /** The verb that was typed, an alias perhaps, in capitals. */
  readonly verb: string;
  readonly policy: Policy;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Log;
  /** The data channel. */
  readonly data: DataPort;
  /** The sessions of the account that is logged in, this one among them; none before login. */
  sessions(): Promise<readonly SessionSummary[]> | readonly SessionSummary[];
  /** What is said to those who come to this host, in small letters (HOST); undefined when it is not served here. */
  greetingOf(name: string): string | undefined;
  /** Whether a client certificate that counts in this session counts for that host too. */
  certificateCountsAt(name: string): boolean;
  /** The whole table, for HELP and FEAT. */
  readonly commands: readonly CommandTraits[];
  /** Aborts when the control connection is gone; that of a transfer also when the client sends ABOR. */
  readonly signal: AbortSignal;
  /** What runs on the data channel beside this command. */
  readonly transfer: RunningTransfer | undefined;
  /** The account of a session that is logged in. @throws Fault `NotLoggedIn`. */
  account(): Account;
  /**
   * The permission letters that hold in a directory for this session: the account's own, as far as what the directory is for
   * leaves them. It is for telling; what is allowed, `files` decides. @throws Fault `NotLoggedIn`.
   */
  lettersAt(directory: VirtualPath): Promise<ReadonlySet<PermissionLetter>>;
  /** The account's files behind its permissions. @throws Fault `NotLoggedIn`. */
  files(): FileSystem;
  /** What the command has done to files so far, in its order. */
  readonly effects: readonly FileEffect[];
  /** The newest receipt of a file that this account has stored under the path; undefined when there is none. */
  receiptOf(path: VirtualPath): Promise<string | undefined>;
  /** The names of the classes that the session belongs to now, in the configuration's order. */
  classes(): readonly string[];
  /**
   * What a directive amounts to for this session; with a directory, also by its section and its access files.
   * @throws Fault `PermissionDenied` when an access file on the way is wrong.
   */
  setting<Value>(directive: Directive<Value>, directory?: VirtualPath): Promise<Value>;
  /** Asks the authenticators, then the modules that admit. @throws Fault `LoginIncorrect`, `Busy`, `TooManyConnections`. */
  authenticate(user: string, password: string): Promise<Account>;
  /**
   * Asks whether the client's certificate alone is proof enough for this user. @returns undefined when a password is
   * needed. @throws as `authenticate`.
   */
  authenticateByCertificate(user: string): Promise<Account | undefined>;
  /** Sends a preliminary reply (1yz) at once. */
  mark(reply: Reply): void;
  /** Adds facts to the log entry of this command. */
  note(fields: Readonly<Record<string, unknown>>): void;
}

/** What the author of a command writes. */
export interface CommandSpec<Argument> extends Omit<CommandTraits, 'argument' | 'help'> {
  /** What it takes behind the verb, and how that is read. HELP shows its syntax. */
  readonly argument: ArgumentSpec<Argument>;
  handle(context: CommandContext, argument: Argument): Outcome | Promise<Outcome>;
}

/** A command that is refused on purpose: in the table, with a reason, so that nobody wonders whether it was forgotten. */
export interface RefusalSpec {
  readonly verb: string;
  readonly class: CommandClass;
  readonly rfc: string;
  readonly code: number;
  /** The code before TLS, where it is another. */
  readonly codeInClear?: number;
  /** Why, for `docs/rfc.md`; the client reads it too. */
  readonly why: string;
}

/** Makes a command that answers its code and reason to everyone; its note tells the codes. */
export function defineRefusal({ verb, class: kind, rfc, code, codeInClear, why }: RefusalSpec): CommandDefinition {
  const note = codeInClear === undefined ? `Answers ${code}.` : `Answers ${code}, before TLS ${codeInClear}.`;
  return {
    ...{ verb, class: kind, rfc, help: verb, argument: ANYTHING, who: 'anyone', refused: why, note },
    run: async ({ session }) => ({ reply: reply(session.controlTls ? code : (codeInClear ?? code), why) }),
  };
}

/** What is refused is refused whatever stands behind it. */
const ANYTHING: ArgumentShape = { syntax: '', parts: ['text'], required: 0 };

/** Makes a command out of its description. */
export function defineCommand<Argument>(spec: CommandSpec<Argument>): CommandDefinition {
  const { argument, handle, ...traits } = spec;
  return {
    ...traits,
    argument: { syntax: argument.syntax, parts: argument.parts, required: argument.required },
    help: `${spec.verb} ${argument.syntax}`.trimEnd(),
    run: async (context, text) => handle(context, readArgument(argument, text, context.session)),
  };
}
