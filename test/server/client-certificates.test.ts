import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeAuthority, makeClientCertificate, makeKey, makeServerCertificate } from '../../src/cli/certificates.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { type TestCertificates, testCertificates } from '../fixtures/certificates.ts';
import { type ClientOptions, RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway, type TestUser } from '../fixtures/gateway.ts';

type Pair = NonNullable<ClientOptions['certificate']>;

let certificates: TestCertificates;
/** Of the user `partner`, and of one that has no account. */
let partner: Pair;
let stranger: Pair;
/** Certificates for `partner` that must not count. */
const worthless: Record<string, Pair> = {};

beforeAll(async () => {
  certificates = await testCertificates();
  const { clientCert, clientKey, cert, key, caCert, files } = certificates;
  partner = { cert: clientCert, key: clientKey };
  const issuer = { cert: caCert, key: await readFile(join(files.folder, 'ca.key'), 'utf8') };
  const validity = { nowMs: Date.now(), days: 2 };
  const long = { nowMs: Date.now() - 10 * 86_400_000, days: 2 };
  const make = (name: string, from: { cert: string; key: string }, when = validity): Pair => ({
    cert: makeClientCertificate(clientKey, from, { name, ...when }),
    key: clientKey,
  });
  stranger = make('stranger', issuer);
  const otherKey = await makeKey(2048);
  const other = { cert: makeAuthority(otherKey, validity), key: otherKey };
  worthless['another authority'] = make('partner', other);
  worthless['the past'] = make('partner', issuer, long);
  worthless['a server'] = { cert, key };
  worthless.itself = {
    cert: makeServerCertificate(clientKey, 'itself', { names: ['partner'], ...validity }),
    key: clientKey,
  };
});

/** A gateway that asks for certificates. */
function start(
  clientCertificate: 'off' | 'optional' | 'required',
  more: Partial<GatewayOptionsInput> = {},
  user: TestUser = {},
) {
  const { cert, key, caCert } = certificates;
  return startGateway({ tls: { certificate: cert, key, clientCertificate, clientCa: caCert }, ...more }, user);
}

