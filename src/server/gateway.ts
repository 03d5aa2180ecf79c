/** The gateway: listeners, sessions and what they share, composed from validated options. */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { classesFrom } from '../access/classes.ts';
import { COMMANDS } from '../commands/all.ts';
import type { GatewayOptionsInput } from '../config/options.ts';
import { allDirectives, gatewayOptionsWith } from '../config/options.ts';
import type { DeliveryOverview } from '../delivery/deliveries.ts';
import { newSession } from '../engine/apply-change.ts';
import { tellDisconnect } from '../engine/module-hooks.ts';
import { PhaseTable } from '../engine/phase-table.ts';
import type { IntakeItem } from '../intake/doors/items.ts';
import type { Clock } from '../lib/clock.ts';
import { systemClock } from '../lib/clock.ts';
import type { GatewayEvents } from '../modules/observers.ts';
import type { AuditLog } from '../spi/audit.ts';
import type { Authenticator } from '../spi/authenticator.ts';
import type { CommandDefinition, SessionSummary } from '../spi/command.ts';
import { Fault } from '../spi/fault.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Gate } from '../spi/gate.ts';
import type { Log } from '../spi/log.ts';
import { silentLog } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import { ControlConnection } from '../transport/control-connection.ts';
import { localOf, peerOf } from '../transport/endpoint.ts';
import type { Listener } from '../transport/listener.ts';
import { listen } from '../transport/listener.ts';
import { AccessFiles } from './access-files.ts';
import { filesFrom } from './account-files.ts';
import { Arrivals } from './arrivals.ts';
import { type AuditNumbers, auditOf } from './audit.ts';
import type { Authentication } from './authentication.ts';
import { authenticationOf } from './authentication.ts';
import { allModules } from './built-in-modules.ts';
import { Certificates, type CertificatesChanged, type GatewayCertificate } from './certificates.ts';
import { ClientAuthorities } from './client-authorities.ts';
import { deliveriesOf } from './deliveries.ts';
import { gatesOf } from './gates.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { intakeOf } from './intake.ts';
import { IntakePolicy } from './intake-policy.ts';
import { LastingParts } from './lasting-parts.ts';
import { MetricsEndpoint } from './metrics-endpoint.ts';
import { receiptsOf } from './receipts.ts';
import { type ReloadedPart, reloadAll } from './reload.ts';
import { SessionLoop } from './session-loop.ts';
import { settingsOf } from './settings.ts';
import type { LiveRates } from './transfer-rates.ts';
import { TransferRateKeeper } from './transfer-rates.ts';
import { unfailing } from './unfailing-log.ts';
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
 * @throws TypeError when a module's directives cannot be, or a gate that is asked for is not there; ZodError naming every option
 * that is wrong; an OpenSSL error when certificate and key cannot be used.
 */
export function createGateway(input: GatewayOptionsInput, parts: GatewayParts = {}): Gateway {
  const directives = allDirectives(parts.modules ?? []);
  const options = gatewayOptionsWith(directives).parse(input);
  const clock = parts.clock ?? systemClock;
  const log = unfailing(parts.log ?? silentLog);
  const classesOf = classesFrom(options.classes, clock);
  const metrics = options.metrics && new MetricsEndpoint(options.metrics, log);
  const audit = auditOf(options, { given: parts.audit, clock, log });
  const receipts = receiptsOf(options, {
    ...{ audit, log },
    isChecked: (account, path) => house.intake.isChecked(account, path),
  });
  const intakePolicy = new IntakePolicy(options, clock);
  const modules = allModules(options, {
    audit,
    clock,
    log,
    extensions: parts.modules ?? [],
    on: parts.on ?? {},
    keysLogged: parts.tlsKeyLog !== undefined,
    counts: metrics?.counts,
    settings: () => house.settings,
    classesOf,
  });
  const accessFiles = new AccessFiles({ name: options.accessFile, directives, clock, log });
  const settings = settingsOf({ options, classesOf, accessFiles, users: () => authentication.users() });
  const changed: CertificatesChanged = (object, refusal) => audit?.certificateChanged(object, refusal);
  const certificates = new Certificates(options, { clock, log, changed });
  const authorities = new ClientAuthorities(options, { clock, log, changed });
  const authentication = authenticationOf(options, {
    ...{ clock, log, directives },
    ...(parts.files !== undefined && { decorated: parts.files }),
    usersRead: (read) => audit?.usersRead(read),
  });
  const gates = gatesOf(options, { clock, modules, given: parts.gates ?? [] });
  const deliveries = deliveriesOf(options, {
    ...{ audit, clock, log, filesAt: authentication.readableAt },
    isBetween: (upload) => house.intake.isBetween(upload),
  });
  const intake = intakeOf(options, {
    ...{ audit, gates, receipts, deliveries, policy: intakePolicy, clock, log },
    settings: () => house.settings,
    filesAt: authentication.filesAt,
  });
  const house: Omit<House, 'sessionsOf'> = {
    options,
    virtualHosts: virtualHosts(options, { certificates, authorities, keyLog: parts.tlsKeyLog }),
    modules,
    table: new PhaseTable([...COMMANDS, ...(parts.commands ?? [])], modules),
    authenticators: [...(parts.authenticators ?? []), ...authentication.chain],
    clock,
    log,
    settings,
    rates: new TransferRateKeeper(settings, clock),
    classesOf,
    audit,
    receipts,
    intakePolicy,
    intake,
    deliveries,
    gates,
    filesOf: filesFrom(options, { settings: () => house.settings, classesOf, receipts, policy: intakePolicy, intake }),
  };
  return new RunningGateway(house, { authentication, certificates, authorities }, metrics);
}

