/** One client's session, from the greeting to the close: where deciding, moving bytes and owning sockets meet. */
import { unknownCommand } from '../commands/unknown.ts';
import { afterCommand } from '../engine/apply-change.ts';
import { dispatch } from '../engine/dispatch.ts';
import { tellAttack } from '../engine/module-hooks.ts';
import { isPositive, type Reply, reply } from '../protocol/reply.ts';
import { UTF_8 } from '../spi/charset.ts';
import type { CommandDefinition, SessionSummary } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import { accountIn, charsetOf, type Session, type SessionChange } from '../spi/session.ts';
import type { ControlConnection } from '../transport/control-connection.ts';
import { DataChannel } from '../transport/data-channel.ts';
import type { DataContext } from '../transport/tls-context.ts';
import { HandshakeFailed } from '../transport/tls-handshake.ts';
import { aborts, Backlog, type WaitingLine } from './backlog.ts';
import { commandContext, type Transfer } from './command-context.ts';
import { beginControlTls } from './control-tls.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { type Incoming, interpret } from './incoming.ts';
import { Patience } from './patience.ts';

/** Serves one control connection. */
export class SessionLoop {
  readonly #house: House;
  readonly #control: ControlConnection;
  readonly #log: Log;
  readonly #data: DataChannel;
  readonly #sinceMs: number;
  readonly #backlog = new Backlog();
  readonly #patience: Patience;
  /** Aborts when there is nobody left to do anything for. */
  readonly #over = new AbortController();
  #session: Session;
  #context: DataContext | undefined;
  #listening = false;
  #transfer: Transfer | undefined;
  #wake: () => void = () => undefined;
  #badCommands = 0;
  #inputEnded = false;
  #closing: Fault | 'quit' | undefined;

