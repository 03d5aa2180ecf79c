/**
 * What happens in a gateway, as events for the program that embeds it: pyftpdlib's callbacks. They are made of the phases
 * of commands and of what connections go through, as any module could do it.
 */
import { aside } from '../lib/aside.ts';
import { ROOT, resolvePath } from '../protocol/virtual-path.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import type { Module, Request, Result } from '../spi/module.ts';
import { defineModule } from '../spi/module.ts';
import { accountIn, type Endpoint, type Session, type SessionChange } from '../spi/session.ts';
import { reasonOf } from './audit-facts.ts';

/** Every event has the session that it happened in. */
export interface SessionEvent {
  /** The session's id, as in the log and in `gateway.sessions`. */
  readonly session: string;
  readonly peer: Endpoint;
  /** The virtual host; undefined for the gateway itself. */
  readonly host: string | undefined;
}

/** An event of somebody who is logged in. */
export interface AccountEvent extends SessionEvent {
  readonly account: string;
}

/** A login that failed. It has no password: one that is mistyped by a letter, or meant for another place, is a secret. */
export interface LoginFailedEvent extends SessionEvent {
  /** The name that was tried; whatever the client said. */
  readonly user: string;
  /** Why, for the operator and never for the client. */
  readonly reason: string | undefined;
}

/** The end of a connection. */
export interface DisconnectEvent extends SessionEvent {
  /** Who was logged in at the end. */
  readonly account: string | undefined;
}

/** A transfer of a file. */
export interface FileEvent extends AccountEvent {
  /** STOR, APPE, STOU or RETR. */
  readonly verb: string;
  /** As the client sees it: absolute, from the account's root. */
  readonly path: string;
  /** Where it is on the disk, when storage keeps files there; symlinks in it are not resolved. */
  readonly onDisk: string | undefined;
  /** Size of the whole file that was received; bytes that were sent; for an incomplete transfer, bytes that moved. */
  readonly bytes: number;
  /** Of a file that was received, whole, in small hexadecimal digits. */
  readonly sha256: string | undefined;
}

/** An upload that ended too soon. Nothing has been published, so that there is nothing to remove. */
export interface IncompleteFileEvent extends FileEvent {
  /** Why, for the operator. */
  readonly reason: string | undefined;
  /** Bytes of an upload that are kept out of sight and can be resumed. */
  readonly keptBytes: number;
}

type Observer<Event> = (event: Event) => void | Promise<void>;

/**
 * Every event, each called once for what it names and behind it. Those of commands are called when everything is done and
 * before the reply is sent, which waits for a promise up to ten seconds. An observer changes nothing: what it throws is
 * logged.
 */
export interface GatewayEvents {
  /** A connection was let in; it has not been greeted yet. */
  connect: Observer<SessionEvent>;
  /** A connection that was let in is over, however it ended. */
  disconnect: Observer<DisconnectEvent>;
  /** Somebody logged in. */
  login: Observer<AccountEvent>;
  /** A proof was wrong. Logins that were not looked at, before TLS or beyond a limit, are none. */
  loginFailed: Observer<LoginFailedEvent>;
  /** Somebody logged out: QUIT, REIN, or the beginning of another login. Not when the connection merely ends. */
  logout: Observer<AccountEvent>;
  /** A file, or the part that was asked for, was sent and taken. */
  fileSent: Observer<FileEvent>;
  /** A file was received whole and is published. */
  fileReceived: Observer<FileEvent>;
  /** A download began (150) and did not end well. */
  incompleteFileSent: Observer<IncompleteFileEvent>;
  /** An upload began (150) and did not end well. */
  incompleteFileReceived: Observer<IncompleteFileEvent>;
}

