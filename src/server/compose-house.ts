/** Composes what the sessions of a gateway share out of its options: every part is made here, and told of the others. */
import { classesFrom } from '../access/classes.ts';
import { COMMANDS } from '../commands/all.ts';
import type { GatewayOptions, GatewayOptionsInput } from '../config/options.ts';
import { allDirectives, gatewayOptionsWith } from '../config/options.ts';
import { PhaseTable } from '../engine/phase-table.ts';
import type { DeliveryNames } from '../intake/doors/machine-parts.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { TlsRecordKeeper } from '../modules/tls-record-keeper.ts';
import type { Gate } from '../spi/gate.ts';
import { type Log, silentLog } from '../spi/log.ts';
import { AccessFiles } from './access-files.ts';
import { filesFrom } from './account-files.ts';
import { auditOf } from './audit.ts';
import type { Authentication } from './authentication.ts';
import { authenticationOf } from './authentication.ts';
import { allModules } from './built-in-modules.ts';
import { Certificates, type CertificatesChanged } from './certificates.ts';
import { ClientAuthorities } from './client-authorities.ts';
import { deliveriesOf } from './deliveries.ts';
import { gatesOf } from './gates.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { House } from './house.ts';
import { intakeOf } from './intake.ts';
import { IntakePolicy } from './intake-policy.ts';
import { MetricsEndpoint } from './metrics-endpoint.ts';
import type { Position, WorkerPosition } from './position.ts';
import { receiptsOf } from './receipts.ts';
import { settingsOf } from './settings.ts';
import { ownState, type SharedState } from './shared-state.ts';
import { TransferRateKeeper } from './transfer-rates.ts';
import { unfailing } from './unfailing-log.ts';
import { virtualHosts } from './virtual-hosts.ts';

/** A house, and those of its parts that the gateway itself starts and ends. */
export interface ComposedHouse {
  /** All but what only whoever holds the sessions knows. */
  readonly house: Omit<House, 'sessionsOf'>;
  readonly authentication: Authentication;
  readonly certificates: Certificates;
  readonly authorities: ClientAuthorities;
  readonly metrics: MetricsEndpoint | undefined;
  /** The record of the TLS of clients, where one is kept; a module has it begin and end where there are sessions. */
  readonly tlsRecord: TlsRecordKeeper | undefined;
  /** The gates of the house: whoever stands above workers puts others in their place with another configuration. */
  readonly gates: Map<string, Gate>;
  /** What its sessions share with those of other processes. */
  readonly shared: SharedState;
}

/** Makes them; nothing is started. @throws as `createGateway`. */
export function composeHouse(
  input: GatewayOptionsInput,
  parts: GatewayParts,
  position: Position = { kind: 'whole' },
): ComposedHouse {
  const worker = position.kind === 'worker' ? position : undefined;
  const directives = allDirectives(parts.modules ?? []);
  const options = gatewayOptionsWith(directives).parse(input);
  const clock = parts.clock ?? systemClock;
  const log = unfailing(parts.log ?? silentLog);
  const classesOf = classesFrom(options.classes, clock);
  const shared = position.kind === 'whole' ? ownState({ limits: () => options.limits, clock, log }) : position.shared;
  const metrics = worker === undefined && options.metrics ? new MetricsEndpoint(options.metrics, log) : undefined;
  const audit = auditOf(options, { given: parts.audit, shared: shared.audit, clock, log });
  const receipts = receiptsOf(options, {
    ...{ audit, log },
    isChecked: (account, path) => house.intake.isChecked(account, path),
    issue: worker?.issueReceipt,
  });
  const intakePolicy = new IntakePolicy(
    options,
    { clock, quotas: shared.quotas, promises: shared.promises },
    worker === undefined ? 'written' : 'read',
  );
  const keeper = worker === undefined ? recordKeeper(options, { clock, log }) : undefined;
  const sightings = keeper ?? shared.sightings;
  const modules = allModules(options, {
    sightings: sightings && { sightings, keeper },
    audit,
    clock,
    log,
    // They watch sessions: where there are none they have nothing to start.
    extensions: position.kind === 'above' ? [] : (parts.modules ?? []),
    on: parts.on ?? {},
    keysLogged: parts.tlsKeyLog !== undefined,
    counts: worker === undefined ? metrics?.counts : worker.counts,
    settings: () => house.settings,
    ...{ classesOf, shared },
  });
  const accessFiles = new AccessFiles({ name: options.accessFile, directives, clock, log });
  const settings = settingsOf({ options, classesOf, accessFiles, users: () => authentication.users() });
  const changed: CertificatesChanged = (object, refusal) => audit?.certificateChanged(object, refusal);
  const certificates = new Certificates(options, { clock, log, changed });
  const authorities = new ClientAuthorities(options, { clock, log, changed });
  const authentication = authenticationOf(options, {
    ...{ clock, log, directives, codes: shared.codes, uploads: shared.uploads },
    ...(parts.files !== undefined && { decorated: parts.files }),
    // Workers tell what has changed in it, since logins go by what they have read.
    usersRead: (read) => audit?.usersRead(position.kind === 'above' ? { ...read, changes: undefined } : read),
  });
  // What waits behind replies is checked above, where no session is and no other part of a module has anything to do.
  const bringers = position.kind === 'above' ? (parts.modules ?? []) : modules;
  const gates = new Map(gatesOf(options, { clock, modules: bringers, given: parts.gates ?? [] }));
  const deliveries = deliveriesOf(options, {
    ...{ audit, clock, log, filesAt: authentication.readableAt },
    isBetween: (upload) => house.intake.isBetween(upload),
  });
  const intake = intakeOf(options, {
    ...{
      audit,
      gates,
      receipts,
      deliveries: worker === undefined ? deliveries : deliveries && toldAbove(deliveries, worker),
      policy: intakePolicy,
      clock,
      log,
      worker: worker?.folder,
      above: worker?.intakeAbove,
      retains: worker === undefined || shared.promises !== undefined,
      names: shared.names,
    },
    settings: () => house.settings,
    filesAt: authentication.filesAt,
  });
  const house: Omit<House, 'sessionsOf'> = {
    options,
    virtualHosts: virtualHosts(options, { certificates, authorities, clock, keyLog: parts.tlsKeyLog }),
    modules,
    table: new PhaseTable([...COMMANDS, ...(parts.commands ?? [])], modules),
    authenticators: [...(parts.authenticators ?? []), ...authentication.chain],
    clock,
    log,
    settings,
    rates: new TransferRateKeeper(settings, clock, shared.buckets),
    classesOf,
    audit,
    receipts,
    intakePolicy,
    intake,
    // They run once, where the log is written.
    deliveries: worker === undefined ? deliveries : undefined,
    gates,
    filesOf: filesFrom(options, { settings: () => house.settings, classesOf, receipts, policy: intakePolicy, intake }),
  };
  return { house, authentication, certificates, authorities, metrics, tlsRecord: keeper, gates, shared };
}

/** What a worker knows of deliveries: their names. */
function toldAbove(deliveries: DeliveryNames, { rememberRoot }: WorkerPosition): DeliveryNames {
  return { has: (name) => deliveries.has(name), remember: rememberRoot };
}

function recordKeeper(
  { tls }: GatewayOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): TlsRecordKeeper | undefined {
  const { inventoryFile: file, inventoryDays: days } = tls;
  return file === undefined ? undefined : new TlsRecordKeeper({ file, days, clock, log });
}
