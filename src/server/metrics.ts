/**
 * The numbers of one gateway in the form of Prometheus: counters that modules count up, and what is looked up when somebody
 * asks. Every gateway has its own, so that two in one process count apart.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { Counts } from '../modules/metrics-counters.ts';
import type { GatewayCertificate } from './certificates.ts';
import type { GatewaySession } from './gateway-session.ts';

/** What is looked up when somebody asks. */
export interface MetricsSource {
  readonly certificates: readonly GatewayCertificate[];
  readonly sessions: readonly Pick<GatewaySession, 'account'>[];
}

/** The numbers. */
export class Metrics {
  readonly counts: Counts;
  readonly #registry = new Registry();

  constructor(source: () => MetricsSource | undefined) {
    this.counts = countersIn(this.#registry);
    addGauges(this.#registry, source);
  }

  /** The media type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All numbers as they are now. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }
}

function countersIn(registry: Registry): Counts {
  const registers = [registry];
  const logins = new Counter({
    name: 'sallyport_logins_total',
    help: 'Logins that were looked at; those refused before that are failed commands.',
    labelNames: ['result'],
    registers,
  });
  const transfers = new Counter({
    name: 'sallyport_transfers_total',
    help: 'Transfers that began (150), by how they ended.',
    labelNames: ['direction', 'result'],
    registers,
  });
  const bytes = new Counter({
    name: 'sallyport_transfer_bytes_total',
    help: 'Bytes that ended transfers moved, failed ones included; in MODE Z the compressed ones.',
    labelNames: ['direction'],
    registers,
  });
  const commands = new Counter({
    name: 'sallyport_commands_total',
    help: 'Commands by class.',
    labelNames: ['class', 'result'],
    registers,
  });
  const handshakes = new Counter({
    name: 'sallyport_tls_handshakes_total',
    help: 'TLS connections that came about; of data channels those that transfers used.',
    labelNames: ['channel', 'version', 'resumed'],
    registers,
  });
  const failures = new Counter({
    name: 'sallyport_tls_failures_total',
    help: 'TLS handshakes that failed.',
    labelNames: ['channel'],
    registers,
  });
  // What is not there yet cannot be told from what is no longer counted: the few that matter begin with 0.
  for (const result of ['ok', 'failed']) {
    logins.inc({ result }, 0);
    for (const direction of ['upload', 'download', 'listing']) transfers.inc({ direction, result }, 0);
  }
  for (const direction of ['upload', 'download', 'listing']) bytes.inc({ direction }, 0);
  for (const channel of ['control', 'data']) failures.inc({ channel }, 0);
  return {
    login: (result) => logins.inc({ result }),
    transfer(direction, result, moved) {
      transfers.inc({ direction, result });
      bytes.inc({ direction }, moved);
    },
    command: (commandClass, result) => commands.inc({ class: commandClass, result }),
    handshake: ({ channel, version, resumed }) => handshakes.inc({ channel, version, resumed: String(resumed) }),
    handshakeFailed: (channel) => failures.inc({ channel }),
  };
}

function addGauges(registry: Registry, source: () => MetricsSource | undefined): void {
  const registers = [registry];
  new Gauge({
    name: 'sallyport_sessions',
    help: 'Sessions now, those that have not logged in included.',
    registers,
    collect() {
      this.set(source()?.sessions.length ?? 0);
    },
  });
  new Gauge({
    name: 'sallyport_sessions_logged_in',
    help: 'Sessions now that have logged in.',
    registers,
    collect() {
      this.set(source()?.sessions.filter(({ account }) => account !== undefined).length ?? 0);
    },
  });
  new Gauge({
    name: 'sallyport_certificate_not_after_seconds',
    help: 'When a certificate that is in force, or the first of its chain, ends: seconds since 1970 (UTC).',
    labelNames: ['host', 'names', 'kind'],
    registers,
    collect() {
      // One that has been replaced is told of no more.
      this.reset();
      for (const { host = '', names, keyKind, notAfterMs } of source()?.certificates ?? []) {
        this.set({ host, names: names.join(', '), kind: keyKind }, Math.floor(notAfterMs / 1_000));
      }
    },
  });
}
