/** What is asked of logins and accounts. */
import type { UserOptions } from '../auth/users.ts';
import { DAY_MS } from '../config/certificate-checks.ts';
import { type Check, listed, notApplicable, notDecided, passIf, seen } from './check.ts';
import type { Facts } from './facts.ts';
import { HASH_FLOORS, hashCost } from './hash-costs.ts';

/** Nobody is let in without a name of their own. */
export const ownNames: Check = {
  options: ['authentication[].type'],
  decide: ({ options: { authentication } }) =>
    passIf(
      authentication.every(({ type }) => type !== 'anonymous'),
      seen('authentication', authentication.map(({ type }) => type).join(', ')),
    ),
};

/** Guessing ends after ten tries, for half an hour. */
export const lockout: Check = {
  options: ['limits.login_failures_per_address_max', 'limits.login_lockout_ms', 'limits.login_attempts_max'],
  decide({ options: { limits } }) {
    const { loginFailuresPerAddressMax: failures, loginLockoutMs: lockoutMs, loginAttemptsMax: attempts } = limits;
    return passIf(
      failures <= TRIES_MAX && attempts <= TRIES_MAX && lockoutMs >= LOCKOUT_MS_MIN,
      seen('limits.login_failures_per_address_max', failures),
      seen('limits.login_lockout_ms', lockoutMs),
      seen('limits.login_attempts_max', attempts),
      seen('what is shut out', 'the address (IPv4, or IPv6 /64), not the account'),
    );
  },
};

/** A session that does nothing ends within 15 minutes. */
export const idleSessions: Check = {
  options: ['limits.idle_timeout_ms'],
  decide: ({ options: { limits } }) =>
    passIf(limits.idleTimeoutMs <= IDLE_MS_MAX, seen('limits.idle_timeout_ms', limits.idleTimeoutMs)),
};

/** Passwords are kept as hashes that are slow to guess on graphics cards: not SHA-crypt, and none that is too cheap. */
export const passwordHashes: Check = {
  options: ['users[].password_hash', 'users_file', 'authentication[].type'],
  decide({ options: { authentication }, accounts }) {
    const others = authentication.map(({ type }) => type).filter((type) => ELSEWHERE.has(type));
    const elsewhere = seen('passwords that are kept elsewhere', listed([...new Set(others)]));
    const kept = accounts.flatMap(({ name, enabled, passwordHash }) =>
      enabled && passwordHash !== undefined ? [{ name, ...hashCost(passwordHash) }] : [],
    );
    const weak = kept.filter(({ strong }) => !strong);
    const counts = Map.groupBy(kept, ({ told }) => told);
    const told = [...counts].map(([cost, those]) => `${those.length} of ${cost}`).sort();
    const evidence = [
      seen('hashes of enabled accounts', listed(told)),
      seen('accounts with weak ones', listed(weak.map(({ name, told }) => `${name} (${told})`))),
      seen('costs that are asked for', HASH_FLOORS),
      elsewhere,
    ];
    if (weak.length > 0) return passIf(false, ...evidence);
    if (others.length > 0)
      return notDecided('whoever runs the directory or system that keeps the passwords', ...evidence);
    return kept.length === 0 ? notApplicable(...evidence) : passIf(true, ...evidence);
  },
};

/** Every account that is on was used within 90 days. */
export const inactiveAccounts: Check = {
  options: ['users[].enabled', 'tls.inventory_file'],
  decide({ accounts, inventory, nowMs }) {
    const on = accounts.filter(({ enabled }) => enabled).map(({ name }) => name);
    if (on.length === 0) return notApplicable(seen('enabled accounts', 0));
    const count = seen('enabled accounts', on.length);
    if (inventory.state !== 'kept') {
      const what = inventory.state === 'off' ? 'not set' : `${inventory.file} (${inventory.state})`;
      return notDecided(LOOK_AT_LOGINS, seen('tls.inventory_file', what), count);
    }
    const oldestMs = nowMs - INACTIVE_DAYS * DAY_MS;
    const { lastMs, sinceMs, savedMs } = inventory;
    const stale = on.filter((name) => (lastMs.get(name) ?? oldestMs) < oldestMs);
    const never = on.filter((name) => !lastMs.has(name));
    const evidence = [
      seen('tls.inventory_file', `${inventory.file}, from ${day(sinceMs)} to ${day(savedMs)}`),
      count,
      seen(`not seen for ${INACTIVE_DAYS} days`, listed(stale)),
      seen('never seen', listed(never)),
    ];
    if (stale.length > 0) return passIf(false, ...evidence);
    // An account that was never seen may be as new as the configuration.
    return never.length === 0 ? passIf(true, ...evidence) : notDecided(LOOK_AT_LOGINS, ...evidence);
  },
};

