/** `sallyport cert`, judged by OpenSSL: what node-forge wrote must mean the same to somebody else. */
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeDevelopmentCertificates } from '../../src/cli/certificate-files.ts';
import { isClientName, LOCAL_NAMES, subjectName } from '../../src/cli/certificate-names.ts';
import { makeAuthority, makeKey, makeServerCertificate } from '../../src/cli/certificates.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { run } from './fake-terminal.ts';

const openssl = async (...words: string[]) => (await promisify(execFile)('openssl', words)).stdout;
const opensslMissing = await openssl('version').then(
  () => false,
  () => true,
);
/** Where CI is set a missing openssl is a failure, elsewhere a visible skip. */
const skipOpenssl = opensslMissing && process.env.CI === undefined;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-cert-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const contents = async (path: string): Promise<Record<string, string>> => {
  const names = (await readdir(path)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(path, name), 'utf8')])),
  );
};

describe('refusals', () => {
  test('existing files are listed, nothing is written, and the exit code is 1', async () => {
    const out = join(folder, 'refused');
    expect((await run(['cert', 'self-signed', '--out', out])).exitCode).toBe(0);
    const before = await contents(out);

    const { exitCode, errors } = await run(['cert', 'dev', '--out', out]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(join(out, 'server.key'));
    expect(errors).toContain(join(out, 'server.crt'));
    expect(errors).toContain('--force');
    expect(errors).not.toMatch(/\n\s+at /);
    expect(await contents(out)).toEqual(before);
  });

  test.each([
    ['--name', 'not a name'],
    ['--name', 'fe80::1%eth0'],
    ['--days', '0'],
    ['--days', '3651'],
    ['--days', '1e3'],
    ['--key-size', '1024'],
    ['--client', '../acme'],
    ['--client', ''],
  ])('%s %j is wrong use', async (option, value) => {
    const out = join(folder, 'never');
    const { exitCode, errors } = await run(['cert', 'dev', '--out', out, option, value]);
    expect(exitCode).toBe(2);
    expect(errors).toContain(option);
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  test('--force and --complete contradict each other', async () => {
    expect((await run(['cert', 'dev', '--force', '--complete', '--out', join(folder, 'never')])).exitCode).toBe(2);
  });

  test('a certificate whose key is gone cannot be completed', async () => {
    const out = await mkdtemp(join(folder, 'keyless-'));
    await run(['cert', 'dev', '--out', out]);
    await rm(join(out, 'server.key'));
    const { exitCode, errors } = await run(['cert', 'dev', '--complete', '--out', out]);
    expect(exitCode).toBe(1);
    expect(errors).toContain('server.key');
  });

  test('an authority that has expired, or whose key is another one, signs nothing', async () => {
    const nowMs = Date.now();
    const key = await makeKey(2048);
    const expired = makeAuthority(key, { nowMs: nowMs - 10 * 86_400_000, days: 9 });
    const leaf = makeServerCertificate(key, 'itself', { names: ['localhost'], nowMs, days: 9 });
    const foreign = makeAuthority(await makeKey(2048), { nowMs, days: 9 });
    for (const [cert, reason] of [
      [expired, 'expired'],
      [leaf, 'authority'],
      [foreign, 'belong'],
    ] as const) {
      const out = await mkdtemp(join(folder, 'bad-ca-'));
      await writeFile(join(out, 'ca.key'), key);
      await writeFile(join(out, 'ca.crt'), cert);
      const { exitCode, errors } = await run(['cert', 'dev', '--complete', '--out', out]);
      expect(exitCode).toBe(1);
      expect(errors).toContain(reason);
      expect((await readdir(out)).sort()).toEqual(['ca.crt', 'ca.key']);
    }
  });

  test('names that no certificate may hold', () => {
    for (const text of [
      '',
      '*',
      'a..b',
      '-a.b',
      'a_b',
      'a b',
      '*.*.a',
      'a.*',
      '1.2.3',
      `${'a'.repeat(64)}.b`,
      'a\0b',
      'fe80::1%1',
    ]) {
      expect([text, subjectName(text)]).toEqual([text, undefined]);
    }
    for (const text of ['', '.', '..', '-a', 'a/b', 'a b', 'a\n', 'a'.repeat(65)])
      expect([text, isClientName(text)]).toEqual([text, false]);
  });
});

describe('development certificates', () => {
  test.skipIf(skipOpenssl)('the chain and the names hold for a server, the chain for a client', async () => {
    const { files } = await testCertificates();
    for (const check of [
      ['-verify_hostname', 'localhost'],
      ['-verify_ip', '127.0.0.1'],
      ['-verify_ip', '::1'],
    ]) {
      expect(
        await openssl('verify', '-x509_strict', '-purpose', 'sslserver', ...check, '-CAfile', files.caCert, files.cert),
      ).toContain('OK');
    }
    expect(
      await openssl('verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', files.caCert, files.clientCert),
    ).toContain('OK');
    await expect(
      openssl('verify', '-verify_hostname', 'example.com', '-CAfile', files.caCert, files.cert),
    ).rejects.toThrow();
    await expect(
      openssl('verify', '-purpose', 'sslserver', '-CAfile', files.caCert, files.clientCert),
    ).rejects.toThrow();
    await expect(openssl('verify', '-purpose', 'sslclient', '-CAfile', files.caCert, files.cert)).rejects.toThrow();
  });

  test.skipIf(skipOpenssl)('the extensions say what each certificate is for, and no more', async () => {
    const { files } = await testCertificates();
    const extensions = async (path: string) =>
      (
        await openssl(
          'x509',
          '-in',
          path,
          '-noout',
          '-ext',
          'basicConstraints,keyUsage,extendedKeyUsage,subjectAltName',
        )
      )
        .replace(/[ \n]+/g, ' ')
        .trim();
    expect(await extensions(files.caCert)).toBe(
      'X509v3 Basic Constraints: critical CA:TRUE, pathlen:0 X509v3 Key Usage: critical Certificate Sign, CRL Sign',
    );
    expect(await extensions(files.cert)).toBe(
      'X509v3 Basic Constraints: critical CA:FALSE X509v3 Key Usage: critical Digital Signature, Key Encipherment ' +
        'X509v3 Extended Key Usage: TLS Web Server Authentication ' +
        'X509v3 Subject Alternative Name: DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(await extensions(files.clientCert)).toBe(
      'X509v3 Basic Constraints: critical CA:FALSE X509v3 Key Usage: critical Digital Signature ' +
        'X509v3 Extended Key Usage: TLS Web Client Authentication',
    );
    const identifier = async (path: string, name: string) =>
      (await openssl('x509', '-in', path, '-noout', '-ext', name)).match(/(?:[0-9A-F]{2}:){19}[0-9A-F]{2}/)?.[0];
    expect(await identifier(files.caCert, 'subjectKeyIdentifier')).toBeDefined();
    expect(await identifier(files.cert, 'subjectKeyIdentifier')).toBeDefined();
    expect(await identifier(files.cert, 'authorityKeyIdentifier')).toBe(
      await identifier(files.caCert, 'subjectKeyIdentifier'),
    );
  });

  test('keys are for their owner alone, and belong to their certificates', async () => {
    const { files, cert, key } = await testCertificates();
    for (const name of await readdir(files.folder)) {
      const mode = (await stat(join(files.folder, name))).mode & 0o777;
      expect([name, mode & 0o133]).toEqual([name, 0]);
      if (name.endsWith('.key')) expect([name, mode]).toEqual([name, 0o600]);
    }
    expect(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))).toBe(true);
    expect((await readdir(files.folder)).sort()).toEqual([
      'ca.crt',
      'ca.key',
      'client-partner.crt',
      'client-partner.key',
      'server.crt',
      'server.key',
    ]);
  });

  test('--complete keeps every byte that is there, and a second client is signed by the same CA', async () => {
    const out = join(folder, 'complete');
    expect((await run(['cert', 'dev', '--out', out])).output.split('\n')).toHaveLength(5);
    const before = await contents(out);
    expect((await run(['cert', 'dev', '--complete', '--out', out])).output).toBe('');
    await run(['cert', 'dev', '--complete', '--client', 'a_b', '--out', out]);
    const after = await contents(out);
    expect(after).toMatchObject(before);
    const ca = new X509Certificate(after['ca.crt'] ?? '');
    const client = new X509Certificate(after['client-a_b.crt'] ?? '');
    expect(client.subject).toBe('CN=a_b');
    expect(client.verify(ca.publicKey)).toBe(true);
  });

  test('whatever an interruption leaves is completed, never overwritten', async () => {
    const whole = join(folder, 'whole');
    await run(['cert', 'dev', '--out', whole]);
    const files = await contents(whole);
    for (const missing of [
      ['server.crt'],
      ['server.crt', 'server.key'],
      ['ca.crt', 'server.crt', 'server.key'],
      ['ca.key'],
    ]) {
      const out = await mkdtemp(join(folder, 'half-'));
      const left = Object.entries(files).filter(([name]) => !missing.includes(name));
      for (const [name, text] of left) await writeFile(join(out, name), text);
      expect((await run(['cert', 'dev', '--complete', '--out', out])).exitCode).toBe(0);
      const after = await contents(out);
      expect(after).toMatchObject(Object.fromEntries(left));
      if (missing.includes('ca.key')) continue;
      const server = new X509Certificate(after['server.crt'] ?? '');
      expect(server.verify(new X509Certificate(after['ca.crt'] ?? '').publicKey)).toBe(true);
    }
  });

  test('--force makes everything anew', async () => {
    const out = join(folder, 'forced');
    await run(['cert', 'dev', '--out', out]);
    const before = await contents(out);
    expect((await run(['cert', 'dev', '--force', '--out', out])).exitCode).toBe(0);
    const after = await contents(out);
    for (const name of Object.keys(before)) expect(after[name]).not.toBe(before[name]);
    expect((await stat(join(out, 'server.key'))).mode & 0o777).toBe(0o600);
  });

  test('validity begins an hour ago and lasts as long as asked; the CA outlives what it signs', async () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const out = join(folder, 'validity');
    await writeDevelopmentCertificates({
      folder: out,
      names: LOCAL_NAMES,
      clients: [],
      days: 10,
      bits: 2048,
      existing: 'refuse',
      nowMs,
    });
    const server = new X509Certificate(await readFile(join(out, 'server.crt')));
    const ca = new X509Certificate(await readFile(join(out, 'ca.crt')));
    expect(server.validFromDate.getTime()).toBe(nowMs - 3_600_000);
    expect(server.validToDate.getTime()).toBe(nowMs + 10 * 86_400_000);
    expect(ca.validToDate.getTime()).toBe(nowMs + 3_650 * 86_400_000);
  });
});

