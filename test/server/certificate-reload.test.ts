/** Certificates that change while the gateway runs: new sessions get the new one, live ones keep theirs, bad ones stay out. */
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { beforeAll, beforeEach, describe, expect } from 'vitest';
import { DAY_MS } from '../../src/config/certificate-checks.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import { CertificatesRefused } from '../../src/server/certificates.ts';
import { createGateway } from '../../src/server/gateway.ts';
import type { ReloadedPart } from '../../src/server/reload.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs } from '../fixtures/client-programs.ts';
import type { ClientOptions } from '../fixtures/ftp-client.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import {
  AUTHORITY,
  type OpensslPair,
  openssl,
  opensslPair,
  serverExtensions,
} from '../fixtures/openssl-certificates.ts';

const test = needs('openssl');

/** All of the authority that the test clients believe. */
let first: OpensslPair;
let second: OpensslPair;
let host: OpensslPair;
let stranger: OpensslPair;

beforeAll(async () => {
  const { caCert, files } = await testCertificates();
  const keyFile = join(files.folder, 'ca.key');
  const issuer = { cert: caCert, key: await readFile(keyFile, 'utf8'), certFile: files.caCert, keyFile };
  const folder = await lastingFolder();
  first = await opensslPair(folder, 'first', { issuer });
  second = await opensslPair(folder, 'second', { issuer });
  host = await opensslPair(folder, 'host', { issuer, extensions: serverExtensions('a.example') });
  stranger = await opensslPair(folder, 'stranger', { extensions: AUTHORITY });
}, 60_000);

let clock: FakeClock;
let folder: string;

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  folder = await temporaryFolder();
});

/** Puts a certificate and a key where the gateway looks for them. */
async function install(cert: OpensslPair, { key = cert, name = 'server' } = {}) {
  const [certificateFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)];
  await copyFile(cert.certFile, certificateFile);
  await copyFile(key.keyFile, keyFile);
  return { certificateFile, keyFile };
}

async function start(options: Partial<GatewayOptionsInput> = {}): Promise<TestGateway> {
  return startGateway({ tls: await install(first), ...options }, {}, { clock });
}

/** Reloads. @returns what became of one part. */
async function reload({ gateway }: TestGateway, name = 'certificates'): Promise<ReloadedPart | undefined> {
  return (await gateway.reload()).find(({ part }) => part === name);
}

/** The common name of what a new client is shown. */
async function shownTo(gateway: TestGateway, options: ClientOptions = {}): Promise<string | undefined> {
  const client = await RawClient.login(gateway, options);
  const name = shownOn(client.socket);
  client.close();
  return name;
}

function shownOn(socket: unknown): string | undefined {
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate()?.subject : undefined;
}

describe('a reload that fails leaves the old certificate in force', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['no certificate', () => writeFile(join(folder, 'server.crt'), 'hello'), 'no certificate in PEM'],
    ['a key of another one', () => install(second, { key: first }), 'the key does not belong to'],
    ['one that names nobody', () => install(stranger), 'no subject alternative name'],
    ['a key for all to read', () => chmod(join(folder, 'server.key'), 0o644), 'can be read by others'],
  ])('%s', async (_, spoil, words) => {
    const gateway = await start();
    await spoil();
    expect(await reload(gateway)).toEqual({
      part: 'certificates',
      outcome: 'refused',
      reason: expect.stringContaining(words),
    });
    expect(gateway.log.of('certificate.reload_refused')).toHaveLength(1);
    expect(await shownTo(gateway)).toBe('CN=first');
    await install(second);
    expect(await reload(gateway)).toEqual({ part: 'certificates', outcome: 'reloaded' });
    expect(await shownTo(gateway)).toBe('CN=second');
  });

  test('one that has expired', async () => {
    const gateway = await start();
    await install(second);
    clock.advance(91 * DAY_MS);
    expect(await reload(gateway)).toMatchObject({ outcome: 'refused', reason: expect.stringMatching(/has expired/) });
  });

  test('and one that is found wrong by itself is told once, until it changes', async () => {
    const gateway = await start();
    const told = () => gateway.log.of('certificate.reload_refused').length;
    await install(second, { key: first });
    clock.advance(60_000);
    await expect.poll(told).toBe(1);
    for (let minute = 0; minute < 3; minute++) await look(gateway);
    expect(told()).toBe(1);
    await install(second);
    await look(gateway);
    expect(gateway.gateway.certificates).toMatchObject([{ subject: 'CN=second' }]);
  });
});