/** By certificate alone, or else by password. */
const ALONE: Partial<GatewayOptionsInput> = {
  authentication: [
    { type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' },
    { type: 'users' },
  ],
};

/** By certificate and password. */
const BOTH: Partial<GatewayOptionsInput> = {
  authentication: [{ type: 'certificate', userFrom: 'common_name', password: 'needed' }, { type: 'users' }],
};

async function secured(gateway: Awaited<ReturnType<typeof start>>, options: ClientOptions): Promise<RawClient> {
  const client = await RawClient.connect(gateway, options);
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

const VERSIONS: SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];

describe.each(VERSIONS)('over %s', (version) => {
  const REFUSED = '530 This server takes logins only with a client certificate that it trusts.';

  test('where one is required, a client without one gets no further than a clear 530', async () => {
    const gateway = await start('required');
    const client = await secured(gateway, { version });
    expect(await client.send('USER partner')).toBe(REFUSED);
    expect(await client.send(`PASS ${PASSWORD}`)).toBe(REFUSED);
    expect(await client.send('FEAT')).toContain('211');
    client.close();
  });

  test.each(['another authority', 'the past', 'a server', 'itself'])(
    'one of %s is as good as none, and is in the log',
    async (kind) => {
      const pair = worthless[kind] ?? { cert: '', key: '' };
      const required = await start('required', ALONE);
      const refused = await secured(required, { version, certificate: pair });
      expect(await refused.send('USER partner')).toBe(REFUSED);
      expect(required.log.of('tls.client_certificate_untrusted')).toHaveLength(1);
      refused.close();

      const optional = await start('optional', ALONE);
      const client = await secured(optional, { version, certificate: pair });
      expect(await client.send('USER partner')).toContain('331');
      expect(await client.send('PWD')).toContain('530');
      expect(await client.send('PASS wrong')).toContain('530');
      await client.send('USER partner');
      expect(await client.send(`PASS ${PASSWORD}`)).toContain('230');
      client.close();
    },
  );

  test('where one is required, a good one leads to the password', async () => {
    const client = await secured(await start('required'), { version, certificate: partner });
    expect(await client.send('USER partner')).toContain('331');
    expect(await client.send(`PASS ${PASSWORD}`)).toContain('230');
    client.close();
  });

  test('where none is asked for, none is seen', async () => {
    const client = await secured(await start('off', ALONE), { version, certificate: partner });
    expect(await client.send('USER partner')).toContain('331');
    client.close();
  });

  test('a good one is enough: USER answers 232, and files move both ways', async () => {
    const gateway = await start('optional', ALONE);
    const client = await secured(gateway, { version, certificate: partner });
    expect(await client.send('USER partner')).toBe('232 Logged in by your certificate.');
    expect(await client.send('PASS whatever')).toContain('202');
    await client.send('PBSZ 0');
    await client.send('PROT P');
    await client.send('TYPE I');
    expect(await client.upload('STOR a.txt', 'hello')).toContain('226');
    expect((await client.download('RETR a.txt')).data.toString()).toBe('hello');
    client.close();
  });

  test('nobody learns from it who else has an account', async () => {
    const gateway = await start('optional', ALONE);
    const client = await secured(gateway, { version, certificate: stranger });
    const answers = [
      await client.send('USER partner'),
      await client.send('USER stranger'),
      await client.send('USER x'),
    ];
    expect(new Set(answers)).toEqual(new Set(['331 Send the password with PASS.']));
    client.close();
  });

  test('an account that is shut is asked for a password', async () => {
    const gateway = await start('optional', ALONE, { enabled: false });
    const client = await secured(gateway, { version, certificate: partner });
    expect(await client.send('USER partner')).toContain('331');
    expect(await client.send(`PASS ${PASSWORD}`)).toContain('530');
    client.close();
  });

  test('another USER ends the login, and the certificate is good for the next one', async () => {
    const gateway = await start('optional', ALONE);
    const client = await secured(gateway, { version, certificate: partner });
    await client.send('USER partner');
    await client.send('MKD in');
    await client.send('CWD in');
    expect(await client.send('USER partner')).toContain('232');
    expect(await client.send('PWD')).toContain('257 "/"');
    expect(await client.send('USER bob')).toContain('331');
    expect(await client.send('PWD')).toContain('530');
    expect(await client.send('USER partner')).toContain('232');
    client.close();
  });

  test('USER behind PASV forgets the data connection that the earlier login arranged', async () => {
    const gateway = await start('optional', ALONE);
    const client = await secured(gateway, { version, certificate: partner });
    await client.send('USER partner');
    await client.send('PBSZ 0');
    await client.send('PROT P');
    await client.send('EPSV');
    expect(await client.send('USER partner')).toContain('232');
    expect(await client.send('LIST')).toContain('425');
    client.close();
  });

  test('a data connection with a handshake of its own is judged as ever, certificate or not', async () => {
    const required = await start('optional', ALONE);
    const strict = await secured(required, { version, certificate: partner, reuse: false });
    await strict.send('USER partner');
    await strict.send('PBSZ 0');
    await strict.send('PROT P');
    expect(await strict.upload('STOR a.txt', 'hello')).toContain('522');
    strict.close();

    const preferred = await start('required', { ...ALONE, sessionReuse: 'preferred' });
    const easy = await secured(preferred, { version, certificate: partner, reuse: false });
    await easy.send('USER partner');
    await easy.send('PBSZ 0');
    await easy.send('PROT P');
    expect(await easy.upload('STOR a.txt', 'hello')).toContain('226');
    easy.close();
  });

  test('certificate and password are both needed where the chain says so', async () => {
    const gateway = await start('optional', BOTH);
    const without = await secured(gateway, { version });
    expect(await without.send('USER partner')).toContain('331');
    expect(await without.send(`PASS ${PASSWORD}`)).toContain('530');
    without.close();

    const foreign = await secured(gateway, { version, certificate: stranger });
    await foreign.send('USER partner');
    expect(await foreign.send(`PASS ${PASSWORD}`)).toContain('530');
    foreign.close();

    const client = await secured(gateway, { version, certificate: partner });
    expect(await client.send('USER partner')).toContain('331');
    expect(await client.send('PASS wrong')).toContain('530');
    await client.send('USER partner');
    expect(await client.send(`PASS ${PASSWORD}`)).toContain('230');
    client.close();
  });

  test('a virtual host asks as well, whichever certificate it shows itself', async () => {
    const { cert, key, caCert } = certificates;
    const hostKey = await makeKey(2048);
    const issuer = { cert: caCert, key: await readFile(join(certificates.files.folder, 'ca.key'), 'utf8') };
    const validity = { nowMs: Date.now(), days: 2 };
    const hostCert = makeServerCertificate(hostKey, issuer, { names: ['ftp.example'], ...validity });
    const gateway = await startGateway({
      tls: { certificate: cert, key, clientCertificate: 'optional', clientCa: caCert },
      hosts: [{ name: 'ftp.example', certificate: hostCert, key: hostKey }],
      ...ALONE,
    });
    const client = await secured(gateway, { version, certificate: partner, serverName: 'ftp.example' });
    expect(await client.send('USER partner')).toContain('232');
    client.close();
    const other = await secured(gateway, {
      version,
      certificate: worthless['another authority'] ?? partner,
      serverName: 'ftp.example',
    });
    expect(await other.send('USER partner')).toContain('331');
    other.close();
  });

  test('by the list of certificates', async () => {
    const gateway = await start('optional', {
      authentication: [
        {
          type: 'certificate',
          password: 'not_needed',
          account: 'users',
          certificates: [{ fingerprint: fingerprintOf(stranger.cert), user: 'partner' }],
        },
      ],
    });
    const client = await secured(gateway, { version, certificate: stranger });
    expect(await client.send('USER stranger')).toContain('331');
    expect(await client.send('USER partner')).toContain('232');
    client.close();
    const named = await secured(gateway, { version, certificate: partner });
    expect(await named.send('USER partner')).toContain('331');
    named.close();
  });
});

test('in clear there is no login where a certificate is required, whatever else is allowed', async () => {
  const gateway = await start('required', { tlsControlRequired: false });
  const client = await RawClient.connect(gateway);
  expect(await client.send('USER partner')).toContain('530 This server takes logins over TLS only');
  client.close();
});

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}
