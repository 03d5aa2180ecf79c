/** Clients that break their connections in the worst places: what is theirs ends, at once, and nothing is called whole. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
const visible = (home: string) => readdirSync(home).filter((name) => !name.startsWith('.sallyport-'));

/** A TLS record that nobody who knows the keys has made. */
const forgedRecord = () => Buffer.concat([Buffer.from([23, 3, 3, 0, 40]), randomBytes(40)]);

test.each(VERSIONS)('a forged TLS record on the control channel ends the session at once (%s)', async (version) => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway, { version });
  await client.send('AUTH TLS');
  const underTls = client.socket;
  await client.startTls();
  await client.send('NOOP');
  underTls.write(forgedRecord());
  await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
});

test.each(VERSIONS)(
  'a forged TLS record in one packet with the end of the handshake does so too (%s)',
  async (version) => {
    const gateway = await startGateway();
    const client = await RawClient.connect(gateway);
    await client.send('AUTH TLS');
    client.socket.removeAllListeners('data');
    const tls = connectTls({
      socket: addedToFlight(client.socket, 2, forgedRecord()),
      ca: gateway.certificates.caCert,
      servername: 'localhost',
      minVersion: version,
      maxVersion: version,
    });
    tls.on('error', () => undefined);
    await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
  },
);

test.each(VERSIONS)(
  'a forged TLS record and a FIN in mid-upload publish nothing, even without close_notify (%s)',
  async (version) => {
    const gateway = await startGateway({}, { closeNotify: 'off' });
    const client = await RawClient.login(gateway, { version });
    const socket = await client.passive();
    await client.send('STOR a.txt');
    client.secure(socket).write('some bytes');
    await expect.poll(() => client.send('STAT')).toMatch(/10 bytes/);
    socket.write(forgedRecord());
    socket.end();
    expect(await client.reply()).toMatch(/^426/);
    expect(visible(gateway.home)).toEqual([]);
  },
);

test('the ticket of a stranger whose data connection no transfer ever opened is worth nothing', async () => {
  const gateway = await startGateway();
  const victim = await RawClient.login(gateway, { version: 'TLSv1.2' });
  const tls = { ca: gateway.certificates.caCert, servername: 'localhost', maxVersion: 'TLSv1.2' } as const;
  const thief = connectTls({ ...tls, socket: await victim.passive() });
  const [session] = await once(thief, 'session');
  thief.destroy();
  const socket = await victim.passive();
  expect(await victim.send('STOR a.txt')).toMatch(/^150/);
  connectTls({ ...tls, socket, session })
    .on('error', () => undefined)
    .end('forged');
  expect(await victim.reply()).toMatch(/^522/);
  expect(visible(gateway.home)).toEqual([]);
});

test('421 is followed by the end of the connection', async () => {
  const gateway = await startGateway({ limits: { loginFailuresPerAddressMax: 1 } });
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('USER partner');
  expect(await client.send('PASS wrong')).toMatch(/^530/);
  await client.send('USER partner');
  expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^421/);
  await client.end();
});

test('a port arranged under PROT C carries a large upload under PROT P', async () => {
  const gateway = await startGateway({ tlsDataRequired: false });
  const client = await RawClient.login(gateway);
  await client.send('PROT C');
  const socket = await client.passive();
  await client.send('PROT P');
  expect(await client.send('STOR a.txt')).toMatch(/^150/);
  const secured = client.secure(socket);
  await once(secured, 'secureConnect');
  await client.send('NOOP');
  secured.end(Buffer.alloc(5_000_000));
  expect(await client.reply()).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'a.txt'))).toHaveLength(5_000_000);
});

test('an ABOR that waited behind an earlier transfer ends the one in front of it too', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await client.passive();
  client.write('STOR a.txt\r\nEPSV\r\nSTOR b.txt\r\nABOR\r\n');
  const codes: string[] = [];
  for (let count = 0; count < 6; count++) codes.push((await client.reply()).slice(0, 3));
  expect(codes).toEqual(['150', '426', '229', '150', '426', '226']);
});

