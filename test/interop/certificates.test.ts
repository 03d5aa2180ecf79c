/** Several certificates, and answers of OCSP, as openssl's own client sees them; its responder gives the answers. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect } from 'vitest';
import { freePort } from '../../bench/server-ports.ts';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { needs, type Ran, run, start } from '../fixtures/client-programs.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import {
  AUTHORITY,
  type OpensslPair,
  ocspAnswer,
  ocspIndex,
  opensslPair,
  serverExtensions,
} from '../fixtures/openssl-certificates.ts';
import { authorityOf } from './ways.ts';

const test = needs('openssl');

let authority: OpensslPair;
let rsa: OpensslPair;
let ecdsa: OpensslPair;
let host: OpensslPair;
let hostRsa: OpensslPair;
/** They name this responder. */
let responderPort: number;

beforeAll(async () => {
  const folder = await lastingFolder();
  authority = await opensslPair(folder, 'authority', { extensions: AUTHORITY, key: 'rsa' });
  responderPort = await freePort();
  const access = `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${responderPort}/ocsp`;
  const extensions = [...serverExtensions(), access];
  rsa = await opensslPair(folder, 'rsa', { issuer: authority, key: 'rsa', extensions });
  ecdsa = await opensslPair(folder, 'ecdsa', { issuer: authority, extensions });
  hostRsa = await opensslPair(folder, 'hostRsa', {
    issuer: authority,
    key: 'rsa',
    extensions: [...serverExtensions('a.example'), access],
  });
  host = await opensslPair(folder, 'host', {
    issuer: authority,
    extensions: [...serverExtensions('a.example'), access],
  });
}, 60_000);

/** The pair in the options of a gateway, its authority in the chain. */
function pairOf({ cert, key }: OpensslPair) {
  return { certificate: cert + authority.cert, key };
}

function shakeHands(gateway: TestGateway, ...args: readonly string[]): Promise<Ran> {
  const common = ['s_client', '-connect', authorityOf(gateway), '-starttls', 'ftp', '-CAfile', authority.certFile];
  return run('openssl', [...common, ...args]);
}

/** Logs in and uploads something over a data connection of its own. @returns what its client said of that. */
async function onDataChannel(gateway: TestGateway, words: readonly string[]): Promise<Ran> {
  const to = ['s_client', '-connect', authorityOf(gateway), '-starttls', 'ftp', '-quiet', '-crlf'];
  const control = start('openssl', [...to, ...words]);
  const say = async (line: string, answer: RegExp) => {
    const already = control.output.stdout.length;
    control.write(`${line}\n`);
    const heard = () => control.output.stdout.slice(already);
    await expect.poll(heard, { timeout: 10_000, interval: 10 }).toMatch(answer);
    return heard();
  };
  await say(`USER ${gateway.user}`, /331 /);
  await say(`PASS ${gateway.password}`, /230 /);
  await say('PBSZ 0', /200 /);
  await say('PROT P', /200 /);
  const port = /\|\|\|(\d+)\|/.exec(await say('EPSV', /229 .*\r\n/))?.[1];
  control.write('STOR a\n');
  const data = ['s_client', '-connect', `${gateway.host}:${port}`, '-nocommands', ...words];
  const ran = await run('openssl', data, { input: 'content\n' });
  control.kill();
  return ran;
}

/** Whom the client was shown. */
function shown({ stdout }: Ran): string | undefined {
  return /subject=CN ?= ?(\w+)/.exec(stdout)?.[1];
}

/** What the client says of the answer that was stapled. */
function stapled({ stdout }: Ran): string {
  if (stdout.includes('OCSP response: no response sent')) return 'nothing';
  return /Cert Status: (\w+)/.exec(stdout)?.[1] ?? 'something else';
}

