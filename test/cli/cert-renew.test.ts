/** `sallyport cert renew`, `revoke` and `crl`: the later life of certificates. */
import { X509Certificate } from 'node:crypto';
import { chmod, chown, lstat, readdir, rm, stat, symlink } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { authorityFolder } from './authority-folder.ts';
import { isMissing, openssl } from './openssl.ts';

const withoutOpenssl = isMissing('openssl');

const facts = (pem: string) => {
  const { subject, issuer, subjectAltName, keyUsage, serialNumber, publicKey, validToDate } = new X509Certificate(pem);
  return {
    same: { subject, issuer, subjectAltName, keyUsage },
    serialNumber,
    publicKey,
    validToMs: validToDate.getTime(),
  };
};

describe('renewing', () => {
  test.skipIf(withoutOpenssl).each(['rsa-2048', 'ec-p256'])(
    'a %s certificate keeps names, usages, authority and key; the old one is kept',
    async (type) => {
      const { at, cert, read, folder } = await authorityFolder();
      await cert('client', 'acme', '--out', folder, '--key-type', type, '--days', '10', '--email', 'a@b.example');
      const [old, key] = [await read('client-acme.crt'), await read('client-acme.key')];
      const { output } = await cert('renew', at('client-acme.crt'), '--days', '20');
      expect(output).toBe(`${at('client-acme.crt')}\n`);
      const now = await read('client-acme.crt');
      expect(facts(now).same).toEqual(facts(old).same);
      expect(facts(now).publicKey.equals(facts(old).publicKey)).toBe(true);
      expect(facts(now).serialNumber).not.toBe(facts(old).serialNumber);
      expect(facts(now).validToMs - facts(old).validToMs).toBeGreaterThan(9 * 86_400_000);
      expect([await read('client-acme.key'), await read('client-acme.crt.bak')]).toEqual([key, old]);
      expect(
        await openssl(
          'verify',
          '-x509_strict',
          '-purpose',
          'sslclient',
          '-CAfile',
          at('ca.crt'),
          at('client-acme.crt'),
        ),
      ).toContain('OK');
    },
  );

  test.skipIf(withoutOpenssl)('with a new key: of the same kind, and the old pair is kept', async () => {
    const { at, cert, read, folder } = await authorityFolder('rsa-2048');
    await cert('server', '--name', 'a.example', '--key-type', 'ec-p384', '--out', folder);
    const [old, key] = [await read('server.crt'), await read('server.key')];
    const { output } = await cert('renew', at('server.crt'), '--new-key');
    expect(output).toBe(`${at('server.key')}\n${at('server.crt')}\n`);
    const now = new X509Certificate(await read('server.crt'));
    expect(now.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'secp384r1' });
    expect(now.publicKey.equals(new X509Certificate(old).publicKey)).toBe(false);
    expect([await read('server.key.bak'), await read('server.crt.bak')]).toEqual([key, old]);
    for (const name of ['server.key', 'server.key.bak']) expect((await stat(at(name))).mode & 0o777).toBe(0o600);
    expect(
      await openssl(
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-verify_hostname',
        'a.example',
        '-CAfile',
        at('ca.crt'),
        at('server.crt'),
      ),
    ).toContain('OK');
  });

  test('a certificate made from a request is renewed without its key, and gets no new one', async () => {
    const { at, cert, read, refused, folder } = await authorityFolder();
    await cert('csr', '--client', 'acme', '--out', folder);
    await cert('sign', at('client-acme.csr'), '--client', 'acme', '--out', folder, '--yes');
    await rm(at('client-acme.key'));
    const old = facts(await read('client-acme.crt'));
    await cert('renew', at('client-acme.crt'));
    expect(facts(await read('client-acme.crt')).publicKey.equals(old.publicKey)).toBe(true);
    expect((await refused('renew', at('client-acme.crt'), '--new-key')).errors).toContain('by a new request');
  });

  test.skipIf(withoutOpenssl)(
    'what signs itself: a server, and an authority, whose certificates go on counting',
    async () => {
      const { at, cert, read, refused, folder } = await authorityFolder();
      await cert('server', '--self-signed', '--name', 'a.example', '--file', 'own', '--out', folder);
      await cert('renew', at('own.crt'), '--new-key');
      expect(
        await openssl(
          'verify',
          '-x509_strict',
          '-verify_hostname',
          'a.example',
          '-CAfile',
          at('own.crt'),
          at('own.crt'),
        ),
      ).toContain('OK');

      await cert('client', 'acme', '--out', folder);
      expect((await refused('renew', at('ca.crt'), '--new-key')).errors).toContain('is an authority');
      await cert('renew', at('ca.crt'));
      expect(await read('ca.crt')).not.toBe(await read('ca.crt.bak'));
      expect(
        await openssl(
          'verify',
          '-x509_strict',
          '-purpose',
          'sslclient',
          '-CAfile',
          at('ca.crt'),
          at('client-acme.crt'),
        ),
      ).toContain('OK');
      expect(await openssl('crl', '-in', at('ca.crl'), '-CAfile', at('ca.crt'), '-noout')).toContain('verify OK');
    },
  );

  test('what others have issued is refused, and nothing is written', async () => {
    const { at, cert, refused, folder } = await authorityFolder();
    await cert('server', '--out', folder);
    const other = await authorityFolder();
    const before = await readdir(folder);
    const { exitCode, errors } = await refused('renew', at('server.crt'), '--ca', other.at('ca.crt'));
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('cannot be renewed here')]);
    expect((await refused('renew', at('ca.key'))).errors).toContain('no certificate in PEM');
    expect(await readdir(folder)).toEqual(before);
  });

  test('the gateway goes on reading what root has renewed: owner, group and links stay', async () => {
    const { at, cert, folder } = await authorityFolder();
    await cert('server', '--out', folder, '--file', 'real');
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(at('real.key'), 12_345, 12_346);
    await chmod(at('real.key'), 0o640);
    for (const ending of ['key', 'crt']) await symlink(at(`real.${ending}`), at(`server.${ending}`));
    await cert('renew', at('server.crt'), '--new-key');
    for (const ending of ['key', 'crt']) expect((await lstat(at(`server.${ending}`))).isSymbolicLink()).toBe(true);
    const { uid, gid, mode } = await stat(at('real.key'));
    expect(mode & 0o777).toBe(0o640);
    if (isRoot) expect([uid, gid]).toEqual([12_345, 12_346]);
    const { output } = await cert('show', at('server.key'), at('server.crt'));
    expect(output).toContain('the key of the certificate');
  });

  test('a locked key is not followed by an open one', async () => {
    const { at, cert, read, refused, folder, write } = await authorityFolder();
    const password = await write('password', 'correct horse battery');
    await cert('server', '--out', folder, '--passphrase-file', password);
    expect((await refused('renew', at('server.crt'), '--new-key')).exitCode).toBe(2);
    await cert('renew', at('server.crt'), '--new-key', '--passphrase-file', password);
    expect(await read('server.key')).toContain('ENCRYPTED');
  });
});

