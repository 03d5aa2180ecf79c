/** What a gateway writes into its audit log of connections, logins and refusals, over real sockets: who, from where, to what and why. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { reply } from '../../src/protocol/reply.ts';
import { DECLINED, defineModule, ERROR } from '../../src/spi/module.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';
import { logIn, replyTo } from '../fixtures/log-in.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';

const _SHA256_OF_HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const _TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ANY_TLS = { version: 'TLSv1.3', suite: expect.stringMatching(/^TLS_/), resumed: expect.any(Boolean) };

let audit: MemoryAuditLog;

beforeEach(() => {
  audit = memoryAuditLog();
});

function start(options: Partial<GatewayOptionsInput> = {}, user: TestUser = {}, parts = {}): Promise<TestGateway> {
  return startGateway(options, user, { audit, ...parts });
}

describe('connections and logins', () => {
  test('a session has its connection, its TLS, its login and the end of each, in this order', async () => {
    const gateway = await start();
    const client = await RawClient.login(gateway);
    await client.send('CLNT Partner 1.0');
    await client.send('QUIT');
    await audit.eventually('connection.closed');
    const events = audit.events.filter((event) => /^(connection|tls|login)\./.test(event));
    expect(events).toEqual([
      ...['connection.opened', 'tls.established', 'login.succeeded', 'login.ended', 'connection.closed'],
    ]);
    const origin = { address: '127.0.0.1', port: expect.any(Number), session: expect.stringMatching(/^[0-9a-f]{12}$/) };
    expect(audit.told('connection.opened')).toEqual([
      {
        ...{ event: 'connection.opened', result: 'success', who: {}, origin },
        object: { listener: `127.0.0.1 port ${gateway.port}` },
      },
    ]);
    expect(audit.told('tls.established')[0]).toMatchObject({
      object: { channel: 'control', tls: { ...ANY_TLS, group: expect.any(String) } },
    });
    expect(audit.told('login.succeeded')[0]).toMatchObject({
      ...{ result: 'success', who: { account: 'partner' }, object: { command: 'PASS', by: 'password', tls: ANY_TLS } },
    });
    expect(audit.told('login.ended')[0]).toMatchObject({
      who: { account: 'partner' },
      origin: { client: 'Partner 1.0' },
    });
    expect(new Set(audit.records.flatMap((one) => one.origin.session ?? [])).size).toBe(1);
  });

  test('a login ends once, also when its connection is merely lost', async () => {
    const client = await RawClient.login(await start());
    client.close();
    await audit.eventually('connection.closed');
    expect(audit.told('login.ended')).toMatchObject([{ who: { account: 'partner' } }]);
  });

  test('a second login in a session ends the first', async () => {
    const gateway = await start();
    const client = await RawClient.login(gateway);
    await client.send('USER nobody');
    expect(audit.told('login.ended')).toHaveLength(1);
    client.close();
    await audit.eventually('connection.closed');
    expect(audit.told('login.ended')).toHaveLength(1);
  });

  test('a login by certificate has the certificate, and so has everything in the session', async () => {
    const { cert, key, caCert, clientCert, clientKey } = await testCertificates();
    const gateway = await start({
      tls: { certificate: cert, key, clientCertificate: 'optional', clientCa: caCert },
      authentication: [{ type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' }],
    });
    const client = await RawClient.connect(gateway, { certificate: { cert: clientCert, key: clientKey } });
    await client.send('AUTH TLS');
    await client.startTls();
    expect(await client.send('USER partner')).toMatch(/^232/);
    await client.send('MKD sub');
    const certificate = new X509Certificate(clientCert).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(audit.told('login.succeeded')).toMatchObject([
      { who: { account: 'partner', certificate }, object: { command: 'USER', by: 'certificate' } },
    ]);
    expect(audit.told('directory.made')).toMatchObject([{ who: { account: 'partner', certificate } }]);
    client.close();
  });

  test('a wrong password is told with the name that was tried and the reason, in TLS and from where', async () => {
    const gateway = await start();
    expect(await replyTo(gateway, 'partner', 'a wrong one')).toMatch(/^530/);
    expect(audit.told('login.failed')).toMatchObject([
      {
        ...{ result: 'failure', who: { account: 'partner' }, origin: { address: '127.0.0.1' } },
        ...{ object: { command: 'PASS', tls: ANY_TLS }, reason: expect.stringMatching(/./) },
      },
    ]);
    expect(audit.events).not.toContain('login.succeeded');
  });

  test('a login in clear is refused by policy, and the name is known', async () => {
    const client = await RawClient.connect(await start());
    expect(await client.send('USER partner')).toMatch(/^530/);
    expect(audit.told('access.refused')).toMatchObject([
      { result: 'failure', who: { account: 'partner' }, object: { command: 'USER' }, reason: 'TlsFirst' },
    ]);
    client.close();
  });

  test('an address that is shut out is refused with LockedOut', async () => {
    const gateway = await start({ limits: { loginFailuresPerAddressMax: 1 } });
    await replyTo(gateway, 'partner', 'wrong');
    expect(await replyTo(gateway, 'partner', gateway.password)).toMatch(/^421/);
    expect(audit.told('access.refused')).toMatchObject([
      { who: { account: 'partner' }, object: { command: 'PASS' }, reason: 'LockedOut' },
    ]);
  });

  test('one connection of an account too many is refused with TooManyConnections', async () => {
    const gateway = await start({ limits: { connectionsPerAccountMax: 1 } });
    const { client } = await logIn(gateway, gateway.user, gateway.password);
    expect(await replyTo(gateway, gateway.user, gateway.password)).toMatch(/^421/);
    expect(audit.told('access.refused')).toMatchObject([{ who: { account: 'partner' }, reason: 'TooManyConnections' }]);
    client.close();
  });

  test('a connection that is turned away was never open', async () => {
    const gateway = await start({ limits: { connectionsMax: 1 } });
    const client = await RawClient.connect(gateway);
    const second = connect(gateway.port, gateway.host).on('error', () => undefined);
    second.resume();
    await once(second, 'close');
    expect(await audit.eventually('connection.refused')).toMatchObject({
      ...{ result: 'failure', origin: { address: '127.0.0.1' }, reason: 'TooManyConnections' },
    });
    expect(audit.told('connection.opened')).toHaveLength(1);
    client.close();
  });

  test('a handshake that fails is told with its reason', async () => {
    const gateway = await start();
    const client = await RawClient.connect(gateway);
    await client.send('AUTH TLS');
    // Of the form of a handshake, and none.
    client.write(Buffer.from('16030100050100000100', 'hex'));
    expect(await audit.eventually('tls.failed')).toMatchObject({
      ...{ result: 'failure', object: { channel: 'control' }, reason: expect.stringMatching(/./) },
    });
    expect(audit.events).not.toContain('tls.established');
  });
});

describe('refusals', () => {
  test('commands in clear behind AUTH are told as what they are', async () => {
    const client = await RawClient.connect(await start());
    client.write('AUTH TLS\r\nUSER partner\r\n');
    await client.end();
    expect(await audit.eventually('access.refused')).toMatchObject({
      ...{ result: 'failure', object: { attack: true }, reason: expect.stringContaining('in clear behind AUTH') },
    });
  });

  test('data in clear, and without reuse of the session', async () => {
    const gateway = await start();
    const client = await RawClient.login(gateway, { reuse: false });
    await client.send('PROT C');
    expect(await client.send('EPSV')).toMatch(/^521/);
    await client.send('PROT P');
    expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^522/);
    expect(audit.told('access.refused')).toMatchObject([
      { object: { command: 'EPSV' }, reason: 'ProtectionRequired' },
      { object: { command: 'STOR', path: '/a.txt' }, reason: 'ReuseRequired' },
    ]);
    expect(audit.told('upload.incomplete')).toMatchObject([{ object: { path: '/a.txt', bytes: 0 } }]);
    client.close();
  });

  test('TLS that fails on a data connection is told of beside the transfer that it ends', async () => {
    const client = await RawClient.login(await start());
    const socket = await client.passive();
    expect(await client.send('STOR a.txt')).toMatch(/^150/);
    socket.write('this is no ClientHello at all');
    expect(await client.reply()).toMatch(/^522/);
    expect(audit.told('tls.failed')).toMatchObject([
      {
        result: 'failure',
        who: { account: 'partner' },
        object: { channel: 'data' },
        reason: expect.stringMatching(/^DataTlsFailed/),
      },
    ]);
    expect(audit.told('upload.incomplete')).toMatchObject([{ object: { path: '/a.txt' } }]);
    client.close();
  });

  test('what the permissions do not allow, whichever command asks', async () => {
    const gateway = await start({}, { permissions: 'el' });
    await writeFile(join(gateway.home, 'a.txt'), 'hello');
    const client = await RawClient.login(gateway);
    await client.passive();
    for (const line of ['RETR a.txt', 'DELE a.txt', 'MKD sub', 'SITE CHMOD 600 a.txt']) {
      expect(await client.send(line)).toMatch(/^550/);
    }
    const refused = audit
      .told('access.refused')
      .map(({ object: { command, path }, reason }) => [command, path, reason]);
    expect(refused).toEqual([
      ['RETR', '/a.txt', 'PermissionDenied'],
      ['DELE', '/a.txt', 'PermissionDenied'],
      ['MKD', '/sub', 'PermissionDenied'],
      ['SITE CHMOD', '/a.txt', 'PermissionDenied'],
    ]);
    expect(audit.events.filter((event) => /^(file|directory|upload|download)\./.test(event))).toEqual([]);
    client.close();
  });

  test('a rule that refuses is named', async () => {
    const gateway = await start({ rules: [{ deny: ['write'], paths: ['/sealed/**'] }] });
    await mkdir(join(gateway.home, 'sealed'));
    const client = await RawClient.login(gateway);
    expect(await client.send('MKD sealed/x')).toMatch(/^550/);
    expect(audit.told('access.refused')).toMatchObject([
      {
        object: { command: 'MKD', path: '/sealed/x', rule: expect.stringContaining('deny') },
        reason: 'PermissionDenied',
      },
    ]);
    client.close();
  });

  test('a command of members before the login, without what was typed', async () => {
    const client = await RawClient.connect(await start());
    expect(await client.send('SITE PSWD old-secret new-secret')).toMatch(/^530/);
    expect(await client.send('CWD some-secret')).toMatch(/^530/);
    expect(audit.told('access.refused')).toMatchObject([
      { who: {}, object: { command: 'SITE' }, reason: 'NotLoggedIn' },
      { who: {}, object: { command: 'CWD' }, reason: 'NotLoggedIn' },
    ]);
    expect(JSON.stringify(audit.records)).not.toContain('secret');
    client.close();
  });

  test('a guard of an extension, by its name and its words', async () => {
    const guard = defineModule({
      name: 'office-hours',
      handlers: [
        { phase: 'PRE_CMD', verb: 'RETR', handle: () => ERROR(reply(550, 'Come tomorrow.')) },
        { phase: 'PRE_CMD', verb: 'DELE', handle: () => DECLINED },
      ],
    });
    const client = await RawClient.login(await start({}, {}, { modules: [guard] }));
    expect(await client.send('RETR a.txt')).toMatch(/^550/);
    expect(audit.told('access.refused')).toMatchObject([
      { object: { command: 'RETR', path: '/a.txt', by: 'office-hours' }, reason: 'Come tomorrow.' },
    ]);
    client.close();
  });
});