/** Calls the observers. It has to be the last of the modules that guard: whom one behind it refused would have connected. */
export function observers(on: Partial<GatewayEvents>, log: Log): Module {
  // Nobody waits for these two: an observer holds up no greeting.
  const failed = (event: string) => (error: unknown) =>
    log.error('module.failed', { module: 'observers', event, error });
  // Where nobody wants to hear of anything, nothing is waited for: a promise and its deadline for each command would cost more than it.
  const hears = () => Object.keys(on).length > 0;
  return defineModule({
    name: 'observers',
    onConnect(peer, session) {
      aside(() => on.connect?.({ ...inSession(session), peer }), failed('connect'));
    },
    onDisconnect(session) {
      aside(() => on.disconnect?.({ ...inSession(session), account: nameIn(session) }), failed('disconnect'));
    },
    handlers: [
      {
        phase: 'LOG_CMD',
        verb: '*',
        handle: (request, result) => (hears() ? tellSuccess(on, request, result) : undefined),
      },
      {
        phase: 'LOG_CMD_ERR',
        verb: '*',
        handle: (request, result) => (hears() ? tellFailure(on, request, result) : undefined),
      },
    ],
  });
}

async function tellSuccess(on: Partial<GatewayEvents>, request: Request, result: Result): Promise<void> {
  const { session } = request.context;
  const account = nameIn(session);
  const { change } = result;
  if (account !== undefined && change !== undefined && LOGS_OUT.has(change.kind)) {
    await on.logout?.({ ...inSession(session), account });
  }
  if (change?.kind === 'LogIn') await on.login?.({ ...inSession(session), account: change.account.name });
  const event = fileEvent(request, result);
  if (event === undefined) return;
  await (request.traits.class === 'write' ? on.fileReceived : on.fileSent)?.(event);
}

async function tellFailure(on: Partial<GatewayEvents>, request: Request, result: Result): Promise<void> {
  const { session } = request.context;
  if (result.change?.kind === 'FailLogin') {
    const user = session.login.state === 'ExpectPass' ? session.login.user : request.argument;
    const { cause } = result.notes;
    await on.loginFailed?.({ ...inSession(session), user, reason: typeof cause === 'string' ? cause : undefined });
  }
  // Without 150 nothing has begun, and so nothing is incomplete.
  const { transferMs } = result.notes;
  if (typeof transferMs !== 'number') return;
  const event = fileEvent(request, result);
  if (event === undefined) return;
  const incomplete = { ...event, reason: reasonOf(result.cause), keptBytes: numberIn(result, 'keptBytes') };
  await (request.traits.class === 'write' ? on.incompleteFileReceived : on.incompleteFileSent)?.(incomplete);
}

/** The facts of a transfer that reads or writes a file, whatever its verb. */
function fileEvent({ traits, context: { session } }: Request, result: Result): FileEvent | undefined {
  if (traits.data !== 'transfers' || (traits.class !== 'read' && traits.class !== 'write')) return undefined;
  const account = accountIn(session);
  if (account === undefined) return undefined;
  const { path, bytes, sha256 } = result.notes;
  if (typeof path !== 'string') return undefined;
  return {
    ...inSession(session),
    account: account.name,
    verb: traits.verb,
    path,
    onDisk: placeOf(account.files, path),
    bytes: typeof bytes === 'number' ? bytes : numberIn(result, 'dataBytes'),
    sha256: typeof sha256 === 'string' ? sha256 : undefined,
  };
}

/** Notes are text; only what is a path in its one form is asked of storage. */
function placeOf(files: FileSystem, path: string): string | undefined {
  const resolved = resolvePath(ROOT, path);
  return resolved === undefined ? undefined : files.onDisk?.(resolved);
}

/**
 * What ends a login, another one included (a certificate may log in at once at USER). Close is what QUIT asks for; a
 * connection that merely ends asks for nothing.
 */
export const LOGS_OUT: ReadonlySet<SessionChange['kind']> = new Set([
  'Close',
  'LogIn',
  'NameUser',
  'Reinitialise',
  'StartTls',
  'SetHost',
]);

function inSession({ id, peer, host }: Session): SessionEvent {
  return { session: id, peer, host };
}

function nameIn(session: Session): string | undefined {
  return accountIn(session)?.name;
}

function numberIn({ notes }: Result, name: string): number {
  const value = notes[name];
  return typeof value === 'number' ? value : 0;
}
