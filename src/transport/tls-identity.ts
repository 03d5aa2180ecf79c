/** What a server shows of itself over TLS, and what it asks of clients. */
import type { Staple } from './stapling.ts';
import type { TlsTerms } from './tls-terms.ts';

/** The server's identity and the least that it accepts. */
export interface TlsIdentity {
  /** Certificate chain, PEM. */
  readonly certificate: string;
  /** Private key, PEM. */
  readonly key: string;
  /** Certificates with keys of other kinds: OpenSSL shows each client the one that fits its signature algorithms best. */
  readonly alternatives?: readonly { readonly certificate: string; readonly key: string }[];
  /** What is stapled to the certificate. */
  readonly staple?: Staple | undefined;
  /** On what terms it speaks TLS. */
  readonly terms: TlsTerms;
  /** The authorities whose client certificates count, PEM; undefined when none is asked for. */
  readonly clientCa?: string | undefined;
  /** Their revocation lists, each PEM; with any, each certificate needs one of its issuer that has not ended. */
  readonly clientCrls?: readonly string[];
}
