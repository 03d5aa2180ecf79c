/** The control connection by itself: what it keeps of a client that does not read. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { reply } from '../../src/protocol/reply.ts';
import { ControlConnection } from '../../src/transport/control-connection.ts';
import { socketPair } from '../fixtures/socket-pair.ts';

const HERE = { address: '127.0.0.1', port: 1 };

/** A control connection and both sockets below it. */
async function pair() {
  const { accepted: socket, client } = await socketPair({ allowHalfOpen: true });
  const bounds = { lineBytesMax: 512, queuedLinesMax: 8, handshakeTimeoutMs: 5_000, stallTimeoutMs: 5_000 };
  const control = new ControlConnection(socket, { peer: HERE, local: HERE, clock: systemClock, ...bounds });
  return { control, socket, client };
}

test('waiting for a client that reads slowly leaves no listener behind, however often', async () => {
  const { control, socket, client } = await pair();
  const listeners = () => ['close', 'drain', 'error'].map((event) => socket.listenerCount(event));
  const before = listeners();
  for (let round = 0; round < 3; round++) {
    client.pause();
    const sent = control.send(reply(214, 'x'.repeat(16_000_000)));
    expect(listeners()).not.toEqual(before);
    client.resume();
    await sent;
  }
  expect(listeners()).toEqual(before);
  client.destroy();
});

test.each(['end', 'resetAndDestroy'] as const)(
  'whoever works for a client is told when it is gone, by %s',
  async (how) => {
    const { control, client } = await pair();
    expect(control.gone.aborted).toBe(false);
    const gone = once(control.gone, 'abort');
    client[how]();
    await gone;
    expect(control.gone.reason).toMatchObject({ kind: 'Aborted', cause: { message: 'control connection lost' } });
    control.destroy();
    client.destroy();
  },
);

test('lines that nobody takes stop the reading; as they are taken it goes on, to the last line and the end', async () => {
  const { control, socket, client } = await pair();
  const lines = Array.from({ length: 100_000 }, (_, index) => `CWD ${index}`);
  client.end(`${lines.join('\r\n')}\r\n`);
  await expect.poll(() => socket.isPaused()).toBe(true);
  expect(control.gone.aborted).toBe(false);
  const taken: string[] = [];
  for (let event = await control.next(); event.kind !== 'end'; event = await control.next()) {
    if (event.kind === 'line') taken.push(event.bytes.toString());
  }
  expect(taken.join()).toBe(lines.join());
  control.destroy();
});

test('a client that reads nothing at all is dropped, and the reply no longer waits for it', async () => {
  const { control, socket, client } = await pair();
  client.on('error', () => undefined).pause();
  const sent = control.send(reply(214, 'x'.repeat(16_000_000)));
  socket.destroy();
  await sent;
  expect(await control.next()).toMatchObject({ kind: 'end' });
  client.destroy();
});
