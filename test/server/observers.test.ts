/** Events for the program that embeds a gateway: each once, for what it names, behind it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { GatewayEvents } from '../../src/modules/observers.ts';
import { observers } from '../../src/modules/observers.ts';
import { reply } from '../../src/protocol/reply.ts';
import { NOTHING } from '../../src/spi/argument.ts';
import { silentLog } from '../../src/spi/log.ts';
import { member } from '../fakes/say.ts';
import { contextWith } from '../fixtures/command-context.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

interface Seen {
  readonly name: keyof GatewayEvents;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Observers that keep what they are told. */
function watching() {
  const seen: Seen[] = [];
  const keep = (name: keyof GatewayEvents) => (event: object) => {
    seen.push({ name, event: { ...event } });
  };
  const on: GatewayEvents = {
    connect: keep('connect'),
    disconnect: keep('disconnect'),
    login: keep('login'),
    loginFailed: keep('loginFailed'),
    logout: keep('logout'),
    fileSent: keep('fileSent'),
    fileReceived: keep('fileReceived'),
    incompleteFileSent: keep('incompleteFileSent'),
    incompleteFileReceived: keep('incompleteFileReceived'),
  };
  return {
    on,
    seen,
    names: () => seen.map(({ name }) => name),
    of: (name: string) => seen.filter((s) => s.name === name).map(({ event }) => event),
  };
}

test('what an observer throws is logged and changes nothing', async () => {
  const fail = () => {
    throw new Error('observer');
  };
  const on: GatewayEvents = {
    connect: fail,
    disconnect: async () => fail(),
    login: async () => fail(),
    loginFailed: fail,
    logout: fail,
    fileSent: fail,
    fileReceived: async () => fail(),
    incompleteFileSent: fail,
    incompleteFileReceived: fail,
  };
  const gateway = await startGateway({}, {}, { on });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
  expect((await client.download('RETR a.txt')).reply).toMatch(/^226/);
  expect(await client.send('QUIT')).toMatch(/^221/);
  await client.end();
  // Connect, login, received, sent, logout and disconnect.
  await expect.poll(() => gateway.log.of('module.failed').length).toBe(6);
});

test('connect and disconnect come for every connection that is let in, and for no other', async () => {
  const { on, seen, names } = watching();
  const gateway = await startGateway({ limits: { connectionsPerAddressMax: 1 } }, {}, { on });
  const client = await RawClient.connect(gateway);
  const refused = connectTcp(gateway.port, gateway.host);
  refused.on('error', () => undefined).resume();
  await once(refused, 'close');
  client.close();
  await expect.poll(names).toEqual(['connect', 'disconnect']);
  expect(seen[0]?.event).toMatchObject({ session: seen[1]?.event.session, peer: { address: '127.0.0.1' } });
  expect(seen[1]?.event).toMatchObject({ account: undefined });
});

test('login comes behind the right password; a failed one has the name, the reason and no password', async () => {
  const { on, seen, of } = watching();
  const gateway = await startGateway({}, {}, { on });
  const client = await RawClient.connect(gateway);
  await client.send('USER partner');
  await client.send('PASS in the clear');
  expect(of('loginFailed')).toEqual([]);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('USER partner');
  await client.send('PASS hunter2');
  await client.send('USER partner');
  await client.send(`PASS ${gateway.password}`);
  expect(of('loginFailed')).toMatchObject([{ user: 'partner', reason: expect.stringContaining('wrong password') }]);
  expect(of('login')).toMatchObject([{ account: 'partner', host: 'localhost' }]);
  expect(JSON.stringify(seen)).not.toMatch(/hunter2|in the clear|correct horse/);
});

test('logout comes with QUIT, REIN and a second USER, and not when the client merely disconnects', async () => {
  const { on, of, names } = watching();
  // In clear, where REIN is built.
  const gateway = await startGateway({ tlsControlRequired: false }, {}, { on });
  const login = async (client: RawClient) => {
    await client.send('USER partner');
    await client.send(`PASS ${gateway.password}`);
  };
  const client = await RawClient.connect(gateway);
  await login(client);
  await client.send('REIN');
  expect(of('logout')).toHaveLength(1);
  await login(client);
  await client.send('USER someone');
  expect(of('logout')).toHaveLength(2);
  await client.send('USER partner');
  expect(of('logout')).toHaveLength(2);
  await login(client);
  await client.send('QUIT');
  expect(of('logout')).toMatchObject(Array(3).fill({ account: 'partner' }));

  const gone = await RawClient.login(gateway);
  gone.close();
  await expect.poll(() => of('disconnect').length).toBe(2);
  expect(of('logout')).toHaveLength(3);
  expect(of('disconnect').at(-1)).toMatchObject({ account: 'partner' });
  expect(names().filter((name) => name === 'login')).toHaveLength(4);
});

