/** What is asked of TLS: on both channels, of certificates, of algorithms, and of the connections that the gateway itself makes. */
import { directoryUrl } from '../auth/ldap-options.ts';
import { DAY_MS, daysUntil, EXPIRY_WARNING_DAYS } from '../config/certificate-checks.ts';
import { unreachable } from '../lib/assert.ts';
import { isLoopback } from '../lib/hook-url.ts';
import { type Check, type Evidence, listed, notApplicable, notDecided, type Outcome, passIf, seen } from './check.ts';
import type { CertificateSeen, Facts } from './facts.ts';

/** No password and no command in clear. */
export const controlTls: Check = {
  options: ['tls_control_required'],
  decide: ({ options: { tlsControlRequired } }) =>
    passIf(tlsControlRequired, seen('tls_control_required', tlsControlRequired)),
};

/** No file and no listing in clear. */
export const dataTls: Check = {
  options: ['tls_data_required'],
  decide: ({ options: { tlsDataRequired } }) => passIf(tlsDataRequired, seen('tls_data_required', tlsDataRequired)),
};

/** Data connections belong to the session that asked for them. */
export const sessionReuse: Check = {
  options: ['session_reuse', 'users[].session_reuse', 'tls_data_required'],
  decide: (facts) => requiredEverywhere(facts, 'sessionReuse', 'session_reuse'),
};

/** An upload that was cut off is told from one that has ended. */
export const closeNotify: Check = {
  options: ['close_notify', 'users[].close_notify', 'tls_data_required'],
  decide: (facts) => requiredEverywhere(facts, 'closeNotify', 'close_notify'),
};

/** Certificates are valid, and will be for a while, with keys of 112 bits of strength or more. */
export const certificates: Check = {
  options: ['tls.certificate_file', 'tls.certificates', 'hosts[].certificate_file'],
  decide({ certificates, nowMs }) {
    const holds = ({ endMs, bits = Number.POSITIVE_INFINITY }: CertificateSeen) =>
      daysUntil(endMs, nowMs) >= EXPIRY_WARNING_DAYS && bits >= RSA_BITS_MIN;
    const sound = certificates.length > 0 && certificates.every(holds);
    return passIf(sound, ...certificates.map((one) => certificateSeen(one, nowMs)));
  },
};

/** Keys of kinds that NIST has: RSA and its curves, and none of 112 bits that is to be used after 2030. */
export const nistKeyKinds: Check = {
  options: ['tls.key_file', 'tls.certificates', 'hosts[].key_file'],
  decide({ certificates, nowMs }) {
    const holds = ({ kind, bits = Number.POSITIVE_INFINITY, endMs }: CertificateSeen) =>
      kind !== 'ed25519' && (bits >= RSA_BITS_128 || endMs < END_OF_112_BITS_MS);
    const sound = certificates.length > 0 && certificates.every(holds);
    return passIf(sound, ...certificates.map((one) => certificateSeen(one, nowMs)));
  },
};

/** Suites, groups and signatures are among NIST's. */
export const nistAlgorithms: Check = {
  options: ['tls.profile'],
  decide: ({ options: { tls } }) => passIf(isNist(tls.profile), seen('tls.profile', tls.profile)),
};

/** Only what a FIPS provider has can be used. That its module is validated no software can say. */
export const fipsMode: Check = {
  options: ['tls.profile'],
  decide: ({ options: { tls }, fipsAvailable }) =>
    passIf(
      tls.profile === 'fips' && fipsAvailable,
      seen('tls.profile', tls.profile),
      seen('FIPS provider of this OpenSSL', fipsAvailable ? 'works' : 'none that works'),
    ),
};

/** Whom the gateway asks, it asks over TLS, or on this machine: directories for logins, scanners for files. */
export const otherServers: Check = {
  options: [
    'authentication[].url',
    'authentication[].passwords_in_clear',
    'gates[].clear_text_allowed',
    'gates[].url',
    'gates[].host',
  ],
  decide({ options: { authentication, gates } }) {
    const asked = [
      ...authentication.flatMap((entry, index) => {
        if (entry.type === 'http') return [asking(`authentication[${index}].url`, entry.url, true)];
        if (entry.type !== 'ldap') return [];
        return entry.url.map((url) =>
          asking(`authentication[${index}].url`, url, entry.startTls || isDirectorySafe(url)),
        );
      }),
      ...gates.flatMap((gate, index) => {
        if (gate.kind === 'command') return [];
        if (gate.kind === 'http') return [asking(`gates[${index}].url`, gate.url, true)];
        const where = gate.kind === 'icap' ? gate.url : (gate.socket ?? `${gate.host}:${gate.port}`);
        // Clear text to another machine is refused unless this is set; where it is not needed it changes nothing.
        const safe = !gate.clearTextAllowed || where.startsWith('icaps:') || isHere(gate);
        return [asking(`gates[${index}] (${gate.name})`, where, safe)];
      }),
    ];
    const evidence = asked.map(({ option, value }) => seen(option, value));
    if (asked.length === 0) return notApplicable(seen('authentication and gates', 'no other server is asked'));
    return passIf(
      asked.every(({ safe }) => safe),
      ...evidence,
    );
  },
};

