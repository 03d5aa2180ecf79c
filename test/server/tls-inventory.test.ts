/** What the gateway keeps of the TLS that clients come with: when it is written, what is in it, and what never is. */
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeClientCertificate } from '../../src/cli/certificates.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { TlsRecordData } from '../../src/modules/tls-record.ts';
import { readRecord } from '../../src/modules/tls-record-file.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { type ClientOptions, RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway } from '../fixtures/gateway.ts';

const DAY_MS = 86_400_000;

/** Certificates are looked at by this clock, too, so that it cannot begin anywhere. */
const clockNow = () => new FakeClock(Date.now());

/** A place for an inventory. */
async function inventoryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-inventory-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'inventory.json');
}

/** The usual certificates, and one of the same authority for somebody else. */
async function certificatesOfTwo() {
  const certificates = await testCertificates();
  const { caCert, clientKey, files } = certificates;
  const issuer = { cert: caCert, key: await readFile(join(files.folder, 'ca.key'), 'utf8') };
  const strangerCert = makeClientCertificate(clientKey, issuer, { name: 'stranger', nowMs: Date.now(), days: 2 });
  return { ...certificates, strangerCert };
}

type Options = NonNullable<Parameters<typeof startGateway>[0]>;

/** A gateway that keeps its inventory there. */
async function gatewayWith(file: string, { tls = {}, ...more }: Options & { tls?: object } = {}, clock = clockNow()) {
  const { cert: certificate, key } = await testCertificates();
  return startGateway({ tls: { certificate, key, inventoryFile: file, ...tls }, ...more }, {}, { clock });
}

async function recordIn(file: string): Promise<TlsRecordData> {
  const read = await readRecord(file);
  if (read.kind !== 'record') throw new Error(JSON.stringify(read));
  return read.data;
}

/** What was seen, without counts and times. */
async function seenIn(file: string) {
  const { accounts, strangers } = await recordIn(file);
  return {
    accounts: accounts.map(({ name, behaviours }) => [name, ...behaviours.map(({ behaviour }) => behaviour)]),
    strangers: strangers.map(({ why, network, count }) => [why, network, count]),
  };
}

/** Logs in, does something, and ends; then the gateway is closed, and what it kept is read. */
async function seenOf(
  options: Options & { tls?: object },
  client: ClientOptions,
  act: (client: RawClient) => Promise<unknown>,
) {
  const file = await inventoryFile();
  const gateway = await gatewayWith(file, options);
  const raw = await RawClient.login(gateway, client);
  await act(raw);
  raw.close();
  await gateway.gateway.close();
  return seenIn(file);
}

