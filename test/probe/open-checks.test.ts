import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import type { Check } from '../../src/probe/check.ts';
import { applicationProtocolCheck } from '../../src/probe/checks/application-protocol.ts';
import { authInjectionCheck } from '../../src/probe/checks/auth-injection.ts';
import { clearLoginCheck } from '../../src/probe/checks/clear-login.ts';
import { featuresCheck } from '../../src/probe/checks/features.ts';
import { greetingCheck } from '../../src/probe/checks/greeting.ts';
import { httpRequestCheck } from '../../src/probe/checks/http-request.ts';
import { protectionOrderCheck } from '../../src/probe/checks/protection-order.ts';
import { renegotiationCheck } from '../../src/probe/checks/renegotiation.ts';
import { serverNameCheck } from '../../src/probe/checks/server-name.ts';
import type { Severity } from '../../src/probe/finding.ts';
import { ask, complaints, findingsOf } from './ask.ts';
import { type Flaws, startFakeServer } from './fake-server.ts';
import { selfSigned } from './own-certificate.ts';

/** What a server is that has this flaw, by the check that looks for it. */
const FLAWED: readonly (readonly [string, Check, Flaws, Readonly<Record<string, Severity>>])[] = [
  [
    'names its version in the greeting',
    greetingCheck,
    { replies: { greeting: '220 ProFTPD 1.3.5e Server' } },
    { 'banner.version': 'low' },
  ],
  [
    'names its version in SYST',
    greetingCheck,
    { replies: { SYST: '215 UNIX vsFTPd 3.0.3' } },
    { 'banner.version': 'low' },
  ],
  [
    'greets with its address',
    greetingCheck,
    { replies: { greeting: '220 FTP at 192.0.2.17' } },
    { 'banner.version': 'ok' },
  ],
  ['asks for passwords in clear', clearLoginCheck, { loginInClear: true }, { 'login.clear': 'high' }],
  ['executes what stands behind AUTH TLS', authInjectionCheck, { injected: 'executed' }, { 'auth.injection': 'high' }],
  [
    'answers in clear what stands behind AUTH TLS',
    authInjectionCheck,
    { injected: 'answeredInClear' },
    { 'auth.injection': 'ok' },
  ],
  [
    'hangs up on what stands behind AUTH TLS',
    authInjectionCheck,
    { injected: 'endsConnection' },
    { 'auth.injection': 'ok' },
  ],
  [
    'takes PROT in any order',
    protectionOrderCheck,
    { replies: { PBSZ: '200 Fine', PROT: '200 Fine' } },
    { 'prot.without-tls': 'info', 'prot.before-pbsz': 'info', 'prot.private': 'ok', 'prot.clear': 'info' },
  ],
  [
    'has no protected data',
    protectionOrderCheck,
    { replies: { PROT: '536 No' } },
    { 'prot.without-tls': 'ok', 'prot.before-pbsz': 'ok', 'prot.private': 'high', 'prot.clear': 'ok' },
  ],
  [
    'answers PROT after login only',
    protectionOrderCheck,
    { replies: { PROT: '530 Log in' } },
    { 'prot.without-tls': 'ok', 'prot.before-pbsz': 'ok', 'prot.private': 'info', 'prot.clear': 'ok' },
  ],
  ['lets clients renegotiate', renegotiationCheck, { tls: { secureOptions: 0 } }, { 'tls.renegotiation': 'low' }],
  [
    'knows no ALPN',
    applicationProtocolCheck,
    { tls: { ALPNCallback: undefined } },
    { 'alpn.ftp': 'info', 'alpn.foreign': 'low' },
  ],
  [
    'refuses all of ALPN',
    applicationProtocolCheck,
    { tls: { ALPNCallback: () => undefined } },
    { 'alpn.ftp': 'low', 'alpn.foreign': 'ok' },
  ],
  [
    'takes any SNI',
    serverNameCheck,
    { tls: { SNICallback: undefined } },
    { 'sni.foreign': 'info', 'sni.absent': 'ok' },
  ],
  ['reads HTTP line by line', httpRequestCheck, { http: 'readOn' }, { 'http.ignored': 'low', 'http.echoed': 'ok' }],
  ['sends HTTP back', httpRequestCheck, { http: 'echoed' }, { 'http.ignored': 'low', 'http.echoed': 'medium' }],
  [
    'lists no features',
    featuresCheck,
    { replies: { FEAT: '500 No' } },
    { 'features.list': 'info', 'features.ccc': 'ok' },
  ],
  [
    'lets clients leave TLS',
    featuresCheck,
    { replies: { FEAT: '211-\r\n CCC\r\n PBSZ\r\n PROT\r\n EPSV\r\n MLST a*;\r\n SIZE\r\n UTF8\r\n211 End' } },
    { 'features.list': 'ok', 'features.ccc': 'low' },
  ],
];

test.each(FLAWED)('a server that %s is found out', async (_, check, flaws, expected) => {
  expect(await findingsOf(check, await startFakeServer(flaws))).toEqual(expected);
});

test('a server that shows another certificate without SNI is noted', async () => {
  const own = await selfSigned('rsa:2048', 'sha256');
  const server = await startFakeServer({
    tls: { SNICallback: (_name, done) => done(null, createSecureContext(own)) },
  });
  expect(await findingsOf(serverNameCheck, server)).toEqual({ 'sni.foreign': 'info', 'sni.absent': 'info' });
});

test.each(['explicit', 'implicit'] as const)('nothing is said against a server without flaws, %s', async (mode) => {
  const server = await startFakeServer(mode === 'implicit' ? { implicit: true } : {});
  const report = await ask(server, { mode });
  expect({ complaints: complaints(report), complete: report.complete }).toEqual({ complaints: {}, complete: true });
  expect(report.findings.length).toBeGreaterThan(35);
  expect(server.files.size).toBe(0);
  expect(report.skipped.map(({ id }) => id)).toEqual(mode === 'implicit' ? ['login.clear', 'auth.injection'] : []);
});

test('a server that speaks TLS 1.2 alone is judged by all checks as well', async () => {
  const server = await startFakeServer({ tls: { maxVersion: 'TLSv1.2' } });
  const report = await ask(server);
  expect(complaints(report)).toEqual({ 'tls.versions': 'low', 'tls.post-quantum': 'info' });
  expect(report.complete).toBe(true);
});

test('without leave to write nothing is written, and nothing but questions is sent', async () => {
  const server = await startFakeServer();
  const report = await ask(server, { write: false });
  const verbs = new Set(server.lines.map((line) => line.split(' ')[0]));
  for (const verb of ['STOR', 'STOU', 'APPE', 'DELE', 'RNFR', 'MKD', 'RMD', 'SITE', 'RETR'])
    expect(verbs).not.toContain(verb);
  expect(report.skipped).toEqual([expect.objectContaining({ id: 'upload', why: 'notAsked' })]);
  expect(report.complete).toBe(true);
});
