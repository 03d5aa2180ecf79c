/** TLS on a data connection, as its server. */
import { Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { ALPN_CALLBACKS } from './alpn.ts';
import type { CloseNotifyGuard } from './close-notify-guard.ts';
import { verifyAgainst } from './held-lists.ts';
import { namesAdmitted } from './server-name.ts';
import { bound } from './session-binding.ts';
import { staplingServer } from './stapling.ts';
import type { DataContext } from './tls-context.ts';

/** What a data connection asks of its TLS. */
export interface DataTlsOptions {
  /** Bytes that wait at most before the stream says that it is full. */
  readonly highWaterMark: number;
  /** Whether the client is asked for a certificate. */
  readonly asksForCertificate: boolean;
}

/** Node's types leave out that a TLSSocket hands `highWaterMark` to the net.Socket it is. */
type TlsSocketOptions = NonNullable<ConstructorParameters<typeof TLSSocket>[1]> & { readonly highWaterMark: number };

/** Begins the handshake, which resumes the session of the control connection that the context belongs to. */
export function dataTls(
  under: Socket | CloseNotifyGuard,
  context: DataContext,
  { highWaterMark, asksForCertificate }: DataTlsOptions,
): TLSSocket {
  const { staple, memory, binding } = context;
  const recalling = memory?.recall(new Server());
  // Only where there is something to staple: being asked for it makes each handshake wait for a turn of the event loop.
  const server =
    staple === undefined
      ? recalling
      : staplingServer(
          recalling ?? new Server(),
          () => context,
          () => secured,
        );
  const { secure: secureContext, keyLog } = context;
  const lists = asksForCertificate ? context.lists : undefined;
  const admits = context.admits ?? (lists && (() => true));
  const options: TlsSocketOptions = {
    ...{ isServer: true, secureContext, highWaterMark, ALPNCallback: ALPN_CALLBACKS['ftp-data'] },
    ...(server !== undefined && { server }),
    requestCert: asksForCertificate,
    rejectUnauthorized: false,
    // Only where names count, or certificates of clients: it would cost each handshake such a turn.
    ...(admits !== undefined && { SNICallback: namesAdmitted(admits) }),
  };
  const secured: TLSSocket = bound(secureContext, binding, () => new TLSSocket(under, options));
  if (lists !== undefined) verifyAgainst(secured, lists);
  if (keyLog !== undefined) secured.on('keylog', keyLog);
  return secured;
}
