/** The data channel of a session: arranged once, opened once, by whom and how policy says at that moment. */
import type { Server, Socket } from 'node:net';
import { isIPv4 } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { Requirement } from '../spi/authenticator.ts';
import type { DataConnection, DataPort, Direction } from '../spi/data-port.ts';
import { Fault, type FaultKind } from '../spi/fault.ts';
import type { Log } from '../spi/log.ts';
import type { Endpoint, ProtectionLevel } from '../spi/session.ts';
import type { ClientCertificate, TlsFacts } from '../spi/tls-facts.ts';
import { dial } from './active-dial.ts';
import { StreamDataConnection } from './data-connection.ts';
import type { ActivePolicy } from './data-peers.ts';
import { isAllowedPeer, refuseTarget } from './data-peers.ts';
import { peerOf } from './endpoint.ts';
import type { PassiveRange } from './passive-ports.ts';
import { listenPassive } from './passive-ports.ts';
import type { DataContext } from './tls-context.ts';

/** What a data channel needs to know of its session. */
export interface DataChannelOptions {
  readonly peer: Endpoint;
  readonly local: Endpoint;
  readonly passive: PassiveRange & PassiveAddresses & { readonly foreignAddresses: readonly string[] };
  readonly active: ActivePolicy;
  readonly noDelay: boolean;
  readonly receiveBytes: number;
  readonly sendBytes: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly handshakeTimeoutMs: number;
  readonly stallTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly wrongPeersMax: number;
  /** The context of the control connection; undefined while that is in clear. */
  context(): DataContext | undefined;
  /** PROT as it stands now. */
  protection(): ProtectionLevel;
  /** The certificate that the client has shown on the control channel, if it counts. */
  clientCertificate(): ClientCertificate | undefined;
  /** The reuse policy of whoever is logged in now. */
  sessionReuse(): Requirement;
}

/** What clients are told of the addresses of this machine, which may stand behind NAT. */
export interface PassiveAddresses {
  /** The address from outside, for those that `addresses` does not have. */
  readonly address?: string | undefined;
  readonly addresses: readonly { readonly local: string; readonly outside: string }[];
}

/** What was arranged: a port that listens, perhaps with the client on it already, or an address to connect to. */
type Arrangement =
  | { readonly kind: 'passive'; readonly server: Server; arrived: StreamDataConnection | undefined; wrongPeers: number }
  | { readonly kind: 'active'; readonly target: Endpoint };

/** The `DataPort` over sockets. */
export class DataChannel implements DataPort {
  readonly #options: DataChannelOptions;
  #arrangement: Arrangement | undefined;
  /** Every connection of this session that is not closed yet: finished ones wait a while for the client's own end. */
  readonly #connections = new Set<StreamDataConnection>();
  #arrived: () => void = () => undefined;
  #othersHaveTickets = false;
  #expected: Direction | undefined;
  #isOver = false;

  constructor(options: DataChannelOptions) {
    this.#options = options;
  }

  get arranged(): boolean {
    return this.#arrangement !== undefined;
  }

  async listen(): Promise<Endpoint> {
    this.#refuseWhenOver();
    this.#forget();
    const { local, passive, noDelay } = this.#options;
    const early: Socket[] = [];
    let accept = (socket: Socket): void => {
      early.push(socket);
    };
    const { port, server } = await listenPassive({ address: local.address, range: passive, noDelay }, (socket) =>
      accept(socket),
    );
    if (this.#isOver) {
      server.close();
      for (const socket of early) socket.destroy();
    }
    this.#refuseWhenOver();
    const arrangement: Arrangement = { kind: 'passive', server, arrived: undefined, wrongPeers: 0 };
    this.#arrangement = arrangement;
    accept = (socket) => this.#accept(arrangement, socket);
    early.forEach(accept);
    // Behind NAT an IPv4 client must be told the outer address; EPSV names none (RFC 2428 section 3).
    const mapped = passive.addresses.find((one) => one.local === local.address)?.outside ?? passive.address;
    return { address: isIPv4(local.address) && mapped !== undefined ? mapped : local.address, port };
  }

