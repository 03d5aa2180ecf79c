/**
 * The numbers of one gateway in the form of Prometheus: counters that modules count up, and what is looked up when somebody
 * asks. Every gateway has its own, so that two in one process count apart.
 */
import { Counter, Gauge, Registry } from 'prom-client';
import type { DeliveryOverview } from '../delivery/deliveries.ts';
import { ITEM_STATES, isSettled } from '../intake/doors/item-state.ts';
import type { IntakeItem } from '../intake/doors/items.ts';
import type { Counts } from '../modules/metrics-counters.ts';
import type { AuditNumbers } from './audit.ts';
import type { GatewayCertificate } from './certificates.ts';
import { addDeliveries } from './delivery-metrics.ts';
import type { GatewaySession } from './gateway-session.ts';

/** What is looked up when somebody asks. */
export interface MetricsSource {
  readonly certificates: readonly GatewayCertificate[];
  readonly sessions: readonly Pick<GatewaySession, 'account'>[];
  /** Uploads that are not settled; none where nobody knows them. */
  readonly uploads?: readonly Pick<IntakeItem, 'state'>[] | undefined;
  /** Undefined where there is no audit log. */
  readonly audit?: AuditNumbers | undefined;
  /** None where nothing is handed on. */
  readonly deliveries?: readonly DeliveryOverview[] | undefined;
  /** Called before all this is looked up, where others have to be asked for it. Never throws. */
  refresh?(): Promise<void>;
}

/** The numbers. */
export class Metrics {
  readonly counts: Counts;
  readonly #registry = new Registry();

  constructor(source: () => MetricsSource | undefined) {
    this.counts = countersIn(this.#registry);
    addGauges(this.#registry, source);
    addAuditNumbers(this.#registry, source);
    addUploads(this.#registry, source);
    addDeliveries(this.#registry, () => source()?.deliveries ?? []);
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
    login: (result, times) => logins.inc({ result }, times),
    transfer(direction, result, moved, times) {
      transfers.inc({ direction, result }, times);
      bytes.inc({ direction }, moved);
    },
    command: (commandClass, result, times) => commands.inc({ class: commandClass, result }, times),
    handshake: ({ channel, version, resumed }, times) =>
      handshakes.inc({ channel, version, resumed: String(resumed) }, times),
    handshakeFailed: (channel, times) => failures.inc({ channel }, times),
  };
}

/** What the log has counted itself; without one there are the names and no numbers. */
function addAuditNumbers(registry: Registry, source: () => MetricsSource | undefined): void {
  const registers = [registry];
  const counter = (name: string, help: string, of: (numbers: AuditNumbers) => number) =>
    new Counter({
      ...{ name, help, registers },
      collect() {
        const numbers = source()?.audit;
        this.reset();
        this.inc(numbers === undefined ? 0 : of(numbers));
      },
    });
  counter('sallyport_audit_records_total', 'Records written into the audit log.', ({ records }) => records);
  counter('sallyport_audit_syncs_total', 'Syncs of files and directories of the audit log.', ({ syncs }) => syncs);
  counter('sallyport_audit_failures_total', 'Records that could not be written.', ({ failures }) => failures);
  new Gauge({
    name: 'sallyport_audit_writable',
    help: 'Whether the audit log can be written: 1 or 0; absent where there is none.',
    registers,
    collect() {
      this.remove();
      const numbers = source()?.audit;
      if (numbers !== undefined) this.set(Number(numbers.writable));
    },
  });
}

/** Those that are settled are counted as transfers. */
function addUploads(registry: Registry, source: () => MetricsSource | undefined): void {
  new Gauge({
    name: 'sallyport_uploads_waiting',
    help: 'Uploads that are not settled, by state.',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const uploads = source()?.uploads ?? [];
      for (const state of ITEM_STATES.filter((one) => !isSettled(one))) {
        this.set({ state }, uploads.filter((upload) => upload.state === state).length);
      }
    },
  });
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
