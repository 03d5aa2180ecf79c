/** What a command sees of data channels; `transport/` implements it. */
import type { DataEnd } from './data-end.ts';
import type { Endpoint } from './session.ts';
import type { TlsFacts } from './tls-facts.ts';

/** Which way the bytes of a data connection go, as the server sees it. */
export type Direction = 'send' | 'receive';

/** The session's data channel: arranged by PASV, EPSV, PORT or EPRT, opened by the transfer that follows. */
export interface DataPort {
  /**
   * Listens on a passive port of the control connection's family and forgets what was arranged before.
   * @returns the endpoint to tell the client. @throws Fault `PassiveFailed`.
   */
  listen(): Promise<Endpoint>;
  /**
   * Remembers where to connect to; the connection is made when a transfer opens it.
   * @throws Fault `NotImplemented` when active mode is switched off; `Syntax` for an address or port that it must not go to.
   */
  target(endpoint: Endpoint): void;
  /** Whether a channel is arranged. */
  readonly arranged: boolean;
  /**
   * The connection for one transfer, connected and protected as PROT says now.
   * @throws Fault `NoDataConnection`, `CannotConnect`, `ConnectionLost`, `DataTlsFailed`, `ReuseRequired`,
   *   `DataCertificateRequired`; the signal's reason.
   */
  open(direction: Direction, signal: AbortSignal): Promise<DataConnection>;
  /** Closes whatever is arranged or open. */
  close(): void;
}

/** One open data connection. */
export interface DataConnection {
  /** Undefined when the connection is in clear. */
  readonly tls: TlsFacts | undefined;
  readonly bytesMoved: number;
  /**
   * The next bytes as they came, in pieces that are the caller's own; undefined at the end of data. Who asks for no more
   * than `bytesMax` slows the sender down; a connection that cannot may give more.
   * @throws Fault `ConnectionLost`, `Stalled`; the signal's reason.
   */
  read(bytesMax?: number): Promise<readonly Buffer[] | undefined>;
  /** How the data ended; known once `read` gave undefined. In clear every end is `unauthenticated`. */
  readonly end: DataEnd;
  /** Sends bytes; resolves when they are taken, and the buffer is the caller's again. @throws Fault `ConnectionLost`, `Stalled`; the signal's reason. */
  write(buffer: Buffer): Promise<void>;
  /** Ends the data (TLS close_notify, then FIN) and waits until the connection is closed. @throws as `write`. */
  finish(): Promise<void>;
  /**
   * Ends an upload that is not wanted: takes and drops what still comes for a while, so that the client reads the reply and
   * not a reset of its data connection. To be called in place of `finish`.
   */
  refuse(): void;
  /** Drops the connection without ceremony. Safe to repeat. */
  destroy(): void;
}
