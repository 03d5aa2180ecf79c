/** What a command sees of its session and of the gateway: everything it works with, and nothing more. */
import { login } from '../engine/login.ts';
import { Secret } from '../lib/secret.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Account } from '../spi/authenticator.ts';
import type { CommandContext } from '../spi/command.ts';
import type { DataConnection, DataPort } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Session } from '../spi/session.ts';
import type { House } from './house.ts';

/** A transfer that runs beside the dialogue. */
export interface Transfer {
  readonly verb: string;
  readonly abort: AbortController;
  connection: DataConnection | undefined;
  /** Whether 150 has been sent: before it, no other reply may be. */
  marked: boolean;
  done: boolean;
}

/** What a context is made of. */
export interface ContextParts {
  readonly house: House;
  readonly session: Session;
  readonly verb: string;
  readonly log: Log;
  readonly data: DataPort;
  /** The transfer that the command itself is, if it is one. */
  readonly own: Transfer | undefined;
  /** The transfer that runs beside it. */
  readonly running: Transfer | undefined;
  /** Aborts when the control connection is gone. */
  readonly gone: AbortSignal;
  /** Where the command's notes for the log are collected. */
  readonly notes: Record<string, unknown>;
  mark(reply: Reply): void;
}

/** Makes the context of one command. */
export function commandContext(parts: ContextParts): CommandContext {
  const { house, session, log, own, running } = parts;
  const { options } = house;
  const signal = own?.abort.signal ?? parts.gone;
  return {
    session,
    verb: parts.verb,
    policy: {
      tlsControlRequired: options.tlsControlRequired,
      tlsDataRequired: options.tlsDataRequired,
      sessionReuse: options.sessionReuse,
      closeNotify: options.closeNotify,
      productName: 'Sallyport',
      modeZ: options.modeZ,
      symlinks: options.symlinks,
      activeEnabled: options.active.enabled,
    },
    limits: options.limits,
    clock: house.clock,
    log,
    data: own === undefined ? parts.data : observed(parts.data, own),
    commands: house.table.commands,
    greetingOf: (name) => house.virtualHosts.greetingOf(name),
    sessions: () => house.sessionsOf(accountOf(session)?.name),
    signal,
    transfer: running && { verb: running.verb, bytesMoved: running.connection?.bytesMoved ?? 0 },
    account: () => loggedIn(session),
    files: () => house.filesOf(loggedIn(session)),
    authenticate(user, password) {
      const credentials = { user, password: new Secret(password), address: session.peer.address };
      return login(house, credentials, session, { log, signal });
    },
    mark: (mark) => parts.mark(mark),
    note: (fields) => Object.assign(parts.notes, fields),
  };
}

/** The account of the session, if it is logged in. */
export function accountOf({ login: state }: Session): Account | undefined {
  return state.state === 'LoggedIn' ? state.account : undefined;
}

function loggedIn(session: Session): Account {
  const account = accountOf(session);
  if (account === undefined) throw new Fault('NotLoggedIn');
  return account;
}

/** The data channel of a transfer: the connection that it opens is the one that STAT reports on. */
function observed(data: DataPort, transfer: Transfer): DataPort {
  return {
    listen: () => data.listen(),
    target: (endpoint) => data.target(endpoint),
    get arranged() {
      return data.arranged;
    },
    close: () => data.close(),
    async open(direction, signal) {
      transfer.connection = await data.open(direction, signal);
      return transfer.connection;
    },
  };
}