describe('revoking', () => {
  test.skipIf(withoutOpenssl).each(['rsa-2048', 'ec-p256', 'ec-p384'])(
    'with an authority of %s: OpenSSL finds the list right, and refuses what is on it',
    async (type) => {
      const { at, cert, folder } = await authorityFolder(type);
      for (const name of ['a', 'b', 'c']) await cert('client', name, '--out', folder, '--key-type', 'ec-p256');
      const list = async () => openssl('crl', '-in', at('ca.crl'), '-CAfile', at('ca.crt'), '-noout', '-text');
      const check = (name: string) =>
        openssl(
          'verify',
          '-x509_strict',
          '-crl_check',
          '-purpose',
          'sslclient',
          '-CAfile',
          at('ca.crt'),
          '-CRLfile',
          at('ca.crl'),
          at(`client-${name}.crt`),
        );
      expect(await list()).toMatch(/CRL Number:\s+1\n[\s\S]*No Revoked Certificates[\s\S]*verify OK/);
      expect(await check('a')).toContain('OK');

      const common = ['--ca', at('ca.crt')];
      await cert('revoke', at('client-a.crt'), '--reason', 'keyCompromise', ...common);
      const serial = (await openssl('x509', '-in', at('client-b.crt'), '-noout', '-serial')).trim().slice(7);
      const colons = serial.match(/../g)?.join(':').toLowerCase() ?? '';
      const { errors } = await cert('revoke', '--serial', colons, at('client-a.crt'), ...common);
      expect(errors).toContain('was revoked before');
      await cert('crl', '--days', '90', ...common);
      const text = await list();
      expect(text).toMatch(/CRL Number:\s+4\n[\s\S]*verify OK/);
      expect(text.match(/Serial Number: /g)).toHaveLength(2);
      expect(text.match(/CRL Reason Code:\s+Key Compromise/g)).toHaveLength(1);
      for (const name of ['a', 'b']) await expect(check(name)).rejects.toThrow('revoked');
      expect(await check('c')).toContain('OK');
    },
  );

  test('what is not of this authority, and lists that are missing or of others, are refused', async () => {
    const { at, cert, read, refused, folder, write } = await authorityFolder();
    const other = await authorityFolder();
    await cert('client', 'a', '--out', folder);
    const common = ['--ca', at('ca.crt')];
    expect((await refused('revoke', ...common)).exitCode).toBe(2);
    expect((await refused('revoke', '--serial', 'xyz', ...common)).exitCode).toBe(2);
    expect((await refused('revoke', at('client-a.crt'), '--reason', 'why', ...common)).exitCode).toBe(2);
    expect((await refused('revoke', at('client-a.crt'), '--ca', other.at('ca.crt'))).errors).toContain(
      'not issued by this authority',
    );
    expect((await refused('revoke', at('ca.crt'), ...common)).errors).toContain('the authority itself');
    expect((await refused('crl', '--new', ...common)).errors).toContain('exists');

    const list = await read('ca.crl');
    await write('ca.crl', await other.read('ca.crl'));
    expect((await refused('revoke', at('client-a.crt'), ...common)).errors).toContain('is not signed by');
    await rm(at('ca.crl'));
    expect((await refused('crl', ...common)).errors).toContain('--new');
    await cert('crl', '--new', ...common);
    expect(await read('ca.crl')).not.toBe(list);
  });
});
