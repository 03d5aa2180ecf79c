import { readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonReport, resultOf, textReport } from '../../src/cli/probe-report.ts';
import type { Finding } from '../../src/probe/finding.ts';
import type { ProbeReport } from '../../src/probe/run-probe.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { type Flaws, startFakeServer } from '../probe/fake-server.ts';
import { run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

describe('wrong use', () => {
  test.each([
    [[], 'missing required argument'],
    [['a host'], 'is no server'],
    [['localhost:0'], 'is no server'],
    [['localhost', '--fail-on', 'ok'], 'Allowed choices are info, low, medium, high'],
    [['localhost', '--timeout', '0'], 'It must be 1 to 3600'],
    [['localhost', '--write'], "option '--write' needs '--user'"],
    [['localhost', '--password-stdin'], "option '--password-stdin' needs '--user'"],
    [['localhost', '--insecure'], "option '--insecure' needs '--user'"],
    [['localhost', '--user', 'a', '--password-stdin', '--password-file', 'b'], 'cannot be used with'],
    [['localhost', '--user', 'a'], 'no terminal to ask for the password on'],
    [['localhost', '--user', 'a\r\nDELE x', '--password-stdin'], '--user must be one line'],
    [['localhost', '--user', 'a', '--password-file', '/nowhere'], '--password-file does not exist'],
    [['localhost', '--ca', '/nowhere'], '--ca does not exist'],
    [['localhost', '--ca', 'package.json'], '--ca has no certificate in it'],
  ])('%j', async (words, message) => {
    const { exitCode, output, errors } = await run(['probe', ...words], { input: 'secret' });
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toContain(message);
  });

  test('a password is not taken from a file that others may read', async () => {
    const file = join(await temporaryFolder(), 'password');
    await writeFile(file, 'secret\n');
    await chmod(file, 0o644);
    const { exitCode, errors } = await run(['probe', 'localhost', '--user', 'a', '--password-file', file]);
    expect(exitCode).toBe(2);
    expect(errors).toContain('chmod 640');
  });

  test('a password with a line break is no password', async () => {
    const { exitCode, errors } = await run(['probe', 'localhost', '--user', 'a', '--password-stdin'], {
      input: 'a\nDELE b',
    });
    expect(exitCode).toBe(2);
    expect(errors).toContain('the password must be one line');
  });
});

describe('exit codes', () => {
  test('0 for a server without flaws, with everything asked', async () => {
    const { exitCode, output, errors } = await probe({}, ['--user', 'partner', '--password-stdin', '--write']);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
    expect(output).toContain('0 high, 0 medium, 0 low');
  });

  test('0 for findings below the threshold, 1 from there on', async () => {
    const flaws: Flaws = { replies: { SYST: '215 v1.2.3' } };
    expect((await probe(flaws, [])).exitCode).toBe(0);
    const { exitCode, errors } = await probe(flaws, ['--fail-on', 'low']);
    expect({ exitCode, errors }).toEqual({
      exitCode: 1,
      errors: 'sallyport: there are findings of severity low or above.\n',
    });
    expect((await probe({ loginInClear: true }, ['--fail-on', 'high'])).exitCode).toBe(1);
  });

  test('3 when nobody answers, and the JSON says so', async () => {
    const { exitCode, output, errors } = await run(['probe', 'nobody.invalid', '--json']);
    expect(exitCode).toBe(3);
    expect(errors).toContain('nobody.invalid cannot be looked up');
    expect(JSON.parse(output)).toMatchObject({
      schema: 1,
      result: 'unreachable',
      target: { host: 'nobody.invalid', port: 21 },
    });
  });

  test('3 when the login is refused, since most was not asked', async () => {
    const { exitCode, output } = await probe({ replies: { USER: '530 No' } }, [
      '--user',
      'partner',
      '--password-stdin',
    ]);
    expect(exitCode).toBe(3);
    expect(output).toContain('the login is refused: 530 No');
  });

  test('1 and not 3 when something is missing but a finding is there', async () => {
    const flaws: Flaws = { replies: { PASS: '530 No' }, loginInClear: true };
    expect((await probe(flaws, ['--user', 'partner', '--password-stdin'])).exitCode).toBe(1);
  });
});

test('the password comes from a file as well, without its line break', async () => {
  const file = join(await temporaryFolder(), 'password');
  await writeFile(file, 'correct horse battery\n', { mode: 0o600 });
  const { exitCode } = await probe({}, ['--user', 'partner', '--password-file', file]);
  expect(exitCode).toBe(0);
});

test('the JSON has the shape that is documented', async () => {
  const { output } = await probe({}, ['--json', '--user', 'partner', '--password-stdin']);
  const report: unknown = JSON.parse(output);
  const text = expect.any(String);
  expect(report).toEqual({
    ...{ schema: 1, result: 'ok', failOn: 'medium', startedAt: text, durationMs: expect.any(Number) },
    target: {
      host: '127.0.0.1',
      port: expect.any(Number),
      address: '127.0.0.1',
      mode: 'explicit',
      serverName: 'localhost',
    },
    findings: expect.arrayContaining([{ id: 'auth.injection', severity: 'ok', meaning: text, advice: text }]),
    skipped: [{ id: 'upload', why: 'notAsked', reason: text }],
    facts: {
      ...{ greeting: '220 Ready.', features: expect.arrayContaining(['PBSZ']), stapled: true, alpn: 'ftp' },
      ...{ sessionReuseRequired: true, passiveAddress: '127.0.0.1' },
      versions: expect.arrayContaining([
        {
          ...{ version: 'TLSv1.3', accepted: true, suiteOrder: 'server', primeBits: null },
          suites: ['TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'],
          groups: ['X25519MLKEM768', 'X25519', 'P-256'],
        },
        { version: 'SSLv3', accepted: false, suites: [], suiteOrder: null, groups: [], primeBits: null },
      ]),
      certificates: [
        {
          ...{ subject: text, issuer: text, names: expect.any(Array), key: 'RSA 2048', signature: text, serial: text },
          ...{ notBefore: text, notAfter: text, fingerprint: text, chain: [], trusted: true, untrustedBecause: null },
        },
      ],
    },
  });
});

describe('the report', () => {
  const finding: Finding = {
    id: 'data.clear',
    severity: 'medium',
    meaning: 'After PROT C files and listings travel in clear: everybody on the way can read and change them.',
    advice: 'Require protected data (PROT P) for every transfer.',
  };
  const report: ProbeReport = {
    target: {
      host: 'ftp.example.com',
      port: 21,
      address: '203.0.113.7',
      mode: 'explicit',
      serverName: 'ftp.example.com',
    },
    startedMs: 0,
    durationMs: 1_234,
    facts: { greeting: '220 Hello\u001b[2J', features: ['PBSZ'] },
    findings: [
      { id: 'tls.offered', severity: 'ok', meaning: 'The server offers TLS (AUTH TLS).', advice: 'Nothing to do.' },
      finding,
    ],
    skipped: [
      { id: 'passive', why: 'notAsked', reason: 'no account was given (--user)' },
      { id: 'active', why: 'notAsked', reason: 'no account was given (--user)' },
    ],
    complete: true,
  };

  test('has the worst first and fits the terminal', () => {
    expect(textReport(report, { columns: 60, colour: false })).toBe(`ftp.example.com:21 (explicit TLS, 203.0.113.7)

greeting     220 Hello\\u001b[2J
features     PBSZ

MEDIUM  data.clear: After PROT C files and listings travel
        in clear: everybody on the way can read and change
        them.
        -> Require protected data (PROT P) for every
           transfer.

OK      tls.offered: The server offers TLS (AUTH TLS).

Not asked
  passive, active: no account was given (--user)

0 high, 1 medium, 0 low, 0 info, 1 ok; 1.2 s
`);
  });

  test('breaks words that are longer than a line', () => {
    const facts = { features: [`MLST ${'type*;'.repeat(40)}`], greeting: `220 ${'x'.repeat(500)}` };
    const lines = textReport({ ...report, facts }, { columns: 80, colour: false }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.join('').replaceAll(/\s/g, '')).toContain('x'.repeat(500));
  });

  test('has no escape sequence but on a terminal with colours', () => {
    expect(textReport(report, { columns: 80, colour: true })).toContain('\u001b[1m');
    expect(textReport(report, { columns: 80, colour: false })).not.toContain('\u001b');
    expect(jsonReport(report, 'medium')).toContain('220 Hello\\\\u001b[2J');
  });

  test('is one of findings, of everything, or of too little', () => {
    expect(resultOf(report, 'medium')).toBe('findings');
    expect(resultOf(report, 'high')).toBe('ok');
    expect(resultOf({ ...report, complete: false }, 'high')).toBe('incomplete');
    expect(resultOf({ ...report, complete: false }, 'medium')).toBe('findings');
  });
});

test('every finding that a check can have is in docs/probe.md, and no other', async () => {
  const page = readFileSync(new URL('../../docs/probe.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([a-z-]+\.[a-z-]+)` \|/gm)].map(([, id = '']) => id);
  const { output } = await probe({ stored: 'undeletable' }, [
    '--json',
    '--user',
    'partner',
    '--password-stdin',
    '--write',
  ]);
  const report: { findings?: readonly Finding[] } = JSON.parse(output);
  expect(documented.toSorted()).toEqual((report.findings ?? []).map(({ id }) => id).toSorted());
});

/** Probes a server with these flaws, with its certificate trusted and its password on standard input. */
async function probe(flaws: Flaws, words: readonly string[]) {
  const server = await startFakeServer(flaws);
  const { files } = await testCertificates();
  const place = `127.0.0.1:${server.port}`;
  return await run(['probe', place, '--ca', files.caCert, '--server-name', 'localhost', ...words], {
    input: server.password,
  });
}
