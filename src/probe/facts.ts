/** What a probe has seen, as facts without a judgement: the part of the report that inventories are made of. */
import type { TlsVersion } from './client-hello.ts';

/** One version of TLS as the server has it. */
export interface VersionFacts {
  readonly version: TlsVersion;
  readonly accepted: boolean;
  /** Suites that were accepted, as the server chose them from all that were left. */
  readonly suites: readonly string[];
  /** Whose order of suites counts; undefined with fewer than two. */
  readonly suiteOrder: 'server' | 'client' | undefined;
  /** Groups that were accepted, as the server chose them. */
  readonly groups: readonly string[];
  /** The smallest prime of finite-field Diffie-Hellman that was seen, in bits. */
  readonly primeBits: number | undefined;
}

/** One certificate of the server's own, that is the first of a chain. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** `RSA 2048`, `EC prime256v1`, and so on. */
  readonly key: string;
  readonly signature: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly serial: string;
  /** SHA-256 of the certificate, as openssl writes it. */
  readonly fingerprint: string;
  /** The subjects of what came behind it. */
  readonly chain: readonly string[];
  readonly trusted: boolean;
  /** Why it is not trusted, in OpenSSL's word. */
  readonly untrustedBecause: string | undefined;
}

/** Everything seen. What a check did not get to is undefined. */
export interface ProbeFacts {
  readonly greeting?: string;
  readonly features?: readonly string[];
  readonly versions?: readonly VersionFacts[];
  readonly certificates?: readonly CertificateFacts[];
  readonly stapled?: boolean;
  readonly alpn?: string | null;
  readonly sessionReuseRequired?: boolean;
  readonly passiveAddress?: string;
}
