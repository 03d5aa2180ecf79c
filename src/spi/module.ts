/**
 * The contract of a module: handlers on the six phases of every command, as in ProFTPD, and guards of connections and
 * logins. Guards fail closed: one that throws or hangs refuses. Observers fail open: what they throw is logged.
 */
import type { Reply } from '../protocol/reply.ts';
import type { Account } from './authenticator.ts';
import type { CommandContext, CommandTraits, Outcome } from './command.ts';
import type { Endpoint, Session, SessionChange } from './session.ts';

/** Return word: not mine; ask the next handler. */
export const DECLINED = { word: 'DECLINED' } as const;
export type Declined = typeof DECLINED;

/** Return word of the CMD phase: done, with this outcome. */
export interface Handled {
  readonly word: 'HANDLED';
  readonly outcome: Outcome;
}

/** Return word: stop here, with this reply (4yz or 5yz). */
export interface Errored {
  readonly word: 'ERROR';
  readonly reply: Reply;
}

/** Says that the command is done. */
export function HANDLED(reply: Reply, change?: SessionChange): Handled {
  return { word: 'HANDLED', outcome: change === undefined ? { reply } : { reply, change } };
}

/** Says that the command has failed. */
export function ERROR(reply: Reply): Errored {
  return { word: 'ERROR', reply };
}

/** The command that a phase handler is called for. */
export interface Request {
  readonly traits: CommandTraits;
  /** The text behind the verb; `***` for secrets. */
  readonly argument: string;
  readonly context: CommandContext;
}

/** How a command ended, for the phases behind it. */
export interface Result {
  readonly reply: Reply;
  /** The fault or error that ended it; undefined on success and for plain error replies. */
  readonly cause: unknown;
  readonly durationMs: number;
  /** What the command noted for the log. */
  readonly notes: Readonly<Record<string, unknown>>;
}

type MaybePromise<T> = T | Promise<T>;

/** What the handlers of each phase are given and may return. The types keep HANDLED out of every phase but CMD. */
export interface PhaseHandles {
  /** A guard: refuses or lets pass. */
  PRE_CMD(request: Request): MaybePromise<Declined | Errored>;
  /** Does the work in place of the command's own handler, which is asked last. */
  CMD(request: Request): MaybePromise<Declined | Errored | Handled>;
  /** After success; what it throws or returns as ERROR goes to the log only. */
  POST_CMD(request: Request, result: Result): MaybePromise<Declined | Errored>;
  /** After failure; the lines of an ERROR are added to the reply that the client sees. */
  POST_CMD_ERR(request: Request, result: Result): MaybePromise<Declined | Errored>;
  /** After success and everything else, the reply being sealed. */
  LOG_CMD(request: Request, result: Result): MaybePromise<void>;
  /** After failure and everything else, the reply being sealed. */
  LOG_CMD_ERR(request: Request, result: Result): MaybePromise<void>;
}

/** The names of the phases. */
export type Phase = keyof PhaseHandles;

/** A handler of one phase and its place: which commands it is called for, and before whom. */
export interface HandlerOf<P extends Phase> {
  readonly phase: P;
  /** A verb in capitals, or `*` for every command. */
  readonly verb: string;
  /** Higher is asked first; 0 by default. */
  readonly priority?: number;
  readonly handle: PhaseHandles[P];
}

/** A handler of any phase. */
export type PhaseHandler = { [P in Phase]: HandlerOf<P> }[Phase];

/** A module: what watches, limits and extends. */
export interface Module {
  readonly name: string;
  readonly handlers?: readonly PhaseHandler[];
  /** Guard of connections, before a byte is exchanged. @throws Fault to refuse; its text is sent. */
  onConnect?(peer: Endpoint): void;
  /** Guard of logins, after proof and before the session has the account. @throws Fault to refuse. */
  onLogin?(account: Account, session: Session): void;
  /** Observer: the session is over. Called once for every connection that `onConnect` let in. */
  onDisconnect?(session: Session): void;
}

/** Checks a module's description. */
export function defineModule(module: Module): Module {
  return module;
}