/** Lets a minute pass, and the look at the files that comes with it. */
async function look({ gateway, log }: TestGateway): Promise<void> {
  clock.advance(60_000);
  // Looks wait for each other, so that behind this one that of the minute is over; what it says itself is forgotten.
  const kept = log.entries.length;
  await gateway.reload();
  log.entries.splice(0, log.entries.length, ...log.entries.filter((_, index) => index < kept));
}

test('whoever starts with certificates that cannot be is told why', async () => {
  const options = { listen: [{ port: 0 }], tls: await install(first, { key: second }) };
  expect(() => createGateway(options)).toThrow(CertificatesRefused);
  const hosts = [{ name: 'b.example', certificate: host.cert, key: host.key }];
  expect(() => createGateway({ ...options, tls: { certificate: first.cert, key: first.key }, hosts })).toThrow(
    'b.example: the certificate is not for b.example',
  );
  const twice = { certificates: [first, second].map(({ cert, key }) => ({ certificate: cert, key })) };
  expect(() => createGateway({ ...options, tls: twice })).toThrow('has an ECDSA key, as another one in the list');
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (version) => {
  test('new sessions get the new certificate when it is noticed, and a live session goes on as it began', async () => {
    const gateway = await start();
    const live = await RawClient.login(gateway, { version });
    expect(await live.upload('STOR before', 'x')).toMatch(/^226/);
    await install(second);
    clock.advance(60_000);
    await expect.poll(() => gateway.gateway.certificates[0]?.subject).toBe('CN=second');
    expect(await shownTo(gateway, { version })).toBe('CN=second');
    // Without the session of the control connection resumed this would be 522.
    expect(await live.upload('STOR after', 'x')).toMatch(/^226/);
    expect(await live.upload('STOR again', 'x')).toMatch(/^226/);
    expect(shownOn(live.socket)).toBe('CN=first');
  });

  test('a data connection that does not resume is shown the certificate of its session', async () => {
    const gateway = await start({ sessionReuse: 'off' });
    const live = await RawClient.login(gateway, { version, reuse: false });
    await install(second);
    await gateway.gateway.reload();
    const socket = await live.passive();
    expect(await live.send('STOR a')).toMatch(/^150/);
    const data = live.secure(socket);
    await new Promise((resolve) => data.once('secureConnect', resolve));
    expect(shownOn(data)).toBe('CN=first');
    data.end('x');
    expect(await live.reply()).toMatch(/^226/);
  });

  test('an upload runs through a reload', async () => {
    const gateway = await start();
    const live = await RawClient.login(gateway, { version });
    const socket = await live.passive();
    expect(await live.send('STOR long')).toMatch(/^150/);
    const data = live.secure(socket);
    const half = Buffer.alloc(2_000_000, 'x');
    await new Promise<void>((resolve) => data.write(half, () => resolve()));
    await install(second);
    expect(await reload(gateway)).toMatchObject({ outcome: 'reloaded' });
    data.end(half);
    expect(await live.reply()).toMatch(/^226/);
    expect((await readFile(join(gateway.home, 'long'))).length).toBe(4_000_000);
  });
});

test('what is wrong with one host keeps no other from its new certificate', async () => {
  const at = async (name: string, pair: OpensslPair) => ({ name, ...(await install(pair, { name })) });
  const hosts = [await at('a.example', host)];
  const gateway = await start({ hosts });
  await writeFile(join(folder, 'a.example.crt'), 'hello');
  await install(second);
  expect(await reload(gateway)).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(/^a\.example: the certificate/),
  });
  expect(await shownTo(gateway)).toBe('CN=second');
  expect(await shownTo(gateway, { serverName: 'a.example' })).toBe('CN=host');
});