  target(endpoint: Endpoint): void {
    this.#refuseWhenOver();
    refuseTarget(endpoint, this.#options.peer, this.#options.active);
    this.#forget();
    this.#arrangement = { kind: 'active', target: endpoint };
  }

  /**
   * Tells which way the next transfer goes, as soon as its command has come, or that none is to be expected any more. It changes
   * nothing but what the transfer costs.
   */
  expect(direction: Direction | undefined): void {
    this.#expected = direction;
    if (direction !== undefined && this.#arrangement?.kind === 'passive') this.#arrangement.arrived?.expect(direction);
  }

  async open(direction: Direction, signal: AbortSignal): Promise<DataConnection> {
    const arrangement = this.#arrangement;
    if (arrangement === undefined) throw new Fault('NoDataConnection');
    this.expect(direction);
    let connection: StreamDataConnection | undefined;
    try {
      connection =
        arrangement.kind === 'active'
          ? this.#attach(await this.#dial(arrangement.target, signal))
          : this.#matching(await this.#wait(arrangement, signal), direction);
      await connection.secured(signal);
      this.#checkReuse(connection);
      this.#checkCertificate(connection);
      connection.begin(direction);
      return connection;
    } catch (error) {
      // Who is told 522 must be able to read it; old clients give up on a reset of the data connection before they do.
      if (error instanceof Fault && REFUSALS.has(error.kind)) connection?.refuse();
      else connection?.destroy();
      throw error;
    } finally {
      // One arrangement serves one transfer, whatever became of it.
      this.#release(arrangement, connection === undefined ? 'drop' : 'spare');
    }
  }

  close(): void {
    this.#forget();
    for (const connection of this.#connections) connection.destroy();
  }

  /** Closes for good: a command that comes too late arranges nothing that nobody would ever close. */
  end(): void {
    this.#isOver = true;
    this.close();
  }

  #refuseWhenOver(): void {
    if (this.#isOver) throw new Fault('Aborted', { cause: new Error('the session is over') });
  }

  #dial(target: Endpoint, signal: AbortSignal): Promise<Socket> {
    const { local, clock, connectTimeoutMs, noDelay } = this.#options;
    return dial(target, local.address, { timeoutMs: connectTimeoutMs, noDelay, clock, signal });
  }

  /** The client's connection on the passive port, when it has come. */
  async #wait(arrangement: Arrangement & { kind: 'passive' }, signal: AbortSignal): Promise<StreamDataConnection> {
    const { clock, connectTimeoutMs } = this.#options;
    let late = false;
    const timer = clock.after(connectTimeoutMs, () => {
      late = true;
      this.#arrived();
    });
    const onAbort = () => this.#arrived();
    signal.addEventListener('abort', onAbort);
    try {
      for (;;) {
        signal.throwIfAborted();
        if (arrangement.arrived !== undefined) return arrangement.arrived;
        if (late || !arrangement.server.listening) {
          throw new Fault('CannotConnect', { text: 'The client did not connect to the passive port in time.' });
        }
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      }
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /**
   * Takes the first connection from the control connection's own address, or from one that is let in besides; others are
   * dropped and waiting goes on.
   */
  #accept(arrangement: Arrangement & { kind: 'passive' }, socket: Socket): void {
    const { peer, passive, log, wrongPeersMax } = this.#options;
    const address = peerOf(socket)?.address;
    const welcome = address !== undefined && isAllowedPeer(address, peer, passive.foreignAddresses);
    if (!welcome || arrangement.arrived !== undefined) {
      socket.on('error', () => undefined).destroy();
      if (welcome) return;
      log.warn('data.wrong_peer', { address, expected: peer.address });
      arrangement.wrongPeers += 1;
      if (arrangement.wrongPeers >= wrongPeersMax) arrangement.server.close();
      this.#arrived();
      return;
    }
    arrangement.arrived = this.#attach(socket);
    arrangement.server.close();
    this.#arrived();
  }

  /** Puts TLS on the connection if PROT P is in force now. */
  #attach(socket: Socket): StreamDataConnection {
    const context = this.#options.protection() === 'P' ? this.#options.context() : undefined;
    const onSecured = (tls: TlsFacts) => this.#heedTickets(tls);
    const asksForCertificate = this.#options.clientCertificate() !== undefined;
    const connection = new StreamDataConnection(
      socket,
      context,
      { ...this.#options, onSecured, asksForCertificate },
      this.#expected,
    );
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
    return connection;
  }

  /** In TLS 1.2 the ticket is part of the handshake: it is out even if no transfer ever opens the connection. */
  #heedTickets({ resumed, version }: TlsFacts): void {
    if (!resumed && version !== 'TLSv1.3') this.#othersHaveTickets = true;
  }

  /** The connection as PROT and the transfer want it now, which may not be as it was when the client connected. */
  #matching(connection: StreamDataConnection, direction: Direction): StreamDataConnection {
    const wanted = this.#options.protection() === 'P';
    if (direction === 'receive' && !connection.canReceive) {
      connection.destroy();
      throw new Fault('CannotConnect', { text: 'This data connection was begun for a download: arrange a new one.' });
    }
    if (connection.protected === wanted) return connection;
    if (wanted) return this.#attach(connection.surrenderSocket());
    connection.destroy();
    throw new Fault('CannotConnect', { text: 'PROT changed after the data connection was made: arrange a new one.' });
  }

