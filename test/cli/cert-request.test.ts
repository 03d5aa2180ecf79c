/** `sallyport cert csr` and `sign`: requests of ours for OpenSSL, and requests of OpenSSL's for us. */
import { X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pemBlocks, pemText } from '../../src/cli/certificate-pem.ts';
import { runProgram } from '../../src/cli/program.ts';
import { type AuthorityFolder, authorityFolder } from './authority-folder.ts';
import { fakeTerminal } from './fake-terminal.ts';
import { isMissing, openssl } from './openssl.ts';
import { temporaryFolder } from './temporary-folder.ts';

const withoutOpenssl = isMissing('openssl');

/** A request by OpenSSL with these words, and the path of it. */
async function foreignRequest({ at }: AuthorityFolder, ...words: string[]): Promise<string> {
  const key = words.includes('-newkey') || words.includes('-key') ? [] : ['-newkey', 'rsa:2048'];
  await openssl('req', '-new', '-noenc', '-keyout', at('their.key'), '-out', at('their.csr'), ...key, ...words);
  return at('their.csr');
}

describe.skipIf(withoutOpenssl)('what is not signed', () => {
  test.each([
    ['another common name', ['-subj', '/CN=other'], 'the common name other'],
    ['another name', ['-subj', '/CN=acme', '-addext', 'subjectAltName=DNS:evil.example'], 'the name dns:evil.example'],
    ['a server', ['-subj', '/CN=acme', '-addext', 'extendedKeyUsage=serverAuth'], 'the purpose serverAuth'],
    ['an authority', ['-subj', '/CN=acme', '-addext', 'basicConstraints=CA:TRUE'], 'to be an authority'],
    ['signing others', ['-subj', '/CN=acme', '-addext', 'keyUsage=keyCertSign'], 'the usage keyCertSign'],
  ])('a request for %s, unless that is dropped', async (_, words, reason) => {
    const place = await authorityFolder();
    const request = await foreignRequest(place, ...words);
    const sign = ['sign', request, '--client', 'acme', '--out', place.folder, '--yes'];
    const { exitCode, errors } = await place.refused(...sign);
    expect([exitCode, errors]).toEqual([1, expect.stringContaining(`  ${reason}\n`)]);
    expect(await readdir(place.folder)).not.toContain('client-acme.crt');

    const { errors: told } = await place.cert(...sign, '--drop');
    expect(told).toContain(`Left out:\n  ${reason}\n`);
    const text = await openssl('x509', '-in', place.at('client-acme.crt'), '-noout', '-text');
    expect(text).toContain('Subject: CN = acme');
    expect(text).not.toMatch(/evil|CA:TRUE|Server Authentication|Certificate Sign|CN = other/);
    expect(text).toContain('TLS Web Client Authentication');
  });

  test.each([
    ['a short key', ['-newkey', 'rsa:1024'], '1024 bits'],
    ['a curve that few know', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1'], 'secp256k1'],
    ['a kind of key that few know', ['-newkey', 'ed25519'], 'ed25519'],
    ['SHA-1', ['-sha1'], 'SHA-1'],
  ])('a request with %s', async (_, words, reason) => {
    const place = await authorityFolder();
    const request = await foreignRequest(place, '-subj', '/CN=acme', ...words);
    const { exitCode, errors } = await place.refused(
      'sign',
      request,
      '--client',
      'acme',
      '--out',
      place.folder,
      '--yes',
      '--drop',
    );
    expect([exitCode, errors]).toEqual([1, expect.stringContaining(reason)]);
  });

  test('a request that was changed, or whose signature is of another key', async () => {
    const place = await authorityFolder();
    const path = await foreignRequest(place, '-subj', '/CN=acme');
    const good = pemBlocks(await readFile(path, 'utf8'))[0]?.bytes ?? Buffer.alloc(0);
    const renamed = Buffer.from(good);
    renamed.write('acmf', renamed.indexOf('acme'));
    const signature = Buffer.from(good);
    signature[good.length - 1] = (signature.at(-1) ?? 0) ^ 1;
    for (const bytes of [renamed, signature]) {
      await place.write('changed.csr', pemText('CERTIFICATE REQUEST', bytes));
      const { errors } = await place.refused(
        'sign',
        place.at('changed.csr'),
        '--client',
        'acmf',
        '--out',
        place.folder,
        '--yes',
        '--drop',
      );
      expect(errors).toContain('is not signed by the key that it is for');
    }
  });

  test('what is no request, or for nobody', async () => {
    const place = await authorityFolder();
    const request = await foreignRequest(place, '-subj', '/CN=acme');
    const to = ['--out', place.folder, '--yes'];
    expect((await place.refused('sign', place.at('ca.crt'), '--client', 'acme', ...to)).exitCode).toBe(1);
    expect((await place.refused('sign', request, ...to)).exitCode).toBe(2);
    expect((await place.refused('sign', request, '--client', 'a', '--server', 'b', ...to)).exitCode).toBe(2);
    expect((await place.refused('sign', request, '--server', 'b', '--email', 'a@b', ...to)).exitCode).toBe(2);
    const unasked = await place.refused('sign', request, '--client', 'acme', '--out', place.folder);
    expect([unasked.exitCode, unasked.errors]).toEqual([2, expect.stringContaining('--yes')]);
  });

  test('anything but a yes is a no', async () => {
    const place = await authorityFolder();
    const request = await foreignRequest(place, '-subj', '/CN=acme');
    for (const [answer, exitCode] of [
      ['', 1],
      ['yeah', 1],
      ['y', 0],
    ] as const) {
      const terminal = fakeTerminal({ tty: true });
      const signed = runProgram(['cert', 'sign', request, '--client', 'acme', '--out', place.folder], terminal);
      await terminal.printed('Sign it? [y/N] ');
      // Everything that it will be is there to be read by then.
      expect(terminal.errors()).toMatch(/asks for:[\s\S]*CN=acme[\s\S]*RSA 2048[\s\S]*It will be:[\s\S]*397 days/);
      terminal.stdin.write(`${answer}\n`);
      expect([answer, await signed]).toEqual([answer, exitCode]);
    }
  });

  test('what a stranger wrote into a request cannot play with the terminal', async () => {
    const place = await authorityFolder();
    const request = await foreignRequest(place, '-utf8', '-subj', '/CN=\u001b[2J\u202eacme');
    const { errors } = await place.refused('sign', request, '--client', 'acme', '--out', place.folder, '--yes');
    expect(errors).toContain('\\u001b[2J\\u202eacme');
    expect(errors).not.toMatch(/[\u001b\u202e]/);
  });
});

describe.skipIf(withoutOpenssl)('requests of others', () => {
  test.each([
    ['RSA', ['-newkey', 'rsa:3072']],
    ['RSA with SHA-512', ['-sha512']],
    ['P-384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
    ['DER', ['-outform', 'DER']],
  ])('%s: signed, with the names of the command line', async (_, words) => {
    const place = await authorityFolder('rsa-2048');
    const names = ['-subj', '/CN=ftp.example.com', '-addext', 'subjectAltName=DNS:ftp.example.com'];
    const request = await foreignRequest(place, ...names, ...words);
    const { output } = await place.cert(
      'sign',
      request,
      '--server',
      'ftp.example.com',
      '--server',
      '192.0.2.7',
      '--out',
      place.folder,
      '--yes',
    );
    const path = place.at('server.crt');
    expect(output).toBe(`${path}\n`);
    const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', place.at('ca.crt')];
    expect(await openssl(...strict, '-verify_hostname', 'ftp.example.com', path)).toContain('OK');
    expect(await openssl(...strict, '-verify_ip', '192.0.2.7', path)).toContain('OK');
  });
});

describe('requests of ours', () => {
  test.skipIf(withoutOpenssl).each(['rsa-2048', 'ec-p256', 'ec-p384'])(
    '%s: OpenSSL finds them right and complete',
    async (type) => {
      const { at, cert, folder } = await authorityFolder();
      const subject = ['--organization', 'Ä & Co', '--country', 'DE'];
      await cert('csr', '--name', 'ftp.example.com', '--name', '::1', '--key-type', type, '--out', folder, ...subject);
      await cert('csr', '--client', 'acme', '--email', 'a@b.example', '--key-type', type, '--out', folder);
      const server = await openssl('req', '-verify', '-noout', '-text', '-nameopt', 'utf8', '-in', at('server.csr'));
      expect(server).toMatch(/verify OK/i);
      expect(server).toContain('Subject: C=DE, O=Ä & Co, CN=ftp.example.com');
      expect(server).toContain('DNS:ftp.example.com, IP Address:0:0:0:0:0:0:0:1');
      expect(server).toContain('TLS Web Server Authentication');
      const client = await openssl('req', '-verify', '-noout', '-text', '-in', at('client-acme.csr'));
      expect(client).toMatch(/verify OK/i);
      expect(client).toContain('email:a@b.example');
      expect(client).toContain('TLS Web Client Authentication');
    },
  );

  test('for a key that is there, locked or not, which stays as it is', async () => {
    const { at, cert, read, folder, write } = await authorityFolder();
    const password = await write('password', 'correct horse battery');
    await cert('server', '--out', folder, '--passphrase-file', password);
    const before = await read('server.key');
    const { output } = await cert(
      'csr',
      '--key',
      at('server.key'),
      '--passphrase-file',
      password,
      '--name',
      'a.example',
      '--out',
      folder,
    );
    expect(output).toBe(`${at('server.csr')}\n`);
    expect(await read('server.key')).toBe(before);
    await cert('sign', at('server.csr'), '--server', 'a.example', '--out', folder, '--file', 'signed', '--yes');
    const [old, signed] = await Promise.all([read('server.crt'), read('signed.crt')]);
    expect(new X509Certificate(signed).publicKey.equals(new X509Certificate(old).publicKey)).toBe(true);
  });

  test('are never written over what is there, and not with names of the other kind', async () => {
    const { cert, refused } = await authorityFolder();
    const folder = join(await temporaryFolder(), 'requests');
    expect((await refused('csr', '--name', 'a.example', '--email', 'a@b', '--out', folder)).exitCode).toBe(2);
    expect((await refused('csr', '--client', 'a', '--name', 'a.example', '--out', folder)).exitCode).toBe(2);
    await cert('csr', '--name', 'a.example', '--out', folder);
    expect((await refused('csr', '--name', 'a.example', '--out', folder)).errors).toContain('server.csr');
  });
});
