/** `sallyport cert show`: what is in files, ours and OpenSSL's. */
import { X509Certificate } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { makeAuthority, makeClientCertificate, makeKey } from '../../src/cli/certificates.ts';
import { runProgram } from '../../src/cli/program.ts';
import { authorityFolder } from './authority-folder.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { isMissing, openssl } from './openssl.ts';

const withoutOpenssl = isMissing('openssl');
const PASSWORD = 'correct horse battery';

describe('refusals', () => {
  test('what cannot be read is named behind the others, and the exit code is 1', async () => {
    const { at, write } = await authorityFolder();
    const damaged = (await readFile(at('ca.crt'), 'utf8')).replace(/\n[A-Za-z0-9+/]{64}\n/, '\n');
    for (const path of [
      await write('damaged.crt', damaged),
      await write('text', 'no certificate'),
      await write('empty', ''),
      await write('only.pem', '-----BEGIN DH PARAMETERS-----\nMAA=\n-----END DH PARAMETERS-----\n'),
      at('missing'),
    ]) {
      const { exitCode, output, errors } = await run(['cert', 'show', path, at('ca.crt')]);
      expect([exitCode, errors]).toEqual([1, expect.stringContaining(path)]);
      expect(output).toContain('CN=Test partners');
    }
  });

  test('a PKCS #12 file needs its password', async () => {
    const { at, cert, folder, write } = await authorityFolder();
    const password = await write('password', PASSWORD);
    const wrong = await write('wrong', 'something else, long');
    await cert('client', 'acme', '--p12', '--p12-password-file', password, '--out', folder);
    const p12 = at('client-acme.p12');
    for (const [words, reason] of [
      [[], '--password-file'],
      [['--password-file', wrong], 'not its password'],
    ] as const) {
      const { exitCode, errors } = await run(['cert', 'show', p12, ...words]);
      expect([exitCode, errors]).toEqual([1, expect.stringContaining(reason)]);
    }
    const terminal = fakeTerminal({ tty: true });
    const shown = runProgram(['cert', 'show', p12], terminal);
    await terminal.printed(`Password of ${p12}: `);
    terminal.stdin.write(`${PASSWORD}\n`);
    expect(await shown).toBe(0);
    expect(terminal.output()).toContain('CN=acme');
  });
});

