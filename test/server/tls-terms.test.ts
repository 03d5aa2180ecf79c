/** Profiles, groups, ALPN and names over real sockets: what is refused, what is served, and what is known of it. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { makeKey, makeServerCertificate } from '../../src/cli/certificates.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { type ClientOptions, RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';

type TlsWishes = Pick<GatewayOptionsInput['tls'], 'profile' | 'minVersion'>;

async function gatewayWith(tls: TlsWishes, rest: Partial<GatewayOptionsInput> = {}, user: TestUser = {}) {
  const { cert, key } = await testCertificates();
  return startGateway({ tls: { certificate: cert, key, ...tls }, ...rest }, user);
}

/** Shakes hands on the control channel. @returns what the gateway knows of it, or why there was no handshake. */
async function shakeHands(gateway: TestGateway, tls: ConnectionOptions) {
  const client = await RawClient.connect(gateway, { tls });
  try {
    await client.send('AUTH TLS');
    await client.startTls();
    await expect.poll(() => gateway.log.of('tls.control')).not.toEqual([]);
    return gateway.log.of('tls.control')[0];
  } catch (error) {
    return { refused: error instanceof Error && 'code' in error ? error.code : String(error) };
  } finally {
    client.close();
  }
}

describe('profiles', () => {
  test.each([
    ['modern', { maxVersion: 'TLSv1.2' }],
    ['intermediate', { maxVersion: 'TLSv1.2', ecdhCurve: 'P-521' }],
    ['intermediate', { ecdhCurve: 'P-521' }],
    ['intermediate', { ecdhCurve: 'X448' }],
    ['intermediate', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-SHA256' }],
    ['intermediate', { maxVersion: 'TLSv1.2', sigalgs: 'rsa_pkcs1_sha1:RSA+SHA224', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['nist-800-52r2', { ciphers: 'TLS_CHACHA20_POLY1305_SHA256' }],
    ['nist-800-52r2', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-CHACHA20-POLY1305' }],
    ['nist-800-52r2', { ecdhCurve: 'X25519' }],
    ['fips', { ecdhCurve: 'X25519' }],
  ] as const)('%s refuses %o', async (profile, tls) => {
    expect(await shakeHands(await gatewayWith({ profile }), tls)).toEqual({
      refused: expect.stringMatching(/^ERR_SSL_/),
    });
  });

  test('min_version is a floor besides the profile', async () => {
    const gateway = await gatewayWith({ profile: 'nist-800-52r2', minVersion: 'TLSv1.3' });
    expect(await shakeHands(gateway, { maxVersion: 'TLSv1.2' })).toMatchObject({ refused: expect.any(String) });
  });

  test.each([
    ['modern', {}, 'TLSv1.3', 'TLS_AES_256_GCM_SHA384', 'X25519MLKEM768'],
    ['intermediate', { ecdhCurve: 'P-384:X25519' }, 'TLSv1.3', 'TLS_AES_256_GCM_SHA384', 'secp384r1'],
    // The server's order holds: the client would rather have the last one.
    [
      'intermediate',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384' },
      'TLSv1.2',
      'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      'x25519',
    ],
    ['nist-800-52r2', {}, 'TLSv1.3', 'TLS_AES_256_GCM_SHA384', 'X25519MLKEM768'],
    ['nist-800-52r2', { maxVersion: 'TLSv1.2' }, 'TLSv1.2', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'secp256r1'],
    ['fips', { ecdhCurve: 'P-256' }, 'TLSv1.3', 'TLS_AES_256_GCM_SHA384', 'secp256r1'],
  ] as const)('%s serves %o with %s, %s and %s', async (profile, tls, version, suite, group) => {
    expect(await shakeHands(await gatewayWith({ profile }), tls)).toMatchObject({ version, suite, group });
  });

  test('a start with the fips profile outside FIPS mode says so', async () => {
    const warned = async (profile: 'fips' | 'modern') => (await gatewayWith({ profile })).log.of('tls.fips_mode_off');
    expect(await warned('fips')).toEqual([{ warning: expect.stringContaining('not in FIPS mode') }]);
    expect(await warned('modern')).toEqual([]);
  });
});

describe('post-quantum keys', () => {
  const CLASSIC = { tls: { ecdhCurve: 'X25519' } } as const;

  /** What USER and PASS are answered. */
  async function logIn(gateway: TestGateway, options: ClientOptions): Promise<string> {
    const client = await RawClient.connect(gateway, options);
    await client.send('AUTH TLS');
    await client.startTls();
    await client.send(`USER ${gateway.user}`);
    const answer = await client.send(`PASS ${gateway.password}`);
    client.close();
    return answer;
  }

  test.each([{ ecdhCurve: 'X25519' }, { maxVersion: 'TLSv1.2' }] as const)(
    'required of everybody: %o is refused in the handshake',
    async (tls) => {
      const gateway = await gatewayWith({}, { postQuantum: 'required' });
      expect(await shakeHands(gateway, tls)).toEqual({ refused: expect.stringMatching(/^ERR_SSL_/) });
    },
  );

  test.each<[string, Partial<GatewayOptionsInput>, TestUser]>([
    ['an account', {}, { postQuantum: 'required' }],
    ['a class', { classes: [{ name: 'here', networks: ['127.0.0.0/8'], postQuantum: 'required' }] }, {}],
    ['an account, switched off for everybody', { postQuantum: 'off' }, { postQuantum: 'required' }],
  ])('required of %s: a login over other keys is refused with 530 and told why', async (_, options, user) => {
    const gateway = await gatewayWith({}, options, user);
    expect(await logIn(gateway, CLASSIC)).toMatch(/^530 This login needs TLS with post-quantum keys .*X25519MLKEM768/);
    expect(await logIn(gateway, { version: 'TLSv1.2' })).toMatch(/^530 This login needs/);
  });

  test('required of an account: who does not know the password learns nothing', async () => {
    const gateway = await gatewayWith({}, {}, { postQuantum: 'required' });
    expect(await logIn({ ...gateway, password: 'wrong' }, CLASSIC)).toBe('530 Login incorrect.');
  });

  test('required of an account: a login in clear is refused, where others may have one', async () => {
    const gateway = await gatewayWith({}, { tlsControlRequired: false }, { postQuantum: 'required' });
    const client = await RawClient.connect(gateway);
    await client.send(`USER ${gateway.user}`);
    expect(await client.send(`PASS ${gateway.password}`)).toMatch(/^530 This login needs/);
  });

  test('required of an account: data connections need such keys too, and protection in any case', async () => {
    const options = { tlsDataRequired: false, sessionReuse: 'off' } as const;
    const gateway = await gatewayWith({}, options, { postQuantum: 'required' });
    const client = await RawClient.login(gateway, { dataTls: { ecdhCurve: 'X25519' } });
    expect(await client.upload('STOR a.bin', 'content')).toMatch(/^522 .*X25519MLKEM768/);
    // What was refused is known to the log, and so to the inventory.
    const refused = gateway.log.of('command.failed').find(({ verb }) => verb === 'STOR');
    expect(refused).toMatchObject({ dataTls: { version: 'TLSv1.3', group: 'x25519' } });
    await client.send('PROT C');
    expect(await client.send('EPSV')).toMatch(/^521 /);
  });

  test('required of an account: a client that can do it logs in and transfers', async () => {
    const gateway = await gatewayWith({}, {}, { postQuantum: 'required' });
    const client = await RawClient.login(gateway);
    expect(await client.upload('STOR a.bin', 'content')).toMatch(/^226 /);
    expect(readFileSync(join(gateway.home, 'a.bin'), 'utf8')).toBe('content');
    const data = gateway.log.of('command').find(({ verb }) => verb === 'STOR');
    expect(data).toMatchObject({ dataTls: { resumed: true, group: 'X25519MLKEM768' } });
  });

  test('preferred of an account sets aside what is required further out', async () => {
    const classes = [{ name: 'here', networks: ['127.0.0.0/8'], postQuantum: 'required' as const }];
    const gateway = await gatewayWith({}, { classes }, { postQuantum: 'preferred' });
    expect(await logIn(gateway, CLASSIC)).toMatch(/^230 /);
  });

  test('off offers none', async () => {
    const gateway = await gatewayWith({}, { postQuantum: 'off' });
    expect(await shakeHands(gateway, { ecdhCurve: 'X25519MLKEM768:X25519' })).toMatchObject({ group: 'x25519' });
  });
});

describe('ALPN', () => {
  test.each(['http/1.1', 'ftp-data', 'smtp', 'FTP'])('%s alone is refused on the control channel', async (protocol) => {
    expect(await shakeHands(await startGateway(), { ALPNProtocols: [protocol] })).toEqual({
      refused: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
  });

  test('ftp is chosen among others', async () => {
    const client = await RawClient.login(await startGateway(), { tls: { ALPNProtocols: ['x-filezilla-ftp', 'ftp'] } });
    expect(client.socket).toMatchObject({ alpnProtocol: 'ftp' });
  });

  test.each([
    [['ftp-data'], /^226 /],
    [['http/1.1', 'ftp-data'], /^226 /],
    [['ftp'], /^522 /],
    [['http/1.1'], /^522 /],
  ])('%o on a data connection is answered %s', async (ALPNProtocols, answer) => {
    const client = await RawClient.login(await startGateway(), { dataTls: { ALPNProtocols } });
    expect(await client.upload('STOR a.bin', 'content')).toMatch(answer);
  });
});

describe('names of data connections, where hosts are named', () => {
  async function gatewayWithHost(): Promise<TestGateway> {
    const { caCert, files } = await testCertificates();
    const ca = { cert: caCert, key: readFileSync(join(files.folder, 'ca.key'), 'utf8') };
    const key = await makeKey(2048);
    const certificate = makeServerCertificate(key, ca, { names: ['a.example'], nowMs: Date.now(), days: 30 });
    expect(new X509Certificate(certificate).checkHost('a.example')).toBe('a.example');
    return startGateway({ hosts: [{ name: 'a.example', certificate, key }], sessionReuse: 'off' });
  }

  /** How an upload ends whose data connection, which resumes nothing, names somebody; the control channel `control`. */
  async function uploadTo(control: string, data: string): Promise<string> {
    const options = { reuse: false, serverName: control, dataTls: { servername: data, rejectUnauthorized: false } };
    const client = await RawClient.login(await gatewayWithHost(), options);
    return client.upload('STOR a.bin', 'content');
  }

  test.each([
    ['a.example', 'localhost'],
    ['a.example', 'web.example'],
    ['', 'web.example'],
  ])('behind %o, a data connection to %o is refused', async (control, data) => {
    // Nobody is named on the control channel by an empty name; the certificate is then the gateway's own.
    expect(await uploadTo(control, data)).toMatch(/^522 /);
  });

  test.each([
    ['a.example', 'a.example'],
    ['a.example', 'A.Example'],
    ['a.example', ''],
    ['', 'localhost'],
  ])('behind %o, a data connection to %o is taken', async (control, data) => {
    expect(await uploadTo(control, data)).toMatch(/^226 /);
  });

  test('where none are, any name will do', async () => {
    const options = { reuse: false, dataTls: { servername: 'web.example', rejectUnauthorized: false } };
    const client = await RawClient.login(await startGateway({ sessionReuse: 'off' }), options);
    expect(await client.upload('STOR a.bin', 'content')).toMatch(/^226 /);
  });
});

test('the secrets of both channels go to whoever asked for them, and each start says so', async () => {
  const lines: string[] = [];
  const { cert, key } = await testCertificates();
  const parts = { tlsKeyLog: (line: Buffer) => void lines.push(line.toString()) };
  const gateway = await startGateway({ tls: { certificate: cert, key } }, {}, parts);
  expect(gateway.log.of('tls.keys_logged')).toEqual([{ warning: expect.stringContaining('read every connection') }]);
  const client = await RawClient.login(gateway, { version: 'TLSv1.3' });
  expect(await client.upload('STOR a.bin', 'content')).toMatch(/^226 /);
  const connections = lines.filter((line) => line.startsWith('CLIENT_TRAFFIC_SECRET_0 '));
  expect(connections.length).toBe(2);
  expect(lines.every((line) => /^[A-Z0-9_]+ [0-9a-f]{64} [0-9a-f]+\n$/.test(line))).toBe(true);
});

test('nobody hears of secrets unless somebody asked for them', async () => {
  expect((await startGateway()).log.of('tls.keys_logged')).toEqual([]);
});
