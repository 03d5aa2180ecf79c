/** openssl s_client: what is really negotiated, and what is refused however it is asked for. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Ran, RunningProgram } from '../fixtures/client-programs.ts';
import { needs, run, start } from '../fixtures/client-programs.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { authorityOf } from './ways.ts';

const test = needs('openssl');

/** Any protocol and suite that the client's library still knows, so that a refusal is the server's. */
const ANYTHING = 'ALL:@SECLEVEL=0';

function connectArgs(gateway: TestGateway, ...args: readonly string[]): readonly string[] {
  const ca = gateway.certificates.files.caCert;
  return ['s_client', '-connect', authorityOf(gateway), '-starttls', 'ftp', '-CAfile', ca, ...args];
}

/** Connects, shakes hands and leaves. */
function shakeHands(gateway: TestGateway, ...args: readonly string[]): Promise<Ran> {
  return run('openssl', connectArgs(gateway, ...args));
}

test.each([
  ['TLS 1.0', '-tls1'],
  ['TLS 1.1', '-tls1_1'],
])('%s is refused', async (_, option) => {
  const ran = await shakeHands(await startGateway(), option, '-cipher', ANYTHING);
  expect(ran.code).not.toBe(0);
  expect(ran.stderr).toMatch(/alert protocol version/);
});

test.each([
  ['no forward secrecy', 'AES256-GCM-SHA384'],
  ['CBC', 'ECDHE-RSA-AES256-SHA384'],
  ['CBC with SHA-1', 'ECDHE-RSA-AES128-SHA'],
  ['finite-field Diffie-Hellman', 'DHE-RSA-AES256-GCM-SHA384'],
  ['CCM', 'ECDHE-ECDSA-AES128-CCM'],
  ['no authentication', 'AECDH-AES256-SHA'],
])('a TLS 1.2 suite with %s (%s) is refused', async (_, suite) => {
  const ran = await shakeHands(await startGateway(), '-tls1_2', '-cipher', `${suite}:@SECLEVEL=0`);
  expect(ran.code).not.toBe(0);
  expect(ran.stderr).toMatch(/alert handshake failure/);
});

test.each(['-tls1_2', '-tls1_3'])(
  'a client that names another protocol is refused with the alert for that (%s)',
  async (version) => {
    const gateway = await startGateway();
    for (const protocols of ['http/1.1', 'h2,http/1.1', 'ftp-data']) {
      const ran = await shakeHands(gateway, version, '-alpn', protocols);
      expect(ran.code).not.toBe(0);
      expect(ran.stderr).toMatch(/alert no application protocol/);
    }
  },
);

test.each(['-tls1_2', '-tls1_3'])('a client that names ftp, or no protocol, is served (%s)', async (version) => {
  const gateway = await startGateway();
  expect((await shakeHands(gateway, version, '-alpn', 'http/1.1,ftp')).stdout).toContain('ALPN protocol: ftp\n');
  expect((await shakeHands(gateway, version)).stdout).toContain('No ALPN negotiated');
});

test('renegotiation is refused in TLS 1.2', async () => {
  const gateway = await startGateway();
  const client = start('openssl', connectArgs(gateway, '-tls1_2'));
  await heard(client, /Verify return code/);
  client.write('R\n');
  const ran = await client.ended;
  expect(ran.code).not.toBe(0);
  expect(ran.stderr).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/);
});

test.each([
  ['-tls1_2', '-cipher', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['-tls1_2', '-cipher', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['-tls1_3', '-ciphersuites', 'TLS_AES_256_GCM_SHA384'],
  ['-tls1_3', '-ciphersuites', 'TLS_CHACHA20_POLY1305_SHA256'],
  ['-tls1_3', '-ciphersuites', 'TLS_AES_128_GCM_SHA256'],
])('%s %s %s is served, without compression', async (version, option, suite) => {
  const ran = await shakeHands(await startGateway(), version, option, suite);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain(`Cipher is ${suite}`);
  expect(ran.stdout).toContain('Compression: NONE');
});

test.each(['-tls1_2', '-tls1_3'])('a client that offers everything gets ECDHE with AEAD (%s)', async (version) => {
  const ran = await shakeHands(await startGateway(), version, '-cipher', ANYTHING);
  expect(ran.stdout).toMatch(/Cipher is (ECDHE-RSA-\S+-GCM-\S+|TLS_AES_256_GCM_SHA384)/);
  expect(ran.stdout).toMatch(/Server Temp Key: (X25519|ECDH)/);
});

test.each([
  ['127.0.0.1', '-verify_ip', '127.0.0.1'],
  ['::1', '-verify_ip', '::1'],
  ['127.0.0.1', '-verify_hostname', 'localhost'],
])('the chain of %s verifies with the CA for %s %s', async (host, option, name) => {
  const ran = await shakeHands(await startGateway({ host }), '-verify_return_error', option, name);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain('Verify return code: 0 (ok)');
});

test('the chain does not verify for another name', async () => {
  const ran = await shakeHands(await startGateway(), '-verify_return_error', '-verify_hostname', 'example.org');
  expect(ran.code).not.toBe(0);
});

test.each(['-tls1_2', '-tls1_3'])(
  'a data connection with the saved session of the control connection is taken, without it refused (%s)',
  async (version) => {
    const gateway = await startGateway();
    const saved = join(await temporaryFolder(), 'session.pem');
    // -quiet: a line that begins with R or Q goes to the server and is no order to s_client.
    const control = start('openssl', connectArgs(gateway, version, '-quiet', '-crlf', '-sess_out', saved));
    const say = async (line: string, answer: RegExp) => {
      const already = control.output.stdout.length;
      control.write(`${line}\n`);
      return heard(control, answer, already);
    };
    await say(`USER ${gateway.user}`, /331 /);
    await say(`PASS ${gateway.password}`, /230 /);
    await say('PBSZ 0', /200 /);
    await say('PROT P', /200 /);
    const store = async (args: readonly string[], answer: RegExp) => {
      const port = /\|\|\|(\d+)\|/.exec(await say('EPSV', /229 .*\r\n/))?.[1];
      const already = control.output.stdout.length;
      control.write('STOR a.txt\n');
      const data = ['s_client', '-connect', `${gateway.host}:${port}`, version, '-nocommands', ...args];
      const ran = await run('openssl', data, { input: 'content\n' });
      return { ran, final: await heard(control, answer, already) };
    };
    const taken = await store(['-sess_in', saved], /(226|4\d\d|5\d\d) .*\r\n/);
    expect(taken.ran.stdout).toMatch(/^Reused, /m);
    expect(taken.final).toMatch(/226 Stored 8 bytes/);
    expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('content\n');
    const refused = await store([], /522 /);
    expect(refused.ran.stdout).toMatch(/^New, /m);
    control.kill();
  },
);

/** Waits until a program has said something behind `already`. @returns what it said there. */
async function heard(program: RunningProgram, words: RegExp, already = 0): Promise<string> {
  await expect.poll(() => program.output.stdout.slice(already), { timeout: 5_000, interval: 10 }).toMatch(words);
  return program.output.stdout.slice(already);
}
