/** openssl, curl, lftp and Python with a client certificate that is proof enough (USER answered 232), or that is required. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs, run, start } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { curlOptions, curlUrl } from './clients/curl.ts';
import { lftp, lftpOpening, quoted } from './clients/lftp.ts';
import { authorityOf, PLAIN_WAY } from './ways.ts';

const VERSIONS = ['1.2', '1.3'] as const;

async function gatewayThatAsks(
  clientCertificate: 'optional' | 'required',
  more: Partial<Parameters<typeof startGateway>[0]> = {},
) {
  const { cert, key, files } = await testCertificates();
  const tls = { certificate: cert, key, clientCertificate, clientCaFile: files.caCert };
  const gateway = await startGateway({
    tls,
    ...more,
    authentication: [
      { type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' },
      { type: 'users' },
    ],
  });
  return { gateway, files, codes: () => gateway.log.of('command').map(({ verb, code }) => `${verb} ${code}`) };
}

needs('openssl').each(VERSIONS)(
  'openssl s_client is asked for a certificate of our authority (TLS %s)',
  async (version) => {
    const { gateway, files } = await gatewayThatAsks('required');
    const client = start('openssl', [
      ...['s_client', '-connect', authorityOf(gateway), '-starttls', 'ftp', '-CAfile', files.caCert],
      ...['-cert', files.clientCert, '-key', files.clientKey, `-tls1_${version.slice(2)}`, '-crlf'],
    ]);
    await expect.poll(() => client.output.stdout, { timeout: 5_000 }).toMatch(/Verify return code/);
    expect(client.output.stdout).toMatch(/Acceptable client certificate CA names\s+CN = Sallyport development CA/);
    client.write('USER partner\n');
    await expect.poll(() => client.output.stdout, { timeout: 5_000 }).toMatch(/232 Logged in/);
    client.kill();
  },
);

needs('openssl')('openssl s_client without one shakes hands and reads why it cannot log in', async () => {
  const { gateway, files } = await gatewayThatAsks('required');
  const args = ['s_client', '-connect', authorityOf(gateway), '-starttls', 'ftp', '-CAfile', files.caCert, '-crlf'];
  const client = start('openssl', args);
  await expect.poll(() => client.output.stdout, { timeout: 5_000 }).toMatch(/Verify return code/);
  client.write('USER partner\n');
  await expect.poll(() => client.output.stdout, { timeout: 5_000 }).toMatch(/530 .*client certificate/);
  client.kill();
});

needs('curl').each(VERSIONS)('curl with a certificate moves files without a password (TLS %s)', async (version) => {
  const { gateway, files, codes } = await gatewayThatAsks('required');
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'sent'), 'content');
  const options = [
    ...curlOptions({ ...gateway, password: '' }, { ...PLAIN_WAY, version }),
    ...['--cert', files.clientCert, '--key', files.clientKey],
  ];
  const sent = await run('curl', [...options, '--upload-file', join(folder, 'sent'), curlUrl(gateway, 'a.txt')]);
  expect(sent.stderr).toBe('');
  expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('content');
  expect((await run('curl', [...options, curlUrl(gateway, 'a.txt')])).stdout).toBe('content');
  expect(codes()).toContain('USER 232');
  expect(codes().filter((code) => code.startsWith('PASS'))).toEqual([]);
});

needs('curl').each(VERSIONS)('curl shows it again on data connections that do not resume (TLS %s)', async (version) => {
  const { gateway, files } = await gatewayThatAsks('required', { sessionReuse: 'preferred' });
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'sent'), 'content');
  const options = [
    ...curlOptions({ ...gateway, password: '' }, { ...PLAIN_WAY, version }),
    ...['--no-sessionid', '--cert', files.clientCert, '--key', files.clientKey],
  ];
  const sent = await run('curl', [...options, '--upload-file', join(folder, 'sent'), curlUrl(gateway, 'a.txt')]);
  expect(sent.stderr).toBe('');
  expect((await run('curl', [...options, curlUrl(gateway, 'a.txt')])).stdout).toBe('content');
});

/** As above, but data connections are made as if by somebody else, who has no certificate. */
const FTPLIB_WITHOUT_DATA_CERTIFICATE = `
import ftplib, io, ssl, sys
host, port, ca, cert, key = sys.argv[1:]
bare = ssl.create_default_context(cafile=ca)
bare.check_hostname = False
class Ftp(ftplib.FTP_TLS):
    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return bare.wrap_socket(conn), size
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
context.load_cert_chain(cert, key)
ftp = Ftp(context=context)
ftp.connect(host, int(port))
ftp.login('partner', 'unused')
ftp.prot_p()
try:
    print(ftp.storbinary('STOR a.txt', io.BytesIO(b'content')))
except ftplib.Error as error:
    print(error)
`;

needs('python3')('Python that shows none on a data connection gets 522, and nothing is published', async () => {
  const { gateway, files } = await gatewayThatAsks('required', { sessionReuse: 'preferred' });
  const args = [gateway.host, String(gateway.port), files.caCert, files.clientCert, files.clientKey];
  const ran = await run('python3', ['-c', FTPLIB_WITHOUT_DATA_CERTIFICATE, ...args]);
  expect(ran.stdout).toMatch(/^522 .*same client certificate/);
  expect(readdirSync(gateway.home)).toEqual([]);
});

needs('curl')('curl without one is refused where it is required', async () => {
  const { gateway } = await gatewayThatAsks('required');
  const ran = await run('curl', [...curlOptions(gateway, PLAIN_WAY), '-v', curlUrl(gateway, '')]);
  expect(ran.code).toBe(67);
  expect(ran.stderr).toMatch(/< 530 .*client certificate/);
});

needs('lftp').each(VERSIONS)('lftp with a certificate moves files (TLS %s)', async (version) => {
  const { gateway, files, codes } = await gatewayThatAsks('required');
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'sent'), 'content');
  await lftp([
    `set ssl:cert-file ${quoted(files.clientCert)}`,
    `set ssl:key-file ${quoted(files.clientKey)}`,
    ...lftpOpening(gateway, { ...PLAIN_WAY, version }),
    `put ${quoted(join(folder, 'sent'))} -o a.txt`,
    'cat a.txt',
  ]);
  expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('content');
  expect(codes()).toContain('USER 232');
});

/** It logs in with USER alone, and sends PASS only when it is asked for. */
const FTPLIB = `
import ftplib, ssl, sys
host, port, ca, cert, key = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
context.check_hostname = False
context.load_cert_chain(cert, key)
ftp = ftplib.FTP_TLS(context=context)
ftp.connect(host, int(port))
print(ftp.login('partner', 'unused'))
print(ftp.sendcmd('PWD'))
ftp.quit()
`;

needs('python3')("Python's ftplib with a certificate is logged in by USER", async () => {
  const { gateway, files, codes } = await gatewayThatAsks('required');
  const args = [gateway.host, String(gateway.port), files.caCert, files.clientCert, files.clientKey];
  const ran = await run('python3', ['-c', FTPLIB, ...args]);
  expect(ran.stderr).toBe('');
  expect(ran.stdout).toMatch(/^232 .*\n257 "\/"/);
  expect(codes().filter((code) => code.startsWith('PASS'))).toEqual([]);
});
