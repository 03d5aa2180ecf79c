/** Socket addresses as the rest of the house sees them. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../spi/session.ts';

/** The address without the IPv4-mapped prefix that dual-stack sockets report (`::ffff:192.0.2.1`), and without a zone. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

/** The far end of a connected socket; undefined when it is gone already. */
export function peerOf(socket: Socket): Endpoint | undefined {
  return endpoint(socket.remoteAddress, socket.remotePort);
}

/** The near end of a connected socket; undefined when it is gone already. */
export function localOf(socket: Socket): Endpoint | undefined {
  return endpoint(socket.localAddress, socket.localPort);
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  if (address === undefined || port === undefined) return undefined;
  return { address: plainAddress(address), port };
}
