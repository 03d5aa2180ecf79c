import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { loginFindings } from '../../src/config/login-files.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';

test('a value of any other form has nothing to find', async () => {
  for (const value of [undefined, 'x', [], { tls: 1, authentication: 'x' }, { authentication: [1, { caFile: 2 }] }]) {
    expect(await loginFindings(value, { baseDirAt: () => '/' })).toEqual([]);
  }
});

test('every file that is missing, is something else or is open to others is found, at its place', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'text'), 'x', { mode: 0o600 });
  await writeFile(join(folder, 'open'), 'x');
  await chmod(join(folder, 'open'), 0o644);
  const value = {
    tls: { clientCertificate: 'optional', clientCaFile: 'text' },
    authentication: [
      { type: 'ldap', caFile: 'none', search: { passwordFile: 'open' } },
      { type: 'http', secretFile: 'none' },
    ],
  };
  expect(await loginFindings(value, { baseDirAt: () => folder })).toEqual([
    { path: ['tls', 'clientCaFile'], message: 'holds no certificate in PEM form' },
    { path: ['authentication', 0, 'caFile'], message: `does not exist: ${join(folder, 'none')}` },
    { path: ['authentication', 0, 'search', 'passwordFile'], message: expect.stringContaining('chmod 640') },
    { path: ['authentication', 1, 'secretFile'], message: `does not exist: ${join(folder, 'none')}` },
  ]);
});

test('certificates that nobody asks for cannot log anybody in', async () => {
  const value = { tls: { clientCertificate: 'off' }, authentication: [{ type: 'users' }, { type: 'certificate' }] };
  expect(await loginFindings(value, { baseDirAt: () => '/' })).toEqual([
    { path: ['authentication', 1, 'type'], message: 'needs tls.client_certificate: optional or required' },
  ]);
});

test('files of hosts and revocation lists are looked at, and accounts that need a certificate that nobody asks for', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'text'), 'x');
  const hosts = [{ clientCaFile: 'none', crlFile: 'text' }];
  const users = [
    {},
    { clientCertificate: 'not_required' },
    { clientCertificate: 'required' },
    { certificateFingerprints: ['x'] },
    { certificatePublicKeys: ['x'] },
  ];
  const message = 'needs tls.client_certificate: optional or required';
  expect(await loginFindings({ tls: { crlFile: 'none' }, hosts, users }, { baseDirAt: () => folder })).toEqual([
    { path: ['tls', 'crlFile'], message: `does not exist: ${join(folder, 'none')}` },
    { path: ['hosts', 0, 'clientCaFile'], message: `does not exist: ${join(folder, 'none')}` },
    { path: ['hosts', 0, 'crlFile'], message: 'holds no revocation list in PEM form' },
    { path: ['users', 2, 'clientCertificate'], message },
    { path: ['users', 3, 'certificateFingerprints'], message },
    { path: ['users', 4, 'certificatePublicKeys'], message },
  ]);
  const asked = { tls: {}, hosts: [{ clientCertificate: 'optional' }], users };
  expect(await loginFindings(asked, { baseDirAt: () => folder })).toEqual([]);
});

test('an account that may log in only where nobody is asked cannot use its certificate', async () => {
  const needs = { clientCertificate: 'required' };
  const users = [
    { name: 'a', ...needs },
    { name: 'b', certificatePublicKeys: ['x'] },
    { name: 'c', certificateFingerprints: [] },
  ];
  const asking = { clientCertificate: 'optional', users: ['a'] };
  const message = 'needs client_certificate: optional or required where this account may log in';
  const findings = (value: object) => loginFindings(value, { baseDirAt: () => '/' });
  expect(await findings({ hosts: [asking, { clientCertificate: 'off' }], users })).toEqual([
    { path: ['users', 1, 'certificatePublicKeys'], message },
  ]);
  // A host is asked like the gateway when it does not say otherwise, and everybody may log in at the gateway.
  const gateway = {
    tls: { clientCertificate: 'required' },
    hosts: [{ clientCertificate: 'off', users: ['a'] }],
    users,
  };
  expect(await findings(gateway)).toEqual([]);
});

test('an account of the chain needs a certificate that somebody is asked for', async () => {
  const authentication = [
    { type: 'ldap', account: { certificateFingerprints: ['x'] } },
    { type: 'ldap', account: 'users' },
  ];
  const message = 'needs tls.client_certificate: optional or required';
  const findings = (value: object) => loginFindings(value, { baseDirAt: () => '/' });
  expect(await findings({ authentication })).toEqual([
    { path: ['authentication', 0, 'account', 'certificateFingerprints'], message },
  ]);
  expect(await findings({ authentication, hosts: [{ clientCertificate: 'optional' }] })).toEqual([]);
});

test('what is right is not found', async () => {
  const { files } = await testCertificates();
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'secret'), 'x', { mode: 0o640 });
  const value = {
    tls: { clientCertificate: 'required', clientCaFile: files.caCert },
    authentication: [
      { type: 'certificate' },
      { type: 'ldap', caFile: files.caCert, search: { passwordFile: 'secret' } },
      { type: 'http', secretFile: 'secret' },
    ],
  };
  expect(await loginFindings(value, { baseDirAt: () => folder })).toEqual([]);
});

test('paths in the chain are relative to the file in which they stand', async () => {
  const { files } = await testCertificates();
  const folder = await temporaryFolder();
  await copyFile(files.cert, join(folder, 'server.crt'));
  await copyFile(files.key, join(folder, 'server.key'));
  await copyFile(files.caCert, join(folder, 'ca.pem'));
  await writeFile(join(folder, 'secret'), 'x', { mode: 0o600 });
  await writeFile(join(folder, 'sallyport.yaml'), CONFIGURATION);
  const loaded = await loadConfig(join(folder, 'sallyport.yaml'));
  expect(loaded).toMatchObject({
    ok: true,
    options: {
      tls: { clientCertificate: 'optional', clientCaFile: join(folder, 'ca.pem') },
      authentication: [
        { type: 'certificate', userFrom: 'common_name', password: 'not_needed' },
        {
          type: 'ldap',
          url: ['ldaps://directory.example'],
          caFile: join(folder, 'ca.pem'),
          search: { passwordFile: join(folder, 'secret') },
        },
        { type: 'http', secretFile: join(folder, 'secret') },
      ],
    },
  });
});

const CONFIGURATION = `
listen: [{ port: 0 }]
tls:
  certificate_file: server.crt
  key_file: server.key
  client_certificate: optional
  client_ca_file: ca.pem
authentication:
  - { type: certificate, user_from: common_name, password: not_needed, account: users }
  - type: ldap
    url: ldaps://directory.example
    ca_file: ca.pem
    search:
      base: dc=example
      filter: '(uid={user})'
      bind_dn: cn=gateway,dc=example
      password_file: secret
    groups: { attribute: memberOf }
    name: uid
    account: { home: '/srv/ftp/{user}', permissions: elr }
  - { type: http, url: 'https://hook.example/', secret_file: secret, account: { home: '{home}' } }
`;
