/** Sessions as a program that runs a gateway sees them. */
import type { Endpoint } from '../spi/session.ts';

/** One session at this moment. */
export interface GatewaySession {
  /** As in the log and in events. */
  readonly id: string;
  readonly peer: Endpoint;
  /** Who is logged in; undefined while nobody is. */
  readonly account: string | undefined;
  /** The virtual host; undefined for the gateway itself. */
  readonly host: string | undefined;
  /** Whether the control connection is under TLS. */
  readonly secure: boolean;
  /** What the client says it is. */
  readonly clientName: string | undefined;
  /** Since when it is connected, in milliseconds since 1970 (UTC). */
  readonly sinceMs: number;
  /** What is under way on the data channel, with the bytes so far; undefined when nothing is. */
  readonly transfer: { readonly verb: string; readonly bytesMoved: number } | undefined;
}
