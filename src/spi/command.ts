/** The contract of a command: what a verb is called, who may use it, what it reads and what it does. */
import type { Clock } from '../lib/clock.ts';
import type { Limits } from '../protocol/limits.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Account, Requirement } from './authenticator.ts';
import type { DataPort } from './data-port.ts';
import type { FileSystem } from './file-system.ts';
import type { Log } from './log.ts';
import type { Session, SessionChange } from './session.ts';

/** Kinds of commands, as ProFTPD's classes; rules name a class and so cover verbs that are added later. */
export type CommandClass = 'auth' | 'security' | 'info' | 'directories' | 'read' | 'write' | 'misc';

/** How a command stands to the data channel: leaves it alone, arranges one, or transfers over one. */
export type DataUse = 'none' | 'arranges' | 'transfers';

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
   * While a transfer runs: `now` is answered beside it, `aborts` ends it as soon as it is read and is answered behind
   * it, and everything else waits for its end.
   */
  readonly duringTransfer?: 'now' | 'aborts' | 'waits';
  /** Its argument is never shown to a module or written into a log (PASS). */
  readonly secret?: boolean;
  /** Where it is defined, as `RFC 959 section 4.1.3`. */
  readonly rfc: string;
  /** Its syntax, as HELP shows it. */
  readonly help: string;
  /** Its line in FEAT (RFC 2389); none when it is part of RFC 959. */
  readonly feat?: string | ((session: Session) => string);
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
  readonly sessionReuse: Requirement;
  readonly closeNotify: Requirement;
  /** Shown after `SYST` and in `HELP`: never more than the product's name. */
  readonly productName: string;
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
  /** The whole table, for HELP and FEAT. */
  readonly commands: readonly CommandTraits[];
  /** Aborts when the client sends ABOR, or the control connection is gone. */
  readonly signal: AbortSignal;
  /** What runs on the data channel beside this command. */
  readonly transfer: RunningTransfer | undefined;
  /** The account of a session that is logged in. @throws Fault `NotLoggedIn`. */
  account(): Account;
  /** The account's files behind its permissions. @throws Fault `NotLoggedIn`. */
  files(): FileSystem;
  /** Asks the authenticators, then the modules that admit. @throws Fault `LoginIncorrect`, `Busy`, `TooManyConnections`. */
  authenticate(user: string, password: string): Promise<Account>;
  /** Sends a preliminary reply (1yz) at once. */
  mark(reply: Reply): void;
  /** Adds facts to the log entry of this command. */
  note(fields: Readonly<Record<string, unknown>>): void;
}

/** What the author of a command writes. */
export interface CommandSpec<Argument> extends CommandTraits {
  /** Turns the text behind the verb into what `handle` needs. @throws Fault `Syntax`, `Parameter`. */
  parse(text: string, session: Session): Argument;
  handle(context: CommandContext, argument: Argument): Outcome | Promise<Outcome>;
}

/** Makes a command out of its description. */
export function defineCommand<Argument>(spec: CommandSpec<Argument>): CommandDefinition {
  return {
    ...spec,
    run: async (context, text) => spec.handle(context, spec.parse(text, context.session)),
  };
}