describe('what is shown', () => {
  test.skipIf(withoutOpenssl).each(['rsa-2048', 'ec-p256'])(
    'a certificate of %s, in the numbers that OpenSSL gives',
    async (type) => {
      const { at, cert, folder, write } = await authorityFolder();
      await cert(
        'server',
        '--name',
        'ftp.example.com',
        '--name',
        '192.0.2.7',
        '--key-type',
        type,
        '--days',
        '90',
        '--out',
        folder,
      );
      const path = at('server.crt');
      const [shown] = JSON.parse((await cert('show', '--json', path, at('server.key'))).output);
      const { fingerprint256, serialNumber } = new X509Certificate(await readFile(path));
      await write('public.pem', await openssl('x509', '-in', path, '-noout', '-pubkey'));
      await openssl('pkey', '-pubin', '-in', at('public.pem'), '-outform', 'DER', '-out', at('public.der'));
      const sha256 = await openssl('dgst', '-sha256', '-r', at('public.der'));
      expect(shown).toMatchObject({
        file: path,
        items: [
          {
            kind: 'certificate',
            subject: 'CN=ftp.example.com',
            issuer: 'CN=Test partners',
            serialNumber,
            daysLeft: 89,
            names: ['dns:ftp.example.com', 'ip:192.0.2.7'],
            purposes: ['serverAuth'],
            keyUsages: type === 'ec-p256' ? ['digitalSignature'] : ['digitalSignature', 'keyEncipherment'],
            authority: false,
            key: type === 'ec-p256' ? 'EC P-256' : 'RSA 2048',
            signature: 'ECDSA with SHA-256',
            fingerprintSha256: fingerprint256,
            publicKeySha256: sha256.slice(0, 64),
            pin: `sha256//${Buffer.from(sha256.slice(0, 64), 'hex').toString('base64')}`,
          },
        ],
      });
      expect(Date.parse(shown.items[0].notAfter)).toBe(new X509Certificate(await readFile(path)).validToDate.getTime());
    },
  );

  test('what the files have to do with each other', async () => {
    const { at, cert, folder } = await authorityFolder();
    await cert('client', 'a', '--out', folder);
    await cert('client', 'b', '--out', folder);
    await cert('revoke', at('client-a.crt'), '--ca', at('ca.crt'));
    const { output } = await cert(
      'show',
      at('client-a.crt'),
      at('client-a.key'),
      at('client-b.crt'),
      at('ca.crt'),
      at('ca.crl'),
    );
    const [a, key, b, ca, list] = output.split('\n\n');
    expect(a).toContain(`REVOKED BY ${at('ca.crl')}`);
    expect(a).toContain(`signed by the authority in ${at('ca.crt')}`);
    expect(key).toContain(`the key of the certificate in ${at('client-a.crt')}`);
    expect(b).toContain(`not revoked by ${at('ca.crl')}`);
    expect(ca).toContain('signing certificates, no authorities below it');
    expect(list).toContain(`signed by the authority in ${at('ca.crt')}`);
    expect(list).toMatch(/revoked {9}[0-9A-F]{32} {2}\d{4}-\d\d-\d\d {2}unspecified/);
    expect(output).not.toContain('PRIVATE KEY');
  });

  test('what has expired, soon will, or is in the wrong order', async () => {
    const { at, cert, write } = await authorityFolder();
    const key = await makeKey('P-256');
    const nowMs = Date.now();
    const issuer = { cert: makeAuthority(key, { nowMs, days: 99 }), key };
    const client = (days: number, fromMs = nowMs) =>
      makeClientCertificate(key, issuer, { name: 'acme', nowMs: fromMs, days });
    const old = await write('old.crt', client(2, nowMs - 5 * 86_400_000));
    const soon = await write('soon.crt', client(10));
    const chain = await write('chain.crt', client(99) + (await readFile(at('ca.crt'), 'utf8')));
    const right = await write('right.crt', client(99) + issuer.cert);
    expect((await cert('show', old)).output).toMatch(/EXPIRED[\s\S]*HAS EXPIRED/);
    expect((await cert('show', soon)).output).toContain('ends in 9 days');
    expect((await cert('show', chain)).output).toContain('IS NOT SIGNED BY THE NEXT ONE');
    expect((await cert('show', right)).output).not.toContain('NOT SIGNED');
  });

  test('keys: locked ones stay locked, and one that others may read is remarked upon', async () => {
    const { at, cert, folder, write } = await authorityFolder();
    const password = await write('password', PASSWORD);
    await cert('server', '--out', folder, '--passphrase-file', password);
    expect((await cert('show', at('server.key'))).output).toContain('locked with a passphrase');
    const opened = await cert('show', at('server.key'), at('server.crt'), '--password-file', password);
    expect(opened.output).toContain('the key of the certificate');
    await chmod(at('ca.key'), 0o644);
    expect((await cert('show', at('ca.key'))).output).toContain('chmod 640');
  });

  test.skipIf(withoutOpenssl)('DER of every kind, requests, and PKCS #12 by OpenSSL, old and new', async () => {
    const { at, cert, folder, write } = await authorityFolder();
    const password = await write('password', PASSWORD);
    await cert('csr', '--client', 'acme', '--out', folder, '--key-type', 'ec-p256');
    await cert('sign', at('client-acme.csr'), '--client', 'acme', '--out', folder, '--yes');
    for (const [kind, name] of [
      ['x509', 'client-acme.crt'],
      ['req', 'client-acme.csr'],
      ['crl', 'ca.crl'],
      ['pkcs8', 'client-acme.key'],
    ] as const) {
      const how = kind === 'pkcs8' ? ['-topk8', '-nocrypt'] : [];
      await openssl(kind, ...how, '-in', at(name), '-outform', 'DER', '-out', at(`${name}.der`));
      const kinds = async (path: string) => JSON.parse((await cert('show', '--json', path)).output)[0].items;
      expect(await kinds(at(`${name}.der`))).toEqual(await kinds(at(name)));
    }
    expect((await cert('show', at('client-acme.csr'))).output).toMatch(/request {9}CN=acme[\s\S]*TLS clients/);
    for (const words of [[], ['-legacy', '-descert'], ['-legacy', '-certpbe', 'PBE-SHA1-RC2-40'], ['-nomac']]) {
      const key = ['-inkey', at('client-acme.key'), '-in', at('client-acme.crt'), '-passout', `file:${password}`];
      await openssl('pkcs12', '-export', ...key, ...words, '-out', at('foreign.p12'));
      const { output } = await cert('show', at('foreign.p12'), '--password-file', password);
      expect(output).toMatch(/certificate {5}CN=acme[\s\S]*private key {5}EC P-256/);
    }
  });
});