  constructor(house: House, control: ControlConnection, session: Session) {
    this.#house = house;
    this.#control = control;
    this.#session = session;
    this.#sinceMs = house.clock.now();
    this.#patience = new Patience(house.clock);
    const { gone } = control;
    gone.addEventListener('abort', () => {
      this.#over.abort(gone.reason);
      this.#patience.runOut();
    });
    this.#log = house.log.with({ session: session.id, peer: session.peer.address });
    const { handshakeTimeoutMs, stallTimeoutMs, dataConnectTimeoutMs, wrongPeersMax } = house.options.limits;
    this.#data = new DataChannel({
      peer: session.peer,
      local: session.local,
      passive: house.options.passive,
      active: house.options.active,
      noDelay: house.options.tcpNoDelay,
      ...house.options.buffers,
      clock: house.clock,
      log: this.#log,
      ...{ handshakeTimeoutMs, stallTimeoutMs, connectTimeoutMs: dataConnectTimeoutMs, wrongPeersMax },
      context: () => this.#context && { ...this.#context, admits: house.virtualHosts.dataNames(this.#session) },
      protection: () => this.#session.protection,
      clientCertificate: () => this.#session.controlTls?.clientCertificate,
      sessionReuse: () => accountIn(this.#session)?.sessionReuse ?? house.options.sessionReuse,
    });
  }

  /** The session as it stands. */
  get session(): Session {
    return this.#session;
  }

  /** The session as SITE WHO shows it; undefined while nobody is logged in. */
  get summary(): SessionSummary | undefined {
    const { id, peer } = this.#session;
    const account = accountIn(this.#session)?.name;
    if (account === undefined) return undefined;
    return { id, account, address: peer.address, sinceMs: this.#sinceMs, transfer: this.#transfer?.verb };
  }

  /** The session as the program that runs the gateway sees it. */
  get overview(): GatewaySession {
    const { id, peer, host, clientName, controlTls } = this.#session;
    const transfer = this.#transfer;
    return {
      id,
      peer,
      account: accountIn(this.#session)?.name,
      host,
      secure: controlTls !== undefined,
      clientName,
      sinceMs: this.#sinceMs,
      transfer: transfer && { verb: transfer.verb, bytesMoved: transfer.connection?.bytesMoved ?? 0 },
    };
  }

  /** Serves until the connection ends. Never throws. */
  async run(mode: 'explicit' | 'implicit'): Promise<void> {
    const { clock, options, virtualHosts } = this.#house;
    const deadlines = new Deadlines(clock, options.limits, (deadline) => this.#heed(deadline));
    try {
      this.#log.debug('session.start', { port: this.#session.peer.port, listener: this.#session.local.port });
      if (mode === 'implicit') await this.#beginTls('implicit');
      await this.#send(reply(220, virtualHosts.greetingOf(this.#session.host) ?? options.banner));
      while (this.#closing === undefined) await this.#turn(deadlines);
      await this.#sayGoodbye();
    } catch (error) {
      if (!(error instanceof HandshakeFailed)) this.#log.error('session.failed', { error });
    } finally {
      deadlines.end();
      this.#over.abort(new Fault('Aborted', { cause: new Error('the session is over') }));
      this.#data.end();
      this.#control.close();
      this.#log.debug('session.end');
    }
  }

  /** Ends the session with a reply of this fault: at once when nothing runs, else behind the command that does. */
  end(fault: Fault): void {
    this.#closing ??= fault;
    this.#wake();
  }

  /**
   * Ends the session with a reply of this fault, and before it the transfer that runs, which is not published. What hangs
   * is not waited for.
   */
  dismiss(fault: Fault): void {
    this.#transfer?.abort.abort(new Fault('Aborted'));
    this.#patience.runOut();
    this.end(fault);
  }

  #heed(deadline: Deadline): void {
    if (deadline === 'life') {
      this.#expire();
    } else if (deadline === 'idle') {
      this.end(new Fault('IdleTimeout'));
    } else if (this.#session.login.state !== 'LoggedIn') {
      this.end(new Fault('LoginTimeout'));
      this.#patience.runOut();
    }
  }

  /** The longest life of a session holds for a transfer too: one that dribbles would otherwise never end. */
  #expire(): void {
    const text = 'The session reached its longest allowed time; the transfer was ended and nothing was published.';
    this.#transfer?.abort.abort(new Fault('Aborted', { text }));
    this.end(new Fault('SessionExpired'));
    this.#patience.runOut();
  }

  /** Drops the session and whatever it was doing; uploads are aborted, not published, and what hangs is not waited for. */
  destroy(): void {
    this.#closing ??= new Fault('ShuttingDown');
    this.#transfer?.abort.abort(new Fault('Aborted'));
    this.#control.destroy();
    this.#patience.runOut();
    this.#wake();
  }

  /** Waits for one thing to happen and does it. */
  async #turn(deadlines: Deadlines): Promise<void> {
    // Silence counts only while nothing runs: a transfer is watched by its own stall timer.
    deadlines.rest();
    while (this.#backlog.isEmpty && this.#closing === undefined) await this.#change();
    deadlines.work();
    const line = this.#closing === undefined ? this.#backlog.shift() : undefined;
    if (line !== undefined) await this.#serve(line);
  }

  /** Resolves when a line has been read into the backlog, or somebody calls `#wake`. */
  #change(): Promise<void> {
    const changed = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    void this.#listen();
    return changed;
  }

  /**
   * Reads a line; while a transfer runs, also those behind it, whatever else is waited for: an ABOR, an attack or the end
   * of the connection must be heard however many lines stand in front of it, and even if the client reads no replies.
   */
  async #listen(): Promise<void> {
    if (this.#listening || this.#inputEnded) return;
    this.#listening = true;
    do {
      this.#receive(interpret(await this.#control.next(), this.#house.table));
    } while (this.#transfer !== undefined && !this.#inputEnded);
    this.#listening = false;
  }

  #receive(incoming: Incoming): void {
    if (incoming.kind === 'end') {
      this.#closing ??= 'quit';
      this.#hearNoMore({ cause: incoming.cause ?? new Error('control connection lost') });
    } else if (incoming.kind === 'attack' && this.#transfer !== undefined) {
      this.#attack(incoming.what);
    } else {
      this.#backlog.push(incoming);
      if (aborts(incoming)) this.#transfer?.abort.abort(new Fault('Aborted'));
      if (this.#transfer !== undefined && this.#backlog.bytes > this.#house.options.limits.queuedBytesMax) {
        // To read no further would be to hear no ABOR; to read on, to keep whatever a client cares to send.
        this.#hearNoMore({ text: TOO_MANY_WAITING });
        this.end(new Fault('TooManyWaiting'));
      }
    }
    this.#wake();
  }

  /** Reads no further: what waits is dropped unanswered, what runs is aborted. */
  #hearNoMore(why: { readonly cause?: unknown; readonly text?: string }): void {
    this.#inputEnded = true;
    this.#backlog.clear();
    this.#transfer?.abort.abort(new Fault('Aborted', why));
  }

  async #serve(line: WaitingLine): Promise<void> {
    switch (line.kind) {
      case 'attack':
        return this.#attack(line.what);
      case 'bad':
        return this.#refuseLine(line.fault);
      case 'unknown':
        return this.#execute(unknownCommand(line.verb), { verb: line.verb, argument: line.hasArgument ? '***' : '' });
      case 'command':
        return this.#serveCommand(line.definition, line);
    }
  }

  /** What a line means is decided only now: a line before it may have changed the charset (OPTS UTF8). */
  async #serveCommand(definition: CommandDefinition, { verb, argument }: { verb: string; argument: string }) {
    const charset = charsetOf(this.#session);
    const text = charset.decode(Buffer.from(argument, 'latin1'));
    if (text === undefined) {
      const fault = charset === UTF_8 ? new Fault('NotEncodedUtf8') : notIn(charset.name);
      return this.#refuseLine(fault, verb);
    }
    const call = { verb, argument: text };
    if (definition.data === 'transfers') return this.#serveTransfer(definition, call);
    await this.#execute(definition, call);
  }

  async #refuseLine(fault: Fault, line = ''): Promise<void> {
    this.#log.debug('command.refused', { line, fault: fault.kind });
    await this.#send(reply(fault.code, fault.text));
    this.#countBad();
  }

  #countBad(): void {
    this.#badCommands += 1;
    if (this.#badCommands >= this.#house.options.limits.badCommandsMax) this.end(new Fault('TooManyBadCommands'));
  }

  /** Runs a transfer and meanwhile answers what may be answered beside it; the rest waits in the backlog. */
  async #serveTransfer(definition: CommandDefinition, call: { verb: string; argument: string }): Promise<void> {
    const transfer: Transfer = {
      verb: definition.verb,
      abort: new AbortController(),
      connection: undefined,
      marked: false,
      done: false,
    };
    this.#transfer = transfer;
    // An ABOR that was read while an earlier transfer ran is meant for this one as well.
    if (this.#backlog.holdsAbort) transfer.abort.abort(new Fault('Aborted'));
    this.#data.expect(definition.class === 'write' ? 'receive' : 'send');
    const running = this.#execute(definition, call, transfer).finally(() => {
      this.#data.expect(undefined);
      transfer.done = true;
      this.#wake();
    });
    while (!transfer.done) {
      const next = this.#backlog.first;
      if (transfer.marked && next?.kind === 'command' && next.definition.duringTransfer === 'now') {
        this.#backlog.shift();
        await this.#serve(next);
      } else {
        await this.#change();
      }
    }
    this.#transfer = undefined;
    await running;
  }

  async #execute(
    definition: CommandDefinition,
    { verb, argument }: { readonly verb: string; readonly argument: string },
    transfer?: Transfer,
  ): Promise<void> {
    const notes: Record<string, unknown> = {};
    const context = commandContext({
      house: this.#house,
      session: this.#session,
      command: definition,
      verb,
      argument,
      log: this.#log,
      data: this.#data,
      own: transfer,
      running: this.#transfer,
      gone: this.#over.signal,
      notes,
      mark: (mark) => this.#mark(mark, transfer),
    });
    const shownArgument = definition.secret === true && argument !== '' ? '***' : argument;
    this.#log.debug('line.received', { line: shownArgument === '' ? verb : `${verb} ${shownArgument}` });
    const call = { command: definition, context, argument, shownArgument, notes };
    const completion = await this.#patience.with(dispatch(this.#house.table, call));
    if (completion === undefined) return this.#abandon(definition);
    const { reply: final, change } = completion;
    const isBad = definition.unknown === true && !isPositive(final);
    if (!isBad) this.#badCommands = 0;
    if (change?.kind === 'StartTls') return this.#upgrade(definition, final, change);
    this.#session = afterCommand(this.#session, definition, change);
    if (change !== undefined && FORGETS_DATA.has(change.kind)) this.#data.close();
    await this.#send(final);
    if (isBad) this.#countBad();
    // 421 announces the end of the connection, whoever said it (RFC 959 section 4.2.2).
    if (change?.kind === 'Close' || final.code === 421) this.#closing ??= 'quit';
    if (change?.kind === 'FailLogin' && this.#session.failedLogins >= this.#house.options.limits.loginAttemptsMax) {
      this.end(new Fault('LockedOut', { text: 'Too many failed logins on this connection.' }));
    }
  }

  /** A command that hangs, and that nobody is left to wait for: the session ends without it. */
  #abandon({ verb }: CommandDefinition): void {
    this.#log.error('command.abandoned', { verb });
    this.#closing ??= 'quit';
    const why = new Fault('Aborted', { cause: new Error('the command is no longer waited for') });
    this.#over.abort(why);
    this.#transfer?.abort.abort(why);
  }

  /** AUTH: 234, then TLS. Anything that came behind AUTH in clear ends the connection (CVE-2011-0411). */
  async #upgrade(definition: CommandDefinition, accepted: Reply, change: SessionChange): Promise<void> {
    if (!this.#backlog.isEmpty || this.#control.hasUnreadInput) {
      return this.#attack('bytes sent in clear behind AUTH');
    }
    this.#data.close();
    this.#session = afterCommand(this.#session, definition, change);
    await this.#beginTls('explicit', accepted);
  }

  async #beginTls(mode: 'explicit' | 'implicit', accepted?: Reply): Promise<void> {
    const use = (context: DataContext) => {
      this.#context = context;
    };
    const parts = { house: this.#house, control: this.#control, session: this.#session, log: this.#log, use };
    this.#session = await beginControlTls(parts, mode, accepted);
  }

  #attack(what: string): void {
    tellAttack(this.#house.modules, this.#session, what, this.#log);
    this.#closing = 'quit';
    this.#hearNoMore({ cause: new Error(what) });
    this.#control.destroy();
  }

  #mark(mark: Reply, transfer: Transfer | undefined): void {
    // A preliminary reply is one line; the control connection takes it without waiting.
    void this.#send(mark);
    if (transfer !== undefined) transfer.marked = true;
    this.#wake();
  }

  async #sayGoodbye(): Promise<void> {
    if (this.#closing instanceof Fault) {
      this.#log.info('session.ended', { fault: this.#closing.kind });
      await this.#send(reply(this.#closing.code, this.#closing.text));
    }
  }

  #send(answer: Reply): Promise<void> {
    this.#log.debug('line.sent', { code: answer.code, lines: answer.lines });
    return this.#control.send(answer, charsetOf(this.#session));
  }
}

/** Changes after which a data channel arranged by the earlier state must not be used. */
const FORGETS_DATA: ReadonlySet<SessionChange['kind']> = new Set(['StartTls', 'Reinitialise', 'NameUser', 'LogIn']);

const TOO_MANY_WAITING = 'Too many commands were sent behind the transfer; it was ended and nothing was published.';

function notIn(charset: string): Fault {
  return new Fault('NotInCharset', { text: `The command is not text in ${charset}, the charset of this account.` });
}
