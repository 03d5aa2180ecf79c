/** Listening sockets of the control channel. */

import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { firstOf } from '../lib/first-of.ts';
import type { Endpoint } from '../spi/session.ts';
import { plainAddress } from './endpoint.ts';

/** A listening socket. */
export interface Listener {
  readonly endpoint: Endpoint;
  /** Stops listening; connections that were accepted live on. */
  close(): Promise<void>;
}

/** Where and how to listen. */
export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** Whether small packets leave at once (TCP_NODELAY). */
  readonly noDelay: boolean;
}

/**
 * Listens on an address; `port` 0 takes any free one. Accepted sockets do not close by themselves when the client has
 * sent its FIN, so that replies to its last commands still reach it. They are paused: nothing is read before `resume`.
 *
 * @throws the system's error (`EADDRINUSE`, `EACCES` ...) when the address cannot be had.
 */
export async function listen(
  { host, port, noDelay }: ListenerOptions,
  onConnection: (socket: Socket) => void,
): Promise<Listener> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay, keepAlive: true }, onConnection);
  const listening = firstOf(server, ['listening']);
  server.listen({ host, port });
  await listening;
  // An accept error (too many open files, say) must not end the process; the connection was not made, so nothing is lost.
  server.on('error', () => undefined);
  return { endpoint: boundTo(server), close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Where a listening server can be reached. */
export function boundTo(server: Server): Endpoint {
  const address = server.address();
  if (address === null || typeof address === 'string') return { address: '', port: 0 };
  return { address: plainAddress(address.address), port: address.port };
}
