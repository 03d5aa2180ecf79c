/**
 * TLS contexts: those that all sessions share for a while, and what each session has of its own besides, so that a data connection
 * that resumes a session of its control connection has thereby proved that it comes from the same client; a ticket of any
 * other connection is noise to it.
 */
import { constants, randomBytes } from 'node:crypto';
import type { SecureContext, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { oncePer } from '../lib/once-per.ts';
import type { TlsFacts } from '../spi/tls-facts.ts';
import { heldLists, NOBODYS_LIST } from './held-lists.ts';
import { negotiatedGroup } from './negotiated-group.ts';
import { newBinding } from './session-binding.ts';
import { SessionMemory } from './session-memory.ts';
import type { Staple } from './stapling.ts';
import { renewTickets } from './ticket-renewal.ts';
import type { TlsIdentity } from './tls-identity.ts';

/** What a data connection shares with its control connection: contexts that others use too, and a binding that nobody else has. */
export interface DataContext {
  readonly secure: SecureContext;
  /** What its sockets are made with, see `session-binding.ts`. */
  readonly binding: string;
  /** What clients are verified against in place of what `secure` has: see `held-lists.ts`. */
  readonly lists: SecureContext | undefined;
  /** What is stapled to its certificate. */
  readonly staple: Staple | undefined;
  /** Told the secrets of the connections; undefined, as a rule, for nobody. */
  readonly keyLog: ((line: Buffer) => void) | undefined;
  /** Whether a data connection may be begun for that name (SNI), in small letters; undefined admits all. */
  readonly admits?: ((serverName: string) => boolean) | undefined;
  /** What is known of the control connection's session by its id; undefined where nobody asks for sessions by their ids. */
  readonly memory: SessionMemory | undefined;
}

/** What a control connection begins TLS with. */
export interface TlsContext extends DataContext {
  readonly memory: SessionMemory;
  /** Where the contexts of the other hosts are, which have the same ticket keys. */
  readonly generation: ContextGeneration;
  readonly identity: TlsIdentity;
  /** Whether the control connection asks for a client certificate. Data connections do, if it was shown one. */
  readonly asksForCertificate: boolean;
}

/** Contexts with the same ticket keys, one for each identity, made when they are first needed. */
export interface ContextGeneration {
  of(identity: TlsIdentity): SecureContext;
  /** The one whose tickets are renewed as they are used, for data connections of sessions in TLS 1.3. */
  renewingOf(identity: TlsIdentity): SecureContext;
}

/** Node's ticket keys: 16 bytes of name, 16 of HMAC key, 16 of AES key. */
const TICKET_KEY_BYTES = 48;

/** Ticket keys for one generation. */
export function newTicketKeys(): Buffer {
  return randomBytes(TICKET_KEY_BYTES);
}

/**
 * A generation of contexts. Tickets live for `sessionTimeMaxMs`, because Node's own default of 300 s would make every data
 * connection fail five minutes into a session.
 */
export function contextGeneration(sessionTimeMaxMs: number, ticketKeys: Buffer): ContextGeneration {
  return {
    of: oncePer((identity) => secureContext(identity, sessionTimeMaxMs, ticketKeys)),
    renewingOf: oncePer((identity) => {
      const secure = secureContext(identity, sessionTimeMaxMs, ticketKeys);
      renewTickets(secure, ticketKeys);
      return secure;
    }),
  };
}

/**
 * What one control connection begins TLS with.
 *
 * @throws an OpenSSL error when certificate and key cannot be used.
 */
export function contextFor(identity: TlsIdentity, generation: ContextGeneration): TlsContext {
  return { ...showing(identity, generation), binding: newBinding(), generation, memory: new SessionMemory() };
}

/** The same session, when its client has named a host that has this identity. */
export function contextAtHost(context: TlsContext, identity: TlsIdentity): TlsContext {
  return { ...context, ...showing(identity, context.generation) };
}

/** What the data connections of a session use whose control connection speaks that version of TLS. */
export function contextForData(context: TlsContext, { version }: Pick<TlsFacts, 'version'>): DataContext {
  const { generation, identity, binding, lists, staple, keyLog, memory } = context;
  const same = { binding, lists, staple, keyLog };
  // In TLS 1.3 every session is resumed by its ticket; being asked for it by its id would only hold up each handshake.
  if (version === 'TLSv1.3') return { ...same, secure: generation.renewingOf(identity), memory: undefined };
  return { ...same, secure: context.secure, memory };
}

/** A context that nobody shares. @throws as `contextFor`. */
export function tlsContext(identity: TlsIdentity, sessionTimeMaxMs: number, ticketKeys = newTicketKeys()): TlsContext {
  return contextFor(identity, contextGeneration(sessionTimeMaxMs, ticketKeys));
}

function showing(identity: TlsIdentity, generation: ContextGeneration) {
  const { staple, clientCa, terms } = identity;
  return {
    ...{ identity, staple, keyLog: terms.keyLog },
    secure: generation.of(identity),
    lists: heldLists(identity),
    asksForCertificate: clientCa !== undefined,
  };
}

function secureContext(identity: TlsIdentity, sessionTimeMaxMs: number, ticketKeys: Buffer): SecureContext {
  const { alternatives = [], clientCrls = [] } = identity;
  return createSecureContext({
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
    ...(clientCrls.length > 0 && {
      crl: heldLists(identity) === undefined ? [...clientCrls] : NOBODYS_LIST,
    }),
  });
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
