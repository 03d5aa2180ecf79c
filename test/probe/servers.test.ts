import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { type ServerSetup, startFtpServer, whyNoFtpServers } from '../fixtures/ftp-servers.ts';
import { ask, severities } from './ask.ts';

const missing = whyNoFtpServers();
if (missing !== undefined && (process.env.CI ?? '') !== '') test(missing, () => expect(missing).toBeUndefined());
else if (missing !== undefined) test.skip(missing, () => undefined);

/** What each of these servers is known to do, as Debian 12 has it. */
const KNOWN: readonly (readonly [string, ServerSetup, Readonly<Record<string, string>>])[] = [
  [
    'proftpd as it comes',
    { server: 'proftpd', settings: [] },
    {
      ...{ 'banner.version': 'ok', 'login.clear': 'high', 'auth.injection': 'ok', 'tls.suites': 'low' },
      ...{
        'tls.renegotiation': 'ok',
        'alpn.ftp': 'ok',
        'alpn.foreign': 'low',
        'http.ignored': 'ok',
        'features.ccc': 'low',
      },
      ...{ 'prot.before-pbsz': 'info', 'session.resumed': 'ok', 'session.required': 'ok', 'session.foreign': 'ok' },
      ...{ 'data.clear': 'medium', 'data.order': 'ok', 'close-notify.listing': 'ok', 'active.foreign': 'ok' },
      ...{ 'active.low-port': 'ok', 'upload.cut-off': 'medium', 'close-notify.download': 'ok' },
    },
  ],
  [
    'proftpd with TLS required, and sessions not',
    {
      server: 'proftpd',
      settings: ['TLSRequired on', 'TLSOptions NoSessionReuseRequired', 'ServerIdent on "ProFTPD 1.3.8 Server"'],
    },
    {
      ...{
        'banner.version': 'low',
        'login.clear': 'ok',
        'session.required': 'low',
        'data.clear': 'ok',
        'data.order': 'ok',
      },
    },
  ],
  [
    'vsftpd as it comes',
    { server: 'vsftpd', settings: [] },
    {
      ...{
        'banner.version': 'low',
        'auth.injection': 'ok',
        'tls.suites': 'ok',
        'alpn.ftp': 'info',
        'http.ignored': 'low',
      },
      ...{ 'session.resumed': 'ok', 'session.required': 'ok', 'session.foreign': 'low', 'data.clear': 'medium' },
      ...{
        'close-notify.listing': 'ok',
        'active.foreign': 'ok',
        'upload.cut-off': 'ok',
        'close-notify.download': 'ok',
      },
    },
  ],
  [
    'vsftpd with protected guests, and sessions not required',
    {
      server: 'vsftpd',
      settings: ['force_anon_logins_ssl=YES', 'force_anon_data_ssl=YES', 'require_ssl_reuse=NO', 'ftpd_banner=Hello.'],
    },
    {
      'banner.version': 'ok',
      'session.required': 'low',
      'data.clear': 'ok',
      'upload.cut-off': 'ok',
    },
  ],
  [
    'vsftpd that tells a wrong address and connects anywhere',
    { server: 'vsftpd', settings: ['pasv_address=192.0.2.7', 'port_promiscuous=YES'] },
    { 'passive.address': 'medium', 'active.foreign': 'medium' },
  ],
  [
    'pure-ftpd with TLS possible',
    { server: 'pure-ftpd', settings: ['-Y', '1'] },
    {
      ...{ 'banner.version': 'ok', 'login.clear': 'high', 'auth.injection': 'ok', 'tls.suites': 'low' },
      ...{ 'alpn.ftp': 'info', 'http.ignored': 'ok', 'session.resumed': 'info', 'session.required': 'low' },
      ...{ 'data.clear': 'medium', 'close-notify.listing': 'ok', 'active.foreign': 'ok', 'upload.cut-off': 'medium' },
    },
  ],
  [
    'pure-ftpd with TLS required',
    { server: 'pure-ftpd', settings: ['-Y', '3'] },
    { 'login.clear': 'ok', 'data.clear': 'ok', 'data.order': 'ok', 'close-notify.listing': 'ok' },
  ],
];

describe.skipIf(missing !== undefined)('servers of others', () => {
  test.each(KNOWN)(
    '%s',
    async (_, setup, expected) => {
      const server = await startFtpServer(setup);
      const report = await ask(server);
      expect(report.skipped).toEqual([]);
      expect(severities(report)).toMatchObject(expected);
      // Nothing of the probe's own is left behind.
      expect((await readdir(server.home)).filter((name) => name.includes('probe'))).toEqual([]);
    },
    150_000,
  );
});
