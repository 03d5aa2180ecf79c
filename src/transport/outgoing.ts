/**
 * Connections that the gateway itself opens to other servers, such as a directory: verified TLS, bounded by a signal. A
 * socket is handed out only when its far end has proved its name.
 */
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { firstOf } from '../lib/first-of.ts';

/** Connects. @throws the system's error; the signal's reason. */
export async function connectOut(to: { readonly host: string; readonly port: number }, signal: AbortSignal) {
  signal.throwIfAborted();
  const socket = connectTcp({ ...to, noDelay: true });
  return await ready(socket, 'connect', signal);
}

/**
 * Puts TLS 1.2 or newer on a connection, as its client. The certificate must be for `host` and issued by an authority in
 * `ca` (PEM), or by a public one when there is none.
 *
 * @throws an OpenSSL error when it is not, with the connection destroyed; the signal's reason.
 */
export async function secureOut(
  socket: Socket,
  { host, ca }: { readonly host: string; readonly ca: string | undefined },
  signal: AbortSignal,
): Promise<TLSSocket> {
  signal.throwIfAborted();
  const secured = connectTls({
    socket,
    host,
    minVersion: 'TLSv1.2',
    // SNI holds names, never addresses (RFC 6066 section 3).
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
  });
  return await ready(secured, 'secureConnect', signal);
}

/** Waits for the event; the socket is destroyed when it does not come. */
async function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  // A late error of a socket that was given up already has nobody else to hear it.
  socket.on('error', () => undefined);
  try {
    if ((await firstOf(socket, [event, 'close'], signal)) === event) return socket;
    throw new Error('the connection was closed');
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
