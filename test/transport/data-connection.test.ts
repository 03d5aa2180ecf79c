/** How a data connection ends, told apart on real sockets: close_notify, a bare FIN, a reset, a stall. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect as connectTcp, createServer, Socket as NetSocket } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureVersion } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { FakeClock, systemClock } from '../../src/lib/clock.ts';
import { giveBack } from '../../src/lib/pieces.ts';
import type { Direction } from '../../src/spi/data-port.ts';
import type { Fault } from '../../src/spi/fault.ts';
import { StreamDataConnection } from '../../src/transport/data-connection.ts';
import type { TlsContext } from '../../src/transport/tls-context.ts';
import { tlsContext } from '../../src/transport/tls-context.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { DEFAULT_TERMS } from '../fixtures/tls-terms.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const act of cleanUp.splice(0)) act();
});

const BUFFERS = { receiveBytes: 1_048_576, sendBytes: 1_048_576 };
const OPTIONS = { clock: systemClock, handshakeTimeoutMs: 5_000, stallTimeoutMs: 5_000, ...BUFFERS };
const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

/** A server that wraps the one connection it accepts, and a raw socket to it. */
async function pair(context: TlsContext | undefined, options = OPTIONS) {
  const accepted = Promise.withResolvers<StreamDataConnection>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    accepted.resolve(new StreamDataConnection(socket, context, options));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const raw = connectTcp((server.address() as AddressInfo).port, '127.0.0.1');
  raw.on('error', () => undefined);
  const connection = await accepted.promise;
  cleanUp.push(() => {
    server.close();
    raw.destroy();
    connection.destroy();
  });
  return { connection, raw };
}

async function serverContext(): Promise<TlsContext> {
  const { cert, key } = await testCertificates();
  return tlsContext({ certificate: cert, key, terms: DEFAULT_TERMS }, 60_000);
}

function tlsOver(raw: Duplex, version: SecureVersion) {
  const client = connectTls({ socket: raw, minVersion: version, maxVersion: version, rejectUnauthorized: false });
  client.on('error', () => undefined);
  return client;
}

async function opened(connection: StreamDataConnection, direction: Direction, signal: AbortSignal): Promise<void> {
  await connection.secured(signal);
  connection.begin(direction);
}

async function readAll(connection: StreamDataConnection, pauseMs = 0): Promise<number> {
  let bytes = 0;
  for (;;) {
    const batch = await connection.read();
    if (batch === undefined) return bytes;
    bytes += batch.reduce((sum, piece) => sum + piece.length, 0);
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

/** A client's end of `raw` that keeps what comes, as it comes, and tells when it has written. */
function recorded(raw: Socket, received: Buffer[], written: () => void): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      raw.write(chunk, done);
      written();
    },
    final: (done) => raw.end(done),
  });
  raw.on('data', (chunk: Buffer) => {
    received.push(chunk);
    stream.push(chunk);
  });
  raw.on('end', () => stream.push(null));
  return stream;
}

/** Something that happens in the event loop's turn after `send`, behind what was written before it. */
async function nudged() {
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = once(server, 'connection');
  const sender = connectTcp({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true });
  await once(sender, 'connect');
  const [receiver] = (await accepted) as [Socket];
  cleanUp.push(() => {
    server.close();
    sender.destroy();
    receiver.destroy();
  });
  return { receiver, send: () => void sender.write('.') };
}

/** What the header of the last TLS record says (RFC 8446 section 5.1). */
function lastRecord(bytes: Buffer): { type: number; bytes: number } {
  let at = 0;
  for (let next = 0; next < bytes.length; next += 5 + bytes.readUInt16BE(next + 3)) at = next;
  return { type: bytes.readUInt8(at), bytes: bytes.readUInt16BE(at + 3) };
}

const faultOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no fault',
    (error: Fault) => error.kind,
  );

