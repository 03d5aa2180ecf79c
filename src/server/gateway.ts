/** The gateway: listeners, sessions and what they share, composed from validated options. */
import type { GatewayOptionsInput } from '../config/options.ts';
import type { DeliveryOverview } from '../delivery/deliveries.ts';
import type { IntakeItem } from '../intake/doors/items.ts';
import type { Clock } from '../lib/clock.ts';
import type { GatewayEvents } from '../modules/observers.ts';
import type { AuditLog } from '../spi/audit.ts';
import type { Authenticator } from '../spi/authenticator.ts';
import type { CommandDefinition } from '../spi/command.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Gate } from '../spi/gate.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { Listener } from '../transport/listener.ts';
import { listen } from '../transport/listener.ts';
import type { AuditNumbers } from './audit.ts';
import type { Authentication } from './authentication.ts';
import type { Certificates, GatewayCertificate } from './certificates.ts';
import type { ClientAuthorities } from './client-authorities.ts';
import { type ComposedHouse, composeHouse } from './compose-house.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { LastingParts } from './lasting-parts.ts';
import type { MetricsEndpoint } from './metrics-endpoint.ts';
import { startModules, stopModules } from './module-life.ts';
import { type ReloadedPart, reloadAll } from './reload.ts';
import { Sessions } from './sessions.ts';
import type { LiveRates } from './transfer-rates.ts';

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
  /** Modules beside the built-in ones; they are asked behind those that guard and before the command log. */
  readonly modules?: readonly Module[];
  /** Commands beside the built-in ones; a verb that is taken is refused: a module's CMD handler overloads it. */
  readonly commands?: readonly CommandDefinition[];
  /**
   * An audit log of the program's own, in place of one in the state directory. The program opens and closes it; `audit.requirement`
   * says what becomes of the gateway when it cannot be written.
   */
  readonly audit?: AuditLog;
  /** Checks of files beside those of the options; a directory asks for them by name (`intake.gates`). */
  readonly gates?: readonly Gate[];
  /** Asked before the accounts of the options, in this order. */
  readonly authenticators?: readonly Authenticator[];
  /**
   * What stands in front of the storage of each account of the options, for operations that are to be done otherwise:
   * given its files and its name, gives what to use in their place (see `decorate`).
   */
  readonly files?: (files: FileSystem, account: string) => FileSystem;
  /**
   * Told the secrets of every TLS connection, line by line as NSS writes them down, for looking into recorded traffic: whoever
   * has them can read everything. Each start says so in the log. It is what `sallyport serve --tls-keylog` uses.
   */
  readonly tlsKeyLog?: (line: Buffer) => void;
  /** Called when something has happened: connections, logins, files. */
  readonly on?: Partial<GatewayEvents>;
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
  /** Where `GET /metrics` is answered; undefined while it is not running, and when the options ask for none. */
  readonly metricsAddress: Pick<GatewayAddress, 'host' | 'port'> | undefined;
  /** The certificates in force: for whom they are, and when they end. */
  readonly certificates: readonly GatewayCertificate[];
  /** Sessions at this moment. */
  readonly sessionCount: number;
  /** They, one by one, those that have not logged in included. */
  readonly sessions: readonly GatewaySession[];
  /**
   * Ends one session with 421, aborting its transfer; an upload that is cut off by this is not published. Resolves when
   * it is over. @returns whether there was one of this id.
   */
  disconnect(sessionId: string): Promise<boolean>;
  /**
   * Sets rates that go before those of the configuration, in place of what was set before; transfers that run follow at
   * once. An empty object takes everything back. @throws ZodError for what is no rate.
   */
  setRates(rates: LiveRates): void;
  /**
   * Reads again what may change while it runs: certificates, keys and answers of OCSP, authorities of clients and their revocation
   * lists, and the files of users. Sessions keep
   * what they began with; what is wrong in new files leaves in force what was before, and is in the report and in the log.
   * The options themselves, paths included, are those of the start.
   */
  reload(): Promise<readonly ReloadedPart[]>;
  /** Stops listening; the sessions go on. `start` listens again, `close` ends them. */
  stopListening(): void;
  /**
   * Stops listening and ends the sessions: at once those that are idle, the others when their command is done, and after
   * `graceMs` (0 by default) whatever is left. An upload that is cut off by this is not published. What was told to end
   * and hangs is waited for two seconds more.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

/**
 * Makes a gateway out of its options.
 *
 * @throws TypeError when a module's directives cannot be, a gate that is asked for is not there, or workers are asked for; ZodError
 * naming every option that is wrong; an OpenSSL error when certificate and key cannot be used.
 */
