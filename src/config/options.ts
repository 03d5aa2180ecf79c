/**
 * Every option of the gateway, composed from the schemas of its parts. Strict: a misspelt key is an error; every number
 * has both bounds; every default is the safe one and has a line in `docs/defaults.md`. Durations are milliseconds,
 * sizes are bytes. In YAML the same keys are written in snake_case. A checked value passes the check again unchanged.
 */
import { z } from 'zod';
import { classOptions } from '../access/class-options.ts';
import { authenticationOptions } from '../auth/authentication-options.ts';
import { accountTemplate, directoryOptions, requirement, userOptions } from '../auth/users.ts';
import type { Directive, DirectiveContext } from '../spi/directive.ts';
import type { Module } from '../spi/module.ts';
import { userOptionsWith, withAccountDirectives } from './account-options.ts';
import { auditOptions } from './audit-options.ts';
import { BUILT_IN_DIRECTIVES } from './built-in-directives.ts';
import { requireSomeAuthorities } from './client-certificate-options.ts';
import { complianceOptions } from './compliance-options.ts';
import { activeOptions, bufferOptions, passiveOptions } from './data-options.ts';
import { deliveryOptions, requireLogForDeliveries } from './delivery-options.ts';
import { type CoreKeys, directiveKeys, directivesOf } from './directive-keys.ts';
import { accessFile, sectionsWith } from './directory-options.ts';
import { gateOptions } from './gate-options.ts';
import { bannerText, hostOptionsWith } from './host-options.ts';
import { limitsOptions } from './limits-options.ts';
import { listenOptions, refuseSameListener } from './listen-options.ts';
import { metricsOptions, refuseMetricsAtListener } from './metrics-options.ts';
import { IF_LIST, ifSound, refuseSameName } from './option-checks.ts';
import { logOptions, storageOptions } from './storage-options.ts';
import { tlsOptions } from './tls-options.ts';
import { workersOption } from './workers-option.ts';

/** Everything the gateway can be told, by itself and with the directives of its built-in modules. */
export const gatewayOptions = optionsWith(BUILT_IN_DIRECTIVES);

/**
 * Everything a gateway with these modules can be told besides the built-in ones. The type knows the built-in directives.
 *
 * @throws TypeError when a directive cannot be, or takes the name of a key or of another directive.
 */
export function gatewayOptionsWith(directives: readonly Directive[]): typeof gatewayOptions {
  return optionsWith(directives);
}

/** The directives of the built-in modules and of these, each once. @throws TypeError as `directivesOf`. */
export function allDirectives(modules: readonly Module[]): readonly Directive[] {
  return directivesOf(modules, CORE_KEYS);
}

/** A users file: accounts alone. */
export function usersFileOptionsWith(directives: readonly Directive[]) {
  return z.strictObject({ users: usersWith(directives) });
}

