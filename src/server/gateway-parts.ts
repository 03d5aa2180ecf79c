/** A gateway as the program sees that has it: what it is given, and what can be done with it. */
import type { Clock } from '../lib/clock.ts';
import type { GatewayEvents } from '../modules/observers.ts';
import type { AuditLog } from '../spi/audit.ts';
import type { Authenticator } from '../spi/authenticator.ts';
import type { CommandDefinition } from '../spi/command.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Gate } from '../spi/gate.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { GatewayCertificate } from './certificates.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { ReloadedPart } from './reload.ts';
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
