/** `sallyport cert ca`, `server`, `client` and `p12`, judged by OpenSSL and Java. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { isMissing, keytool, openssl } from './openssl.ts';
import { temporaryFolder } from './temporary-folder.ts';

const withoutOpenssl = isMissing('openssl');
const PASSWORD = 'correct horse battery';

/** A folder with a file that holds the password. */
async function folderWithPassword() {
  const folder = await temporaryFolder();
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  return { folder, passwordFile };
}

async function ok(...words: string[]): Promise<string> {
  const { exitCode, output, errors } = await run(words);
  expect({ exitCode, errors: exitCode === 0 ? '' : errors }).toEqual({ exitCode: 0, errors: '' });
  return output;
}

/** The extensions as OpenSSL words them, on one line. */
async function extensions(path: string): Promise<string> {
  const ids = 'basicConstraints,keyUsage,extendedKeyUsage,subjectAltName';
  return (await openssl('x509', '-in', path, '-noout', '-ext', ids))
    .replace(/No extensions.*\n/, '')
    .replace(/\s+/g, ' ')
    .trim();
}

describe('refusals', () => {
  test.each([
    [['ca', ''], 'name'],
    [['ca', 'a\u202eb'], 'name'],
    [['ca', 'A', '--days', '7301'], '--days'],
    [['ca', 'A', '--path-length', '6'], '--path-length'],
    [['ca', 'A', '--country', 'Germany'], '--country'],
    [['ca', 'A', '--key-type', 'rsa-1024'], '--key-type'],
    [['server', '--name', 'not a name'], '--name'],
    [['server', '--self-signed', '--ca', 'x'], '--ca'],
    [['server', '--file', '../x'], '--file'],
    [['client', '../acme'], 'name'],
    [['client', 'a', '--email', 'nobody'], '--email'],
    [['client', 'a', '--dns', '1.2.3.4'], '--dns'],
    [['client', 'a', '--uri', 'no uri'], '--uri'],
    [['client', 'a', '--p12-password', 'x'], '--p12-password'],
  ])('cert %j is wrong use', async (words, named) => {
    const out = join(await temporaryFolder(), 'never');
    const { exitCode, errors } = await run(['cert', ...words, '--out', out]);
    expect(exitCode).toBe(2);
    expect(errors).toContain(named);
    await expect(stat(out)).rejects.toThrow('ENOENT');
  });

  test('existing files are named, and none of them is replaced', async () => {
    const { folder, passwordFile } = await folderWithPassword();
    await ok('cert', 'ca', 'First', '--out', folder, '--key-type', 'ec-p256');
    await ok('cert', 'client', 'acme', '--out', folder, '--p12', '--p12-password-file', passwordFile);
    const before = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')));
    for (const words of [
      ['ca', 'Second'],
      ['client', 'acme'],
    ]) {
      const { exitCode, errors } = await run(['cert', ...words, '--out', folder]);
      expect(exitCode).toBe(1);
      expect(errors).toContain('--force');
    }
    const again = await run(['cert', 'p12', join(folder, 'client-acme.crt'), '--p12-password-file', passwordFile]);
    expect(again.exitCode).toBe(1);
    const after = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'latin1')));
    expect(after).toEqual(before);
    await ok('cert', 'client', 'acme', '--out', folder, '--force');
  });

  test('a password that is too short, not ASCII, or in a file that others may read', async () => {
    const { folder, passwordFile } = await folderWithPassword();
    await ok('cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256');
    const client = ['cert', 'client', 'acme', '--out', folder, '--p12', '--p12-password-file', passwordFile];
    for (const [text, mode, reason] of [
      ['short', 0o600, '12 characters'],
      ['passwörter sind lang', 0o600, 'ASCII'],
      [PASSWORD, 0o644, 'chmod'],
    ] as const) {
      await writeFile(passwordFile, text);
      await chmod(passwordFile, mode);
      const { exitCode, errors } = await run(client);
      expect([exitCode, errors]).toEqual([1, expect.stringContaining(reason)]);
    }
    const { exitCode, errors } = await run(client.slice(0, -2));
    expect([exitCode, errors]).toEqual([2, expect.stringContaining('--p12-password-file')]);
    expect(await readdir(folder)).not.toContain('client-acme.key');
  });

  test('an authority that is not there, is none, or is locked with another passphrase', async () => {
    const { folder, passwordFile } = await folderWithPassword();
    const none = await run(['cert', 'server', '--out', folder]);
    expect([none.exitCode, none.errors]).toEqual([1, expect.stringContaining('cert ca')]);
    await ok('cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256', '--passphrase-file', passwordFile);
    await ok('cert', 'server', '--out', folder, '--ca-passphrase-file', passwordFile);
    const leaf = await run(['cert', 'client', 'x', '--out', folder, '--ca', join(folder, 'server.crt')]);
    expect([leaf.exitCode, leaf.errors]).toEqual([1, expect.stringContaining('not the certificate of an authority')]);
    await writeFile(passwordFile, 'another one, quite long');
    const wrong = await run(['cert', 'client', 'x', '--out', folder, '--ca-passphrase-file', passwordFile]);
    expect([wrong.exitCode, wrong.errors]).toEqual([1, expect.stringContaining('not opened by that passphrase')]);
  });
});