describe('names', () => {
  test('every address is encoded as it was meant', async () => {
    const key = await makeKey(2048);
    const addresses = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('1::'));
    fc.assert(
      fc.property(addresses, (address) => {
        const name = subjectName(address);
        const cert = makeServerCertificate(key, 'itself', { names: [name ?? ''], nowMs: Date.now(), days: 1 });
        expect(new X509Certificate(cert).checkIP(address)).toBeDefined();
      }),
      { numRuns: 15, examples: [['::0.0.0.0'], ['::192.0.2.1'], ['::ffff:192.0.2.1'], ['::2:3:4:5:6:7:8']] },
    );
  }, 60_000);

  test('self-signed: the names given replace the default ones, wildcards and umlauts included', async () => {
    const out = join(folder, 'named');
    const { exitCode, output } = await run([
      'cert',
      'self-signed',
      '--name',
      '*.Example.com',
      '--name',
      'münchen.example',
      '--name',
      '2001:db8::7',
      '--out',
      out,
      '--key-size',
      '3072',
      '--days',
      '90',
    ]);
    expect({ exitCode, output }).toEqual({
      exitCode: 0,
      output: `${join(out, 'server.key')}\n${join(out, 'server.crt')}\n`,
    });
    const cert = new X509Certificate(await readFile(join(out, 'server.crt')));
    expect(cert.checkHost('ftp.example.com')).toBeDefined();
    expect(cert.checkHost('xn--mnchen-3ya.example')).toBeDefined();
    expect(cert.checkIP('2001:DB8::7')).toBeDefined();
    expect(cert.checkHost('localhost')).toBeUndefined();
    expect(cert.publicKey.asymmetricKeyDetails?.modulusLength).toBe(3072);
    expect(cert.verify(cert.publicKey)).toBe(true);
  });

  test('serial numbers are positive, of 128 bits, and differ', async () => {
    const { cert, caCert, clientCert } = await testCertificates();
    const serials = [cert, caCert, clientCert].map((pem) => new X509Certificate(pem).serialNumber);
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{31}$/);
    expect(new Set(serials).size).toBe(3);
  });
});