describe('what was refused', () => {
  test('before anybody had logged in: by network, without the name that was given', async () => {
    const file = await inventoryFile();
    const gateway = await gatewayWith(file, { tls: { minVersion: 'TLSv1.3' } });
    const clear = await RawClient.connect(gateway);
    expect(await clear.send('USER hunter2')).toMatch(/^530/);
    expect(await clear.send('PASS hunter2')).toMatch(/^530/);
    const old = await RawClient.connect(gateway, { version: 'TLSv1.2' });
    await old.send('AUTH TLS');
    await expect(old.startTls()).rejects.toThrow();
    const odd = await RawClient.connect(gateway);
    await odd.send('AUTH TLS');
    const { caCert: ca } = gateway.certificates;
    const ciphers = 'TLS_AES_128_CCM_SHA256';
    await expect(
      once(connectTls({ socket: odd.socket, ca, servername: 'localhost', ciphers }), 'secureConnect'),
    ).rejects.toThrow();
    for (const client of [clear, old, odd]) client.close();
    await gateway.gateway.close();
    expect(await seenIn(file)).toEqual({
      accounts: [],
      strangers: [
        ['clear_login', '127.0.0.1', 1],
        ['version', '127.0.0.1', 1],
        ['suite', '127.0.0.1', 1],
      ],
    });
    expect(await readFile(file, 'utf8')).not.toContain('hunter2');
  });

  test('without a client certificate where one is required', async () => {
    const file = await inventoryFile();
    const { caCert: clientCa } = await testCertificates();
    const gateway = await gatewayWith(file, { tls: { clientCertificate: 'required', clientCa } });
    const client = await RawClient.login(gateway);
    client.close();
    await gateway.gateway.close();
    expect((await seenIn(file)).strangers).toEqual([['certificate', '127.0.0.1', 1]]);
  });

  test('for keys that a quantum computer would break: of the account, for it had proved who it was', async () => {
    const file = await inventoryFile();
    const { cert: certificate, key } = await testCertificates();
    const user = { postQuantum: 'required' } as const;
    const gateway = await startGateway({ tls: { certificate, key, inventoryFile: file } }, user);
    const client = await RawClient.connect(gateway, { version: 'TLSv1.2' });
    await client.send('AUTH TLS');
    await client.startTls();
    await client.send(`USER ${gateway.user}`);
    expect(await client.send('PASS wrong')).toMatch(/^530 Login incorrect/);
    await client.send(`USER ${gateway.user}`);
    expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^530 .*post-quantum/);
    client.close();
    await gateway.gateway.close();
    const { accounts, strangers } = await seenIn(file);
    expect(strangers).toEqual([]);
    expect(accounts).toEqual([
      ['partner', expect.objectContaining({ channel: 'control', version: 'TLSv1.2', refused: 'post_quantum' })],
    ]);
  });

  describe('for the certificate that an account demands: of the account, for it had proved who it was', () => {
    const ALONE: Options['authentication'] = [
      { type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' },
      { type: 'users' },
    ];

    /** What is in the record of a client who says these lines, the last of which is answered like a wrong password. */
    async function recordOf(asking: object, client: ClientOptions, lines: readonly string[]) {
      const file = await inventoryFile();
      const { cert: certificate, key } = await testCertificates();
      const tls = { certificate, key, inventoryFile: file, ...asking };
      const user = { certificateFingerprints: ['00'.repeat(32)] };
      const gateway = await startGateway({ tls, authentication: ALONE }, user);
      const raw = await RawClient.connect(gateway, client);
      await raw.send('AUTH TLS');
      await raw.startTls();
      const replies = [];
      for (const line of lines) replies.push(await raw.send(line));
      expect(replies.at(-1)).toBe('530 Login incorrect.');
      raw.close();
      await gateway.gateway.close();
      expect(gateway.log.of('command.failed').at(-1)).toMatchObject({ fault: 'AccountCertificateRequired' });
      return seenIn(file);
    }
    const BY_PASSWORD = ['USER partner', 'PASS wrong', 'USER partner', `PASS ${PASSWORD}`];

    test('that is another than it showed, with the password or alone', async () => {
      const { caCert: clientCa, clientCert: cert, clientKey: key, strangerCert } = await certificatesOfTwo();
      const asking = { clientCertificate: 'optional', clientCa };
      const seen = ['partner', expect.objectContaining({ certificate: 'trusted', refused: 'certificate' })];
      const alone = await recordOf(asking, { certificate: { cert, key } }, ['USER partner']);
      expect(alone).toEqual({ accounts: [seen], strangers: [] });
      const both = await recordOf(asking, { certificate: { cert: strangerCert, key } }, BY_PASSWORD);
      expect(both).toEqual({ accounts: [seen], strangers: [] });
    });

    test('where it showed none, and where it was asked for none', async () => {
      const { caCert: clientCa } = await testCertificates();
      const none = await recordOf({ clientCertificate: 'optional', clientCa }, {}, BY_PASSWORD);
      expect(none).toEqual({
        accounts: [['partner', expect.objectContaining({ certificate: 'none', refused: 'certificate' })]],
        strangers: [],
      });
      const unasked = await recordOf({}, {}, BY_PASSWORD);
      expect(unasked.accounts[0]?.[1]).toMatchObject({ certificate: 'not_asked', refused: 'certificate' });
    });
  });

  test('a data connection without the certificate of its login, and one over keys that would not last', async () => {
    const { caCert: clientCa, clientCert: cert, clientKey: key } = await testCertificates();
    const tls = { clientCertificate: 'optional', clientCa } as const;
    const without = { reuse: false, certificate: { cert, key }, dataTls: { cert: undefined, key: undefined } };
    const { accounts } = await seenOf({ tls, sessionReuse: 'preferred' } as Options, without, async (client) => {
      expect(await client.upload('STOR a.txt', 'x')).toMatch(/^522 .*same client certificate/);
    });
    expect(accounts[0]?.slice(2)).toEqual([{ channel: 'data', use: 'upload', refused: 'certificate' }]);

    const shown = await seenOf({ tls } as Options, { certificate: { cert, key } }, async (client) => {
      expect(await client.upload('STOR a.txt', 'x')).toMatch(/^226/);
    });
    expect(shown.accounts[0]?.[2]).toMatchObject({ use: 'upload', resumed: true, certificate: 'same' });

    const classic = { version: 'TLSv1.3', dataTls: { ecdhCurve: 'X25519' } } as const;
    const file = await inventoryFile();
    const own = await testCertificates();
    const options = { tls: { certificate: own.cert, key: own.key, inventoryFile: file } };
    const gateway = await startGateway(options, { postQuantum: 'required' });
    const client = await RawClient.login(gateway, classic);
    expect(await client.upload('STOR a.txt', 'x')).toMatch(/^522 .*post-quantum/);
    client.close();
    await gateway.gateway.close();
    expect((await seenIn(file)).accounts[0]?.slice(2)).toEqual([
      expect.objectContaining({ channel: 'data', use: 'upload', group: expect.any(String), refused: 'post_quantum' }),
    ]);
  });

  test('521, 522 and 426, with what was known of the connection', async () => {
    const { accounts } = await seenOf({}, { reuse: false, version: 'TLSv1.2' }, async (client) => {
      expect(await client.upload('STOR a.txt', 'x')).toMatch(/^522/);
      await client.send('PROT C');
      expect(await client.send('EPSV')).toMatch(/^521/);
    });
    expect(accounts).toEqual([
      [
        'partner',
        expect.objectContaining({ channel: 'control', version: 'TLSv1.2' }),
        { channel: 'data', use: 'upload', refused: 'session_reuse' },
        { channel: 'data', version: 'none', refused: 'protection' },
      ],
    ]);
    const cut = await seenOf({}, {}, async (client) => {
      const socket = await client.passive();
      await client.send('STOR a.txt');
      const secured = client.secure(socket);
      await new Promise((resolve) => secured.write('half', resolve));
      socket.end();
      expect(await client.reply()).toMatch(/^426/);
    });
    expect(cut.accounts[0]?.[2]).toMatchObject({
      use: 'upload',
      resumed: true,
      closeNotify: false,
      refused: 'close_notify',
    });
  });
});