for (const version of VERSIONS) {
  test(`connections beside each other, with slow readers, get each its own bytes (${version})`, async () => {
    const context = await serverContext();
    const uploads = Array.from({ length: 6 }, async (_, number) => {
      const { connection, raw } = await pair(context, { ...OPTIONS, receiveBytes: 16_384 * (number + 1) });
      const sent = randomBytes(1_500_000 + number);
      tlsOver(raw, version).end(sent);
      await opened(connection, 'receive', AbortSignal.timeout(15_000));
      const received: Buffer[] = [];
      for (let batch = await connection.read(); batch !== undefined; batch = await connection.read(300_000)) {
        received.push(...batch.map((piece) => Buffer.from(piece)));
        batch.forEach(giveBack);
        await sleep(number);
      }
      return [Buffer.concat(received).equals(sent), connection.end];
    });
    expect(await Promise.all(uploads)).toEqual(uploads.map(() => [true, 'authenticated']));
  });

  test(`what is known to be a download goes without a guard, and arrives whole (${version})`, async () => {
    const { connection, raw } = await pair(await serverContext());
    connection.expect('send');
    const client = tlsOver(raw, version);
    const received: Buffer[] = [];
    client.on('data', (piece: Buffer) => received.push(piece));
    const closed = once(client, 'close');
    const sent = randomBytes(3_000_000);
    await opened(connection, 'send', AbortSignal.timeout(10_000));
    expect(connection.canReceive).toBe(false);
    await connection.write(sent);
    await connection.finish();
    await closed;
    expect(Buffer.concat(received).equals(sent)).toBe(true);
  });

  test(`a download without a guard whose client is gone, or closes with bytes unread, is lost (${version})`, async () => {
    for (const leave of ['reset', 'close'] as const) {
      const { connection, raw } = await pair(await serverContext());
      connection.expect('send');
      const client = tlsOver(raw, version);
      await opened(connection, 'send', AbortSignal.timeout(10_000));
      client.pause();
      const sending = faultOf(connection.write(Buffer.alloc(20_000_000)).then(() => connection.finish()));
      await sleep(50);
      if (leave === 'reset') raw.resetAndDestroy();
      else raw.destroy();
      expect(await sending).toBe('ConnectionLost');
    }
  });

  for (const direction of ['send', 'receive'] as const) {
    for (const last of ['finish', 'refuse'] as const) {
      const name = `${version}, expected to ${direction}, ${last}`;

      // As a file without bytes does, whose opening is done in the turn of the event loop in which the handshake ends.
      test(`what ends right behind its handshake says close_notify before its FIN (${name})`, async () => {
        const { connection, raw } = await pair(await serverContext());
        connection.expect(direction);
        const nudge = await nudged();
        const received: Buffer[] = [];
        tlsOver(recorded(raw, received, nudge.send), version).resume();
        const ended = once(raw, 'end');
        let secured = false;
        const ending = new Promise((resolve) => {
          nudge.receiver.on('data', () => {
            if (secured) resolve(last === 'refuse' ? connection.refuse() : connection.finish());
          });
        });
        await connection.secured(AbortSignal.timeout(5_000));
        connection.begin('send');
        secured = true;
        await ending;
        await ended;
        const { type, bytes } = lastRecord(Buffer.concat(received));
        // In TLS 1.3 an alert is sealed, with its type and a tag: RFC 8446 section 5.2.
        expect({ type, bytes }).toEqual(
          version === 'TLSv1.2' ? { type: 21, bytes: expect.any(Number) } : { type: 23, bytes: 19 },
        );
      });
    }
  }

  for (const pauseMs of [0, 5]) {
    const name = `${version}, ${pauseMs === 0 ? 'fast' : 'slow'} reader`;

    test(`a FIN without close_notify is not an authenticated end (${name})`, async () => {
      const { connection, raw } = await pair(await serverContext());
      const client = tlsOver(raw, version);
      const received = opened(connection, 'receive', AbortSignal.timeout(10_000)).then(() =>
        readAll(connection, pauseMs),
      );
      client.write(randomBytes(3_000_000), () => raw.end());
      expect(await received).toBe(3_000_000);
      expect(connection.end).toBe('unauthenticated');
    });

    test(`a close_notify is an authenticated end, with the connection closed at once (${name})`, async () => {
      const { connection, raw } = await pair(await serverContext());
      const client = tlsOver(raw, version);
      const received = opened(connection, 'receive', AbortSignal.timeout(10_000)).then(() =>
        readAll(connection, pauseMs),
      );
      client.end(randomBytes(3_000_000));
      expect(await received).toBe(3_000_000);
      expect(connection.end).toBe('authenticated');
      await connection.finish();
    });
  }

  test(`zero bytes and a close_notify are an authenticated end (${version})`, async () => {
    const { connection, raw } = await pair(await serverContext());
    const client = tlsOver(raw, version);
    client.once('secureConnect', () => client.end());
    await opened(connection, 'receive', AbortSignal.timeout(5_000));
    expect(await readAll(connection)).toBe(0);
    expect(connection.end).toBe('authenticated');
  });

  test(`a reset in mid-transfer is a lost connection (${version})`, async () => {
    const { connection, raw } = await pair(await serverContext());
    const client = tlsOver(raw, version);
    await opened(connection, 'receive', AbortSignal.timeout(5_000));
    client.write(randomBytes(100_000), () => raw.resetAndDestroy());
    expect(await faultOf(readAll(connection))).toBe('ConnectionLost');
  });

  test(`a handshake that never begins fails when its time is over (${version})`, async () => {
    const clock = new FakeClock();
    const { connection } = await pair(await serverContext(), { ...OPTIONS, clock });
    const refused = faultOf(opened(connection, 'receive', AbortSignal.timeout(5_000)));
    clock.advance(OPTIONS.handshakeTimeoutMs);
    expect(await refused).toBe('DataTlsFailed');
  });

  test.each(['ends', 'resets'] as const)(
    `a client that %s the connection before a handshake is not waited for (${version})`,
    async (how) => {
      // This clock stands still: no limit of time will ever be over.
      const { connection, raw } = await pair(await serverContext(), { ...OPTIONS, clock: new FakeClock() });
      const lost = faultOf(opened(connection, 'receive', AbortSignal.timeout(5_000)));
      if (how === 'ends') raw.end();
      else raw.resetAndDestroy();
      expect(await lost).toBe('ConnectionLost');
    },
  );

  test(`a client that ends the connection in the midst of its hello has failed in TLS (${version})`, async () => {
    const clock = new FakeClock();
    const { connection, raw } = await pair(await serverContext(), { ...OPTIONS, clock });
    const refused = faultOf(opened(connection, 'receive', AbortSignal.timeout(5_000)));
    raw.end(Buffer.from([22, 3, 1]));
    await once(raw, 'finish');
    clock.advance(OPTIONS.handshakeTimeoutMs);
    expect(await refused).toBe('DataTlsFailed');
  });

  test(`the server's data arrives whole and ends with close_notify (${version})`, async () => {
    const { connection, raw } = await pair(await serverContext());
    const client = tlsOver(raw, version);
    const sizes: number[] = [];
    client.on('data', (chunk: Buffer) => sizes.push(chunk.length));
    const ended = new Promise<void>((resolve) => client.on('end', () => resolve()));
    await opened(connection, 'send', AbortSignal.timeout(5_000));
    for (let i = 0; i < 4; i++) await connection.write(randomBytes(1_000_000));
    await connection.finish();
    await ended;
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(4_000_000);
  });

  test(`a receiver that resets before it has read everything is a lost connection (${version})`, async () => {
    const { connection, raw } = await pair(await serverContext());
    const client = tlsOver(raw, version);
    client.once('data', () => raw.resetAndDestroy());
    await opened(connection, 'send', AbortSignal.timeout(5_000));
    const sent = (async () => {
      for (let i = 0; i < 64; i++) await connection.write(randomBytes(1_000_000));
      await connection.finish();
    })();
    expect(await faultOf(sent)).toBe('ConnectionLost');
  });
}

