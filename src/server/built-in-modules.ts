/** The modules that every gateway has, in the order in which they are asked. */
import { rules } from '../access/rules-module.ts';
import type { GatewayOptions } from '../config/options.ts';
import type { Clock } from '../lib/clock.ts';
import { watchLoop } from '../lib/loop-load.ts';
import { arrivalPace } from '../modules/arrival-pace.ts';
import { auditTrail } from '../modules/audit-trail.ts';
import { clientCertificates } from '../modules/client-certificates.ts';
import { commandLog } from '../modules/command-log.ts';
import { connectionLimits } from '../modules/connection-limits.ts';
import { hostMembers } from '../modules/host-members.ts';
import { loginThrottle } from '../modules/login-throttle.ts';
import { messages } from '../modules/messages.ts';
import { type Counts, metricsCounters } from '../modules/metrics-counters.ts';
import type { GatewayEvents } from '../modules/observers.ts';
import { observers } from '../modules/observers.ts';
import { rates } from '../modules/rates.ts';
import { type InventoryParts, tlsInventory } from '../modules/tls-inventory.ts';
import { tlsPolicy } from '../modules/tls-policy.ts';
import type { Log } from '../spi/log.ts';
import type { Module } from '../spi/module.ts';
import type { Session } from '../spi/session.ts';
import type { Settings } from '../spi/settings.ts';
import type { GatewayAudit } from './audit.ts';
import type { SharedState } from './shared-state.ts';

/** What modules are made with. */
export interface ModuleParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The modules that the program or the configuration brings. */
  readonly extensions: readonly Module[];
  /** What the program wants to hear of. */
  readonly on: Partial<GatewayEvents>;
  /** Whether the secrets of TLS connections are written down. */
  readonly keysLogged: boolean;
  /** What directives amount to; known only once the modules are. */
  readonly settings: () => Settings;
  /** Where is recorded what happens; undefined where nothing is. */
  readonly audit?: GatewayAudit | undefined;
  /** Where is counted what happens, when somebody asks for the numbers. */
  readonly counts?: Counts | undefined;
  /** The names of the classes that a session belongs to now. */
  readonly classesOf: (session: Session) => readonly string[];
  /** Where it is noted with what TLS clients come, and who keeps that in this process; nowhere by default. */
  readonly sightings?: Pick<InventoryParts, 'sightings' | 'keeper'> | undefined;
  /** Where connections and logins are counted; in this process by default. */
  readonly shared?: Pick<SharedState, 'connections' | 'logins'> | undefined;
}

/** Makes them. Each gateway has its own, so that two in one process count apart. */
export function allModules(options: GatewayOptions, parts: ModuleParts): readonly Module[] {
  const { clock, log, extensions, on, settings, classesOf, audit, shared } = parts;
  const { hosts, limits } = options;
  // Who may not log in at a host must not be counted as logged in: its guard comes before the limits.
  return [
    tlsPolicy({ profile: options.tls.profile, keysLogged: parts.keysLogged, settings, log }),
    hostMembers(hosts),
    clientCertificates(),
    rules({ settings, classesOf }),
    connectionLimits(limits, shared?.connections),
    loginThrottle(limits, clock, log, shared?.logins),
    // Behind the limits: who waits for his turn is counted.
    arrivalPace({ clock, loopLoad: watchLoop(clock) }),
    rates(),
    messages(settings),
    ...extensions,
    // Behind everybody who can refuse, so that what it tells has happened.
    observers(on, log),
    ...(audit === undefined ? [] : [auditTrail({ audit, requirement: audit.requirement, clock, log })]),
    ...inventory(options, parts),
    ...(parts.counts === undefined ? [] : [metricsCounters(parts.counts)]),
    commandLog(),
  ];
}

/** Without a file there is nothing that the record could be read from. */
function inventory({ tls, hosts }: GatewayOptions, { clock, sightings }: ModuleParts): readonly Module[] {
  const { inventoryFile, clientCertificate } = tls;
  if (inventoryFile === undefined) return [];
  const nowhere = { see: ignore, seeLogin: ignore, refuse: ignore };
  const atHosts = new Map(hosts.map((host) => [host.name, host.clientCertificate]));
  const asksForCertificate = ({ host = '' }: Session) => (atHosts.get(host) ?? clientCertificate) !== 'off';
  return [tlsInventory({ ...(sightings ?? { sightings: nowhere }), asksForCertificate, clock })];
}

function ignore(): void {
  // Handlers that are only listed note nothing.
}
