/** How many may come and how often they may guess, over real sockets. */
import { connect as connectTcp } from 'node:net';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';

/** Everything that the gateway says to one who says nothing, until it closes. */
async function turnedAway({ port, host }: TestGateway): Promise<string> {
  const socket = connectTcp(port, host);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test('beyond the connections that there may be in all, a client is told 421 in place of a greeting', async () => {
  const gateway = await startGateway({ limits: { connectionsMax: 1 } });
  const client = await RawClient.connect(gateway);
  expect(await turnedAway(gateway)).toMatch(/^421 Too many connections; try again later/);
  client.close();
  await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
  (await RawClient.connect(gateway)).close();
});

test('beyond the connections of one address, it is told so', async () => {
  const gateway = await startGateway({ limits: { connectionsPerAddressMax: 1 } });
  await RawClient.connect(gateway);
  expect(await turnedAway(gateway)).toMatch(/^421 Too many connections from your address/);
});

test('so many wrong passwords end the connection', async () => {
  const gateway = await startGateway({ limits: { loginAttemptsMax: 2 } });
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  for (let attempt = 1; attempt <= 2; attempt++) {
    await client.send('USER partner');
    expect(await client.send('PASS wrong')).toMatch(/^530/);
  }
  expect(await client.reply()).toMatch(/^421/);
  await client.end();
});