test('an abort ends a read that waits, with its reason', async () => {
  const { connection, raw } = await pair(await serverContext());
  tlsOver(raw, 'TLSv1.3');
  const abort = new AbortController();
  await opened(connection, 'receive', abort.signal);
  const read = connection.read();
  abort.abort(new Error('asked to stop'));
  await expect(read).rejects.toThrow('asked to stop');
});

test('a sender that stands still is stalled', async () => {
  const clock = new FakeClock();
  const { connection } = await pair(undefined, { ...OPTIONS, clock });
  await opened(connection, 'receive', AbortSignal.timeout(5_000));
  const read = faultOf(connection.read());
  clock.advance(OPTIONS.stallTimeoutMs);
  expect(await read).toBe('Stalled');
});

test('in clear a FIN ends the data and a reset does not', async () => {
  const fin = await pair(undefined);
  await opened(fin.connection, 'receive', AbortSignal.timeout(5_000));
  fin.raw.end('hello');
  expect(await readAll(fin.connection)).toBe(5);
  expect(fin.connection.end).toBe('unauthenticated');

  const reset = await pair(undefined);
  await opened(reset.connection, 'receive', AbortSignal.timeout(5_000));
  reset.raw.write('hello', () => reset.raw.resetAndDestroy());
  expect(await faultOf(readAll(reset.connection))).toBe('ConnectionLost');
});

