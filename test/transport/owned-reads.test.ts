/** Reads into memory of our own, and what becomes of a socket that cannot. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readOwned } from '../../src/transport/owned-reads.ts';

async function pair() {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
}

test('a socket without a handle is left as it is', () => {
  const socket = new Socket();
  expect(readOwned(socket, Buffer.alloc(10), () => undefined)).toBe(false);
});

test('every byte comes, in the memory that was given and never more than fits, also behind a pause; then the end', async () => {
  const { client, accepted } = await pair();
  const memory = Buffer.alloc(1_000);
  const seen: Buffer[] = [];
  const owned = readOwned(accepted, memory, (bytes) => {
    expect(bytes.buffer).toBe(memory.buffer);
    expect(bytes.length).toBeLessThanOrEqual(1_000);
    seen.push(Buffer.from(bytes));
    accepted.pause();
    setImmediate(() => accepted.resume());
  });
  expect(owned).toBe(true);
  accepted.on('data', () => expect.unreachable('no data event'));
  const sent = Buffer.from(Array.from({ length: 50_000 }, (_, at) => at % 251));
  accepted.resume();
  client.end(sent);
  await once(accepted, 'end');
  expect(Buffer.concat(seen).equals(sent)).toBe(true);
});