test('data connections whose clients never close go with the session, however many there were', async () => {
  const gateway = await startGateway({ tlsDataRequired: false });
  writeFileSync(join(gateway.home, 'a.txt'), 'hello');
  const client = await RawClient.login(gateway);
  await client.send('PROT C');
  const sockets: Socket[] = [];
  for (let count = 0; count < 3; count++) {
    const socket = await client.passive();
    socket.allowHalfOpen = true;
    await client.send('RETR a.txt');
    expect(await client.reply()).toMatch(/^226/);
    sockets.push(socket);
  }
  await client.send('QUIT');
  // Only who has dropped a connection answers what still comes over it with a reset.
  const dropped = (socket: Socket) => !socket.write('still here') || socket.destroyed;
  await expect.poll(() => sockets.every(dropped)).toBe(true);
});

test('passwords sent in clear are refused unread, and do not count as guesses', async () => {
  const gateway = await startGateway({ limits: { loginFailuresPerAddressMax: 2 } });
  const client = await RawClient.connect(gateway);
  for (let count = 0; count < 3; count++) expect(await client.send('PASS wrong')).toMatch(/^530.*AUTH TLS/);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send(`USER ${gateway.user}`);
  expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^230/);
});

test('closing the gateway ends sessions in every state, without waiting for anyone', async () => {
  const gateway = await startGateway({ tlsDataRequired: false });
  writeFileSync(join(gateway.home, 'big.bin'), Buffer.alloc(50_000_000));
  const greeted = await RawClient.connect(gateway);
  const midHandshake = await RawClient.connect(gateway);
  await midHandshake.send('AUTH TLS');
  const hashing = await RawClient.connect(gateway);
  await hashing.send('AUTH TLS');
  await hashing.startTls();
  await hashing.send(`USER ${gateway.user}`);
  hashing.write(`PASS ${gateway.password}\r\n`);
  const deaf = await RawClient.login(gateway);
  deaf.socket.pause();
  deaf.write('HELP\r\n'.repeat(20_000));
  const listening = await RawClient.login(gateway);
  await listening.send('EPSV');
  const unanswered = await RawClient.login(gateway);
  await unanswered.send('EPSV');
  await unanswered.send('STOR a.txt');
  const sending = await RawClient.login(gateway);
  const full = sending.secure(await sending.passive()).pause();
  await sending.send('RETR big.bin');
  const receiving = await RawClient.login(gateway);
  const half = receiving.secure(await receiving.passive());
  await receiving.send('STOR b.txt');
  half.write('half of it');

  const clients = [greeted, midHandshake, hashing, deaf, listening, unanswered, sending, receiving];
  const startMs = performance.now();
  await gateway.gateway.close();
  // Two seconds are what a client that does not close its side may take to read our last words.
  expect(performance.now() - startMs).toBeLessThan(4_000);
  expect(gateway.gateway.sessionCount).toBe(0);
  expect(gateway.log.of('session.failed')).toEqual([]);
  expect(visible(gateway.home)).toEqual(['big.bin']);
  for (const client of clients) client.close();
  full.destroy();
});

/** A stream over `socket` that adds bytes to the nth batch of bytes that is written to it. */
function addedToFlight(socket: Socket, flight: number, bytes: Buffer): Duplex {
  let flights = 0;
  const stream = new Duplex({
    read: () => void socket.resume(),
    writev(chunks, done) {
      flights += 1;
      const whole = Buffer.concat(chunks.map(({ chunk }) => chunk));
      socket.write(flights === flight ? Buffer.concat([whole, bytes]) : whole);
      done();
    },
  });
  socket.on('data', (chunk) => stream.push(chunk));
  socket.on('close', () => stream.destroy());
  return stream;
}

test('an upload that dribbles ends with the longest life of its session', async () => {
  const gateway = await startGateway({ limits: { sessionTimeMaxMs: 1_000, idleTimeoutMs: 1_000 } });
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  const dribble = setInterval(() => secured.write('x'), 50);
  const reply = await client.reply();
  clearInterval(dribble);
  expect(reply).toMatch(/^426.*longest allowed time/s);
  expect(await client.reply()).toMatch(/^421/);
  await client.end();
  expect(visible(gateway.home)).toEqual([]);
});