test('60 uploads by clients that close without waiting for the server all arrive whole, with an authenticated end', async () => {
  const context = await serverContext();
  const outcomes: string[] = [];
  for (let i = 0; i < 60; i++) {
    const { connection, raw } = await pair(context);
    const client = tlsOver(raw, 'TLSv1.3');
    const received = opened(connection, 'receive', AbortSignal.timeout(10_000)).then(() => readAll(connection));
    // The way of old clients: alert and close, whatever the server may still have to say.
    await new Promise<void>((resolve) => client.once('secureConnect', resolve));
    client.end(randomBytes(300_000), () => raw.destroy());
    outcomes.push(`${await received.catch((error: Fault) => error.kind)} ${connection.end}`);
    connection.destroy();
  }
  expect(outcomes.filter((outcome) => outcome !== '300000 authenticated')).toEqual([]);
});

test('the session tickets of an upload are withheld until the end of data, and a download gets them', async () => {
  const context = await serverContext();
  const ticketsSeen = async (direction: 'send' | 'receive') => {
    const { connection, raw } = await pair(context);
    const client = tlsOver(raw, 'TLSv1.3');
    let tickets = 0;
    client.on('session', () => {
      tickets += 1;
    });
    client.resume();
    await opened(connection, direction, AbortSignal.timeout(5_000));
    if (direction === 'send') await connection.write(Buffer.from('x'));
    else client.write('x');
    await sleep(50);
    return tickets;
  };
  expect(await ticketsSeen('send')).toBeGreaterThan(0);
  expect(await ticketsSeen('receive')).toBe(0);
});

test('bytes that were never flushed are lost, though the client had ended its own side long before', async () => {
  const socket = new StuckSocket({ allowHalfOpen: true });
  const connection = new StreamDataConnection(socket, undefined, OPTIONS);
  await opened(connection, 'send', new AbortController().signal);
  const ended = once(socket, 'end');
  socket.push(null);
  await ended;
  const finished = faultOf(connection.write(Buffer.alloc(1_000)).then(() => connection.finish()));
  socket.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  expect(await finished).toBe('ConnectionLost');
});

/** A socket whose peer takes nothing; as in the real one, what is being written ends with the socket, before the error. */
class StuckSocket extends NetSocket {
  #written: () => void = () => undefined;

  override _write(_chunk: unknown, _encoding: unknown, done: () => void): void {
    this.#written = done;
  }
  override _read(): void {}
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#written();
    setImmediate(() => done(error));
  }
}

for (const version of VERSIONS) {
  test(`a refused sender can send to its end and is never reset (${version})`, async () => {
    const { connection, raw } = await pair(await serverContext());
    const client = tlsOver(raw, version);
    let resets = 0;
    raw.on('error', () => {
      resets += 1;
    });
    await connection.secured(AbortSignal.timeout(5_000));
    connection.begin('receive');
    connection.refuse();
    client.write(randomBytes(20_000_000));
    await new Promise<void>((resolve) => client.end(resolve));
    raw.end();
    await new Promise<void>((resolve) => raw.on('close', () => resolve()));
    expect(resets).toBe(0);
  });
}
