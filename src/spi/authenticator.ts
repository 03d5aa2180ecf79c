/** The contract of authentication: who someone is, and what account that makes them. */

import type { Secret } from '../lib/secret.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Charset } from './charset.ts';
import type { DirectorySection } from './directive.ts';
import type { ExistingFile, FileSystem } from './file-system.ts';
import type { Permitted } from './permissions.ts';
import type { TlsFacts } from './tls-facts.ts';

/** Whether something must happen, is done when it can be, or is not looked at. */
export type Requirement = 'required' | 'preferred' | 'off';

/** Someone who has proved who they are, with everything the gateway needs to know of them. */
export interface Account extends Permitted {
  readonly name: string;
  /** The groups that it is a member of, for rules that name groups; none by default. */
  readonly groups?: readonly string[];
  /** What its section of the configuration says, as far as modules declare it (`spi/directive.ts`). */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** What it says of single directories, in the same way. */
  readonly sections?: readonly DirectorySection[];
  /** Where a session begins; the root by default, and when that directory cannot be entered. */
  readonly startDirectory?: VirtualPath;
  /** Where the account's files live; permissions are enforced in front of it, not by it. */
  readonly files: FileSystem;
  /** Whether an upload or rename may take the place of a file that exists. */
  readonly existing: ExistingFile;
  /** What becomes of an upload that did not arrive whole. */
  readonly onIncomplete: 'keep' | 'remove';
  /** Per-account override of the gateway's policy; undefined takes the gateway's. */
  readonly sessionReuse?: Requirement;
  /** Per-account override of the gateway's policy; undefined takes the gateway's. */
  readonly closeNotify?: Requirement;
  /** The client certificate without which it cannot be used, however the login is proven; undefined when none is needed. */
  readonly clientCertificate?: CertificateDemand;
  /** Largest upload in bytes; undefined takes the gateway's limit. */
  readonly uploadBytesMax?: number;
  /** How the client writes names; undefined is UTF-8. */
  readonly charset?: Charset;
}

/** A client certificate that is demanded: one of those listed, or, with two empty lists, any that counts. */
export interface CertificateDemand {
  /** SHA-256 of certificates, as `ClientCertificate` has it. */
  readonly fingerprints: readonly string[];
  /** SHA-256 of public keys, likewise. */
  readonly publicKeys: readonly string[];
}

/** What a client offers as proof. */
export interface Credentials {
  readonly user: string;
  /** Undefined at USER, when a client certificate may be proof enough (232, RFC 4217 section 12). */
  readonly password: Secret | undefined;
  /** The client's IP address. */
  readonly address: string;
  /** The control channel's TLS; undefined in clear. */
  readonly tls: TlsFacts | undefined;
  /** The virtual host that was named by HOST or SNI. */
  readonly host: string | undefined;
}

/** An authenticator's answer; `declined` passes the question on to the next one. Nobody accepting means refusal. */
export type Verdict =
  | { readonly verdict: 'accepted'; readonly account: Account }
  | { readonly verdict: 'refused'; readonly reason: string }
  | { readonly verdict: 'declined' };

/** Who somebody is, wherever that is written down; apart from the proof that a client is that somebody. */
export interface Identity {
  readonly user: string;
  readonly groups: readonly string[];
  /** Where its files are on disk, when the place that knows the user also knows that. */
  readonly home?: string;
  /** Numbers of user and group, where the system has them. */
  readonly uid?: number;
  readonly gid?: number;
}

/** A place where identities are looked up: the system's accounts, a directory server. */
export interface IdentitySource {
  readonly name: string;
  /** @returns undefined for a user it does not know. A throw is taken as a failure, never as an unknown user. */
  lookup(user: string, signal: AbortSignal): Promise<Identity | undefined>;
}

/** What a proof came to. The reason is for the log; the client never reads it. */
export type Proof =
  | { readonly verdict: 'accepted'; readonly identity: Identity }
  | { readonly verdict: 'refused'; readonly reason: string }
  | { readonly verdict: 'declined' };

/** A way to prove an identity that says nothing of the account behind it; the gateway's configuration does. */
export interface Prover {
  readonly name: string;
  /**
   * Must decline credentials without a password unless it needs none. It should take the same time for a user that it
   * does not know as for a wrong password. A throw is a refusal. @throws Fault `Busy` when too many proofs are waiting.
   */
  prove(credentials: Credentials, signal: AbortSignal): Promise<Proof>;
}

/**
 * One way to prove who you are and to get the account that goes with it; the element of the chain. It must take the same time for a user it does not know as for a wrong password.
 * Credentials without a password must be declined unless none is needed. A throw is a refusal, and so is no answer within
 * the time for logins; the client learns nothing of the reason.
 * @throws Fault `Busy` when too many proofs are waiting: a fault that says 421 is the only one that the client reads.
 */
export interface Authenticator {
  readonly name: string;
  authenticate(credentials: Credentials, signal: AbortSignal): Promise<Verdict>;
}
