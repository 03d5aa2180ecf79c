/**
 * TLS contexts: one for each control connection, with ticket keys of its own. A data connection that resumes a session
 * of that context has thereby proved that it comes from the same client; a ticket of any other connection is noise to it.
 */
import { constants, randomBytes } from 'node:crypto';
import { Server } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { heldLists, NOBODYS_LIST } from './held-lists.ts';
import { negotiatedGroup } from './negotiated-group.ts';
import type { Staple } from './stapling.ts';
import type { TlsIdentity } from './tls-identity.ts';

/** What a control connection and its data connections share, and nobody else has. */
export interface TlsContext {
  readonly secure: SecureContext;
  /** What clients are verified against in place of what `secure` has: see `held-lists.ts`. */
  readonly lists: SecureContext | undefined;
  /** The keys of its tickets. */
  readonly ticketKeys: Buffer;
  /** What is stapled to its certificate. */
  readonly staple: Staple | undefined;
  /** Whether the control connection asks for a client certificate. Data connections do, if it was shown one. */
  readonly asksForCertificate: boolean;
  /** Told the secrets of the connections; undefined, as a rule, for nobody. */
  readonly keyLog: ((line: Buffer) => void) | undefined;
  /** Whether a data connection may be begun for that name (SNI), in small letters; undefined admits all. */
  readonly admits?: ((serverName: string) => boolean) | undefined;
  /** The `server` option of the control connection's TLSSocket: remembers its session. See `sessionMemory`. */
  readonly remembering: Server;
  /** The `server` option of the data connections' TLSSockets: finds that session again, and remembers no other. */
  readonly recalling: Server;
}

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
  const { staple, alternatives = [], clientCrls = [] } = identity;
  const lists = heldLists(identity);
  const secure = createSecureContext({
    cert: [identity.certificate, ...alternatives.map(({ certificate }) => certificate)],
    key: [identity.key, ...alternatives.map(({ key }) => key)],
    minVersion: identity.terms.minVersion,
    maxVersion: 'TLSv1.3',
    ciphers: identity.terms.ciphers,
    ecdhCurve: identity.terms.groups,
    sigalgs: identity.terms.signatureAlgorithms,
    // A client's renegotiation would let it spend the server's CPU at will, and once let others splice in bytes
    // (CVE-2009-3555, CVE-2011-1473).
    secureOptions:
      constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE | constants.SSL_OP_NO_COMPRESSION,
    ticketKeys,
    sessionTimeout: Math.ceil(sessionTimeMaxMs / 1_000) + 60,
    sessionIdContext: 'sallyport',
    ...(identity.clientCa !== undefined && { ca: identity.clientCa }),
    ...(clientCrls.length > 0 && { crl: lists === undefined ? [...clientCrls] : NOBODYS_LIST }),
  });
  const { keyLog } = identity.terms;
  return {
    secure,
    lists,
    ticketKeys,
    staple,
    keyLog,
    asksForCertificate: identity.clientCa !== undefined,
    ...sessionMemory(),
  };
}

/** What was negotiated on this socket; call it after the handshake. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const { servername } = socket;
  const group = negotiatedGroup(socket.getSession());
  return {
    version: socket.getProtocol() ?? 'unknown',
    suite: socket.getCipher().standardName,
    ...(group === undefined ? {} : { group }),
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
