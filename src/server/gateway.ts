/** The gateway: listeners, sessions and what they share, composed from validated options. */
import type { GatewayOptionsInput } from '../config/options.ts';
import type { DeliveryOverview } from '../delivery/deliveries.ts';
import type { IntakeItem } from '../intake/doors/items.ts';
import type { Listener } from '../transport/listener.ts';
import { listen } from '../transport/listener.ts';
import type { AuditNumbers } from './audit.ts';
import type { Authentication } from './authentication.ts';
import type { Certificates, GatewayCertificate } from './certificates.ts';
import type { ClientAuthorities } from './client-authorities.ts';
import { type ComposedHouse, composeHouse } from './compose-house.ts';
import type { Gateway, GatewayAddress, GatewayParts } from './gateway-parts.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { House } from './house.ts';
import { LastingParts } from './lasting-parts.ts';
import type { MetricsEndpoint } from './metrics-endpoint.ts';
import { startModules, stopModules } from './module-life.ts';
import { type ReloadedPart, reloadAll } from './reload.ts';
import { Sessions } from './sessions.ts';
import type { LiveRates } from './transfer-rates.ts';

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
