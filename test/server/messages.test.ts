import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway } from '../fixtures/gateway.ts';

async function secured(gateway: Parameters<typeof RawClient.connect>[0]): Promise<RawClient> {
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

test('strangers and wrong passwords are told nothing', async () => {
  const gateway = await startGateway({ loginMessage: 'Welcome.', quitMessage: 'See you.' });
  const client = await secured(gateway);
  await client.send('USER partner');
  expect(await client.send('PASS wrong')).toBe('530 Login incorrect.');
  expect(await client.send('QUIT')).toBe('221 Goodbye.');
});

test('the greeting is the banner, and strangers read nothing else', async () => {
  const gateway = await startGateway({ banner: 'Acme file exchange.', loginMessage: 'Welcome.' });
  const socket = connectTcp(gateway.port, gateway.host);
  const [greeting] = await once(socket, 'data');
  socket.destroy();
  expect(String(greeting)).toBe('220 Acme file exchange.\r\n');
});

test('members are greeted behind their login and seen off', async () => {
  const gateway = await startGateway({
    loginMessage: 'Welcome.\nFiles are kept for 30 days.\n',
    quitMessage: 'See you.',
  });
  const client = await secured(gateway);
  await client.send('USER partner');
  expect(await client.send(`PASS ${PASSWORD}`)).toBe('230-Logged in.\n Welcome.\n230 Files are kept for 30 days.');
  expect(await client.send('QUIT')).toBe('221-Goodbye.\n221 See you.');
});

test('what an account says goes before what the server says, and empty is nothing', async () => {
  const gateway = await startGateway(
    { loginMessage: 'To all.', quitMessage: 'To all.' },
    { loginMessage: 'To you.', quitMessage: '' },
  );
  const client = await secured(gateway);
  await client.send('USER partner');
  expect(await client.send(`PASS ${PASSWORD}`)).toBe('230-Logged in.\n230 To you.');
  expect(await client.send('QUIT')).toBe('221 Goodbye.');
});

test('a message with control characters is refused at the start', async () => {
  for (const loginMessage of ['bell \u0007', 'carriage\r\nreturn', 'hidden \u202e']) {
    await expect(startGateway({ loginMessage })).rejects.toThrow('visible characters');
  }
});
