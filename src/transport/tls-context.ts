/**
 * TLS contexts: one for each control connection, with ticket keys of its own. A data connection that resumes a session
 * of that context has thereby proved that it comes from the same client; a ticket of any other connection is noise to it.
 */
import { constants, randomBytes } from 'node:crypto';
import { Server } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { TlsFacts } from '../spi/session.ts';

/** The server's identity and the least that it accepts. */
export interface TlsIdentity {
  /** Certificate chain, PEM. */
  readonly certificate: string;
  /** Private key, PEM. */
  readonly key: string;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  /** The authorities whose client certificates count, PEM; undefined when none is asked for. */
  readonly clientCa?: string | undefined;
}

/** What a control connection and its data connections share, and nobody else has. */
export interface TlsContext {
  readonly secure: SecureContext;
  /** Whether the control connection asks for a client certificate; data connections never do. */
  readonly asksForCertificate: boolean;
  /** The `server` option of the control connection's TLSSocket: remembers its session. See `sessionMemory`. */
  readonly remembering: Server;
  /** The `server` option of the data connections' TLSSockets: finds that session again, and remembers no other. */
  readonly recalling: Server;
}

/** ECDHE with AEAD only (NIST SP 800-52r2 section 3.3.1); the order is the server's preference. */
const SUITES = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
].join(':');

/** Node's ticket keys: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const TICKET_KEY_BYTES = 48;

/** Ticket keys for one control connection. */
export function newTicketKeys(): Buffer {
  return randomBytes(TICKET_KEY_BYTES);
}

/**
 * Makes a context for one control connection. Its tickets live for `sessionTimeMaxMs`, because Node's own default of
 * 300 s would make every data connection fail five minutes into a session. All contexts of a connection, where the client
 * may choose among hosts, share their `ticketKeys`.
 *
 * @throws an OpenSSL error when certificate and key cannot be used.
 */
export function tlsContext(identity: TlsIdentity, sessionTimeMaxMs: number, ticketKeys = newTicketKeys()): TlsContext {
  const secure = createSecureContext({
    cert: identity.certificate,
    key: identity.key,
    minVersion: identity.minVersion,
    maxVersion: 'TLSv1.3',
    ciphers: SUITES,
    // A client's renegotiation would let it spend the server's CPU at will, and once let others splice in bytes
    // (CVE-2009-3555, CVE-2011-1473).
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE | constants.SSL_OP_NO_COMPRESSION,
    ticketKeys,
    sessionTimeout: Math.ceil(sessionTimeMaxMs / 1_000) + 60,
    sessionIdContext: 'sallyport',
    ...(identity.clientCa !== undefined && { ca: identity.clientCa }),
  });
  return { secure, asksForCertificate: identity.clientCa !== undefined, ...sessionMemory() };
}

/** What was negotiated on this socket; call it after the handshake. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const { servername } = socket;
  return {
    version: socket.getProtocol() ?? 'unknown',
    suite: socket.getCipher().standardName,
    resumed: socket.isSessionReused(),
    ...(servername ? { serverName: servername.toLowerCase() } : {}),
  };
}

/** One handshake makes one session in TLS 1.2; in 1.3 each ticket counts as one, though nobody asks for those by their id. */
const SESSIONS_MAX = 4;

/**
 * Resumption in TLS 1.2 by session id, for clients that switch tickets off (curl does, always). Node asks for sessions by
 * events of a server; these two never listen.
 */
function sessionMemory(): Pick<TlsContext, 'remembering' | 'recalling'> {
  const sessions = new BoundedMap<string, Buffer>(SESSIONS_MAX);
  const remembering = new Server().on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
    sessions.set(id.toString('hex'), session);
    done();
  });
  type Found = (error: null, session: Buffer | null) => void;
  const recalling = new Server().on('resumeSession', (id: Buffer, found: Found) => {
    found(null, sessions.get(id.toString('hex')) ?? null);
  });
  return { remembering, recalling };
}
