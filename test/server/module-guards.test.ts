/** Guards of connections and logins, and who is told of their end: promises are waited for, and no failure opens or ends. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { Fault } from '../../src/spi/fault.ts';
import { defineModule, type Module } from '../../src/spi/module.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';

const fails = async (): Promise<never> => {
  throw new Error('broken');
};
const never = () => new Promise<never>(() => undefined);

/** Everything that a fresh connection is told until it ends. */
async function heard(gateway: TestGateway): Promise<string> {
  const socket = connectTcp(gateway.port, gateway.host);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString();
  });
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return text;
}

/** A module that counts who came and who went. */
function counter() {
  const count = { came: 0, went: 0 };
  const module = defineModule({
    name: 'counter',
    onConnect() {
      count.came += 1;
    },
    onDisconnect() {
      count.went += 1;
    },
  });
  return { count, module };
}

describe('a guard of connections', () => {
  test.each<[string, () => Promise<void> | void, RegExp]>([
    ['a promise that fails', fails, /^421 The server is busy/],
    [
      'a promise of a Fault',
      () => Promise.reject(new Fault('TooManyConnections', { text: 'Not you.' })),
      /^421 Not you\./,
    ],
  ])('refuses by %s, and those who had let in are told', async (_, onConnect, told) => {
    const { count, module } = counter();
    let isOpen = false;
    const guard = defineModule({ name: 'guard', onConnect: () => (isOpen ? undefined : onConnect()) });
    const gateway = await startGateway({ limits: { connectionsMax: 1 } }, {}, { modules: [module, guard] });
    expect(await heard(gateway)).toMatch(told);
    expect(count).toEqual({ came: 1, went: 1 });
    expect(gateway.log.of('connection.refused')).toHaveLength(1);
    // The one place that there is has become free again.
    isOpen = true;
    await RawClient.login(gateway);
  });

  test('that hangs refuses when its time is up', async () => {
    const clock = new FakeClock(Date.now());
    const asked = Promise.withResolvers<void>();
    const hang = () => {
      asked.resolve();
      return never();
    };
    const guard = defineModule({ name: 'slow', onConnect: hang });
    const gateway = await startGateway({}, {}, { clock, modules: [guard] });
    const told = heard(gateway);
    await asked.promise;
    clock.advance(10_000);
    expect(await told).toMatch(/^421/);
    expect(gateway.log.of('module.failed')).toMatchObject([{ module: 'slow', hook: 'onConnect' }]);
    expect(gateway.gateway.sessionCount).toBe(0);
  });

  test.each(['explicit', 'implicit'] as const)(
    'that thinks holds up the greeting, and loses nothing: %s',
    async (tls) => {
      const asked = Promise.withResolvers<void>();
      const decided = Promise.withResolvers<void>();
      const onConnect = () => {
        asked.resolve();
        return decided.promise;
      };
      const guard = defineModule({ name: 'thinker', onConnect });
      const gateway = await startGateway({ listen: [{ host: '127.0.0.1', port: 0, tls }] }, {}, { modules: [guard] });
      const plain = connectTcp(gateway.port, gateway.host);
      const options = { socket: plain, ca: gateway.certificates.caCert, servername: 'localhost' };
      const socket: Socket = tls === 'implicit' ? connectTls(options) : plain;
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.write('NOOP\r\n');
      await asked.promise;
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(text).toBe('');
      expect(gateway.gateway.sessionCount).toBe(0);
      decided.resolve();
      await expect.poll(() => text).toMatch(/^220 .*\r\n200 /);
      socket.destroy();
    },
  );

  test('is not waited for when the gateway closes', async () => {
    const { count, module } = counter();
    const guard = defineModule({ name: 'slow', onConnect: never });
    const gateway = await startGateway({}, {}, { modules: [module, guard] });
    const waiting = heard(gateway);
    await expect.poll(() => count.came).toBe(1);
    await gateway.gateway.close();
    expect(await waiting).toBe('');
    await expect.poll(() => count.went).toBe(1);
  });
});

test('a guard of logins refuses by a promise that fails', async () => {
  const gateway = await startGateway({}, {}, { modules: [defineModule({ name: 'guard', onLogin: fails })] });
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send('USER partner');
  expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^530 Login incorrect/);
  expect(await client.send('PWD')).toMatch(/^530/);
  expect(gateway.log.of('module.failed')).toMatchObject([{ module: 'guard', hook: 'onLogin' }]);
});

test('who is told of the end fails alone, at once or later', async () => {
  const { count, module } = counter();
  const throwing = () => {
    throw new Error('broken');
  };
  const modules: Module[] = [
    { name: 'one', onDisconnect: throwing },
    { name: 'two', onDisconnect: fails },
    { name: 'three', onDisconnect: never },
    module,
  ];
  const gateway = await startGateway({}, {}, { modules });
  const client = await RawClient.login(gateway);
  client.close();
  await expect.poll(() => gateway.log.of('module.failed').map((entry) => entry.module)).toEqual(['one', 'two']);
  expect(count).toEqual({ came: 1, went: 1 });
  expect(gateway.gateway.sessionCount).toBe(0);
});

test('an event whose observer returns what is no promise is no failure', async () => {
  const came: unknown[] = [];
  const connect = (event: object) => came.push(event) as unknown as undefined;
  const gateway = await startGateway({}, {}, { on: { connect, disconnect: fails } });
  const client = await RawClient.connect(gateway);
  expect(gateway.log.of('module.failed')).toEqual([]);
  client.close();
  await expect.poll(() => gateway.log.of('module.failed')).toMatchObject([{ event: 'disconnect' }]);
});

test('a log that fails ends neither session nor process', async () => {
  const fail = () => {
    throw new Error('disk full');
  };
  const log = { debug: fail, info: fail, warn: fail, error: fail, with: fail };
  const gateway = await startGateway({}, {}, { log });
  const client = await RawClient.login(gateway);
  expect(await client.send('QUIT')).toMatch(/^221/);
});
