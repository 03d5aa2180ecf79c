/** Limits that only show over real sockets. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

test('who does not log in in time is told so and sent away', async () => {
  const gateway = await startGateway({ limits: { loginTimeoutMs: 300, handshakeTimeoutMs: 300 } });
  const client = await RawClient.connect(gateway);
  expect(await client.reply()).toMatch(/^421.*login/);
  await client.end();
});

test('a client that never connects to its passive port gets 425 when the wait is over', async () => {
  const gateway = await startGateway({ limits: { dataConnectTimeoutMs: 300 } });
  const client = await RawClient.login(gateway);
  await client.send('EPSV');
  expect(await client.send('STOR a.txt')).toMatch(/^150/);
  expect(await client.reply()).toMatch(/^425/);
  expect(await client.send('NOOP')).toMatch(/^200/);
});

test('a passive port that too many strangers try is given up', async () => {
  const gateway = await startGateway({ limits: { wrongPeersMax: 2 } });
  const client = await RawClient.login(gateway);
  const port = Number(/\|\|\|(\d+)\|/.exec(await client.send('EPSV'))?.[1]);
  for (const localAddress of ['127.0.0.2', '127.0.0.3']) {
    const stranger = connect({ port, host: '127.0.0.1', localAddress });
    stranger.on('error', () => undefined);
    await once(stranger, 'close');
  }
  await client.send('STOR a.txt');
  expect(await client.reply()).toMatch(/^425/);
});
