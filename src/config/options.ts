/**
 * Every option of the gateway, composed from the schemas of its parts. Strict: a misspelt key is an error; every number
 * has both bounds; every default is the safe one and has a line in `docs/defaults.md`. Durations are milliseconds,
 * sizes are bytes. In YAML the same keys are written in snake_case. A checked value passes the check again unchanged.
 */
import { z } from 'zod';
import { requirement, userName, userOptions } from '../auth/users.ts';
import { parseHostName } from '../protocol/host-name.ts';
import { parseIpv4 } from '../protocol/ip-address.ts';
import { DEFAULT_LIMITS, type Limits } from '../protocol/limits.ts';

const SECOND_MS = 1_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** An address and port that the gateway listens on. */
export const listenOptions = z.strictObject({
  /**
   * Loopback unless the operator opens it up: nothing is reachable from outside by accident. An address, never a name.
   */
  host: z
    .union([z.ipv4(), z.ipv6()], { error: 'must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::' })
    .default('127.0.0.1'),
  /** 21 or 2121 are usual, 990 for implicit TLS; 0 takes any free port. */
  port: z.int().min(0).max(65_535),
  /** `explicit` starts in clear and waits for AUTH TLS (RFC 4217); `implicit` starts with TLS, for old clients. */
  tls: z.enum(['explicit', 'implicit']).default('explicit'),
});

/** A certificate: two files, or both as PEM text when the gateway is used as a library. */
const pairOptions = {
  /** PEM file: the server's certificate, then the intermediate ones. */
  certificateFile: z.string().min(1).max(4_096).optional(),
  /** PEM file with the private key, readable by its owner only. */
  keyFile: z.string().min(1).max(4_096).optional(),
  /** The same as PEM text. */
  certificate: z.string().min(1).max(1_048_576).optional(),
  /** The private key as PEM text; never in a configuration file. */
  key: z.string().min(1).max(1_048_576).optional(),
};

/** The gateway's certificate, and what every TLS connection must keep. */
export const tlsOptions = z
  .strictObject({
    ...pairOptions,
    /** TLS 1.2 is still needed by many partners and safe with the suites that are offered; older versions are not. */
    minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2'),
  })
  .superRefine(requireOnePair, ifSound('certificateFile', 'keyFile', 'certificate', 'key'));

/** One line for a greeting. It never names a version: that would help only those who look for a hole. */
const bannerText = z
  .string()
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u, { error: 'must be one line of 1 to 200 characters' });

/** A virtual host: another name of this server, with a certificate of its own (RFC 7151). */
export const hostOptions = z
  .strictObject({
    /** What clients say with HOST or SNI. Addresses are no virtual hosts: certificates and SNI hold names. */
    name: z
      .string()
      .toLowerCase()
      .refine((name) => parseHostName(name) === name && parseIpv4(name) === undefined, {
        error: 'must be a domain name, such as ftp.example.com',
      }),
    ...pairOptions,
    /** The greeting there; without it the gateway's. */
    banner: bannerText.optional(),
    /** The accounts that may log in there; without it all may. */
    users: z.array(userName).max(100_000).optional(),
  })
  .superRefine(requireOnePair, ifSound('certificateFile', 'keyFile', 'certificate', 'key'));

/** Ports for data connections that the client opens (PASV, EPSV). */
export const passiveOptions = z
  .strictObject({
    /** First port; the range is what a firewall has to let in. Privileged ports are never used. */
    portMin: passivePort().default(50_000),
    /** Last port; each running transfer takes one, so a thousand are ample. */
    portMax: passivePort().default(50_999),
    /** The IPv4 address that PASV tells clients, behind NAT; without it the address that they connected to. */
    address: z.ipv4({ error: 'must be an IPv4 address: PASV knows no other (RFC 959 section 4.1.2)' }).optional(),
  })
  .superRefine(checkPortRange, ifSound('portMin', 'portMax'));

/** Data connections that the gateway opens (PORT, EPRT); only ever to the client's own address. */
export const activeOptions = z.strictObject({
  /**
   * On, since old partners need it and the peer rule closes the bounce attack; off where no outgoing traffic is
   * allowed.
   */
  enabled: z.boolean().default(true),
});

