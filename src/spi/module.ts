/**
 * The contract of a module: handlers on the six phases of every command, as in ProFTPD, settings that it declares, and
 * guards of connections and logins. Guards (PRE_CMD, `onConnect`, `onLogin`) fail closed: one that throws or hangs
 * refuses. Observers (POST and LOG phases, `onDisconnect`) fail open: what they throw, and that they hang, is logged.
 */
import type { Reply } from '../protocol/reply.ts';
import type { Account } from './authenticator.ts';
import type { CommandContext, CommandTraits, Outcome } from './command.ts';
import type { Directive } from './directive.ts';
import { type Gate, gateMistake } from './gate.ts';
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
  /** Lines that this handler adds to the reply. */
  readonly respond: ResponseChains;
}

/**
 * The two chains of reply lines (ProFTPD's response handlers): the one that fits how the command ended is sent with its
 * reply, under the reply's own code, and the other is dropped. Lines that are added in PRE_CMD and CMD stand before the
 * command's own, those of POST_CMD and POST_CMD_ERR behind it. In the LOG phases the reply is sealed: what is added there
 * goes nowhere.
 */
export interface ResponseChains {
  /** Adds lines that are sent when the command succeeds. */
  add(...lines: readonly string[]): void;
  /** Adds lines that are sent when it fails. */
  addError(...lines: readonly string[]): void;
}

/** How a command ended, for the phases behind it. */
export interface Result {
  readonly reply: Reply;
  /** The fault or error that ended it; undefined on success and for plain error replies. */
  readonly cause: unknown;
  /** What it changes in the session, behind its reply; undefined when nothing. */
  readonly change?: SessionChange | undefined;
  readonly durationMs: number;
  /** The module whose PRE_CMD handler refused it; undefined when none did. */
  readonly refusedBy?: string | undefined;
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

/** The phases in their order; the last four are two pairs, of which the end of the command chooses one each. */
export const PHASES: readonly Phase[] = ['PRE_CMD', 'CMD', 'POST_CMD', 'POST_CMD_ERR', 'LOG_CMD', 'LOG_CMD_ERR'];

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
  /** The settings that it declares; `context.setting` and `Settings` give their values. */
  readonly directives?: readonly Directive[];
  /** Checks of files that directories may ask for by name (`intake.gates`), beside those of the configuration. */
  readonly gates?: readonly Gate[];
  /**
   * Guard of connections, before a byte is exchanged. It is waited for; one that throws something else than a Fault, or
   * takes too long, refuses. @throws Fault to refuse; its text is sent.
   */
  onConnect?(peer: Endpoint, session: Session): MaybePromise<void>;
  /**
   * Guard of logins, after proof and before the session has the account. It is waited for as `onConnect` is, and fails in
   * the same way: the client then reads what it reads behind a wrong password. @throws Fault to refuse.
   */
  onLogin?(account: Account, session: Session): MaybePromise<void>;
  /**
   * Guard of replies: behind everything that a command does and before anything is logged or answered. It is waited for; when it
   * throws, or takes too long, the client is not told that it succeeded: a reply below 400 becomes that of the Fault, or 451.
   */
  onAcknowledge?(request: Request, result: Result): MaybePromise<void>;
  /**
   * Observer: the session is over. Called once for every connection that `onConnect` let in; nobody waits for its promise.
   */
  onDisconnect?(session: Session): MaybePromise<void>;
  /** Observer: a connection was turned away before it was greeted, by a module's `onConnect`; `cause` is what that threw. */
  onRefused?(session: Session, cause: unknown): void;
  /** Observer: what a client sent can only be an attack (`what` says which), and its connection is dropped without an answer. */
  onAttack?(session: Session, what: string): void;
  /** Observer: TLS began on the control channel; the session has its facts. */
  onTlsEstablished?(session: Session): void;
  /**
   * Observer: TLS did not come about on the control channel, and the connection is over. `cause` is what OpenSSL or the
   * socket said.
   */
  onTlsFailed?(session: Session, cause: unknown): void;
  /** Before the gateway listens, each time that it starts. A throw keeps it from starting. */
  onStart?(): Promise<void>;
  /** Behind the last session, when the gateway is closed; also when it could not start. What it throws is logged. */
  onStop?(): Promise<void>;
}

/** Makes a module out of its description. @throws TypeError when code that was not type-checked describes none. */
export function defineModule(module: Module): Module {
  checkModule(module);
  return module;
}

const MODULE_KEYS: Readonly<Record<keyof Module, true>> = {
  name: true,
  handlers: true,
  directives: true,
  gates: true,
  onConnect: true,
  onLogin: true,
  onAcknowledge: true,
  onDisconnect: true,
  onRefused: true,
  onAttack: true,
  onTlsEstablished: true,
  onTlsFailed: true,
  onStart: true,
  onStop: true,
};

/** Says what is wrong with a module, whoever made it. @throws TypeError. */
export function checkModule(module: Module): void {
  const { name, handlers = [], directives = [], gates = [] } = module;
  if (typeof name !== 'string' || name === '') throw new TypeError('a module needs a name');
  const wrong = (what: string) => new TypeError(`module ${name}: ${what}`);
  // An object of a class may keep things of its own; one that was written down has nothing else in it.
  const written = Object.getPrototypeOf(module) === Object.prototype;
  const stray = written ? Object.keys(module).find((key) => !Object.hasOwn(MODULE_KEYS, key)) : undefined;
  if (stray !== undefined)
    throw wrong(`it has no place for ${stray}; it may have ${Object.keys(MODULE_KEYS).join(', ')}`);
  if (!Array.isArray(handlers) || !Array.isArray(directives)) throw wrong('its handlers and directives must be lists');
  if (!Array.isArray(gates)) throw wrong('its gates must be a list');
  for (const gate of gates) {
    const mistake = gateMistake(gate);
    if (mistake !== undefined) throw wrong(mistake);
  }
  for (const handler of handlers) {
    if (typeof handler !== 'object' || handler === null) throw wrong('one of its handlers is no object');
  }
  for (const { phase, verb, priority = 0, handle } of handlers) {
    if (!PHASES.includes(phase)) throw wrong(`there is no phase ${String(phase)}; the phases are ${PHASES.join(', ')}`);
    if (typeof verb !== 'string' || !/^(?:\*|[A-Z]+)$/.test(verb)) {
      throw wrong(`a ${phase} handler waits for '${String(verb)}', which is neither a verb in capitals nor *`);
    }
    if (!Number.isFinite(priority)) throw wrong(`the priority of its ${phase} handler for ${verb} is no number`);
    if (typeof handle !== 'function') throw wrong(`its ${phase} handler for ${verb} is no function`);
  }
  for (const hook of ['onConnect', 'onLogin', 'onAcknowledge', 'onDisconnect'] as const) {
    if (module[hook] !== undefined && typeof module[hook] !== 'function') throw wrong(`its ${hook} is no function`);
  }
  const names = directives.map((directive) => directive.name);
  const twin = names.find((directive, index) => names.indexOf(directive) < index);
  if (twin !== undefined) throw wrong(`it declares the directive ${twin} twice`);
}