/**
 * Published files are handed on over TLS, or on this machine. Webhooks elsewhere and FTPS know nothing else, whatever is
 * written down; what a program does is not known.
 */
export const deliveriesOverTls: Check = {
  options: ['deliveries[].kind', 'deliveries[].url'],
  decide({ options: { deliveries } }) {
    if (deliveries.length === 0) return notApplicable(seen('deliveries', 'none'));
    const evidence = deliveries.map((delivery) => seen(`deliveries (${delivery.name})`, receiverOf(delivery)));
    const programs = deliveries.filter(({ kind }) => kind === 'command').map(({ name }) => name);
    if (programs.length === 0) return passIf(true, ...evidence);
    return notDecided(`whoever wrote the programs of ${listed(programs)}: where they send files, and how`, ...evidence);
  },
};

/** What was seen of a certificate. */
export function certificateSeen({ place, subject, kind, bits, endMs }: CertificateSeen, nowMs: number): Evidence {
  const key = bits === undefined ? kind : `${kind} ${bits}`;
  const day = new Date(endMs).toISOString().slice(0, 10);
  return seen(`${place} certificate`, `${subject}, ${key}, ends ${day}, in ${daysUntil(endMs, nowMs)} days`);
}

/** What NIST calls 112 bits, and 128. */
const RSA_BITS_MIN = 2_048;
const RSA_BITS_128 = 3_072;
/** NIST lets nobody protect anything with 112 bits after 2030 (SP 800-57 part 1). */
const END_OF_112_BITS_MS = Date.UTC(2030, 11, 31) + DAY_MS;

function isNist(profile: Facts['options']['tls']['profile']): boolean {
  return profile === 'nist-800-52r2' || profile === 'fips';
}

interface Asked {
  readonly option: string;
  readonly value: string;
  readonly safe: boolean;
}

function asking(option: string, url: string, safe: boolean): Asked {
  return { option, value: url, safe };
}

/** Whether a scanner is on this machine. */
function isHere(gate: Extract<Facts['options']['gates'][number], { readonly kind: 'icap' | 'clamd' }>): boolean {
  if (gate.kind === 'clamd') return gate.socket !== undefined || isLoopback({ hostname: gate.host ?? '' });
  const url = URL.parse(gate.url);
  return url !== null && isLoopback(url);
}

function isDirectorySafe(url: string): boolean {
  const parsed = directoryUrl(url);
  return parsed !== undefined && (parsed.secure || parsed.loopback);
}

function receiverOf(delivery: Facts['options']['deliveries'][number]): string {
  switch (delivery.kind) {
    case 'webhook':
      return `webhook ${delivery.url}`;
    case 'ftps':
      return `ftps ${delivery.host} (${delivery.tls} TLS)`;
    case 'command':
      return `command ${delivery.program}`;
    default:
      return unreachable(delivery);
  }
}

/** The gateway's own setting, and those of accounts and templates that are weaker. A connection in clear text has neither. */
function requiredEverywhere(
  { options, accounts }: Facts,
  key: 'sessionReuse' | 'closeNotify',
  option: string,
): Outcome {
  const templates = options.authentication.flatMap((entry, index) =>
    entry.type === 'users' || entry.account === 'users'
      ? []
      : [{ name: `authentication[${index}].account`, value: entry.account[key] }],
  );
  const weaker = [
    ...accounts.filter(({ enabled }) => enabled).map((account) => ({ name: account.name, value: account[key] })),
    ...templates,
  ].filter(({ value }) => value !== undefined && value !== 'required');
  return passIf(
    options[key] === 'required' && weaker.length === 0 && options.tlsDataRequired,
    seen(option, options[key]),
    seen('tls_data_required', options.tlsDataRequired),
    seen(`accounts with another ${option}`, listed(weaker.map(({ name, value }) => `${name} (${value})`))),
  );
}
