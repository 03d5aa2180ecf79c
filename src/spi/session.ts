/** The state of a session: a readonly value that only `engine/apply-change.ts` makes anew. */
import type { FactName } from '../protocol/facts.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Account } from './authenticator.ts';

/** An address and port, as the socket reports it; IPv4-mapped IPv6 addresses are written as IPv4. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What was negotiated on a TLS connection. */
export interface TlsFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  /** IANA name of the cipher suite. */
  readonly suite: string;
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean;
}

/** How far the login has come. */
export type LoginState =
  | { readonly state: 'ExpectUser' }
  | { readonly state: 'ExpectPass'; readonly user: string }
  | { readonly state: 'LoggedIn'; readonly account: Account };

/** Protection level of data channels: `C` clear, `P` private (RFC 4217 section 9). */
export type ProtectionLevel = 'C' | 'P';

/** Representation type: `A` is ASCII, `I` is image; `L 8` is kept as `I`, which it equals (RFC 959 section 3.1.1). */
export type TransferType = 'A' | 'I';

/** Everything the server knows of one control connection. */
export interface Session {
  readonly id: string;
  readonly peer: Endpoint;
  readonly local: Endpoint;
  /** Facts of the control channel's TLS; undefined while it is in clear. */
  readonly controlTls: TlsFacts | undefined;
  readonly pbszSeen: boolean;
  readonly protection: ProtectionLevel;
  readonly login: LoginState;
  readonly failedLogins: number;
  readonly cwd: VirtualPath;
  readonly type: TransferType;
  /** Where the next transfer starts (REST); 0 when at the beginning. Consumed by the next transfer. */
  readonly restartBytes: number;
  /** Set by RNFR for the command that follows it, and for that one only (RFC 959 section 4.1.3). */
  readonly renameFrom: VirtualPath | undefined;
  /** After EPSV ALL only EPSV may arrange data connections (RFC 2428 section 4). */
  readonly epsvAll: boolean;
  /** The facts that MLSD and MLST give (OPTS MLST, RFC 3659 section 7.9). */
  readonly mlstFacts: readonly FactName[];
}

/** What a handler asks to be changed. */
export type SessionChange =
  /**
   * TLS begins behind the reply: the state goes back to what it was at connect (RFC 4217 section 4.2), with data channels
   * protected as `protection` says.
   */
  | { readonly kind: 'StartTls'; readonly protection: ProtectionLevel }
  | { readonly kind: 'SeePbsz' }
  | { readonly kind: 'SetProtection'; readonly level: ProtectionLevel }
  | { readonly kind: 'NameUser'; readonly user: string }
  | { readonly kind: 'LogIn'; readonly account: Account }
  | { readonly kind: 'FailLogin' }
  /** REIN: as after connect, with TLS as it is (RFC 4217 section 13). */
  | { readonly kind: 'Reinitialise' }
  | { readonly kind: 'ChangeDirectory'; readonly path: VirtualPath }
  | { readonly kind: 'SetType'; readonly type: TransferType }
  | { readonly kind: 'SetRestart'; readonly offsetBytes: number }
  | { readonly kind: 'SetRenameFrom'; readonly path: VirtualPath }
  | { readonly kind: 'SetEpsvAll' }
  | { readonly kind: 'SetMlstFacts'; readonly facts: readonly FactName[] }
  /** The connection ends once the reply is sent. */
  | { readonly kind: 'Close' };