/**
 * Whoever logs in shows two things: a password and a code, or a password and a certificate of their own. A certificate that
 * is merely asked of everybody may be somebody else's.
 */
export const secondFactor: Check = {
  options: [
    'authentication[].totp',
    'users[].totp_secret',
    'authentication[].password',
    'users[].certificate_fingerprints',
    'users[].certificate_public_keys',
  ],
  decide(facts) {
    const { authentication, tls } = facts.options;
    const here = accountsHere(facts);
    const single = here.filter((account) => !hasSecond(account, facts)).map(({ name }) => name);
    const elsewhere = authentication.flatMap((entry, index) =>
      entry.type === 'users' || isCertificateAndPassword(entry)
        ? []
        : [{ place: `authentication[${index}] (${entry.type})`, safe: isSafeEntry(entry, facts, index) }],
    );
    const open = elsewhere.filter(({ safe }) => !safe).map(({ place }) => place);
    const evidence = [
      seen('authentication totp', authentication.map((entry) => `${entry.type} ${totpOf(entry) ?? 'none'}`).join(', ')),
      seen('tls.client_certificate', tls.clientCertificate),
      seen('enabled accounts', here.length),
      seen('of them with one factor', listed(single)),
      seen('other ways in with one factor', listed(open)),
    ];
    if (elsewhere.length === 0 && here.length === 0) return notApplicable(...evidence);
    return passIf(single.length === 0 && open.length === 0, ...evidence);
  },
};

/** Ten tries and thirty minutes, as PCI DSS has them in 8.3.4, by memory. */
const TRIES_MAX = 10;
const LOCKOUT_MS_MIN = 1_800_000;
const IDLE_MS_MAX = 900_000;
const INACTIVE_DAYS = 90;
const LOOK_AT_LOGINS = 'whoever looks after accounts, by the logins in the audit log';

/** Ways to log in whose passwords are not the gateway's to keep. */
const ELSEWHERE: ReadonlySet<string> = new Set(['unix', 'ldap', 'http']);

type Entry = Facts['options']['authentication'][number];

function totpOf(entry: Entry): 'required' | 'optional' | 'off' | undefined {
  return entry.type === 'anonymous' ? undefined : entry.totp;
}

/** The accounts that log in with a password that is kept here. */
function accountsHere({ options, accounts }: Facts): readonly UserOptions[] {
  return options.authentication.some(({ type }) => type === 'users') ? accounts.filter(({ enabled }) => enabled) : [];
}

/** An entry that lets nobody in, but asks for the certificate of the name before the others ask for its password. */
function isCertificateAndPassword(entry: Entry): boolean {
  return entry.type === 'certificate' && entry.password === 'needed';
}

/** Whether such an entry stands in front, for everybody. */
function isBehindCertificate({ options: { authentication } }: Facts, index: number): boolean {
  return authentication.slice(0, index).some((entry) => isCertificateAndPassword(entry) && entry.users === undefined);
}

/** Whether an entry lets nobody in with one thing; one that takes a certificate for enough asks for a code at most. */
function isSafeEntry(entry: Entry, facts: Facts, index: number): boolean {
  if (entry.type === 'anonymous') return false;
  return entry.totp === 'required' || (entry.type !== 'certificate' && isBehindCertificate(facts, index));
}

function hasSecond(account: UserOptions, facts: Facts): boolean {
  const { name, certificateFingerprints, certificatePublicKeys, totpSecret } = account;
  if (certificateFingerprints.length > 0 || certificatePublicKeys.length > 0) return true;
  return facts.options.authentication.every((entry, index) => {
    if (entry.type !== 'users' || entry.users?.includes(name) === false) return true;
    return isSafeEntry(entry, facts, index) || (totpSecret !== undefined && entry.totp !== 'off');
  });
}

function day(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}