/** The bounds of `protocol/limits.ts`; see there what each one protects from. */
export const limitsOptions = z
  .strictObject({
    lineBytesMax: limit('lineBytesMax', 512, 65_536),
    queuedLinesMax: limit('queuedLinesMax', 1, 10_000),
    // Above the longest line that `lineBytesMax` can allow.
    queuedBytesMax: limit('queuedBytesMax', 131_072, 67_108_864),
    badCommandsMax: limit('badCommandsMax', 1, 1_000),
    connectionsMax: limit('connectionsMax', 1, 100_000),
    connectionsPerAddressMax: limit('connectionsPerAddressMax', 1, 100_000),
    connectionsPerAccountMax: limit('connectionsPerAccountMax', 1, 100_000),
    handshakeTimeoutMs: limit('handshakeTimeoutMs', 100, 120 * SECOND_MS),
    loginTimeoutMs: limit('loginTimeoutMs', 100, 600 * SECOND_MS),
    loginAttemptsMax: limit('loginAttemptsMax', 1, 100),
    loginFailuresPerAddressMax: limit('loginFailuresPerAddressMax', 1, 10_000),
    loginLockoutMs: limit('loginLockoutMs', 100, 7 * DAY_MS),
    passwordQueueMax: limit('passwordQueueMax', 1, 10_000),
    idleTimeoutMs: limit('idleTimeoutMs', 100, DAY_MS),
    sessionTimeMaxMs: limit('sessionTimeMaxMs', SECOND_MS, 7 * DAY_MS),
    stallTimeoutMs: limit('stallTimeoutMs', 100, HOUR_MS),
    dataConnectTimeoutMs: limit('dataConnectTimeoutMs', 100, 600 * SECOND_MS),
    wrongPeersMax: limit('wrongPeersMax', 0, 1_000),
    uploadBytesMax: limit('uploadBytesMax', 0, Number.MAX_SAFE_INTEGER),
    inflateRatioMax: limit('inflateRatioMax', 10, 1_100),
    listingEntriesMax: limit('listingEntriesMax', 1, 100_000_000),
    hashBytesMax: limit('hashBytesMax', 0, Number.MAX_SAFE_INTEGER),
    asciiSizeBytesMax: limit('asciiSizeBytesMax', 0, Number.MAX_SAFE_INTEGER),
  } satisfies Record<keyof Limits, z.ZodType>)
  .superRefine(checkHandshakeInLogin, ifSound('handshakeTimeoutMs', 'loginTimeoutMs'))
  .superRefine(checkIdleInSession, ifSound('idleTimeoutMs', 'sessionTimeMaxMs'));

/** How files are kept on disk. Modes are octal text: a YAML number such as 0640 would be read as decimal. */
export const storageOptions = z.strictObject({
  /** Permission bits of published files: the gateway reads and writes, its group reads, others see nothing. */
  fileMode: z
    .string()
    .regex(/^0?[67][0-7]{2}$/, { error: "must be octal text such as '0640', with reading and writing for the owner" })
    .default('0640'),
  /** Permission bits of directories that clients make. */
  directoryMode: z
    .string()
    .regex(/^0?7[0-7]{2}$/, { error: "must be octal text such as '0750', with every right for the owner" })
    .default('0750'),
  /**
   * Whether 226 waits until file and directory are on the disk; without it a power cut can lose an acknowledged file.
   */
  sync: z.boolean().default(true),
});

/** The gateway's own log. */
export const logOptions = z.strictObject({
  /** `info` has logins, transfers and refusals; `debug` adds every command. */
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** `auto` is `pretty` on a terminal and `json` elsewhere. */
  format: z.enum(['auto', 'json', 'pretty']).default('auto'),
});

/** Everything the gateway can be told. */
export const gatewayOptions = z.strictObject({
  /** Where to listen. */
  listen: z.array(listenOptions).min(1).max(64).superRefine(refuseSameListener),
  /** Required: a gateway without a certificate could take no login. */
  tls: tlsOptions,
  /** Virtual hosts. Where there are any, TLS for a name that is neither theirs nor in the gateway's certificate is refused. */
  hosts: z
    .array(hostOptions)
    .max(1_000)
    .superRefine(refuseSameName('is taken by another host'), { when: ({ value }) => Array.isArray(value) })
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
  /** Accounts. */
  users: z
    .array(userOptions)
    .max(100_000)
    .superRefine(refuseSameName('is taken by another user'), { when: ({ value }) => Array.isArray(value) })
    .default([]),
  /** A YAML file with more accounts, which `sallyport user` edits; without it there are only those in `users`. */
  usersFile: z.string().min(1).max(4_096).optional(),
  limits: limitsOptions.prefault({}),
  storage: storageOptions.prefault({}),
  log: logOptions.prefault({}),
  /** The greeting's text. */
  banner: bannerText.default('Sallyport ready.'),
});

