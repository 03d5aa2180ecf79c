/** Ending our side of a connection so that the other side hears of it: with close_notify under TLS (RFC 8446 section 6.1), then FIN. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';

const NOTHING = Buffer.alloc(0);
/** How long a connection lives on behind our end, so that our last bytes are not cut off by a reset. */
const LINGER_MS = 10_000;

/**
 * While bytes of a handshake are on their way to the socket, which Node takes until the next turn of the event loop for, a bare
 * `end()` sends its FIN and never a close_notify: to the client what came is then cut off. So nothing is written first, which
 * waits for those bytes. @param done told when all is written, or of the error.
 */
export function sayEnd(stream: Socket, done?: (error?: Error | null) => void): void {
  if (stream instanceof TLSSocket) stream.end(NOTHING, done);
  else stream.end(done);
}

/** The same behind data that has left for the kernel, and with it everything that was in front of it: there is nothing to wait for. */
export function sayEndBehindData(stream: Socket, done: (error?: Error | null) => void): void {
  stream.end(done);
}

/** Drops a connection when the other side has ended as well, or has had its time for it. What it still sends is thrown away. */
export function linger(stream: Socket, clock: Clock, drop: () => void): void {
  if (stream.readableEnded || stream.destroyed) {
    drop();
    return;
  }
  const timer = clock.after(LINGER_MS, drop);
  stream.once('end', drop).once('close', () => timer.cancel());
  stream.resume();
}
