/** Data connections with others than the client: refused, or let in for transfers between two servers (FXP). */

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const act of cleanUp.splice(0)) act();
});

const PASSIVE = { portMin: 0, portMax: 0 } as const;
const CLEAR_DATA = { tlsDataRequired: false } as const;

async function clearClient(options: Partial<GatewayOptionsInput> & { host?: string }) {
  const gateway = await startGateway({ ...CLEAR_DATA, ...options });
  const client = await RawClient.login(gateway);
  cleanUp.push(() => client.close());
  await client.send('PROT C');
  return { gateway, client };
}

/** The argument of PORT for what PASV said. */
function portOf(reply: string): string {
  return /\(([0-9,]+)\)/.exec(reply)?.[1] ?? '';
}

async function serverAt(host: string) {
  const server = createServer((socket) => socket.on('error', () => undefined));
  server.listen(0, host);
  await once(server, 'listening');
  cleanUp.push(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const argument = `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`;
  return { server, port, argument };
}

test('PORT to another address is refused, and what was arranged before stays', async () => {
  const { gateway, client } = await clearClient({});
  writeFileSync(join(gateway.home, 'a.txt'), 'hello');
  const socket = await client.passive();
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  expect(await client.send('PORT 127,0,0,9,195,80')).toMatch(/^501 .*address of the control connection/);
  expect(await client.send('EPRT |1|127.0.0.1|80|')).toMatch(/^501 Ports below 1024/);
  expect(await client.send('RETR a.txt')).toMatch(/^150/);
  await once(socket, 'end');
  socket.end();
  expect(await client.reply()).toMatch(/^226/);
  expect(Buffer.concat(chunks).toString()).toBe('hello');
});

test('PORT to an address that was let in connects there, and to no other', async () => {
  const { gateway, client } = await clearClient({ active: { foreignAddresses: ['127.0.0.3'] } });
  writeFileSync(join(gateway.home, 'a.txt'), 'hello');
  const { server, argument } = await serverAt('127.0.0.3');
  const received = new Promise<string>((resolve) => {
    server.on('connection', async (socket) => {
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      socket.end();
      resolve(text);
    });
  });
  expect(await client.send('PORT 127,0,0,4,195,80')).toMatch(/^501/);
  expect(await client.send(`PORT ${argument}`)).toMatch(/^200/);
  expect(await client.send('RETR a.txt')).toMatch(/^150/);
  expect(await received).toBe('hello');
  expect(await client.reply()).toMatch(/^226/);
});

test('PORT to a port below 1024 takes that being permitted', async () => {
  const { client } = await clearClient({});
  expect(await client.send('PORT 127,0,0,1,0,80')).toMatch(/^501 Ports below 1024/);
  const permitted = await clearClient({ active: { privilegedPorts: true } });
  expect(await permitted.client.send('PORT 127,0,0,1,0,80')).toMatch(/^200/);
});

test('a passive connection from another address is dropped, and one that was let in is taken', async () => {
  const strict = await clearClient({ limits: { dataConnectTimeoutMs: 300 } });
  const port = Number(/\|\|\|(\d+)\|/.exec(await strict.client.send('EPSV'))?.[1]);
  const stranger = connectTcp({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
  stranger.on('error', () => undefined);
  await once(stranger, 'close');
  expect(strict.gateway.log.of('data.wrong_peer')).toHaveLength(1);

  const open = await clearClient({ passive: { ...PASSIVE, foreignAddresses: ['127.0.0.2/32'] } });
  const openPort = Number(/\|\|\|(\d+)\|/.exec(await open.client.send('EPSV'))?.[1]);
  const other = connectTcp({ host: '127.0.0.1', port: openPort, localAddress: '127.0.0.2' });
  await once(other, 'connect');
  expect(await open.client.send('STOR a.txt')).toMatch(/^150/);
  other.end('from elsewhere');
  expect(await open.client.reply()).toMatch(/^226/);
  expect(readFileSync(join(open.gateway.home, 'a.txt'), 'utf8')).toBe('from elsewhere');
});

test('a file goes from one gateway to another without passing through the client (FXP)', async () => {
  const to = await clearClient({ passive: { ...PASSIVE, foreignAddresses: ['127.0.0.2'] } });
  const from = await clearClient({ host: '127.0.0.2' });
  const content = 'x'.repeat(3_000_000);
  writeFileSync(join(from.gateway.home, 'a.txt'), content);
  const target = portOf(await to.client.send('PASV'));
  expect(await from.client.send(`PORT ${target}`)).toMatch(/^200/);
  expect(await to.client.send('STOR b.txt')).toMatch(/^150/);
  expect(await from.client.send('RETR a.txt')).toMatch(/^150/);
  expect(await from.client.reply()).toMatch(/^226/);
  expect(await to.client.reply()).toMatch(/^226/);
  expect(readFileSync(join(to.gateway.home, 'b.txt'), 'utf8') === content).toBe(true);
});

test('under TLS a foreign peer cannot resume the client’s session, so that it needs session_reuse off', async () => {
  const foreign = async (sessionReuse: 'required' | 'off') => {
    const gateway = await startGateway({ sessionReuse, passive: { ...PASSIVE, foreignAddresses: ['127.0.0.2'] } });
    const client = await RawClient.login(gateway, { reuse: false });
    cleanUp.push(() => client.close());
    const port = Number(/\|\|\|(\d+)\|/.exec(await client.send('EPSV'))?.[1]);
    const socket = connectTcp({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    expect(await client.send('STOR a.txt')).toMatch(/^150/);
    client.secure(socket).end('hello');
    return client.reply();
  };
  expect(await foreign('required')).toMatch(/^522/);
  expect(await foreign('off')).toMatch(/^226/);
});

test('PASV tells the outside address of the one that the client reached', async () => {
  const passive = {
    ...PASSIVE,
    address: '203.0.113.9',
    addresses: [{ local: '127.0.0.1', outside: '198.51.100.5' }],
  };
  const mapped = await clearClient({ passive });
  expect(await mapped.client.send('PASV')).toMatch(/\(198,51,100,5,/);
  const other = await clearClient({ passive, host: '127.0.0.2' });
  expect(await other.client.send('PASV')).toMatch(/\(203,0,113,9,/);
  expect(await other.client.send('EPSV')).toMatch(/^229/);
});

test('passive ports come from the range that was set, and not in its order', async () => {
  const { client } = await clearClient({ passive: { portMin: 51_100, portMax: 51_199 } });
  const ports: number[] = [];
  for (let i = 0; i < 20; i++) ports.push(Number(/\|\|\|(\d+)\|/.exec(await client.send('EPSV'))?.[1]));
  expect(ports.filter((port) => port < 51_100 || port > 51_199)).toEqual([]);
  // Twenty random ones come out sorted once in 20 factorial times.
  expect(ports).not.toEqual(ports.toSorted((a, b) => a - b));
});
