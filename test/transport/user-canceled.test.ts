/**
 * Java ends a TLS 1.3 connection with user_canceled and close_notify, and Node reports no end behind that. The end must be
 * found out all the same, and only a close_notify that has been decrypted may count.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTcp, createServer } from 'node:net';
import type { SecureVersion } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { StreamDataConnection } from '../../src/transport/data-connection.ts';
import { tlsContext } from '../../src/transport/tls-context.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { type AlertMaker, alertMaker, CLOSE_NOTIFY, USER_CANCELED } from '../fixtures/client-alerts.ts';
import { DEFAULT_TERMS } from '../fixtures/tls-terms.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const act of cleanUp.splice(0)) act();
});

const OPTIONS = {
  clock: systemClock,
  handshakeTimeoutMs: 20_000,
  stallTimeoutMs: 20_000,
  receiveBytes: 1_048_576,
  sendBytes: 1_048_576,
};

/** What the client's socket says behind its data, and what came of it. */
async function uploadEndedBy(
  say: (alerts: AlertMaker, raw: Socket) => void,
  { version = 'TLSv1.3', direction = 'receive' }: { version?: SecureVersion; direction?: 'send' | 'receive' } = {},
) {
  const { cert, key } = await testCertificates();
  const context = tlsContext({ certificate: cert, key, terms: DEFAULT_TERMS }, 60_000);
  const accepted = Promise.withResolvers<StreamDataConnection>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    accepted.resolve(new StreamDataConnection(socket, context, OPTIONS));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const raw = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
  raw.on('error', () => undefined);
  const client = connectTls({
    socket: raw,
    minVersion: version,
    maxVersion: version,
    ciphers: 'TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES256-GCM-SHA384',
    rejectUnauthorized: false,
  });
  client.on('error', () => undefined);
  const alerts = alertMaker(client);
  const connection = await accepted.promise;
  cleanUp.push(() => {
    server.close();
    client.destroy();
    raw.destroy();
    connection.destroy();
  });
  await Promise.all([once(client, 'secureConnect'), connection.secured(AbortSignal.timeout(20_000))]);
  connection.begin(direction);
  await new Promise<void>((resolve) => client.write('hello', () => resolve()));
  say(alerts, raw);
  return { connection, client };
}

async function contentOf(connection: StreamDataConnection): Promise<string> {
  let content = '';
  for (;;) {
    const batch = await connection.read();
    if (batch === undefined) return content;
    content += Buffer.concat(batch).toString();
  }
}

/** The two alerts of Java, behind one record of data. */
const asJava = (alerts: AlertMaker) => Buffer.concat([alerts.record(USER_CANCELED, 1), alerts.record(CLOSE_NOTIFY, 2)]);

const RECORD_BYTES = 5 + 3 + 16;

test('every cut of user_canceled and close_notify, followed by a FIN, is no authenticated end', async () => {
  const wrong: string[] = [];
  for (let bytes = 0; bytes < 2 * RECORD_BYTES; bytes++) {
    const { connection } = await uploadEndedBy((alerts, raw) => raw.end(asJava(alerts).subarray(0, bytes)));
    const outcome = `${await contentOf(connection)} ${connection.end}`;
    if (outcome !== 'hello unauthenticated') wrong.push(`${bytes} bytes: ${outcome}`);
    await connection.finish();
  }
  expect(wrong).toEqual([]);
}, 60_000);

test.each([
  ['user_canceled twice', [USER_CANCELED, USER_CANCELED]],
  ['user_canceled alone', [USER_CANCELED]],
])('%s is no authenticated end', async (_, descriptions) => {
  const { connection } = await uploadEndedBy((alerts, raw) =>
    raw.end(Buffer.concat(descriptions.map((description, index) => alerts.record(description, index + 1)))),
  );
  expect(await contentOf(connection)).toBe('hello');
  expect(connection.end).toBe('unauthenticated');
});

test.each([
  ['that was tampered with', (alerts: AlertMaker) => tampered(alerts.record(CLOSE_NOTIFY, 2))],
  ['that was sent once before', (alerts: AlertMaker) => alerts.record(CLOSE_NOTIFY, 1)],
  ['in clear', () => Buffer.from([21, 3, 3, 0, 2, 1, 0])],
])('user_canceled and a close_notify %s are a lost connection', async (_, forged) => {
  const { connection } = await uploadEndedBy((alerts, raw) =>
    raw.end(Buffer.concat([alerts.record(USER_CANCELED, 1), forged(alerts)])),
  );
  await expect(contentOf(connection)).rejects.toMatchObject({ kind: 'ConnectionLost' });
  expect(connection.end).toBe('unauthenticated');
});

function tampered(record: Buffer): Buffer {
  record[record.length - 1] = (record.at(-1) ?? 0) ^ 1;
  return record;
}

test('user_canceled and close_notify are an authenticated end, and are answered with close_notify', async () => {
  const { connection, client } = await uploadEndedBy((alerts, raw) => raw.end(asJava(alerts)));
  client.resume();
  const ended = once(client, 'end');
  expect(await contentOf(connection)).toBe('hello');
  expect(connection.end).toBe('authenticated');
  await connection.finish();
  await ended;
});

test('the same in pieces, each byte for itself', async () => {
  const { connection } = await uploadEndedBy((alerts, raw) => {
    raw.setNoDelay(true);
    for (const byte of asJava(alerts)) raw.write(Buffer.from([byte]));
    raw.end();
  });
  expect(await contentOf(connection)).toBe('hello');
  expect(connection.end).toBe('authenticated');
});

test('what follows a close_notify is not looked at', async () => {
  const { connection } = await uploadEndedBy((alerts, raw) =>
    raw.end(Buffer.concat([asJava(alerts), alerts.record(USER_CANCELED, 3), Buffer.from('no record')])),
  );
  expect(await contentOf(connection)).toBe('hello');
  expect(connection.end).toBe('authenticated');
});

test('a receiver that ends its side without close_notify gets the rest of its download', async () => {
  const { connection, client } = await uploadEndedBy((_, raw) => raw.end(), { direction: 'send' });
  let bytes = 0;
  client.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  for (let i = 0; i < 8; i++) await connection.write(Buffer.alloc(1_000_000));
  await connection.finish();
  await expect.poll(() => bytes, { timeout: 10_000 }).toBe(8_000_000);
});
