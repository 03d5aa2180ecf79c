/**
 * What each `tls.profile` offers: versions, cipher suites, groups and signature algorithms, by their IANA names and in the
 * order in which the server prefers them. It is the only place where these are written down; `docs/tls.md` is tested
 * against it.
 *
 * Sources:
 * - Mozilla's Server Side TLS guidelines 6.0 (2026-04-06), `modern` and `intermediate`: versions, suites and groups are
 *   theirs. What differs: the server has an order, AES-256 first, and `modern` serves RSA certificates as well.
 * - NIST SP 800-52 Rev. 2: TLS 1.2 and 1.3, ephemeral ECDH on NIST's curves, AES in GCM, RSA and ECDSA with SHA-2. Of what
 *   it allows besides, CBC, CCM and finite-field groups among it, nothing is offered.
 * - FIPS 203 (ML-KEM): the groups that join it with ECDH are those of draft-ietf-tls-ecdhe-mlkem. Whether the join as a whole
 *   counts as approved is for the certificate of the module to say; `post_quantum: off` leaves it out.
 */

/** The names that `tls.profile` takes, the strictest of the general ones first. */
export const TLS_PROFILE_NAMES = ['modern', 'intermediate', 'nist-800-52r2', 'fips'] as const;

/** One of them. */
export type TlsProfileName = (typeof TLS_PROFILE_NAMES)[number];

/** What a profile offers. */
export interface TlsProfile {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** Of TLS 1.3, then of TLS 1.2; the latter are without meaning where 1.2 is not offered. */
  readonly suites: readonly string[];
  /** Groups that a quantum computer would not break; TLS 1.3 only. */
  readonly hybridGroups: readonly string[];
  readonly groups: readonly string[];
  /** For the server's own signature, and for client certificates and their chains. */
  readonly signatureAlgorithms: readonly string[];
}

const AES_1_3 = ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'];
const ALL_1_3 = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'];
const AES_256_1_2 = ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'];
const CHACHA_1_2 = ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256'];
const AES_128_1_2 = ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'];

const ECDSA = ['ecdsa_secp256r1_sha256', 'ecdsa_secp384r1_sha384', 'ecdsa_secp521r1_sha512'];
const RSA_PSS = [
  'rsa_pss_rsae_sha256',
  'rsa_pss_rsae_sha384',
  'rsa_pss_rsae_sha512',
  'rsa_pss_pss_sha256',
  'rsa_pss_pss_sha384',
  'rsa_pss_pss_sha512',
];
/** In TLS 1.3 for the chains of certificates only. */
const RSA_PKCS1 = ['rsa_pkcs1_sha256', 'rsa_pkcs1_sha384', 'rsa_pkcs1_sha512'];

const GENERAL = {
  hybridGroups: ['X25519MLKEM768'],
  groups: ['x25519', 'secp256r1', 'secp384r1'],
  signatureAlgorithms: [...ECDSA, 'ed25519', ...RSA_PSS, ...RSA_PKCS1],
};

const NIST: TlsProfile = {
  minVersion: 'TLSv1.2',
  suites: [...AES_1_3, ...AES_256_1_2, ...AES_128_1_2],
  hybridGroups: ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024'],
  // X25519 is not among NIST's curves for key agreement (SP 800-56A Rev. 3).
  groups: ['secp256r1', 'secp384r1'],
  signatureAlgorithms: [...ECDSA, ...RSA_PSS, ...RSA_PKCS1],
};

/** The profiles. `fips` offers what `nist-800-52r2` does; that it also asks for FIPS mode is `lib/fips.ts`'s matter. */
export const TLS_PROFILES: Readonly<Record<TlsProfileName, TlsProfile>> = {
  modern: { minVersion: 'TLSv1.3', suites: ALL_1_3, ...GENERAL },
  intermediate: {
    minVersion: 'TLSv1.2',
    suites: [...ALL_1_3, ...AES_256_1_2, ...CHACHA_1_2, ...AES_128_1_2],
    ...GENERAL,
  },
  'nist-800-52r2': NIST,
  fips: NIST,
};

/** Whether keys that were agreed on in this group stand up to a quantum computer; false when the group is not known. */
export function isPostQuantum(group: string | undefined): boolean {
  return group?.includes('MLKEM') ?? false;
}

/** What OpenSSL calls a suite: those of TLS 1.3 by their IANA names, older ones by its own. */
export function opensslSuite(suite: string): string {
  return OPENSSL_SUITES.get(suite) ?? suite;
}

const OPENSSL_SUITES: ReadonlyMap<string, string> = new Map([
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
]);