/** The gateway's options, checked and with their defaults. */
export type GatewayOptions = z.output<typeof gatewayOptions>;

/** The gateway's options as they are written down: what has a default may be left out. */
export type GatewayOptionsInput = z.input<typeof gatewayOptions>;

/** The permission bits that octal text such as `0640` stands for. */
export function modeBits(octal: string): number {
  return Number.parseInt(octal, 8);
}

function limit(name: keyof Limits, min: number, max: number) {
  return z.int().min(min).max(max).default(DEFAULT_LIMITS[name]);
}

function passivePort() {
  return z
    .int()
    .min(0)
    .max(65_535)
    .refine((port) => port === 0 || port >= 1_024, { error: 'must be 1024 to 65535, or 0 for any free port' });
}

/** Lets a check run although other keys are wrong, so that all mistakes show at once, but not when its own keys are. */
function ifSound(...keys: readonly string[]) {
  return {
    when: ({ value, issues }: z.core.ParsePayload) =>
      typeof value === 'object' && value !== null && !issues.some((issue) => keys.includes(String(issue.path?.[0]))),
  };
}

function requireOnePair(
  options: { readonly [Key in 'certificateFile' | 'keyFile' | 'certificate' | 'key']?: string | undefined },
  context: z.RefinementCtx,
): void {
  const fromFiles = options.certificateFile !== undefined || options.keyFile !== undefined;
  const fromText = options.certificate !== undefined || options.key !== undefined;
  if (fromFiles && fromText) {
    context.addIssue({ code: 'custom', message: 'needs two files or two PEM texts, not some of both' });
    return;
  }
  const pair = fromText ? (['certificate', 'key'] as const) : (['certificateFile', 'keyFile'] as const);
  for (const key of pair) {
    if (options[key] === undefined) context.addIssue({ code: 'custom', path: [key], message: 'is missing' });
  }
}

function checkPortRange({ portMin, portMax }: { portMin: number; portMax: number }, context: z.RefinementCtx): void {
  const oneIsFree = (portMin === 0) !== (portMax === 0);
  const message = oneIsFree ? 'must be 0 exactly when the first port is' : 'is below the first port';
  if (oneIsFree || portMax < portMin) context.addIssue({ code: 'custom', path: ['portMax'], message });
}

function checkHandshakeInLogin(limits: Limits, context: z.RefinementCtx): void {
  if (limits.handshakeTimeoutMs <= limits.loginTimeoutMs) return;
  const message = `is shorter than a TLS handshake may take (${limits.handshakeTimeoutMs})`;
  context.addIssue({ code: 'custom', path: ['loginTimeoutMs'], message });
}

function checkIdleInSession(limits: Limits, context: z.RefinementCtx): void {
  if (limits.idleTimeoutMs <= limits.sessionTimeMaxMs) return;
  const message = `is longer than a session may live (${limits.sessionTimeMaxMs})`;
  context.addIssue({ code: 'custom', path: ['idleTimeoutMs'], message });
}

function refuseSameListener(listeners: readonly { host: string; port: number }[], context: z.RefinementCtx): void {
  listeners.forEach(({ host, port }, index) => {
    const twin = listeners.findIndex((other) => other.host === host && other.port === port);
    if (port === 0 || twin === index) return;
    context.addIssue({ code: 'custom', path: [index, 'port'], message: 'is in the list already with this host' });
  });
}

/** Runs although some users or hosts are wrong in other ways, and so trusts nothing but a name that is text. */
function refuseSameName(message: string) {
  return (entries: readonly unknown[], context: z.RefinementCtx): void => {
    const seen = new Set<string>();
    entries.forEach((entry, index) => {
      const name = named.safeParse(entry).data?.name;
      if (name === undefined) return;
      if (seen.has(name)) context.addIssue({ code: 'custom', path: [index, 'name'], message });
      seen.add(name);
    });
  };
}

const named = z.looseObject({ name: z.string() });
