/** Virtual hosts over real sockets: HOST and SNI choose the certificate, the greeting and who may log in (RFC 7151). */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { makeKey, makeServerCertificate } from '../../src/cli/certificates.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import type { ClientOptions } from '../fixtures/ftp-client.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';

/** `a.example` greets and lets only `partner` in, `b.example` only somebody else; the gateway itself is `localhost`. */
async function startHosts(options: Partial<GatewayOptionsInput> = {}): Promise<TestGateway> {
  const hosts = [
    { name: 'a.example', ...(await identity('a.example')), banner: 'This is A.', users: ['partner'] },
    { name: 'b.example', ...(await identity('b.example')), users: ['somebody'] },
    { name: 'c.example', ...(await identity('c.example')) },
  ];
  return startGateway({ hosts, ...options });
}

async function identity(name: string) {
  made[name] ??= makeIdentity(name);
  return made[name];
}

const made: Record<string, Promise<{ certificate: string; key: string }>> = {};

async function makeIdentity(name: string) {
  const { caCert, files } = await testCertificates();
  const ca = { cert: caCert, key: readFileSync(join(files.folder, 'ca.key'), 'utf8') };
  const key = await makeKey(2048);
  return { certificate: makeServerCertificate(key, ca, { names: [name], nowMs: Date.now(), days: 30 }), key };
}

async function connect(gateway: TestGateway, options: ClientOptions): Promise<RawClient> {
  const client = await RawClient.connect(gateway, options);
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

test.each([
  ['HOST', 501],
  ['HOST a.example:21', 501],
  ['HOST [::1]:21', 501],
  ['HOST a..example', 501],
  ['HOST d.example', 504],
  ['HOST 192.0.2.1', 504],
  ['HOST [::1]', 504],
])('%s is answered %i, and the dialogue goes on', async (line, code) => {
  const client = await RawClient.connect(await startHosts());
  expect(await client.send(line)).toMatch(new RegExp(`^${code} `));
  expect(await client.send('HOST a.example')).toBe('220 This is A.');
});

test('HOST behind the login is out of sequence', async () => {
  const client = await RawClient.login(await startHosts());
  expect(await client.send('HOST a.example')).toMatch(/^503/);
});

test('HOST must repeat the name that TLS was begun for', async () => {
  const client = await connect(await startHosts(), { serverName: 'a.example' });
  expect(await client.send('HOST b.example')).toMatch(/^504/);
  expect(await client.send('HOST localhost')).toMatch(/^504/);
  expect(await client.send('HOST A.Example')).toBe('220 This is A.');
});

test('TLS for another name than HOST gave is refused', async () => {
  const gateway = await startHosts();
  const client = await RawClient.connect(gateway, { serverName: 'b.example' });
  await client.send('HOST a.example');
  await client.send('AUTH TLS');
  await expect(client.startTls()).rejects.toThrow();
  await expect.poll(() => gateway.log.of('tls.failed')).toHaveLength(1);
});

test('TLS for a name that is not served is refused where hosts are named (ALPACA), and only there', async () => {
  const gateway = await startHosts();
  await expect(connect(gateway, { serverName: 'www.example' })).rejects.toThrow();
  const failures = () => gateway.log.of('tls.failed').map(({ error }) => String(error));
  await expect.poll(failures).toEqual(['Error: server_name www.example is not served here']);
  const plain = connect(await startGateway(), { serverName: 'www.example' });
  // The client is let in and turns away by itself, for the certificate is not for that name.
  await expect(plain).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});

test('who is not on the list of the host gets the answer to a wrong password, and it counts as one', async () => {
  const gateway = await startHosts({ limits: { loginAttemptsMax: 1 } });
  const answers: string[] = [];
  for (const [serverName, password] of [
    ['a.example', 'wrong'],
    ['b.example', gateway.password],
  ] as const) {
    const client = await connect(gateway, { serverName });
    await client.send(`USER ${gateway.user}`);
    answers.push(await client.send(`PASS ${password}`));
    expect(await client.reply()).toMatch(/^421/);
  }
  expect(answers).toEqual(['530 Login incorrect.', '530 Login incorrect.']);
  expect(gateway.log.of('command.failed').at(-1)).toMatchObject({
    host: 'b.example',
    cause: 'partner may not log in at b.example',
  });
});

test('HOST begins the login anew', async () => {
  const gateway = await startHosts();
  const client = await connect(gateway, { serverName: '' });
  await client.send(`USER ${gateway.user}`);
  expect(await client.send('HOST c.example')).toBe('220 Sallyport ready.');
  expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^503/);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'SNI chooses the certificate, also of data connections, which resume its session (%s)',
  async (version) => {
    const gateway = await startHosts();
    for (const serverName of ['a.example', 'localhost', 'c.example']) {
      const client = await RawClient.login(gateway, { serverName, version });
      expect(await client.upload(`STOR ${serverName}`, 'hello'), serverName).toMatch(/^226/);
    }
    const stranger = await RawClient.login(gateway, { serverName: 'a.example', version, reuse: false });
    expect(await stranger.upload('STOR x', 'hello')).toMatch(/^522/);
  },
);

test('HOST in clear chooses the certificate for clients that send no SNI', async () => {
  const gateway = await startHosts();
  const client = await RawClient.connect(gateway, { serverName: '' });
  expect(await client.send('HOST a.example')).toBe('220 This is A.');
  await client.send('AUTH TLS');
  const secured = connectTls({ socket: client.socket, servername: '', rejectUnauthorized: false });
  await once(secured, 'secureConnect');
  expect(secured.getPeerCertificate().subject.CN).toBe('a.example');
  secured.destroy();
});

test('only the last HOST counts', async () => {
  const gateway = await startHosts();
  const logIn = async (client: RawClient) => {
    await client.send(`USER ${gateway.user}`);
    return client.send(`PASS ${gateway.password}`);
  };
  const client = await connect(gateway, { serverName: '' });
  await client.send('HOST b.example');
  expect(await logIn(client)).toMatch(/^530/);
  await client.send('HOST a.example');
  expect(await logIn(client)).toMatch(/^230/);
});

test('in clear REIN forgets HOST; over TLS, which it would have to end, it is refused', async () => {
  const gateway = await startHosts({ tlsControlRequired: false });
  const client = await RawClient.connect(gateway);
  await client.send('HOST b.example');
  expect(await client.send('REIN')).toMatch(/^220/);
  await client.send(`USER ${gateway.user}`);
  expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^230/);
  expect(await client.send('REIN')).toMatch(/^220/);
  expect(await client.send('PWD')).toMatch(/^530/);
  const secured = await connect(gateway, { serverName: 'b.example' });
  expect(await secured.send('REIN')).toMatch(/^502 .*section 13/);
});

test('without hosts the gateway answers to its own name and address', async () => {
  const client = await RawClient.connect(await startGateway());
  expect(await client.send('HOST localhost')).toBe('220 Sallyport ready.');
  expect(await client.send('HOST 127.0.0.1')).toMatch(/^220/);
  expect(await client.send('HOST a.example')).toMatch(/^504/);
});

test('with implicit TLS the greeting is that of the host', async () => {
  const gateway = await startHosts({ listen: [{ host: '127.0.0.1', port: 0, tls: 'implicit' }] });
  const ca = gateway.certificates.caCert;
  const socket = connectTls({ port: gateway.port, host: gateway.host, servername: 'a.example', ca });
  const [greeting] = await once(socket, 'data');
  expect(String(greeting)).toBe('220 This is A.\r\n');
  socket.destroy();
});
