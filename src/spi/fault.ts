/** The closed vocabulary of what can go wrong for a client. Everything expected is one of these; everything else is a bug. */

const FAULTS = {
  // The command itself (RFC 959 section 4.2.1).
  Unknown: { code: 500, text: 'Command not understood.' },
  LineTooLong: { code: 500, text: 'Command line is too long.' },
  Syntax: { code: 501, text: 'Syntax error in parameters.' },
  NotImplemented: { code: 502, text: 'Command not implemented.' },
  Sequence: { code: 503, text: 'Bad sequence of commands.' },
  Parameter: { code: 504, text: 'Command not implemented for that parameter.' },
  // Who is asking.
  NotLoggedIn: { code: 530, text: 'Log in with USER and PASS first.' },
  LoginIncorrect: { code: 530, text: 'Login incorrect.' },
  TlsFirst: { code: 530, text: 'This server takes logins over TLS only: send AUTH TLS first (explicit FTPS).' },
  CertificateRequired: {
    code: 530,
    text: 'This server takes logins only with a client certificate that it trusts.',
  },
  /** To the client the same as `LoginIncorrect`: see `modules/client-certificates.ts`. */
  AccountCertificateRequired: { code: 530, text: 'Login incorrect.' },
  PostQuantumRequired: {
    code: 530,
    text: 'This login needs TLS with post-quantum keys (TLS 1.3, group X25519MLKEM768): a newer client can.',
  },
  LockedOut: { code: 421, text: 'Too many failed logins; try again later.' },
  TooManyConnections: { code: 421, text: 'Too many connections; try again later.' },
  Busy: { code: 421, text: 'The server is busy; try again later.' },
  IdleTimeout: { code: 421, text: 'Closed after too long without a command.' },
  LoginTimeout: { code: 421, text: 'Closed: no login in time.' },
  SessionExpired: { code: 421, text: 'Closed: the session reached its longest allowed time; log in again.' },
  TooManyBadCommands: { code: 421, text: 'Closed after too many commands that were not understood.' },
  TooManyWaiting: { code: 421, text: 'Closed: too many commands were sent while a transfer ran.' },
  ShuttingDown: { code: 421, text: 'The server is closing; try again later.' },
  NotEncodedUtf8: { code: 501, text: 'The command is not valid UTF-8; switch the client to UTF-8.' },
  NotInCharset: { code: 501, text: 'The command is not text in the charset of this account.' },
  // The data connection (RFC 4217 sections 9 and 10).
  ProtectionRequired: { code: 521, text: 'Data connections must be protected here: send PBSZ 0, then PROT P.' },
  ReuseRequired: {
    code: 522,
    text: 'The data connection must resume the TLS session of the control connection: switch on TLS session reuse in the client.',
  },
  DataCertificateRequired: {
    code: 522,
    text: 'The data connection must resume the TLS session of the control connection or show the same client certificate.',
  },
  DataPostQuantumRequired: {
    code: 522,
    text: 'The data connection must agree on post-quantum keys (X25519MLKEM768) too.',
  },
  DataTlsFailed: { code: 522, text: 'The TLS negotiation on the data connection failed.' },
  ExtendedProtocol: { code: 522, text: 'Network protocol not supported, use (1,2).' },
  NoDataConnection: { code: 425, text: 'Cannot open a data connection: send PASV, EPSV, PORT or EPRT first.' },
  CannotConnect: { code: 425, text: 'Cannot open the data connection.' },
  PassiveFailed: { code: 425, text: 'No passive port is free; try again later.' },
  // The transfer.
  Aborted: { code: 426, text: 'Transfer aborted; nothing was published.' },
  ConnectionLost: { code: 426, text: 'The data connection was lost; nothing was published.' },
  Truncated: {
    code: 426,
    text: 'The data connection ended without TLS close_notify, so the file may be cut off; nothing was published.',
  },
  NotZlib: { code: 426, text: 'The data are not one whole zlib stream, as MODE Z demands; nothing was published.' },
  Stalled: { code: 426, text: 'The data connection stood still for too long; nothing was published.' },
  // Files.
  NoSuchFile: { code: 550, text: 'No such file or directory.' },
  NotAFile: { code: 550, text: 'Not a regular file.' },
  NotADirectory: { code: 550, text: 'Not a directory.' },
  DirectoryNotEmpty: { code: 550, text: 'The directory is not empty.' },
  PermissionDenied: { code: 550, text: 'Permission denied.' },
  FileExists: { code: 553, text: 'The file exists and may not be replaced.' },
  BadName: { code: 553, text: 'That file name is not allowed.' },
  RestartInvalid: { code: 554, text: 'The restart position lies beyond what was received.' },
  FileBusy: { code: 450, text: 'The file is in use; try again later.' },
  StorageFull: { code: 452, text: 'Not enough space on the server; nothing was published.' },
  AuditUnavailable: {
    code: 451,
    text: 'The audit log cannot be written, so nothing is accepted; try again later.',
  },
  Unchecked: { code: 451, text: 'The file could not be checked; nothing was published. Try again later.' },
  ContentRefused: { code: 550, text: 'The file was refused by a check; nothing was published.' },
  Retained: { code: 550, text: 'The file has to be kept and may not be changed yet.' },
  QuotaExceeded: { code: 552, text: 'The file is larger than this account may store; nothing was published.' },
  // Hashes and ranges (draft-bryan-ftpext-hash-02 section 3.5, draft-bryan-ftp-range-08 section 4).
  HashDenied: { code: 552, text: 'Permission denied.' },
  HashOfDirectory: { code: 553, text: 'Only regular files have a hash.' },
  HashTooLong: { code: 556, text: 'That is more than is hashed at once: choose a part of it.' },
  RangeNeedsImage: { code: 551, text: 'Ranges need TYPE I and MODE S.' },
  ListingTooLong: { code: 451, text: 'The listing is too long and was cut off.' },
  Local: { code: 451, text: 'Local error in processing.' },
} as const satisfies Record<string, { code: number; text: string }>;

/** The name of a fault. */
export type FaultKind = keyof typeof FAULTS;

/** Whether there is a fault of that name. */
export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(FAULTS, name);
}

/**
 * An expected failure with the reply that the client reads. The cause is for the log and never leaves the server.
 * `text` may replace the standard words where more can be said safely; it must not hold a server path or a cause.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly code: number;
  readonly text: string;

  constructor(kind: FaultKind, options: { readonly cause?: unknown; readonly text?: string } = {}) {
    super(kind, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = FAULTS[kind].code;
    // Code that was not type-checked may give anything; what the client reads is text.
    this.text = String(options.text ?? FAULTS[kind].text);
  }
}

/** The value when it is there. @throws Fault `kind` when it is undefined. */
export function orFault<T>(value: T | undefined, kind: FaultKind): T {
  if (value === undefined) throw new Fault(kind);
  return value;
}
