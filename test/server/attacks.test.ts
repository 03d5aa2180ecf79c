/** What an attacker tries, over real sockets: injection behind AUTH, stolen ports, other people's sessions, cut-off files. */
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

test.each([
  ['a whole line', 'AUTH TLS\r\nUSER partner\r\n'],
  ['half a line', 'AUTH TLS\r\nUSER par'],
])('%s sent in clear behind AUTH ends the connection and is logged as an attack', async (_, bytes) => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway);
  client.write(bytes);
  expect(await client.reply()).toBe('');
  expect(gateway.log.of('attack')).toMatchObject([{ what: 'bytes sent in clear behind AUTH' }]);
});

test('clear text in place of the handshake ends the connection and is logged as an attack', async () => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  client.write('USER partner\r\nPASS x\r\n');
  await client.end();
  await expect.poll(() => gateway.log.of('attack')).toMatchObject([{ what: 'bytes sent in clear behind AUTH' }]);
});

test('half a line before AUTH is no command behind it', async () => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway);
  client.write('US');
  client.write('ER x\r\nAUTH TLS\r\n');
  expect(await client.reply()).toMatch(/^530/);
  expect(await client.reply()).toMatch(/^234/);
  await client.startTls();
  expect(await client.send('PASS x')).toMatch(/^503/);
});

test('an HTTP request ends the connection', async () => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway);
  client.write('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nUSER partner\r\n');
  await client.end();
  expect(await client.reply()).toBe('');
  expect(gateway.log.of('attack')).toHaveLength(1);
});

test('a flood of commands that are not understood ends the connection', async () => {
  const gateway = await startGateway({ limits: { badCommandsMax: 5 } });
  const client = await RawClient.connect(gateway);
  client.write('WHAT\r\n'.repeat(10));
  for (let i = 0; i < 5; i++) expect(await client.reply()).toMatch(/^500/);
  expect(await client.reply()).toMatch(/^421/);
  await client.end();
});

test('an over-long line is refused once and the dialogue goes on', async () => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway);
  client.write(`USER ${'x'.repeat(100_000)}\r\nNOOP\r\n`);
  expect(await client.reply()).toMatch(/^500/);
  expect(await client.reply()).toMatch(/^200/);
});

test('a data connection that does not resume the session is refused with 522, and nothing is stored', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway, { reuse: false });
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^522.*session reuse/s);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test("another control connection's session does not open this one's data connection", async () => {
  const gateway = await startGateway();
  const victim = await RawClient.login(gateway);
  const other = await RawClient.login(gateway);
  const socket = await victim.passive();
  expect(await victim.send('STOR a.txt')).toMatch(/^150/);
  other.secure(socket).end('stolen');
  expect(await victim.reply()).toMatch(/^522/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

test.each([
  ['preferred', /^226/],
  ['off', /^226/],
] as const)('an account whose session_reuse is %s needs no resumption', async (sessionReuse, expected) => {
  const gateway = await startGateway({}, { sessionReuse });
  const client = await RawClient.login(gateway, { reuse: false });
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(expected);
});

test('a wrong peer on the passive port is dropped and the right one is still served', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const port = Number(/\|\|\|(\d+)\|/.exec(await client.send('EPSV'))?.[1]);
  const thief = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
  thief.on('error', () => undefined);
  await once(thief, 'close');
  const socket = connect({ port, host: '127.0.0.1' });
  await once(socket, 'connect');
  expect(await client.send('STOR a.txt')).toMatch(/^150/);
  client.secure(socket).end('hello');
  expect(await client.reply()).toMatch(/^226/);
  expect(gateway.log.of('data.wrong_peer')).toHaveLength(1);
});

test('PORT to anybody but the client itself is refused (bounce)', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  expect(await client.send('PORT 127,0,0,2,200,1')).toMatch(/^501/);
  expect(await client.send('EPRT |1|127.0.0.1|22|')).toMatch(/^501/);
});

test('a bare FIN under PROT P is a cut-off: 426, the old file stands, and the rest can be resumed', async () => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'a.txt'), 'old');
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  secured.write('new content', () => socket.end());
  const reply = await client.reply();
  expect(reply).toMatch(/^426[\s\S]*close_notify/);
  expect(reply).toContain('REST 11');
  expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('old');
  expect(await client.send('REST 11')).toMatch(/^350/);
  expect(await client.upload('STOR a.txt', ', whole')).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('new content, whole');
});

test.each([
  ['preferred', 226],
  ['off', 226],
] as const)('an account whose close_notify is %s may end with a FIN', async (closeNotify, code) => {
  const gateway = await startGateway({}, { closeNotify });
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  secured.write('hello', () => socket.end());
  expect(await client.reply()).toMatch(new RegExp(`^${code}`));
});

test('a reset in mid-upload publishes nothing', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  client.secure(socket).write('x'.repeat(100_000), () => socket.resetAndDestroy());
  expect(await client.reply()).toMatch(/^426/);
  expect(await client.send('MLST a.txt')).toMatch(/^550/);
  expect(readdirSync(gateway.home).filter((name) => !name.startsWith('.sallyport-'))).toEqual([]);
});

test('a control connection that is lost aborts its upload', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  secured.write('some bytes');
  client.close();
  await once(socket, 'close');
  await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
  expect(readdirSync(gateway.home).filter((name) => !name.startsWith('.sallyport-'))).toEqual([]);
});

test('active mode connects to the client itself', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(await client.send(`EPRT |1|127.0.0.1|${port}|`)).toMatch(/^200/);
  const arrived = once(server, 'connection');
  expect(await client.send('STOR a.txt')).toMatch(/^150/);
  const [socket] = await arrived;
  client.secure(socket).end('hello');
  expect(await client.reply()).toMatch(/^226/);
  server.close();
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a ticket that a stranger got on a refused data connection opens no later one (${version})`, async () => {
    const gateway = await startGateway();
    const victim = await RawClient.login(gateway, { version });
    const stranger = await RawClient.login(gateway, { version, reuse: false });
    const tickets: Buffer[] = [];
    const first = await victim.passive();
    const secured = stranger.secure(first);
    secured.on('session', (ticket: Buffer) => tickets.push(ticket));
    await once(secured, 'secureConnect');
    expect(await victim.send('STOR a.txt')).toMatch(/^150/);
    expect(await victim.reply()).toMatch(/^522/);
    const second = await victim.passive();
    expect(await victim.send('STOR a.txt')).toMatch(/^150/);
    stranger.secure(second, tickets.at(-1)).end('stolen');
    expect(await victim.reply()).toMatch(/^522/);
    expect(readdirSync(gateway.home)).toEqual([]);
  });
}

test('a large upload that is refused with 522 is taken to its end, so that the client reads why', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway, { reuse: false });
  const socket = await client.passive();
  const secured = client.secure(socket);
  const failures: Error[] = [];
  socket.on('error', (error) => failures.push(error));
  expect(await client.send('STOR a.bin')).toMatch(/^150/);
  await new Promise<void>((resolve) => secured.end(Buffer.alloc(10_000_000), () => resolve()));
  expect(await client.reply()).toMatch(/^522/);
  expect(failures).toEqual([]);
  expect(readdirSync(gateway.home)).toEqual([]);
});