test('a login in place of another one, as a certificate makes it at USER, is a logout and then a login', async () => {
  const { on, seen } = watching();
  const login = { state: 'LoggedIn', account: member({ name: 'alice' }) } as const;
  const context = contextWith({ session: { ...contextWith({}).session, login } });
  const traits = { verb: 'USER', class: 'auth', who: 'anyone', rfc: '', help: '', argument: NOTHING } as const;
  const request = { traits, argument: 'bob', context, respond: { add: () => undefined, addError: () => undefined } };
  const change = { kind: 'LogIn', account: member({ name: 'bob' }) } as const;
  const result = { reply: reply(232, ''), cause: undefined, durationMs: 0, notes: {}, change };
  const handler = observers(on, silentLog).handlers?.find(({ phase }) => phase === 'LOG_CMD');
  if (handler?.phase !== 'LOG_CMD') throw new Error('there is no observer');
  await handler.handle(request, result);
  expect(seen.map(({ name, event }) => `${name} ${event.account}`)).toEqual(['logout alice', 'login bob']);
});

test('a file that was received is told with its place, size and hash, before the reply', async () => {
  const { on, of } = watching();
  const gateway = await startGateway({}, {}, { on });
  const client = await RawClient.login(gateway);
  await client.send('MKD in');
  await client.send('CWD in');
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
  expect(of('fileReceived')).toMatchObject([
    {
      account: 'partner',
      verb: 'STOR',
      path: '/in/a.txt',
      onDisk: join(gateway.home, 'in', 'a.txt'),
      bytes: 5,
      sha256: createHash('sha256').update('hello').digest('hex'),
    },
  ]);
  await client.upload('APPE a.txt', ' again');
  expect(of('fileReceived').at(-1)).toMatchObject({ verb: 'APPE', bytes: 11 });
});

test('a file that was sent is told, and neither a listing nor a refusal is one', async () => {
  const { on, of, names } = watching();
  const gateway = await startGateway({}, {}, { on });
  writeFileSync(join(gateway.home, 'a.txt'), 'hello');
  const client = await RawClient.login(gateway);
  await client.download('LIST');
  await client.download('RETR missing.txt');
  await client.download('RETR a.txt');
  expect(of('fileSent')).toMatchObject([
    { verb: 'RETR', path: '/a.txt', bytes: 5, onDisk: join(gateway.home, 'a.txt') },
  ]);
  expect(names().filter((name) => name.startsWith('incomplete') || name === 'fileReceived')).toEqual([]);
});

test('an upload that broke off is told as incomplete, with what is kept, and never as received', async () => {
  const { on, of } = watching();
  const gateway = await startGateway({}, {}, { on });
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  secured.write('hello');
  await expect.poll(() => client.send('STAT')).toContain('5 bytes so far');
  secured.destroy();
  expect(await client.reply()).toMatch(/^426/);
  expect(of('incompleteFileReceived')).toMatchObject([
    { account: 'partner', path: '/a.txt', bytes: 5, keptBytes: 5, sha256: undefined, reason: expect.any(String) },
  ]);
  expect(of('fileReceived')).toEqual([]);
});

test('a download that was aborted is told as incomplete, and never as sent', async () => {
  const { on, of } = watching();
  const gateway = await startGateway({ sessionRates: { downloadBytesPerSecond: 1_024 } }, {}, { on });
  writeFileSync(join(gateway.home, 'a.bin'), Buffer.alloc(1_000_000));
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('RETR a.bin');
  client.secure(socket).resume();
  expect(await client.send('ABOR')).toMatch(/^426/);
  expect(of('incompleteFileSent')).toMatchObject([{ path: '/a.bin', reason: expect.stringContaining('Aborted') }]);
  expect(of('fileSent')).toEqual([]);
});
