/** Reads into memory of our own, and what becomes of a socket that cannot. */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { readOwned } from '../../src/transport/owned-reads.ts';
import { socketPair } from '../fixtures/socket-pair.ts';

test('a socket without a handle is left as it is', () => {
  const socket = new Socket();
  expect(readOwned(socket, Buffer.alloc(10), () => undefined)).toBe(false);
});

test('every byte comes, in the memory that was given and never more than fits, also behind a pause; then the end', async () => {
  const { client, accepted } = await socketPair({ pauseOnConnect: true, allowHalfOpen: true });
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
