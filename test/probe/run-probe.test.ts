import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { Secret } from '../../src/lib/secret.ts';
import { parseHostAndPort } from '../../src/probe/target.ts';
import { ask, severities } from './ask.ts';
import { startFakeServer } from './fake-server.ts';

describe('a server that cannot be probed', () => {
  test('a port that nobody listens on', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await new Promise((resolve) => server.close(resolve));
    await expect(ask({ port })).rejects.toThrow(`127.0.0.1 cannot be reached on port ${port}`);
  });

  test('a name that nobody has', async () => {
    await expect(ask({ port: 21 }, { host: 'nobody.invalid' })).rejects.toThrow('nobody.invalid cannot be looked up');
  });

  test('something that is not FTP', async () => {
    const server = await startFakeServer({ replies: { greeting: 'SSH-2.0-OpenSSH_9.2' } });
    await expect(ask(server)).rejects.toThrow('does not speak FTP');
  });

  test('one that serves nobody', async () => {
    const server = await startFakeServer({ replies: { greeting: '421 Too many' } });
    await expect(ask(server)).rejects.toThrow('does not serve us: 421 Too many');
  });

  test('one that is silent, within the time that was given', async () => {
    const begin = performance.now();
    await expect(ask(await startFakeServer({ silent: true }), { timeoutMs: 1_000 })).rejects.toThrow(
      'does not speak FTP',
    );
    expect(performance.now() - begin).toBeLessThan(8_000);
  });

  test('one that begins a reply and never ends it', async () => {
    const server = await startFakeServer({ replies: { greeting: `220-${'x'.repeat(100_000)}` } });
    await expect(ask(server, { timeoutMs: 20_000 })).rejects.toThrow('a reply without an end');
  });
});

test('a server without TLS is one finding, and all that needs TLS is left out', async () => {
  const report = await ask(await startFakeServer({ replies: { AUTH: '502 No' } }));
  expect(severities(report)).toEqual({ 'tls.offered': 'high', 'banner.version': 'ok', 'login.clear': 'ok' });
  expect(new Set(report.skipped.map(({ reason }) => reason))).toEqual(new Set(['the server offers no TLS']));
});

test('without an account what needs one is left out, and the report is complete', async () => {
  const { port, lines } = await startFakeServer();
  const report = await ask({ port });
  expect(report.complete).toBe(true);
  expect(report.skipped.map(({ id }) => id)).toEqual([
    'login',
    'session',
    'data',
    'close-notify',
    'passive',
    'active',
    'upload',
  ]);
  expect(lines.some((line) => line.startsWith('PASS'))).toBe(false);
});

describe('the password', () => {
  test('is not sent to a server whose certificate is not trusted', async () => {
    const server = await startFakeServer();
    const report = await ask(server, { ca: undefined });
    expect(server.logins()).toBe(0);
    expect(report.complete).toBe(false);
    expect(severities(report)['certificate.trust']).toBe('medium');
  });

  test('is not sent to a server with another name', async () => {
    const server = await startFakeServer({ tls: { SNICallback: undefined } });
    await ask(server, { serverName: 'elsewhere.example' });
    expect(server.logins()).toBe(0);
  });

  test('is sent to it all the same when that was asked for', async () => {
    const server = await startFakeServer();
    const report = await ask(server, { ca: undefined, verified: false });
    expect(severities(report)['login.secured']).toBe('ok');
  });

  test('is not sent under TLS 1.1', async () => {
    const server = await startFakeServer({
      tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' },
    });
    await ask(server);
    expect(server.logins()).toBe(0);
  });

  test('is tried once when it is wrong, so that no account is locked', async () => {
    const server = await startFakeServer();
    const report = await ask(server, { credentials: { user: 'partner', password: new Secret('something else') } });
    expect(server.logins()).toBe(1);
    expect(report.skipped.filter(({ why }) => why === 'failed')).toHaveLength(7);
    expect(report.skipped[0]?.reason).toContain('the login is refused: 530');
    expect(JSON.stringify(report)).not.toContain('something else');
  });
});

test('time that runs out is told, and what was found before stands', async () => {
  const server = await startFakeServer({ answerHello: () => Buffer.alloc(0) });
  const report = await ask(server, { timeoutMs: 2_000 });
  expect(report.complete).toBe(false);
  expect(severities(report)).toMatchObject({ 'banner.version': 'ok', 'login.clear': 'ok' });
  expect(report.skipped).toContainEqual({ id: 'tls', why: 'failed', reason: 'out of time after 2 s' });
  expect(report.durationMs).toBeLessThan(10_000);
});

test('what a server says cannot move the cursor of who reads it', async () => {
  const report = await ask(await startFakeServer({ replies: { SYST: '215 v1.2.3\u001b[2J' } }));
  expect(JSON.stringify(report.findings)).not.toContain('\\u001b');
  const refused = await ask(await startFakeServer({ replies: { USER: '530 \u001b[31mNo' } }));
  expect(refused.skipped.map(({ reason }) => reason).join()).not.toContain('\u001b');
});

test.each([
  ['ftp.example.com', 'explicit', { host: 'ftp.example.com', port: 21 }],
  ['ftp.example.com', 'implicit', { host: 'ftp.example.com', port: 990 }],
  ['ftp.example.com:2121', 'explicit', { host: 'ftp.example.com', port: 2_121 }],
  ['192.0.2.1:21', 'implicit', { host: '192.0.2.1', port: 21 }],
  ['2001:db8::1', 'explicit', { host: '2001:db8::1', port: 21 }],
  ['[2001:db8::1]', 'implicit', { host: '2001:db8::1', port: 990 }],
  ['[2001:db8::1]:2121', 'explicit', { host: '2001:db8::1', port: 2_121 }],
  ['', 'explicit', undefined],
  ['host:', 'explicit', undefined],
  ['host:0', 'explicit', undefined],
  ['host:65536', 'explicit', undefined],
  ['host:21:22', 'explicit', undefined],
  ['[host]:21', 'explicit', undefined],
  ['ftp://host/', 'explicit', undefined],
  ['a host', 'explicit', undefined],
] as const)('%j is read as a place, %s', (text, mode, expected) => {
  expect(parseHostAndPort(text, mode)).toEqual(expected);
});
