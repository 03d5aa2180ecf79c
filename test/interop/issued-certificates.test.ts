/** curl at a gateway whose authority, server and partners are made by `sallyport cert`, until one of them is revoked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run as sallyport } from '../cli/fake-terminal.ts';
import { needs, run } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { curlOptions, curlUrl } from './clients/curl.ts';
import { PLAIN_WAY } from './ways.ts';

const PASSWORD = 'correct horse battery';

/** An authority, a server and the partner in a folder, with keys of that type. */
async function partnership(keyType: string) {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeFileSync(at('password'), PASSWORD, { mode: 0o600 });
  const cert = async (...words: string[]) => {
    const { exitCode, errors } = await sallyport(['cert', ...words]);
    expect({ exitCode, errors: exitCode === 0 ? '' : errors }).toEqual({ exitCode: 0, errors: '' });
  };
  const made = ['--key-type', keyType, '--out', folder];
  await cert('ca', 'Partners', ...made);
  await cert('server', ...made);
  await cert('client', 'partner', '--p12', '--p12-password-file', at('password'), ...made);
  return { folder, at, cert };
}

function startFor({ at }: { readonly at: (name: string) => string }) {
  return startGateway({
    tls: {
      certificateFile: at('server.crt'),
      keyFile: at('server.key'),
      clientCertificate: 'required',
      clientCaFile: at('ca.crt'),
      crlFile: at('ca.crl'),
    },
    authentication: [{ type: 'certificate', userFrom: 'common_name', password: 'not_needed', account: 'users' }],
  });
}

needs('curl').each(['rsa-2048', 'ec-p256', 'ec-p384'])(
  'a partner with a certificate (%s) moves files without a password; renewed it still does, revoked it does not',
  async (keyType) => {
    const place = await partnership(keyType);
    const { at, cert } = place;
    const gateway = await startFor(place);
    const options = (certificate: readonly string[]) => {
      const words = curlOptions({ ...gateway, password: '' }, { ...PLAIN_WAY, version: '1.3' });
      // The last one counts.
      return [...words, '--cacert', at('ca.crt'), ...certificate];
    };
    const pem = options(['--cert', at('client-partner.crt'), '--key', at('client-partner.key')]);
    const p12 = options(['--cert-type', 'P12', '--cert', `${at('client-partner.p12')}:${PASSWORD}`]);

    writeFileSync(at('sent'), 'content');
    const sent = await run('curl', [...pem, '--upload-file', at('sent'), curlUrl(gateway, 'a.txt')]);
    expect(sent.stderr).toBe('');
    expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('content');
    expect((await run('curl', [...p12, curlUrl(gateway, 'a.txt')])).stdout).toBe('content');

    await cert('renew', at('client-partner.crt'), '--new-key');
    expect((await run('curl', [...pem, curlUrl(gateway, 'a.txt')])).stdout).toBe('content');

    await cert('revoke', at('client-partner.crt'), '--ca', at('ca.crt'));
    const again = await startFor(place);
    const refused = await run('curl', [...pem, '-v', curlUrl(again, 'a.txt')]);
    expect(refused.stdout).toBe('');
    expect(refused.stderr).toMatch(/< 530 /);
    expect(again.log.of('tls.client_certificate_untrusted')).toMatchObject([{ reason: 'CERT_REVOKED' }]);
    // Another certificate of the same partner is another matter: whoever renews because of a theft revokes the .bak, too.
    writeFileSync(join(again.home, 'b.txt'), 'content');
    expect((await run('curl', [...p12, curlUrl(again, 'b.txt')])).stdout).toBe('content');
  },
  60_000,
);
