/** A profile, a floor and a wish for post-quantum keys, made into what OpenSSL is told. */
import { createSecureContext } from 'node:tls';
import type { Requirement } from '../spi/authenticator.ts';
import { opensslSuite, TLS_PROFILES, type TlsProfileName } from './tls-profiles.ts';

/** On what terms a gateway speaks TLS, at every host alike. */
export interface TlsTerms {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** As OpenSSL's list of ciphers. */
  readonly ciphers: string;
  /** As OpenSSL's list of groups. */
  readonly groups: string;
  /** As OpenSSL's list of signature algorithms. */
  readonly signatureAlgorithms: string;
  /** Told the secrets of every connection, a line at a time; nobody is, as a rule. */
  readonly keyLog?: ((line: Buffer) => void) | undefined;
}

/** What an operator says of TLS. */
export interface TlsWishes {
  readonly profile: TlsProfileName;
  /** The profile's own floor holds where it is higher. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** `required` offers hybrid groups only, which TLS 1.2 does not have. */
  readonly postQuantum: Requirement;
  readonly keyLog?: ((line: Buffer) => void) | undefined;
}

/** What is to be done about a Node whose OpenSSL has no hybrid groups. */
export const NO_HYBRID_GROUPS = `needs OpenSSL 3.5 or later, and this Node has ${process.versions.openssl}`;

/**
 * The terms of these wishes, as this process's OpenSSL can keep them.
 *
 * @throws Error when post-quantum keys are required and it has none.
 */
export function tlsTerms(
  { profile, minVersion, postQuantum, keyLog }: TlsWishes,
  isKnown: (group: string) => boolean = isGroupKnown,
): TlsTerms {
  const { suites, groups, hybridGroups, signatureAlgorithms, ...own } = TLS_PROFILES[profile];
  const hybrids = postQuantum === 'off' ? [] : hybridGroups.filter(isKnown);
  const required = postQuantum === 'required';
  if (required && hybrids.length === 0) throw new Error(`post_quantum: required ${NO_HYBRID_GROUPS}`);
  const floor = required || [minVersion, own.minVersion].includes('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2';
  return {
    minVersion: floor,
    ciphers: suites
      .filter((suite) => floor === 'TLSv1.2' || !suite.includes('_WITH_'))
      .map(opensslSuite)
      .join(':'),
    groups: groupList(hybrids, required ? [] : groups),
    signatureAlgorithms: signatureAlgorithms.join(':'),
    keyLog,
  };
}

/** Whether this process can offer post-quantum keys with a profile. */
export function hasHybridGroups(profile: TlsProfileName): boolean {
  return TLS_PROFILES[profile].hybridGroups.some(isGroupKnown);
}

/**
 * The slash makes OpenSSL 3.5 ask a client that knows a hybrid group, but has sent a key of another one, for a second
 * hello (HelloRetryRequest); in a plain list the key that is there already would win.
 */
function groupList(hybrids: readonly string[], groups: readonly string[]): string {
  return [hybrids, groups]
    .filter(({ length }) => length > 0)
    .map((list) => list.join(':'))
    .join('/');
}

/** Asked of OpenSSL and not of a version: distributions build their own, and FIPS mode takes groups away. */
function isGroupKnown(group: string): boolean {
  try {
    // With an empty list of authorities the many public ones need not be read.
    createSecureContext({ ecdhCurve: group, ca: [] });
    return true;
  } catch {
    return false;
  }
}
