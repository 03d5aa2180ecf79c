/** The group of a handshake as the server learns it, against what the client's library says of the same handshake. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { DER, der } from '../../src/lib/der.ts';
import { GROUP_NAMES, negotiatedGroup } from '../../src/transport/negotiated-group.ts';
import { type TlsContext, tlsContext } from '../../src/transport/tls-context.ts';
import { tlsTerms } from '../../src/transport/tls-terms.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { DEFAULT_TERMS } from '../fixtures/tls-terms.ts';

let context: TlsContext;
beforeAll(async () => {
  const { cert, key } = await testCertificates();
  context = tlsContext({ certificate: cert, key, terms: DEFAULT_TERMS }, 60_000);
});

/** Shakes hands. @returns what the server knows, and a session for the next time. */
async function shakeHands(options: ConnectionOptions, on = context) {
  const shaken = Promise.withResolvers<{ known: string | undefined; reused: boolean }>();
  const server = createServer((socket) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext: on.secure });
    secured.on('secure', () =>
      shaken.resolve({ known: negotiatedGroup(secured.getSession()), reused: secured.isSessionReused() }),
    );
    secured.on('_tlsError', shaken.reject).on('error', () => undefined);
    // Something behind the handshake, so that the client reads its tickets.
    secured.end('x');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  let session: Buffer | undefined;
  client
    .on('error', () => undefined)
    .on('session', (one: Buffer) => {
      session = one;
    });
  client.resume();
  const ended = once(client, 'close');
  const facts = await shaken.promise;
  await ended;
  return { ...facts, session };
}

test.each([
  ['X25519MLKEM768', 'X25519MLKEM768'],
  ['X25519', 'x25519'],
  ['P-256', 'secp256r1'],
  ['P-384', 'secp384r1'],
  // The first key is of a group that is not offered: the client is asked for another one (HelloRetryRequest).
  ['P-521:P-384', 'secp384r1'],
  // A hybrid group is asked for even where a key of another group has come already.
  ['X25519:X25519MLKEM768', 'X25519MLKEM768'],
])('TLS 1.3 with %s is known as %s', async (offered, name) => {
  expect((await shakeHands({ minVersion: 'TLSv1.3', ecdhCurve: offered })).known).toBe(name);
});

test.each([
  ['X25519', 'x25519'],
  ['P-256', 'secp256r1'],
  ['P-384', 'secp384r1'],
])('TLS 1.2 with %s is known as %s, in a resumed session too', async (offered, name) => {
  const options = { maxVersion: 'TLSv1.2', ecdhCurve: offered } as const;
  const { known, session } = await shakeHands(options);
  expect(known).toBe(name);
  const resumed = await shakeHands({ ...options, ...(session && { session }) });
  expect(resumed).toMatchObject({ known: name, reused: true });
});

test('in TLS 1.3 a resumed session has the group of its own handshake and not that of the one before it', async () => {
  const first = await shakeHands({ ecdhCurve: 'X25519MLKEM768' });
  expect(first.known).toBe('X25519MLKEM768');
  const second = await shakeHands({ ecdhCurve: 'X25519', ...(first.session && { session: first.session }) });
  expect(second).toMatchObject({ known: 'x25519', reused: true });
});

test.each(['SecP256r1MLKEM768', 'SecP384r1MLKEM1024'])('the NIST profile knows %s', async (group) => {
  const { cert, key } = await testCertificates();
  const terms = tlsTerms({ profile: 'nist-800-52r2', minVersion: 'TLSv1.2', postQuantum: 'required' });
  const strict = tlsContext({ certificate: cert, key, terms }, 60_000);
  expect((await shakeHands({ ecdhCurve: group }, strict)).known).toBe(group);
});

/** What OpenSSL would write down of a session with this group, less what is not looked at. */
function sessionWith(group: readonly number[], { form = 1, tag = 0xb3 } = {}): Buffer {
  return der(
    DER.sequence,
    der(DER.integer, Buffer.from([form])),
    der(DER.integer, Buffer.from([3, 4])),
    der(0xa1, der(DER.integer, Buffer.from([1]))),
    der(tag, der(DER.integer, Buffer.from(group))),
  );
}

test.each([
  ['a group that has a name', [0x11, 0xec], 'X25519MLKEM768'],
  ['a group of one byte', [0x1d], 'x25519'],
  ['a group that has none here', [0x11, 0xee], '0x11ee'],
  ['a group behind a sign byte', [0x00, 0xfe, 0x00], '0xfe00'],
  ['no group', [0], undefined],
  ['a negative number', [0xff, 0xff, 0xff], undefined],
  ['more than a group has', [0, 0, 0, 29], undefined],
])('%s is read', (_, bytes, name) => {
  expect(negotiatedGroup(sessionWith(bytes))).toBe(name);
});

test.each([
  ['nothing', undefined],
  ['no bytes', Buffer.alloc(0)],
  ['something else', Buffer.from('not a session')],
  ['another form of session', sessionWith([29], { form: 2 })],
  ['a session without a group', sessionWith([29], { tag: 0xb2 })],
  ['bytes behind the session', Buffer.concat([sessionWith([29]), Buffer.alloc(1)])],
])('%s has no group', (_, session) => {
  expect(negotiatedGroup(session)).toBeUndefined();
});

test('a session that is cut off anywhere has no group', () => {
  const whole = sessionWith([0x11, 0xec]);
  for (let length = 0; length < whole.length; length++) {
    expect(negotiatedGroup(whole.subarray(0, length))).toBeUndefined();
  }
});

test('each group has a name of its own', () => {
  expect(new Set(GROUP_NAMES.values()).size).toBe(GROUP_NAMES.size);
});