describe.skipIf(withoutOpenssl).each([
  ['rsa-2048', 'rsa-2048'],
  ['rsa-3072', 'ec-p256'],
  ['ec-p256', 'rsa-2048'],
  ['ec-p384', 'ec-p384'],
])('an authority of %s and certificates of %s', (caType, leafType) => {
  test('OpenSSL takes the chain strictly, for its purpose and its names only', async () => {
    const folder = await temporaryFolder();
    const [ca, server, client] = ['ca.crt', 'server.crt', 'client-acme.crt'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const written = await ok(
      'cert',
      'ca',
      'Acme partners',
      '--out',
      folder,
      '--key-type',
      caType,
      '--country',
      'DE',
      '--organization',
      'Ä & Co',
    );
    expect(written.trim().split('\n')).toEqual(['ca.key', 'ca.crt', 'ca.crl'].map((name) => join(folder, name)));
    await ok('cert', 'server', '--out', folder, '--key-type', leafType, '--name', 'ftp.example.com', '--name', '::1');
    await ok(
      'cert',
      'client',
      'acme',
      '--out',
      folder,
      '--key-type',
      leafType,
      '--email',
      'a@acme.example',
      '--uri',
      'urn:acme:1',
    );

    const verify = (...words: string[]) => openssl('verify', '-x509_strict', '-CAfile', ca, ...words);
    expect(await verify('-purpose', 'sslserver', '-verify_hostname', 'ftp.example.com', server)).toContain('OK');
    expect(await verify('-purpose', 'sslserver', '-verify_ip', '::1', server)).toContain('OK');
    expect(await verify('-purpose', 'sslclient', '-verify_email', 'a@acme.example', client)).toContain('OK');
    await expect(verify('-purpose', 'sslclient', server)).rejects.toThrow();
    await expect(verify('-purpose', 'sslserver', client)).rejects.toThrow();
    await expect(verify('-purpose', 'sslserver', '-verify_hostname', 'example.com', server)).rejects.toThrow();

    const encipherment = leafType.startsWith('rsa') ? ', Key Encipherment' : '';
    expect(await extensions(ca)).toBe(
      'X509v3 Basic Constraints: critical CA:TRUE, pathlen:0 X509v3 Key Usage: critical Certificate Sign, CRL Sign',
    );
    expect(await extensions(server)).toBe(
      `X509v3 Basic Constraints: critical CA:FALSE X509v3 Key Usage: critical Digital Signature${encipherment} ` +
        'X509v3 Extended Key Usage: TLS Web Server Authentication ' +
        'X509v3 Subject Alternative Name: DNS:ftp.example.com, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(await extensions(client)).toBe(
      'X509v3 Basic Constraints: critical CA:FALSE X509v3 Key Usage: critical Digital Signature ' +
        'X509v3 Extended Key Usage: TLS Web Client Authentication ' +
        'X509v3 Subject Alternative Name: email:a@acme.example, URI:urn:acme:1',
    );
    expect(new X509Certificate(await readFile(ca)).subject).toBe('C=DE\nO=Ä & Co\nCN=Acme partners');
    for (const path of [ca, server, client]) {
      const { serialNumber } = new X509Certificate(await readFile(path));
      expect(serialNumber).toMatch(/^[4-7][0-9A-F]{31}$/);
      const key = createPrivateKey(await readFile(path.replace('.crt', '.key')));
      expect(new X509Certificate(await readFile(path)).checkPrivateKey(key)).toBe(true);
      expect((await stat(path.replace('.crt', '.key'))).mode & 0o777).toBe(0o600);
    }
  });
});

describe('an authority', () => {
  test('says how many stand below it', async () => {
    const folder = await temporaryFolder();
    await ok('cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256', '--path-length', '2');
    const ca = await readFile(join(folder, 'ca.crt'));
    expect(JSON.parse(await ok('cert', 'show', '--json', join(folder, 'ca.crt')))[0].items[0]).toMatchObject({
      pathLength: 2,
    });
    expect(new X509Certificate(ca).ca).toBe(true);
  });

  test.skipIf(withoutOpenssl)('has a key that only its passphrase opens, here and in OpenSSL', async () => {
    const { folder, passwordFile } = await folderWithPassword();
    for (const type of ['rsa-2048', 'ec-p384']) {
      const out = join(folder, type);
      await ok('cert', 'ca', 'A', '--out', out, '--key-type', type, '--passphrase-file', passwordFile);
      const key = join(out, 'ca.key');
      expect(await readFile(key, 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
      expect(await openssl('pkey', '-in', key, '-passin', `file:${passwordFile}`, '-noout', '-check')).toContain(
        'valid',
      );
      await expect(openssl('pkey', '-in', key, '-passin', 'pass:no', '-noout')).rejects.toThrow();
    }
  });

  test('asks for the passphrase without echo, twice for a new one', async () => {
    const folder = await temporaryFolder();
    const typing = fakeTerminal({ tty: true });
    const made = runProgram(['cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256', '--encrypt-key'], typing);
    await typing.printed('New passphrase of');
    typing.stdin.write(`${PASSWORD}\n`);
    await typing.printed('The same again');
    typing.stdin.write(`${PASSWORD}\n`);
    expect(await made).toBe(0);

    const again = fakeTerminal({ tty: true });
    const issued = runProgram(['cert', 'server', '--out', folder], again);
    await again.printed('Passphrase of');
    again.stdin.write(`${PASSWORD}\n`);
    expect(await issued).toBe(0);
    for (const terminal of [typing, again]) expect(terminal.output() + terminal.errors()).not.toContain(PASSWORD);
  });

  test('signs nothing that outlives it, and says so; a long validity is warned of', async () => {
    const folder = await temporaryFolder();
    await ok('cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256', '--days', '500');
    const { exitCode, errors } = await run(['cert', 'server', '--out', folder, '--days', '600']);
    expect(exitCode).toBe(0);
    expect(errors).toContain('since the authority does');
    expect(errors).toContain('397 days');
    const [ca, server] = await Promise.all(['ca.crt', 'server.crt'].map((name) => readFile(join(folder, name))));
    expect(new X509Certificate(server ?? '').validTo).toBe(new X509Certificate(ca ?? '').validTo);
  });

  test.skipIf(withoutOpenssl)('that stands below another one goes with what it signs', async () => {
    const folder = await temporaryFolder();
    const at = (name: string) => join(folder, name);
    await writeFile(
      at('ext'),
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
    );
    await ok('cert', 'ca', 'Root', '--out', folder, '--key-type', 'ec-p256', '--path-length', '1');
    await openssl(
      'req',
      '-newkey',
      'rsa:2048',
      '-noenc',
      '-keyout',
      at('sub.key'),
      '-out',
      at('sub.csr'),
      '-subj',
      '/CN=Sub',
    );
    await openssl(
      'x509',
      '-req',
      '-in',
      at('sub.csr'),
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-days',
      '99',
      '-extfile',
      at('ext'),
      '-out',
      at('sub.crt'),
    );
    await ok('cert', 'server', '--out', folder, '--ca', at('sub.crt'), '--days', '9');
    expect(
      await openssl(
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-CAfile',
        at('ca.crt'),
        '-untrusted',
        at('server.crt'),
        at('server.crt'),
      ),
    ).toContain('OK');
  });
});

test.skipIf(withoutOpenssl)('a server that signs itself', async () => {
  const folder = await temporaryFolder();
  await ok(
    'cert',
    'server',
    '--self-signed',
    '--out',
    folder,
    '--key-type',
    'ec-p256',
    '--name',
    'a.example',
    '--file',
    'ec',
  );
  const path = join(folder, 'ec.crt');
  expect(
    await openssl(
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-verify_hostname',
      'a.example',
      '-CAfile',
      path,
      path,
    ),
  ).toContain('OK');
});

describe.each([
  ['rsa-2048', []],
  ['rsa-2048', ['--legacy']],
  ['ec-p256', []],
  ['ec-p256', ['--legacy']],
])('a PKCS #12 file of %s %j', (type, strength) => {
  test('OpenSSL, Java and Node open it with its password and find key, certificate and authority', async (context) => {
    if (withoutOpenssl || isMissing('keytool')) return context.skip();
    const { folder, passwordFile } = await folderWithPassword();
    const p12 = join(folder, 'client-acme.p12');
    await ok('cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256');
    const words = ['--p12', '--p12-password-file', passwordFile, '--friendly-name', 'Acme é', ...strength];
    await ok('cert', 'client', 'acme', '--out', folder, '--key-type', type, ...words);
    expect((await stat(p12)).mode & 0o777).toBe(0o600);

    for (const legacy of [[], ['-legacy']]) {
      const info = await openssl('pkcs12', '-info', '-noenc', '-in', p12, '-passin', `file:${passwordFile}`, ...legacy);
      const isOld = strength.length > 0;
      expect(info).toContain(isOld ? 'MAC: sha1' : 'MAC: sha256');
      expect(info).toContain(isOld ? 'pbeWithSHA1And3-KeyTripleDES-CBC' : 'AES-256-CBC');
      expect(info.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
      expect(info).toContain('BEGIN PRIVATE KEY');
    }
    await expect(openssl('pkcs12', '-noout', '-in', p12, '-passin', 'pass:no')).rejects.toThrow();

    const listed = await keytool('-list', '-v', '-storetype', 'PKCS12', '-keystore', p12, '-storepass', PASSWORD);
    expect(listed).toContain('PrivateKeyEntry');
    expect(listed).toContain('Certificate chain length: 2');
    expect(listed).toContain(new X509Certificate(await readFile(join(folder, 'client-acme.crt'))).fingerprint256);

    createSecureContext({ pfx: await readFile(p12), passphrase: PASSWORD });
    const [shown] = JSON.parse(await ok('cert', 'show', '--json', '--password-file', passwordFile, p12));
    expect(shown.items.map(({ kind }: { kind: string }) => kind)).toEqual([
      'certificate',
      'certificate',
      'private key',
    ]);
  });
});

test('a PKCS #12 file of a certificate that is there; a key that is another one is refused', async () => {
  const { folder, passwordFile } = await folderWithPassword();
  const at = (name: string) => join(folder, name);
  await ok('cert', 'ca', 'A', '--out', folder, '--key-type', 'ec-p256');
  await ok('cert', 'client', 'acme', '--out', folder, '--passphrase-file', passwordFile);
  const other = await run([
    'cert',
    'p12',
    at('client-acme.crt'),
    '--key',
    at('ca.key'),
    '--p12-password-file',
    passwordFile,
  ]);
  expect([other.exitCode, other.errors]).toEqual([1, expect.stringContaining('does not belong')]);
  const words = ['--passphrase-file', passwordFile, '--chain', at('ca.crt'), '--p12-password-file', passwordFile];
  expect(await ok('cert', 'p12', at('client-acme.crt'), ...words)).toBe(`${at('client-acme.p12')}\n`);
  createSecureContext({ pfx: await readFile(at('client-acme.p12')), passphrase: PASSWORD });
});