describe('RSA and ECDSA side by side', () => {
  const certificates = () => ({ tls: { certificates: [pairOf(rsa), pairOf(ecdsa)] } });

  test.each([
    ['rsa', ['-tls1_3', '-sigalgs', 'rsa_pss_rsae_sha256']],
    ['ecdsa', ['-tls1_3', '-sigalgs', 'ecdsa_secp256r1_sha256']],
    ['ecdsa', ['-tls1_3', '-sigalgs', 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256']],
    ['ecdsa', ['-tls1_3']],
    ['rsa', ['-tls1_2', '-cipher', 'ECDHE-RSA-AES256-GCM-SHA384']],
    ['ecdsa', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384']],
    ['rsa', ['-tls1_2', '-sigalgs', 'RSA-PSS+SHA256']],
    ['ecdsa', ['-tls1_2', '-sigalgs', 'ECDSA+SHA256']],
  ])('%s is what a client with %s is shown', async (name, args) => {
    const ran = await shakeHands(await startGateway(certificates()), '-verify_return_error', ...args);
    expect([ran.code, shown(ran)]).toEqual([0, name]);
  });

  test.each([
    ['hostRsa', ['-tls1_3', '-sigalgs', 'rsa_pss_rsae_sha256']],
    ['host', ['-tls1_3', '-sigalgs', 'ecdsa_secp256r1_sha256:rsa_pss_rsae_sha256']],
    ['host', ['-tls1_3']],
    ['hostRsa', ['-tls1_2', '-sigalgs', 'RSA-PSS+SHA256']],
    ['host', ['-tls1_2', '-sigalgs', 'ECDSA+SHA256']],
    ['hostRsa', ['-tls1_2']],
    ['hostRsa', ['-tls1_2', '-cipher', 'ECDHE-RSA-AES256-GCM-SHA384']],
  ])('%s is what a client that names a host with several, with %s, is shown', async (name, args) => {
    const hosts = [{ name: 'a.example', certificates: [pairOf(hostRsa), pairOf(host)] }];
    const gateway = await startGateway({ ...certificates(), hosts });
    const ran = await shakeHands(gateway, '-verify_return_error', '-servername', 'a.example', ...args);
    expect([ran.code, shown(ran)]).toEqual([0, name]);
  });

  test.each([
    ['rsa', ['-tls1_3', '-sigalgs', 'rsa_pss_rsae_sha256']],
    ['ecdsa', ['-tls1_3', '-sigalgs', 'ecdsa_secp256r1_sha256']],
    ['rsa', ['-tls1_2', '-cipher', 'ECDHE-RSA-AES256-GCM-SHA384']],
    ['ecdsa', ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES256-GCM-SHA384']],
  ])('%s is what a client that names the gateway itself, with %s, is shown on both channels', async (name, args) => {
    const hosts = [{ name: 'a.example', ...pairOf(host) }];
    const gateway = await startGateway({ ...certificates(), hosts, sessionReuse: 'off' });
    const words = ['-servername', 'localhost', ...args];
    expect(shown(await shakeHands(gateway, ...words))).toBe(name);
    const data = await onDataChannel(gateway, words);
    expect(shown(data)).toBe(name);
  });
});

/** Until a gateway has an answer for each certificate. */
async function answered({ gateway }: TestGateway): Promise<void> {
  await expect.poll(() => gateway.certificates.every((one) => one.stapled), { timeout: 15_000 }).toBe(true);
}

/** A file with an answer about a certificate. */
async function answerFile(about: OpensslPair, status: 'good' | 'revoked' = 'good'): Promise<string> {
  const folder = await temporaryFolder();
  const file = join(folder, 'stapled.der');
  await writeFile(file, await ocspAnswer(folder, about, { issuer: authority, status, minutes: 60 }));
  return file;
}

const VERSIONS = ['-tls1_2', '-tls1_3'];

describe.each(VERSIONS)('with %s an answer from a file', (version) => {
  test.each([[['-noservername']], [['-servername', 'localhost']]])('is stapled for a client with %s', async (name) => {
    const gateway = await startGateway({ tls: { ...pairOf(ecdsa), ocspResponseFile: await answerFile(ecdsa) } });
    expect(stapled(await shakeHands(gateway, version, '-status', ...name))).toBe('good');
    expect((await shakeHands(gateway, version)).code).toBe(0);
  });

  test('is stapled for the host that the client names, and for no other', async () => {
    const hosts = [{ name: 'a.example', ...pairOf(host), ocspResponseFile: await answerFile(host) }];
    const gateway = await startGateway({ tls: pairOf(rsa), hosts });
    expect(stapled(await shakeHands(gateway, version, '-status', '-servername', 'a.example'))).toBe('good');
    const plain = await shakeHands(gateway, version, '-status', '-servername', 'localhost');
    expect([shown(plain), stapled(plain)]).toEqual(['rsa', 'nothing']);
  });

  test('of two certificates belongs to the one that is shown', async () => {
    const certificates = [
      { ...pairOf(rsa), ocspResponseFile: await answerFile(rsa) },
      { ...pairOf(ecdsa), ocspResponseFile: await answerFile(ecdsa) },
    ];
    const gateway = await startGateway({ tls: { certificates } });
    for (const [name, sigalgs] of [
      ['rsa', 'RSA-PSS+SHA256:RSA+SHA256'],
      ['ecdsa', 'ECDSA+SHA256'],
    ] as const) {
      const ran = await shakeHands(gateway, version, '-status', '-sigalgs', sigalgs, '-verify_return_error');
      expect([shown(ran), stapled(ran)]).toEqual([name, 'good']);
      const serial = /Serial Number: (\w+)/.exec(ran.stdout)?.[1] ?? '';
      expect(
        (await run('openssl', ['x509', '-in', (name === 'rsa' ? rsa : ecdsa).certFile, '-noout', '-serial'])).stdout,
      ).toBe(`serial=${serial}\n`);
    }
  });
});

test.each([
  ['about another certificate', () => answerFile(rsa)],
  ['that says revoked', () => answerFile(ecdsa, 'revoked')],
  ['that is not there', async () => '/nowhere/stapled.der'],
])('an answer %s is not stapled, and the log says why', async (_, file) => {
  const gateway = await startGateway({ tls: { ...pairOf(ecdsa), ocspResponseFile: await file() } });
  expect(stapled(await shakeHands(gateway, '-status'))).toBe('nothing');
  expect(gateway.log.of('certificate.doubtful').map(({ what }) => what)).toEqual([
    expect.stringMatching(/^the answer of OCSP is not /),
  ]);
});

test('an answer that comes later is stapled from the reload on', async () => {
  const file = join(await temporaryFolder(), 'later.der');
  const gateway = await startGateway({ tls: { ...pairOf(ecdsa), ocspResponseFile: file } });
  expect(stapled(await shakeHands(gateway, '-status'))).toBe('nothing');
  const folder = await temporaryFolder();
  await writeFile(file, await ocspAnswer(folder, ecdsa, { issuer: authority, minutes: 60 }));
  await gateway.gateway.reload();
  expect(stapled(await shakeHands(gateway, '-status'))).toBe('good');
});

describe('answers that are fetched', () => {
  const fetching = (): Partial<GatewayOptionsInput> => ({ tls: { ...pairOf(ecdsa), ocsp: 'fetch' } });

  /** `openssl ocsp` on the port that the certificates name. */
  async function startResponder(status: 'good' | 'revoked'): Promise<void> {
    const index = await ocspIndex(await temporaryFolder(), ecdsa, status);
    const files = [
      '-index',
      index,
      '-CA',
      authority.certFile,
      '-rsigner',
      authority.certFile,
      '-rkey',
      authority.keyFile,
    ];
    const responder = start('openssl', ['ocsp', '-port', String(responderPort), ...files, '-nmin', '60'], {
      timeoutMs: 60_000,
    });
    const said = () => responder.output.stdout + responder.output.stderr;
    await expect.poll(said, { timeout: 15_000 }).toMatch(/waiting for OCSP client connections/);
  }

  test('are none where nobody answers, which the log tells', async () => {
    const gateway = await startGateway(fetching());
    await expect.poll(() => gateway.log.of('ocsp.fetch_failed'), { timeout: 15_000 }).toHaveLength(1);
    expect(stapled(await shakeHands(gateway, '-status'))).toBe('nothing');
  });

  test('are not stapled when they say revoked, which is an error in the log', async () => {
    await startResponder('revoked');
    const gateway = await startGateway(fetching());
    await expect.poll(() => gateway.log.of('ocsp.revoked'), { timeout: 15_000 }).toHaveLength(1);
    expect(stapled(await shakeHands(gateway, '-status'))).toBe('nothing');
  });

  test('are stapled, also to data connections that do not resume', async () => {
    await startResponder('good');
    const gateway = await startGateway({ ...fetching(), sessionReuse: 'off' });
    await answered(gateway);
    for (const version of VERSIONS) {
      expect(stapled(await shakeHands(gateway, version, '-status'))).toBe('good');
      expect(stapled(await onDataChannel(gateway, [version, '-status']))).toBe('good');
    }
  });
});