test('a locked key is opened with its passphrase, at the start and when both change', async () => {
  const files = await install(first);
  const passphraseFile = join(folder, 'passphrase');
  const lock = async ({ keyFile }: OpensslPair, passphrase: string) => {
    await openssl('pkcs8', '-topk8', '-in', keyFile, '-out', files.keyFile, '-passout', `pass:${passphrase}`);
    await writeFile(passphraseFile, `${passphrase}\n`, { mode: 0o600 });
  };
  await lock(first, 'one');
  const gateway = await start({ tls: { ...files, passphraseFile } });
  // `start` has put an open key there.
  await lock(first, 'one');
  expect(await reload(gateway)).toMatchObject({ outcome: 'reloaded' });
  await copyFile(second.certFile, files.certificateFile);
  await lock(second, 'two');
  expect(await reload(gateway)).toMatchObject({ outcome: 'reloaded' });
  expect(await shownTo(gateway)).toBe('CN=second');
  await writeFile(passphraseFile, 'three');
  expect(await reload(gateway)).toMatchObject({
    outcome: 'refused',
    reason: expect.stringMatching(/cannot be opened with the passphrase/),
  });
});

test('a reload also reads the users file, and texts have nothing to be read again', async () => {
  const usersFile = join(folder, 'users.yaml');
  await writeFile(usersFile, 'users: []\n', { mode: 0o600 });
  const gateway = await start({ usersFile, tls: { certificate: first.cert, key: first.key } });
  expect(await reload(gateway)).toEqual({ part: 'certificates', outcome: 'unchanged' });
  expect(await reload(gateway, 'users_file')).toEqual({ part: 'users_file', outcome: 'reloaded' });
  await writeFile(usersFile, 'users: 1\n');
  for (let again = 0; again < 2; again++) {
    expect(await reload(gateway, 'users_file')).toMatchObject({ outcome: 'refused' });
  }
});

test('the end of a certificate is told daily from 30 days before it, and as an error behind it', async () => {
  const gateway = await start();
  const told = () => gateway.log.entries.filter(({ event }) => event === 'certificate.expires');
  const pass = (days: number) => {
    for (let day = 0; day < days; day++) clock.advance(DAY_MS);
  };
  pass(59);
  expect(told()).toEqual([]);
  pass(2);
  expect(told().map(({ level, fields }) => [level, fields.daysLeft, fields.subject])).toEqual([
    ['warn', 29, 'CN=first'],
    ['warn', 28, 'CN=first'],
  ]);
  pass(30);
  expect(told()).toHaveLength(32);
  expect(told().at(-1)).toMatchObject({ level: 'error', fields: { daysLeft: -2 } });
  expect(gateway.gateway.certificates[0]?.daysLeft).toBe(-2);
});

test('a program sees the certificates that are in force', async () => {
  const hosts = [{ name: 'a.example', certificate: host.cert, key: host.key }];
  const { gateway } = await start({ hosts });
  const common = {
    keyKind: 'p-256',
    daysLeft: 89,
    fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    stapled: false,
  };
  expect(gateway.certificates).toEqual([
    {
      host: undefined,
      subject: 'CN=first',
      names: ['DNS:localhost', 'IP Address:127.0.0.1'],
      notAfterMs: expect.any(Number),
      ...common,
    },
    {
      host: 'a.example',
      subject: 'CN=host',
      names: ['DNS:localhost', 'DNS:a.example', 'IP Address:127.0.0.1'],
      notAfterMs: expect.any(Number),
      ...common,
    },
  ]);
});
