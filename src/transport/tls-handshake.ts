/** Waiting for a server-side TLS handshake, with a deadline. */
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../lib/clock.ts';

/** Why a handshake failed: `clearText` when what came was not TLS at all, else what OpenSSL or the socket said. */
export class HandshakeFailed extends Error {
  override readonly name = 'HandshakeFailed';
  readonly clearText: boolean;

  constructor(cause: unknown) {
    super('TLS handshake failed', { cause });
    this.clearText = NOT_TLS.has(codeOf(cause));
  }
}

/** What OpenSSL says when the first bytes are not a TLS record: plain commands, or another protocol's. */
const NOT_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_HTTP_REQUEST', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/**
 * Resolves when the handshake is done. The socket is destroyed when it is not.
 *
 * @throws HandshakeFailed on a TLS error, a lost connection, or after `timeoutMs`.
 */
export function handshake(socket: TLSSocket, clock: Clock, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      timer.cancel();
      socket.off('secure', onSecure).off('error', onFailure).off('_tlsError', onFailure).off('close', onClose);
      act();
    };
    const onSecure = () => settle(resolve);
    const onFailure = (error: unknown) =>
      settle(() => {
        // A late error of a socket that has failed already has nobody else to hear it.
        socket.on('error', () => undefined);
        socket.destroy();
        reject(new HandshakeFailed(error));
      });
    const onClose = () => onFailure(new Error('the connection ended during the handshake'));
    const timer = clock.after(timeoutMs, () => onFailure(new Error(`no handshake within ${timeoutMs} ms`)));
    // `_tlsError` is how a standalone server-side TLSSocket reports OpenSSL's words; `error` may come without them.
    socket.on('secure', onSecure).on('_tlsError', onFailure).on('error', onFailure).on('close', onClose);
  });
}
