/** Waiting for a server-side TLS handshake, with a deadline. */
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';
import { hasCode } from '../lib/error-code.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { tlsFacts } from './tls-context.ts';

/** Why a handshake failed: `clearText` when what came was not TLS at all, else what OpenSSL or the socket said. */
export class HandshakeFailed extends Error {
  override readonly name = 'HandshakeFailed';
  readonly clearText: boolean;

  constructor(cause: unknown) {
    super('TLS handshake failed', { cause });
    this.clearText = hasCode(cause, ...NOT_TLS);
  }
}

/** What OpenSSL says when the first bytes are not a TLS record: plain commands, or another protocol's. */
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_PACKET_LENGTH_TOO_LONG'];

/**
 * Resolves with what was negotiated when the handshake is done. The socket is destroyed when it is not, and from then on by
 * any error of TLS: Node leaves a server-side TLSSocket without a listening server open and silent behind a record that
 * was tampered with, and then takes a FIN for the end of the data.
 *
 * @throws HandshakeFailed on a TLS error, a lost connection, or after `timeoutMs`.
 */
export function handshake(socket: TLSSocket, clock: Clock, timeoutMs: number): Promise<TlsFacts> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      timer.cancel();
      socket.off('secure', onSecure).off('error', onFailure).off('_tlsError', onFailure).off('close', onClose);
      act();
    };
    const onSecure = () =>
      settle(() => {
        // At once: what follows in the same packet may be such a record, and our caller has not had its turn by then.
        socket.on('_tlsError', destroyed).on('error', heard);
        resolve(tlsFacts(socket));
      });
    const onFailure = (error: unknown) =>
      settle(() => {
        // A late error of a socket that has failed already has nobody else to hear it.
        socket.on('error', heard);
        socket.destroy();
        reject(new HandshakeFailed(error));
      });
    const onClose = () => onFailure(new Error('the connection ended during the handshake'));
    const timer = clock.after(timeoutMs, () => onFailure(new Error(`no handshake within ${timeoutMs} ms`)));
    // `_tlsError` is how a standalone server-side TLSSocket reports OpenSSL's words; `error` may come without them.
    socket.on('secure', onSecure).on('_tlsError', onFailure).on('error', onFailure).on('close', onClose);
  });
}

/** Outside of the function, as `heard` is: written there, they would keep all of the handshake for as long as the connection lives. */
function destroyed(this: TLSSocket, error: Error): void {
  this.destroy(error);
}

function heard(): void {}