/** Everything, with the keys of these directives. */
function optionsWith(directives: readonly Directive[]) {
  const options = z.strictObject({
    /** Where to listen. */
    listen: z.array(listenOptions).min(1).max(64).superRefine(refuseSameListener),
    /** Required: a gateway without a certificate could take no login. */
    tls: tlsOptions,
    /** Virtual hosts. Where there are any, TLS for a name that is neither theirs nor in the gateway's certificate is refused. */
    hosts: z
      .array(hostOptionsWith(directives))
      .max(1_000)
      .superRefine(refuseSameName('is taken by another host'), IF_LIST)
      .default([]),
    /** Whether logins are refused before TLS, so that no password ever crosses the network in clear. */
    tlsControlRequired: z.boolean().default(true),
    /** Whether transfers are refused without PROT P, so that no file and no listing does. */
    tlsDataRequired: z.boolean().default(true),
    /**
     * Whether a data connection must resume the control connection's TLS session, which proves that both are one client.
     */
    sessionReuse: requirement.default('required'),
    /** Whether an upload must end with TLS close_notify, which proves that it was not cut off. */
    closeNotify: requirement.default('required'),
    /** Whether MODE Z (deflate) is offered. Off: compressing before encrypting lets sizes tell of contents. */
    modeZ: z.boolean().default(false),
    /** Whether SITE SYMLINK is offered. Off: a link is a second name for a file, which rules may not know. */
    symlinks: z.boolean().default(false),
    passive: passiveOptions.prefault({}),
    active: activeOptions.prefault({}),
    buffers: bufferOptions.prefault({}),
    /** Whether small packets leave at once (TCP_NODELAY); without it a reply may wait 40 ms for the one before it. */
    tcpNoDelay: z.boolean().default(true),
    /** The times in LIST. MLSD, MLST and MDTM are UTC whatever is said here (RFC 3659 section 2.3). */
    listingTimes: z.enum(['utc', 'local']).default('utc'),
    /** Accounts. */
    users: usersWith(directives),
    /** A YAML file with more accounts, which `sallyport user` edits; without it there are only those in `users`. */
    usersFile: z.string().min(1).max(4_096).optional(),
    /** The ways to log in, asked in this order. */
    authentication: withAccountDirectives(authenticationOptions, directives),
    /** Names for kinds of sessions, by network, TLS, host and time of day; for rules, and for what modules are told. */
    classes: z
      .array(classOptionsWith(directives))
      .max(1_000)
      .superRefine(refuseSameName('is taken by another class'), IF_LIST)
      .default([]),
    /** What modules are told of single directories, whoever comes there. */
    directories: sectionsWith(directives),
    /** The name of the files in directories that hold directives; see `allowOverride`. No client ever sees one. */
    accessFile,
    /**
     * The directory in which the gateway keeps what it must remember: audit log, uploads between the doors, receipts,
     * deliveries. A configuration file that does not name one has `state` beside it; a program without one keeps none of these.
     */
    stateDirectory: z.string().min(1).max(4_096).optional(),
    audit: auditOptions.prefault({}),
    /** The checks that directories may ask for by name, before a file that arrived there is published. */
    gates: gateOptions,
    /** To whom files are handed on that were published in directories that ask for it by name. */
    deliveries: deliveryOptions,
    /** Compensating controls for `sallyport compliance report`; the gateway does nothing with them. */
    compliance: complianceOptions,
    limits: limitsOptions.prefault({}),
    /** How many processes serve sessions, behind one port; `auto` is one for each core. */
    workers: workersOption.default(1),
    storage: storageOptions.prefault({}),
    log: logOptions.prefault({}),
    /** Numbers for monitoring, over HTTP; without it there is no such listener. */
    metrics: metricsOptions.optional(),
    /** The greeting's text. */
    banner: bannerText.default('Sallyport ready.'),
    ...directiveKeys('server', directives),
  });
  return options
    .superRefine(requireSomeAuthorities, ifSound('tls', 'hosts'))
    .superRefine(requireLogForDeliveries, ifSound('deliveries', 'audit'))
    .superRefine(refuseMetricsAtListener, ifSound('listen', 'metrics'));
}

/** A class with what modules are told of its sessions. */
function classOptionsWith(directives: readonly Directive[]) {
  return classOptions.safeExtend(directiveKeys('class', directives));
}

function usersWith(directives: readonly Directive[]) {
  const user = userOptionsWith(directives);
  return z.array(user).max(100_000).superRefine(refuseSameName('is taken by another user'), IF_LIST).default([]);
}

/** The gateway's options, checked and with their defaults. */
export type GatewayOptions = z.output<typeof gatewayOptions>;

/** The gateway's options as they are written down: what has a default may be left out. */
export type GatewayOptionsInput = z.input<typeof gatewayOptions>;

/**
 * The options of a gateway with modules of its own, as they are written down: `GatewayOptionsInputWith<typeof motd>`, or
 * a union of several directives.
 */
export type GatewayOptionsInputWith<Own extends Directive> = GatewayOptionsInput &
  DirectiveInput<Own, 'server'> &
  SectionsInput<Own> & {
    hosts?: (DirectiveInput<Own, 'host'> & SectionsInput<Own>)[] | undefined;
    classes?: DirectiveInput<Own, 'class'>[] | undefined;
    users?: (DirectiveInput<Own, 'account'> & SectionsInput<Own>)[] | undefined;
  };

/** The keys of directives in one place, as they are written down. */
type DirectiveInput<Own extends Directive, Context extends DirectiveContext> = {
  [D in Own as Context extends D['contexts'][number] ? D['name'] : never]?: z.input<D['schema']> | undefined;
};

interface SectionsInput<Own extends Directive> {
  directories?: DirectiveInput<Own, 'directory'>[] | undefined;
}

/** Keys that files have besides: see `file-options.ts`. */
export const FILE_KEYS = ['include', 'modules'] as const;

/** No directive has the name of one of these where it may be written. */
const CORE_KEYS: CoreKeys = {
  server: [...Object.keys(optionsWith([]).shape), ...FILE_KEYS],
  host: Object.keys(hostOptionsWith([]).shape),
  class: Object.keys(classOptions.shape),
  account: [...Object.keys(userOptions.shape), ...Object.keys(accountTemplate.shape)],
  directory: Object.keys(directoryOptions.shape),
  accessFile: [],
};
