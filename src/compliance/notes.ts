/** What a reader should know beside the verdicts: nothing here passes or fails. */
import { postQuantum } from '../modules/post-quantum.ts';
import { TLS_PROFILES } from '../transport/tls-profiles.ts';
import { hasHybridGroups } from '../transport/tls-terms.ts';
import { secondFactor } from './account-checks.ts';
import { checkpointSeen } from './audit-checks.ts';
import { type Evidence, listed, seen } from './check.ts';
import type { Facts } from './facts.ts';
import { certificateSeen } from './tls-checks.ts';

/** One of them. */
export interface Note {
  /** Stable, as the ids of items are. */
  readonly id: string;
  readonly title: string;
  readonly evidence: readonly Evidence[];
}

/** The notes on these facts. */
export function notesOn(facts: Facts): readonly Note[] {
  const { options, accounts, certificates, auditLog, nowMs, fipsAvailable } = facts;
  const { tls, audit } = options;
  const { suites, groups, minVersion } = TLS_PROFILES[tls.profile];
  const hybrid = options.postQuantum ?? postQuantum.initial;
  // Hybrid groups are of TLS 1.3 only.
  const floor = [tls.minVersion, minVersion].includes('TLSv1.3') || hybrid === 'required' ? 'TLSv1.3' : 'TLSv1.2';
  return [
    note(
      'tls-offered',
      'TLS that is offered: nothing older than 1.2, no CBC, no compression, no renegotiation',
      seen('tls.profile', tls.profile),
      seen('tls.min_version', tls.minVersion),
      seen('lowest version', floor),
      seen('suites', suites.filter((suite) => floor === 'TLSv1.2' || !suite.includes('_WITH_')).join(', ')),
      seen('groups', groups.join(', ')),
    ),
    note(
      'post-quantum',
      'Keys that a quantum computer would not break',
      seen('post_quantum', hybrid),
      seen('hybrid groups of this OpenSSL', hasHybridGroups(tls.profile) ? 'there are some' : 'none'),
    ),
    note(
      'fips',
      'FIPS mode',
      seen('tls.profile', tls.profile),
      seen('FIPS provider of this OpenSSL', fipsAvailable ? 'works' : 'none that works'),
    ),
    note(
      'certificates',
      'Certificates that are shown to clients',
      ...certificates.map((certificate) => certificateSeen(certificate, nowMs)),
    ),
    note(
      'client-certificates',
      'Certificates that are asked of clients',
      seen('tls.client_certificate', tls.clientCertificate),
      seen('tls.crl_file', tls.crlFile),
      ...options.hosts.flatMap(({ name, clientCertificate }) =>
        clientCertificate === undefined ? [] : [seen(`hosts (${name}) client_certificate`, clientCertificate)],
      ),
    ),
    note('second-factor', 'Second factors', ...secondFactor.decide(facts).evidence),
    note(
      'accounts',
      'Accounts that are written down',
      seen('enabled', accounts.filter(({ enabled }) => enabled).length),
      seen('switched off', accounts.filter(({ enabled }) => !enabled).length),
    ),
    note('access-files', 'Files in directories that may change settings there (allow_override)', ...overrides(facts)),
    note('compression', 'Compression before encryption (MODE Z)', seen('mode_z', options.modeZ)),
    note(
      'audit-log',
      'The audit log',
      seen('audit.requirement', audit.requirement),
      seen('audit.retain_days', audit.retainDays ?? 'not set: kept for ever'),
      seen('audit.witnesses', audit.witnesses.length),
      ...(auditLog.state === 'verified' ? [checkpointSeen(auditLog.checkpointMs, nowMs)] : []),
    ),
  ];
}

function note(id: string, title: string, ...evidence: readonly Evidence[]): Note {
  return { id, title, evidence };
}

function overrides({ options, accounts }: Facts): readonly Evidence[] {
  const said = (permitted: unknown): boolean =>
    permitted === 'all' || (Array.isArray(permitted) && permitted.length > 0);
  const permits = (place: { readonly directories: readonly object[] }) =>
    [place, ...place.directories].some((one) => said(Reflect.get(one, 'allowOverride')));
  const permitting = [
    ...(permits(options) ? ['the server'] : []),
    ...options.hosts.filter(permits).map(({ name }) => `host ${name}`),
    ...accounts.filter(permits).map(({ name }) => `account ${name}`),
    ...options.authentication.flatMap((entry, index) =>
      entry.type !== 'users' && entry.account !== 'users' && permits(entry.account)
        ? [`authentication[${index}].account`]
        : [],
    ),
  ];
  return [seen('allow_override permits something at', listed(permitting)), seen('access_file', options.accessFile)];
}