/** Each has its turn, whatever another one throws. */
async function stopModules({ modules, log }: Pick<House, 'modules' | 'log'>): Promise<void> {
  for (const module of modules) {
    try {
      await module.onStop?.();
    } catch (error) {
      log.error('module.failed', { module: module.name, event: 'stop', error });
    }
  }
}

/** How long a session that is disconnected may take to say so to a client that does not read. */
const DISCONNECT_GRACE_MS = 2_000;

/** What is read again while it runs. */
interface RereadParts {
  readonly authentication: Authentication;
  readonly certificates: Certificates;
  readonly authorities: ClientAuthorities;
}

class RunningGateway implements Gateway {
  readonly #house: House;
  readonly #authentication: Authentication;
  readonly #certificates: Certificates;
  readonly #authorities: ClientAuthorities;
  readonly #metrics: MetricsEndpoint | undefined;
  readonly #sessions = new Map<SessionLoop, Promise<void>>();
  readonly #arrivals: Arrivals;
  readonly #lasting: LastingParts;
  #listeners: { readonly listener: Listener; readonly address: GatewayAddress }[] = [];
  /** Listeners that listen no more; each waits for the connections that it accepted. */
  #stopped: Promise<void>[] = [];

  constructor(
    house: Omit<House, 'sessionsOf'>,
    { authentication, certificates, authorities }: RereadParts,
    metrics: MetricsEndpoint | undefined,
  ) {
    this.#house = { ...house, sessionsOf: (account) => this.#sessionsOf(account) };
    this.#arrivals = new Arrivals(house);
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
    return this.#sessions.size;
  }

  get sessions(): readonly GatewaySession[] {
    return [...this.#sessions.keys()].map(({ overview }) => overview);
  }

  async disconnect(sessionId: string): Promise<boolean> {
    const found = [...this.#sessions].find(([{ session }]) => session.id === sessionId);
    if (found === undefined) return false;
    const [loop, done] = found;
    loop.dismiss(new Fault('ShuttingDown', { text: 'This session was closed by the operator.' }));
    const timer = this.#house.clock.after(DISCONNECT_GRACE_MS, () => loop.destroy());
    await done;
    timer.cancel();
    return true;
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
      for (const module of this.#house.modules) await module.onStart?.();
      await this.#metrics?.start(this);
      for (const { host, port, tls } of this.#house.options.listen) {
        const { tcpNoDelay: noDelay } = this.#house.options;
        const listener = await listen({ host, port, noDelay }, (socket) => void this.#accept(socket, tls));
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
    this.#arrivals.end();
    for (const session of this.#sessions.keys()) session.end(new Fault('ShuttingDown'));
    const drop = () => {
      for (const session of this.#sessions.keys()) session.destroy();
    };
    // Even without grace an idle session gets its turn of the event loop to say 421.
    const timer = this.#house.clock.after(graceMs, drop);
    await Promise.all(this.#sessions.values());
    timer.cancel();
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

  #sessionsOf(account: string | undefined): readonly SessionSummary[] {
    return [...this.#sessions.keys()].flatMap(({ summary }) => (summary?.account === account ? (summary ?? []) : []));
  }

  /** Nothing is read, and nothing said, before every module has let the connection in. */
  async #accept(socket: Socket, mode: 'explicit' | 'implicit'): Promise<void> {
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
    if (!(await this.#arrivals.letsIn(socket, session, mode))) return;
    const { lineBytesMax, queuedLinesMax, handshakeTimeoutMs, stallTimeoutMs } = options.limits;
    const bounds = { lineBytesMax, queuedLinesMax, handshakeTimeoutMs, stallTimeoutMs };
    const control = new ControlConnection(socket, { peer, local, clock, ...bounds });
    socket.resume();
    const loop = new SessionLoop(this.#house, control, session);
    const done = loop.run(mode).finally(() => {
      for (const module of modules) tellDisconnect(module, loop.session, log);
      this.#sessions.delete(loop);
    });
    this.#sessions.set(loop, done);
  }
}