describe('what is seen', () => {
  test('of a login, its client’s name among it although it comes behind, and of each kind of transfer', async () => {
    const { accounts } = await seenOf({}, { version: 'TLSv1.3' }, async (client) => {
      await client.send('CLNT Tester 2');
      await client.upload('STOR secret-name.txt', 'x');
      await client.download('RETR secret-name.txt');
      await client.download('MLSD');
    });
    const tls = { version: 'TLSv1.3', suite: 'TLS_AES_256_GCM_SHA384', client: 'Tester 2' };
    expect(accounts).toEqual([
      [
        'partner',
        expect.objectContaining({ channel: 'control', ...tls, serverName: true, certificate: 'not_asked' }),
        { channel: 'data', use: 'upload', ...tls, group: expect.any(String), resumed: true, closeNotify: true },
        { channel: 'data', use: 'download', ...tls, group: expect.any(String), resumed: true },
        { channel: 'data', use: 'listing', ...tls, group: expect.any(String), resumed: true },
      ],
    ]);
    expect(JSON.stringify(accounts)).not.toContain('secret-name');
  });

  test('of certificates: shown, or not shown although the gateway asked', async () => {
    const { caCert: clientCa, clientCert: cert, clientKey: key } = await testCertificates();
    const tls = { clientCertificate: 'optional', clientCa };
    const idle = async () => undefined;
    const shown = await seenOf({ tls } as Options, { certificate: { cert, key } }, idle);
    expect(shown.accounts[0]?.[1]).toMatchObject({ certificate: 'trusted' });
    const none = await seenOf({ tls } as Options, {}, idle);
    expect(none.accounts[0]?.[1]).toMatchObject({ certificate: 'none' });
  });

  test('nothing of a transfer that came to no data connection, or of a password that was wrong', async () => {
    const { accounts } = await seenOf({}, {}, async (client) => {
      expect(await client.send('RETR missing.txt')).toMatch(/^425/);
      await client.passive();
      expect(await client.send('RETR missing.txt')).toMatch(/^550/);
      await client.send('USER partner');
      expect(await client.send('PASS wrong')).toMatch(/^530/);
    });
    expect(accounts).toEqual([['partner', expect.objectContaining({ channel: 'control' })]]);
  });
});

