/** The gateway: listeners, sessions and what they share, composed from validated options. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { authorizedFiles } from '../access/authorized-files.ts';
import { COMMANDS } from '../commands/all.ts';
import type { GatewayOptionsInput } from '../config/options.ts';
import { gatewayOptions } from '../config/options.ts';
import { newSession } from '../engine/apply-change.ts';
import { PhaseTable } from '../engine/phase-table.ts';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import { formatReply, reply } from '../protocol/reply.ts';
import type { SessionSummary } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import { silentLog } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { ControlConnection } from '../transport/control-connection.ts';
import { localOf, peerOf } from '../transport/endpoint.ts';
import type { Listener } from '../transport/listener.ts';
import { listen } from '../transport/listener.ts';
import type { Accounts } from './accounts.ts';
import { accountsOf } from './accounts.ts';
import { builtInModules } from './built-in-modules.ts';
import type { House } from './house.ts';
import { SessionLoop } from './session-loop.ts';
import { virtualHosts } from './virtual-hosts.ts';

/** Where a running gateway can be reached. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: 'explicit' | 'implicit';
}

/** What a program hands a gateway besides its options. */
export interface GatewayParts {
  /** Where its log goes; nowhere by default. */
  readonly log?: Log;
  /** Its time; the machine's by default. */
  readonly clock?: Clock;
}

/** An FTPS server within a program. It installs no signal handlers and never ends the process. */
export interface Gateway {
  /**
   * Reads the users file and starts listening. @throws UsersFileRefused when that file is wrong; the system's error when
   * an address cannot be had. Nothing is listening then.
   */
  start(): Promise<void>;
  /** Where it listens, with the ports that were really taken; empty while it is not running. */
  readonly addresses: readonly GatewayAddress[];
  /** Sessions at this moment. */
  readonly sessionCount: number;
  /**
   * Stops listening and ends the sessions: at once those that are idle, the others when their command is done, and after
   * `graceMs` (0 by default) whatever is left. An upload that is cut off by this is not published.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Makes a gateway out of its options.
 *
 * @throws ZodError naming every option that is wrong; an OpenSSL error when certificate and key cannot be used.
 */
export function createGateway(input: GatewayOptionsInput, parts: GatewayParts = {}): Gateway {
  const options = gatewayOptions.parse(input);
  const clock = parts.clock ?? systemClock;
  const log = parts.log ?? silentLog;
  const modules = builtInModules(options, clock, log);
  const accounts = accountsOf(options, log);
  const house = {
    options,
    virtualHosts: virtualHosts(options),
    modules,
    table: new PhaseTable(COMMANDS, modules),
    authenticators: [accounts.authenticator],
    clock,
    log,
    filesOf: authorizedFiles,
  };
  return new RunningGateway(house, accounts);
}

class RunningGateway implements Gateway {
  readonly #house: House;
  readonly #accounts: Accounts;
  readonly #sessions = new Map<SessionLoop, Promise<void>>();
  #listeners: { readonly listener: Listener; readonly address: GatewayAddress }[] = [];

  constructor(house: Omit<House, 'sessionsOf'>, accounts: Accounts) {
    this.#house = { ...house, sessionsOf: (account) => this.#sessionsOf(account) };
    this.#accounts = accounts;
  }

  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  async start(): Promise<void> {
    await this.#accounts.load();
    try {
      for (const { host, port, tls } of this.#house.options.listen) {
        const listener = await listen(host, port, (socket) => this.#accept(socket, tls));
        this.#listeners.push({ listener, address: { host, port: listener.endpoint.port, tls } });
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    const listeners = this.#listeners;
    this.#listeners = [];
    // A listener's close waits for the connections it accepted, so it is awaited behind them.
    const closed = listeners.map(({ listener }) => listener.close());
    for (const session of this.#sessions.keys()) session.end(new Fault('ShuttingDown'));
    const drop = () => {
      for (const session of this.#sessions.keys()) session.destroy();
    };
    // Even without grace an idle session gets its turn of the event loop to say 421.
    const timer = this.#house.clock.after(graceMs, drop);
    await Promise.all(this.#sessions.values());
    timer.cancel();
    await Promise.all(closed);
  }

  #sessionsOf(account: string | undefined): readonly SessionSummary[] {
    return [...this.#sessions.keys()].flatMap(({ summary }) => (summary?.account === account ? (summary ?? []) : []));
  }

  #accept(socket: Socket, mode: 'explicit' | 'implicit'): void {
    const { modules, options, log, clock } = this.#house;
    // Until the control connection listens for errors, a reset must not end the process.
    socket.on('error', () => undefined);
    const peer = peerOf(socket);
    const local = localOf(socket);
    if (peer === undefined || local === undefined) {
      socket.destroy();
      return;
    }
    const session = newSession({ id: randomBytes(6).toString('hex'), peer, local });
    const admitted: Module[] = [];
    try {
      for (const module of modules) {
        module.onConnect?.(peer);
        admitted.push(module);
      }
    } catch (error) {
      for (const module of admitted) module.onDisconnect?.(session);
      log.warn('connection.refused', { peer: peer.address, error });
      this.#turnAway(socket, mode, error);
      return;
    }
    const { lineBytesMax, queuedLinesMax, handshakeTimeoutMs, stallTimeoutMs } = options.limits;
    const bounds = { lineBytesMax, queuedLinesMax, handshakeTimeoutMs, stallTimeoutMs };
    const control = new ControlConnection(socket, { peer, local, clock, ...bounds });
    const loop = new SessionLoop(this.#house, control, session);
    const done = loop.run(mode).finally(() => {
      for (const module of modules) module.onDisconnect?.(loop.session);
      this.#sessions.delete(loop);
    });
    this.#sessions.set(loop, done);
  }

  /** Says why in clear where that is understood: before TLS on an implicit port it would not be. */
  #turnAway(socket: Socket, mode: 'explicit' | 'implicit', error: unknown): void {
    const fault = error instanceof Fault ? error : new Fault('Busy');
    if (mode === 'explicit') socket.end(formatReply(reply(fault.code, fault.text)));
    socket.destroySoon();
  }
}