export function createGateway(input: GatewayOptionsInput, parts: GatewayParts = {}): Gateway {
  const composed = composeHouse(input, parts);
  if (composed.house.options.workers !== 1) throw new TypeError(ONE_PROCESS);
  return new RunningGateway(composed);
}

/** The same for whoever has decided that one process serves all, whatever `workers` says. @throws as `createGateway`. */
export function gatewayInOneProcess(input: GatewayOptionsInput, parts: GatewayParts = {}): Gateway {
  return new RunningGateway(composeHouse(input, parts));
}

const ONE_PROCESS =
  'workers: a program has the whole gateway in its own process, since its functions cannot be sent to others; ' +
  'sallyport serve has workers';

class RunningGateway implements Gateway {
  readonly #house: House;
  readonly #authentication: Authentication;
  readonly #certificates: Certificates;
  readonly #authorities: ClientAuthorities;
  readonly #metrics: MetricsEndpoint | undefined;
  readonly #sessions: Sessions;
  readonly #lasting: LastingParts;
  #listeners: { readonly listener: Listener; readonly address: GatewayAddress }[] = [];
  /** Listeners that listen no more; each waits for the connections that it accepted. */
  #stopped: Promise<void>[] = [];

  constructor({ house, authentication, certificates, authorities, metrics }: ComposedHouse) {
    this.#house = { ...house, sessionsOf: (account) => this.#sessions.of(account) };
    this.#sessions = new Sessions(this.#house);
    this.#lasting = new LastingParts(house, this);
    this.#authentication = authentication;
    this.#certificates = certificates;
    this.#authorities = authorities;
    this.#metrics = metrics;
  }

  get addresses(): readonly GatewayAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  get metricsAddress(): Pick<GatewayAddress, 'host' | 'port'> | undefined {
    return this.#metrics?.address;
  }

  get certificates(): readonly GatewayCertificate[] {
    return this.#certificates.overview;
  }

  get sessionCount(): number {
    return this.#sessions.count;
  }

  get sessions(): readonly GatewaySession[] {
    return this.#sessions.all;
  }

  disconnect(sessionId: string): Promise<boolean> {
    return this.#sessions.disconnect(sessionId);
  }

  setRates(rates: LiveRates): void {
    this.#house.rates.set(rates);
  }

  /** For the metrics. */
  get uploads(): readonly IntakeItem[] {
    return this.#house.intake.items();
  }

  /** For the metrics. */
  get audit(): AuditNumbers | undefined {
    return this.#house.audit?.numbers;
  }

  /** For the metrics. */
  get deliveries(): readonly DeliveryOverview[] {
    return this.#house.deliveries?.overview ?? [];
  }

  async reload(): Promise<readonly ReloadedPart[]> {
    // Whatever else can be read again is added here.
    const parts = [this.#certificates, this.#authorities, ...this.#authentication.reloadable];
    const report = await reloadAll(parts, this.#house.log);
    this.#house.audit?.reloaded(report);
    return report;
  }

  stopListening(): void {
    this.#stopped.push(...this.#listeners.map(({ listener }) => listener.close()));
    this.#listeners = [];
  }

  async start(): Promise<void> {
    await this.#authentication.load();
    try {
      await this.#lasting.begin();
      await this.#certificates.start();
      await this.#authorities.start();
      await startModules(this.#house);
      await this.#metrics?.start(this);
      for (const { host, port, tls } of this.#house.options.listen) {
        const { tcpNoDelay: noDelay } = this.#house.options;
        const listener = await listen({ host, port, noDelay }, (socket) => void this.#sessions.serve(socket, tls));
        this.#listeners.push({ listener, address: { host, port: listener.endpoint.port, tls } });
      }
      await this.#lasting.listening(this.addresses);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    // A listener's close waits for the connections it accepted, so it is awaited behind them.
    this.stopListening();
    await this.#sessions.close(graceMs);
    await Promise.all(this.#stopped.splice(0));
    // Until here it shows how many sessions are left.
    await this.#metrics?.stop();
    this.#certificates.stop();
    this.#authorities.stop();
    await this.#lasting.endWork();
    await this.#authentication.close();
    await stopModules(this.#house);
    await this.#lasting.end();
  }
}
