/** Tickets of TLS 1.3: every client that uses one gets another, and nobody gets in with a ticket of other keys. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { connect, type SecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { renewTickets } from '../../src/transport/ticket-renewal.ts';
import { newTicketKeys, tlsContext } from '../../src/transport/tls-context.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { DEFAULT_TERMS } from '../fixtures/tls-terms.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const act of cleanUp.splice(0)) act();
});

async function contextOf(ticketKeys = newTicketKeys()): Promise<SecureContext> {
  const { cert, key } = await testCertificates();
  return tlsContext({ certificate: cert, key, terms: DEFAULT_TERMS }, 60_000, ticketKeys).secure;
}

/** One whose tickets are renewed. */
async function renewing(ticketKeys = newTicketKeys()): Promise<SecureContext> {
  const context = await contextOf(ticketKeys);
  renewTickets(context, ticketKeys);
  return context;
}

/** A server that says one byte to everybody and closes. */
async function serve(secureContext: SecureContext): Promise<number> {
  const server = createServer((socket) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext });
    secured.on('error', () => undefined).on('secure', () => secured.end('x'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** One connection, read to its end: whether it resumed, and the tickets that came. */
async function visit(port: number, version: SecureVersion, session?: Buffer) {
  const client = connect({
    ...{ port, host: '127.0.0.1', minVersion: version, maxVersion: version, rejectUnauthorized: false },
    ...(session === undefined ? {} : { session }),
  });
  const tickets: Buffer[] = [];
  client.on('session', (ticket: Buffer) => tickets.push(ticket));
  await once(client.resume(), 'end');
  const resumed = client.isSessionReused();
  client.destroy();
  return { resumed, tickets };
}

test('a client that uses each TLS 1.3 ticket once never runs out of them', async () => {
  const keys = newTicketKeys();
  // The first tickets are older than the renewal.
  let { tickets } = await visit(await serve(await contextOf(keys)), 'TLSv1.3');
  const port = await serve(await renewing(keys));
  for (let i = 0; i < 20; i++) {
    const next = await visit(port, 'TLSv1.3', tickets.at(-1));
    expect(next.resumed).toBe(true);
    expect(next.tickets).toHaveLength(1);
    expect(next.tickets[0]?.equals(tickets.at(-1) ?? Buffer.alloc(0))).toBe(false);
    tickets = next.tickets;
  }
});

describe.each([
  ['TLSv1.2', contextOf],
  ['TLSv1.3', contextOf],
  ['TLSv1.3', renewing],
] as const)('over %s', (version, contextOf) => {
  test('one ticket may be used again and again, also with a context that was made anew of the same keys', async () => {
    const keys = newTicketKeys();
    const [first, second] = [await serve(await contextOf(keys)), await serve(await contextOf(keys))];
    const { tickets } = await visit(first, version);
    for (const port of [first, first, second]) expect((await visit(port, version, tickets[0])).resumed).toBe(true);
  });

  test('a ticket of other keys, or of the same name with other keys, is no ticket', async () => {
    const keys = newTicketKeys();
    const { tickets } = await visit(await serve(await contextOf(keys)), version);
    const sameName = Buffer.concat([keys.subarray(0, 16), newTicketKeys().subarray(16)]);
    for (const others of [newTicketKeys(), sameName]) {
      expect((await visit(await serve(await contextOf(others)), version, tickets[0])).resumed).toBe(false);
    }
  });
});