  /**
   * A resumed session proves the control connection's client, as long as nobody else was given a ticket. A connection that
   * did not resume gets one: in TLS 1.2 within the handshake, in 1.3 when it goes on or is refused. From then on a ticket may be
   * theirs, and proves nothing in this session any more.
   */
  #checkReuse({ tls }: StreamDataConnection): void {
    if (tls === undefined) return;
    const required = this.#options.sessionReuse() === 'required';
    const isProof = tls.resumed && !this.#othersHaveTickets;
    if (!tls.resumed) this.#othersHaveTickets = true;
    if (!required || isProof) return;
    const text = 'This session had a data connection that did not resume its TLS session: log in anew.';
    throw new Fault('ReuseRequired', tls.resumed ? { text } : {});
  }

  /**
   * Who has shown a certificate on the control channel shows the same one here. A resumed session has it in it, which is
   * looked at all the same: a ticket may have gone to somebody else who had none.
   */
  #checkCertificate({ tls, shownCertificate: shown }: StreamDataConnection): void {
    const demanded = this.#options.clientCertificate();
    if (demanded === undefined || tls === undefined) return;
    if (shown.kind === 'trusted' && shown.certificate.fingerprint === demanded.fingerprint) return;
    if (shown.kind === 'untrusted')
      this.#options.log.warn('tls.client_certificate_untrusted', { channel: 'data', ...shown });
    throw new Fault('DataCertificateRequired');
  }

  #forget(): void {
    if (this.#arrangement !== undefined) this.#release(this.#arrangement, 'drop');
  }

  /** Ends an arrangement; `arrived` says what becomes of a connection that came for it. */
  #release(arrangement: Arrangement, arrived: 'drop' | 'spare'): void {
    if (this.#arrangement === arrangement) this.#arrangement = undefined;
    if (arrangement.kind === 'active') return;
    arrangement.server.close();
    if (arrived === 'drop') arrangement.arrived?.destroy();
  }
}

/** What is refused of a connection that works; every other fault is one that does not. */
const REFUSALS: ReadonlySet<unknown> = new Set<FaultKind>(['ReuseRequired', 'DataCertificateRequired']);
