/** Sessions that share a context: what one was given is nothing to any other, in whatever way TLS resumes. */
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, Server } from 'node:net';
import { connect, type SecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { bound, canBind, newBinding } from '../../src/transport/session-binding.ts';
import { SharedContexts } from '../../src/transport/shared-contexts.ts';
import { contextAtHost, contextForData, type DataContext, type TlsContext } from '../../src/transport/tls-context.ts';
import type { TlsIdentity } from '../../src/transport/tls-identity.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { DEFAULT_TERMS } from '../fixtures/tls-terms.ts';

const LIFETIME_MS = 60_000;

async function identityOf(): Promise<TlsIdentity> {
  const { cert, key } = await testCertificates();
  return { certificate: cert, key, terms: DEFAULT_TERMS };
}

/** How a client comes. */
interface Client {
  readonly version: SecureVersion;
  readonly tickets: 'taken' | 'off';
  /** The host that it names. */
  readonly host?: string;
  readonly session?: Buffer | undefined;
  /** Which context its host has, for a control connection. */
  readonly atHost?: TlsContext;
}

/** One connection: whether it resumed, and the session that came of it. */
async function visit(context: DataContext, kind: 'control' | 'data', client: Client) {
  const { memory } = context;
  const server = kind === 'control' ? memory?.remember(new Server()) : memory?.recall(new Server());
  const { atHost } = client;
  const listener = createServer((socket) => {
    const secured = bound(context.secure, context.binding, () => {
      const named = {
        SNICallback: (_: string, done: (error: null, context?: SecureContext) => void) => done(null, atHost?.secure),
      };
      const options = { isServer: true, secureContext: context.secure, ...(atHost !== undefined && named) };
      return new TLSSocket(socket, { ...options, ...(server !== undefined && { server }) });
    });
    secured.on('error', () => undefined).on('secure', () => secured.end('x'));
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { version, tickets, host, session } = client;
  const secured = connect({
    ...{ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false },
    ...{ minVersion: version, maxVersion: version },
    secureOptions: tickets === 'off' ? constants.SSL_OP_NO_TICKET : 0,
    ...(host !== undefined && { servername: host }),
    ...(session !== undefined && { session }),
  });
  const given: Buffer[] = [];
  secured.on('session', (ticket: Buffer) => given.push(ticket));
  await once(secured.resume(), 'end');
  const resumed = secured.isSessionReused();
  const newest = given.at(-1) ?? secured.getSession();
  secured.destroy();
  listener.close();
  return { resumed, session: newest };
}

const WAYS: readonly Client[] = [
  { version: 'TLSv1.2', tickets: 'taken' },
  { version: 'TLSv1.2', tickets: 'off' },
  { version: 'TLSv1.3', tickets: 'taken' },
];

describe.each(WAYS.flatMap((way) => [way, { ...way, host: 'localhost' }]))(
  '$version, tickets $tickets, host $host',
  (way) => {
    test('a session is resumed by its own data connections, and by nobody else', async () => {
      const identity = await identityOf();
      const hostIdentity = { ...identity };
      const contexts = new SharedContexts(new FakeClock(), LIFETIME_MS);
      const begin = async () => {
        const context = contexts.contextFor(identity);
        const chosen = way.host === undefined ? context : contextAtHost(context, hostIdentity);
        const { resumed, session } = await visit(context, 'control', { ...way, atHost: chosen });
        expect(resumed).toBe(false);
        return { context, data: contextForData(chosen, way), session };
      };
      const [mine, others] = [await begin(), await begin()];
      expect(mine.context.secure).toBe(others.context.secure);

      // Without a session, with another's, and with what the one that resumed nothing was given.
      const stranger = await visit(others.data, 'data', way);
      for (const session of [mine.session, stranger.session]) {
        expect((await visit(others.data, 'data', { ...way, session: mine.session })).resumed).toBe(false);
        expect((await visit(mine.data, 'data', { ...way, session: others.session })).resumed).toBe(false);
        expect((await visit(mine.data, 'data', { ...way, session })).resumed).toBe(session === mine.session);
      }
      // Nor does anybody's open a control connection.
      expect((await visit(contexts.contextFor(identity), 'control', { ...way, session: mine.session })).resumed).toBe(
        false,
      );

      // Its own it resumes again and again, with the first ticket and with each that it is given for it.
      let { session } = mine;
      for (let count = 0; count < 3; count++) {
        expect((await visit(mine.data, 'data', { ...way, session: mine.session })).resumed).toBe(true);
        const next = await visit(mine.data, 'data', { ...way, session });
        expect(next.resumed).toBe(true);
        session = next.session;
        expect((await visit(others.data, 'data', { ...way, session })).resumed).toBe(false);
      }
    });

    test('a socket that nobody bound resumes nothing', async () => {
      const context = new SharedContexts(new FakeClock(), LIFETIME_MS).contextFor(await identityOf());
      const { session } = await visit(context, 'control', way);
      const listener = createServer((socket) => {
        const unbound = new TLSSocket(socket, { isServer: true, secureContext: context.secure });
        unbound.on('error', () => undefined).on('secure', () => unbound.end('x'));
      }).listen(0, '127.0.0.1');
      await once(listener, 'listening');
      const client = connect({
        ...{ port: (listener.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false },
        ...{ minVersion: way.version, maxVersion: way.version, session },
      });
      await once(client.resume(), 'end');
      expect(client.isSessionReused()).toBe(false);
      client.destroy();
      listener.close();
    });
  },
);

describe('the contexts of a gateway', () => {
  test('are the same for an hour, and for all sessions; each session has a binding of its own', async () => {
    const clock = new FakeClock();
    const identity = await identityOf();
    const contexts = new SharedContexts(clock, LIFETIME_MS);
    const first = contexts.contextFor(identity);
    clock.advance(3_599_999);
    const second = contexts.contextFor(identity);
    expect(second.secure).toBe(first.secure);
    expect(second.binding).not.toBe(first.binding);
    clock.advance(1);
    const later = contexts.contextFor(identity);
    expect(later.secure).not.toBe(first.secure);
    // An old session stays what it is, whichever host it names and whatever it transfers.
    expect(contextForData(first, { version: 'TLSv1.2' }).secure).toBe(first.secure);
    expect(contextForData(first, { version: 'TLSv1.3' }).secure).toBe(
      contextForData(second, { version: 'TLSv1.3' }).secure,
    );
  });

  test('are anew for each session where a Node cannot bind sessions', async () => {
    const contexts = new SharedContexts(new FakeClock(), LIFETIME_MS);
    const identity = await identityOf();
    const known = contexts.contextFor(identity);
    expect(canBind(known.secure)).toBe(true);
    Object.defineProperty(known.secure.context, 'setSessionIdContext', { value: undefined });
    expect(canBind(known.secure)).toBe(false);
    const [first, second] = [contexts.contextFor(identity), contexts.contextFor(identity)];
    expect(new Set([known.secure, first.secure, second.secure]).size).toBe(3);
    expect(bound(known.secure, newBinding(), () => 'made')).toBe('made');
  });
});

test('a binding is of a length that OpenSSL takes, and never the same twice', () => {
  const bindings = Array.from({ length: 1_000 }, newBinding);
  expect(new Set(bindings).size).toBe(1_000);
  for (const binding of bindings) expect(binding).toHaveLength(32);
});
