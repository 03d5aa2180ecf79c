/** The library: the same server inside a program, without touching the process that it lives in. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'basic-ftp';
import { expect, test } from 'vitest';
import { createGateway, hashPassword, Secret } from '../../src/index.ts';
import { testCertificates } from '../fixtures/certificates.ts';

test('a program starts a gateway in five lines, a client uses it, and the process is as it was', async () => {
  const { cert: certificate, key, caCert: ca } = await testCertificates();
  const home = await mkdtemp(join(tmpdir(), 'sallyport-library-'));
  const processEvents = () => process.eventNames().map((name) => `${String(name)} ${process.listenerCount(name)}`);
  const before = processEvents();

  const passwordHash = await hashPassword(new Secret('correct horse battery'));
  const users = [{ name: 'acme', passwordHash, home, permissions: 'elradfmw' }];
  const gateway = createGateway({ listen: [{ port: 0 }], tls: { certificate, key }, users });
  await gateway.start();
  const port = gateway.addresses[0]?.port ?? 0;

  const client = new Client();
  const secureOptions = { ca, servername: 'localhost' };
  await client.access({
    host: '127.0.0.1',
    port,
    user: 'acme',
    password: 'correct horse battery',
    secure: true,
    secureOptions,
  });
  await writeFile(join(home, 'here.txt'), 'hello');
  await client.downloadTo(join(home, 'fetched.txt'), 'here.txt');
  await client.uploadFrom(join(home, 'here.txt'), 'sent.txt');
  client.close();
  expect(await readFile(join(home, 'fetched.txt'), 'utf8')).toBe('hello');
  expect(await readFile(join(home, 'sent.txt'), 'utf8')).toBe('hello');

  await gateway.close();
  expect(gateway.addresses).toEqual([]);
  expect(processEvents()).toEqual(before);
  await rm(home, { recursive: true });
});

test('options that are wrong are all named at once', () => {
  const wrong = { listen: [{ port: 70_000 }], tls: { certificate: 'x' }, bannner: 'typo' };
  const attempt = () => createGateway(wrong);
  for (const name of ['port', 'key', 'bannner']) expect(attempt).toThrow(name);
});
