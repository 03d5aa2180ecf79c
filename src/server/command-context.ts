/** What a command sees of its session and of the gateway: everything it works with, and nothing more. */
import { login, loginByCertificate } from '../engine/login.ts';
import { checkedReply } from '../engine/outcome-check.ts';
import { intakeAt } from '../intake/policy/profiled-files.ts';
import { lettersUnder } from '../intake/policy/profiles.ts';
import { failNotBefore } from '../lib/not-before.ts';
import { Secret } from '../lib/secret.ts';
import { guardData } from '../modules/post-quantum.ts';
import type { Reply } from '../protocol/reply.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Account, Credentials } from '../spi/authenticator.ts';
import type { CommandContext, CommandTraits } from '../spi/command.ts';
import type { DataConnection, DataPort } from '../spi/data-port.ts';
import { Fault } from '../spi/fault.ts';
import type { FileEffect } from '../spi/file-effect.ts';
import type { Log } from '../spi/log.ts';
import { type PermissionLetter, permissionsAt } from '../spi/permissions.ts';
import { accountIn, type Session } from '../spi/session.ts';
import { countAlike } from './client-authorities.ts';
import type { House } from './house.ts';
import { isReceiptPath, withReceiptRule } from './receipts.ts';

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
  readonly command: CommandTraits;
  readonly verb: string;
  /** The text behind the verb. */
  readonly argument: string;
  readonly log: Log;
  readonly data: DataPort;
  /** The transfer that the command itself is, if it is one. */
  readonly own: Transfer | undefined;
  /** The transfer that runs beside it. */
  readonly running: Transfer | undefined;
  /** Aborts when the control connection is gone, or the command is no longer waited for. */
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
  const deciding = { clock: house.clock, log, signal, timeoutMs: options.limits.loginTimeoutMs };
  const note = (fields: Readonly<Record<string, unknown>>) => void Object.assign(parts.notes, fields);
  const done: FileEffect[] = [];
  const effects = {
    now: () => house.clock.now(),
    admit: () => house.audit?.require(),
    done: (effect: FileEffect) => void done.push(effect),
  };
  const use = { session, command: parts.command, argument: parts.argument, note, effects };
  return {
    session,
    verb: parts.verb,
    policy: {
      tlsControlRequired: options.tlsControlRequired,
      tlsDataRequired: options.tlsDataRequired,
      clientCertificateRequired: house.virtualHosts.clientTrustOf(session.host).mode === 'required',
      sessionReuse: options.sessionReuse,
      closeNotify: options.closeNotify,
      productName: 'Sallyport',
      modeZ: options.modeZ,
      symlinks: options.symlinks,
      listingTimes: options.listingTimes,
      activeEnabled: options.active.enabled,
    },
    limits: options.limits,
    clock: house.clock,
    log,
    data: own === undefined ? parts.data : observed(parts, own),
    commands: house.table.commands,
    greetingOf: (name) => house.virtualHosts.greetingOf(name),
    certificateCountsAt: (name) =>
      countAlike(house.virtualHosts.clientTrustOf(session.host), house.virtualHosts.clientTrustOf(name)),
    sessions: () => house.sessionsOf(accountIn(session)?.name),
    signal,
    transfer: running && { verb: running.verb, bytesMoved: running.connection?.bytesMoved ?? 0 },
    account: () => (house.receipts === undefined ? loggedIn(session) : withReceiptRule(loggedIn(session))),
    lettersAt: async (directory) => letters(parts, directory),
    files: () => house.filesOf(loggedIn(session), use),
    effects: done,
    receiptOf: async (path) => house.receipts?.newest(loggedIn(session), path),
    classes: () => house.classesOf(session),
    async setting(directive, directory) {
      if (directory === undefined) return house.settings.inSession(directive, session);
      return house.settings.atDirectory(directive, session, directory);
    },
    authenticate(user, password) {
      const credentials = { user, password: new Secret(password), ...credentialsOf(session) };
      const { loginRefusalMs } = options.limits;
      return failNotBefore(house.clock, loginRefusalMs, () => login(house, credentials, session, deciding));
    },
    authenticateByCertificate: (user) =>
      loginByCertificate(house, { user, ...credentialsOf(session) }, session, deciding),
    mark: (mark) => parts.mark(checkedReply(mark, 'preliminary', parts.verb)),
    note,
  };
}

/** What is known of the client besides what it says. */
function credentialsOf({ peer, controlTls, host }: Session): Omit<Credentials, 'user' | 'password'> {
  return { address: peer.address, tls: controlTls, host };
}

function loggedIn(session: Session): Account {
  const account = accountIn(session);
  if (account === undefined) throw new Fault('NotLoggedIn');
  return account;
}

/** Receipts stand in front of what directories are for. */
async function letters(
  { house, session }: ContextParts,
  directory: VirtualPath,
): Promise<ReadonlySet<PermissionLetter>> {
  const account = loggedIn(session);
  if (house.receipts !== undefined && isReceiptPath(directory))
    return permissionsAt(withReceiptRule(account), directory);
  return lettersUnder(account, await intakeAt(house.settings, session, directory), directory);
}

/** The data channel of a transfer: the connection that it opens is held to rates, and is the one that STAT reports on. */
function observed({ data, house, session, notes }: ContextParts, transfer: Transfer): DataPort {
  return {
    listen: () => data.listen(),
    target: (endpoint) => data.target(endpoint),
    get arranged() {
      return data.arranged;
    },
    close: () => data.close(),
    async open(direction, signal) {
      const connection = await data.open(direction, signal);
      try {
        notes.dataTls = connection.tls ?? 'none';
        guardData(house.settings, session, connection.tls);
        transfer.connection = house.rates.hold({ connection, session, direction, signal });
      } catch (error) {
        connection.destroy();
        throw error;
      }
      return transfer.connection;
    },
  };
}