describe('the file', () => {
  test('is written half a minute behind a login, and once more when the gateway closes', async () => {
    const file = await inventoryFile();
    const clock = clockNow();
    const gateway = await gatewayWith(file, {}, clock);
    const client = await RawClient.login(gateway);
    clock.advance(29_000);
    expect(await readRecord(file)).toEqual({ kind: 'absent' });
    clock.advance(1_000);
    // The session goes on: what it did so far survives a crash.
    await expect.poll(async () => (await readRecord(file)).kind).toBe('record');
    expect((await recordIn(file)).accounts[0]?.behaviours).toHaveLength(1);
    await client.upload('STOR a.txt', 'x');
    client.close();
    await gateway.gateway.close();
    expect((await recordIn(file)).accounts[0]?.behaviours).toMatchObject([{ count: 1 }, { count: 1 }]);
  });

  test('is gone on with at the next start, by the same gateway and by another', async () => {
    const file = await inventoryFile();
    const clock = clockNow();
    const visit = async (gateway: Awaited<ReturnType<typeof gatewayWith>>) => {
      const port = gateway.gateway.addresses[0]?.port ?? 0;
      const client = await RawClient.login({ ...gateway, port });
      client.close();
      await gateway.gateway.close();
    };
    const first = await gatewayWith(file, {}, clock);
    await visit(first);
    await first.gateway.start();
    await visit(first);
    clock.advance(DAY_MS);
    await visit(await gatewayWith(file, {}, clock));
    const { accounts, sinceMs } = await recordIn(file);
    expect(accounts[0]?.behaviours).toMatchObject([{ count: 3, firstMs: sinceMs, lastMs: sinceMs + DAY_MS }]);
  });

  test('forgets what it has not seen for inventory_days', async () => {
    const file = await inventoryFile();
    const clock = clockNow();
    const tls = { inventoryDays: 10 };
    const first = await gatewayWith(file, { tls } as Options, clock);
    (await RawClient.login(first, { version: 'TLSv1.2' })).close();
    await first.gateway.close();
    clock.advance(11 * DAY_MS);
    const second = await gatewayWith(file, { tls } as Options, clock);
    (await RawClient.login(second, { version: 'TLSv1.3' })).close();
    await second.gateway.close();
    expect((await seenIn(file)).accounts).toEqual([['partner', expect.objectContaining({ version: 'TLSv1.3' })]]);
  });

  test('that is broken is set aside with an entry in the log, and a new one is begun', async () => {
    const file = await inventoryFile();
    await writeFile(file, '{"format":"sallyport-tls-inv');
    const gateway = await gatewayWith(file);
    expect(gateway.log.of('tls_inventory.broken')).toMatchObject([{ file, kept: `${file}.broken` }]);
    (await RawClient.login(gateway)).close();
    await gateway.gateway.close();
    expect(await readFile(`${file}.broken`, 'utf8')).toBe('{"format":"sallyport-tls-inv');
    expect((await seenIn(file)).accounts).toHaveLength(1);
  });

  test('that cannot be read is left alone', async () => {
    const file = await inventoryFile();
    await symlink(file, file);
    const gateway = await gatewayWith(file);
    expect(gateway.log.of('tls_inventory.unreadable')).toHaveLength(1);
    (await RawClient.login(gateway)).close();
    await gateway.gateway.close();
    expect(await readlink(file)).toBe(file);
  });

  test('whose place is a folder keeps nobody from starting', async () => {
    const file = await inventoryFile();
    await mkdir(file);
    const gateway = await gatewayWith(file);
    expect(gateway.log.of('tls_inventory.unreadable')).toHaveLength(1);
    (await RawClient.login(gateway)).close();
    await gateway.gateway.close();
  });

  test('that cannot be written is an entry in the log, once, and no reason to refuse anybody', async () => {
    const file = await inventoryFile();
    const clock = clockNow();
    const gateway = await gatewayWith(file, {}, clock);
    await rm(join(file, '..'), { recursive: true });
    for (let index = 0; index < 2; index++) {
      const client = await RawClient.login(gateway);
      expect(await client.upload('STOR a.txt', 'x')).toMatch(/^226/);
      client.close();
      clock.advance(30_000);
      await expect.poll(() => gateway.log.of('tls_inventory.not_saved').length).toBe(1);
    }
    await gateway.gateway.close();
    expect(gateway.log.of('tls_inventory.not_saved')).toHaveLength(1);
  });
});
