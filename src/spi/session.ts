/** The state of a session: a readonly value that only `engine/apply-change.ts` makes anew. */
import type { FactName } from '../protocol/facts.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { Account } from './authenticator.ts';
import { type Charset, UTF_8 } from './charset.ts';
import type { TlsFacts } from './tls-facts.ts';

/** An address and port, as the socket reports it; IPv4-mapped IPv6 addresses are written as IPv4. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** How far the login has come. */
export type LoginState =
  | { readonly state: 'ExpectUser' }
  | { readonly state: 'ExpectPass'; readonly user: string }
  | { readonly state: 'LoggedIn'; readonly account: Account; readonly by?: LoginProof };

/** What a login was proved by: PASS, or the client's certificate at USER. */
export type LoginProof = 'password' | 'certificate';

/** Protection level of data channels: `C` clear, `P` private (RFC 4217 section 9). */
export type ProtectionLevel = 'C' | 'P';

/** Representation type: `A` is ASCII, `I` is image; `L 8` is kept as `I`, which it equals (RFC 959 section 3.1.1). */
export type TransferType = 'A' | 'I';

/** How the bytes of a transfer are sent: `S` as they are, `Z` deflated (draft-preston-ftpext-deflate-04). */
export type TransferMode = 'S' | 'Z';

/** The algorithms of HASH, by their IANA textual names (draft-bryan-ftpext-hash-02 section 3). */
export const HASH_ALGORITHMS = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'] as const;

/** One of them. */
export type HashAlgorithm = (typeof HASH_ALGORITHMS)[number];

/** Bytes `startBytes` to `endBytes` of a file, the last one included (RANG). */
export interface ByteRange {
  readonly startBytes: number;
  readonly endBytes: number;
}

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
  /** What RANG chose; consumed by the next transfer or HASH. */
  readonly range: ByteRange | undefined;
  readonly mode: TransferMode;
  /** How hard MODE Z compresses what is sent, 0 to 9 (OPTS MODE Z LEVEL). */
  readonly deflateLevel: number;
  readonly hashAlgorithm: HashAlgorithm;
  /** The virtual host, by HOST or SNI; undefined for the gateway itself (RFC 7151). */
  readonly host: string | undefined;
  /** What the client says it is (CLNT, CSID); for the log. */
  readonly clientName: string | undefined;
  /** The verbs by which it has said so: the log has an entry for the first time of each. */
  readonly clientNamedBy: readonly string[];
  /** Set by CPFR for the command that follows it, as RNFR's is. */
  readonly copyFrom: VirtualPath | undefined;
  /** Set by RNFR for the command that follows it, and for that one only (RFC 959 section 4.1.3). */
  readonly renameFrom: VirtualPath | undefined;
  /** After EPSV ALL only EPSV may arrange data connections (RFC 2428 section 4). */
  readonly epsvAll: boolean;
  /** The facts that MLSD and MLST give (OPTS MLST, RFC 3659 section 7.9). */
  readonly mlstFacts: readonly FactName[];
  /** Whether the client has asked for UTF-8 in place of its account's charset (OPTS UTF8 ON). */
  readonly utf8Asked: boolean;
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
  /** By password unless it says otherwise; whatever an earlier login of the session has left is gone. */
  | { readonly kind: 'LogIn'; readonly account: Account; readonly by?: LoginProof }
  | { readonly kind: 'FailLogin' }
  /** REIN, in clear: as after connect. */
  | { readonly kind: 'Reinitialise' }
  | { readonly kind: 'ChangeDirectory'; readonly path: VirtualPath }
  | { readonly kind: 'SetType'; readonly type: TransferType }
  | { readonly kind: 'SetRestart'; readonly offsetBytes: number }
  | { readonly kind: 'SetRange'; readonly range: ByteRange | undefined }
  | { readonly kind: 'SetMode'; readonly mode: TransferMode }
  | { readonly kind: 'SetDeflateLevel'; readonly level: number }
  | { readonly kind: 'SetHashAlgorithm'; readonly algorithm: HashAlgorithm }
  /** A certificate that the client has shown stays only if it counts at that host too. */
  | { readonly kind: 'SetHost'; readonly host: string; readonly keepsCertificate: boolean }
  | { readonly kind: 'SetClientName'; readonly name: string; readonly verb: string }
  | { readonly kind: 'SetCopyFrom'; readonly path: VirtualPath }
  | { readonly kind: 'SetRenameFrom'; readonly path: VirtualPath }
  | { readonly kind: 'SetEpsvAll' }
  | { readonly kind: 'SetMlstFacts'; readonly facts: readonly FactName[] }
  | { readonly kind: 'AskUtf8'; readonly asked: boolean }
  /** The connection ends once the reply is sent. */
  | { readonly kind: 'Close' };

/** The charset in force: the account's, once it is known, unless the client has asked for UTF-8. */
export function charsetOf(session: Session): Charset {
  const own = session.utf8Asked ? undefined : accountIn(session)?.charset;
  return own ?? UTF_8;
}

/** The account of a session that is logged in; undefined before. */
export function accountIn({ login }: Session): Account | undefined {
  return login.state === 'LoggedIn' ? login.account : undefined;
}
