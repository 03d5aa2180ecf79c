/** curl (OpenSSL) against the gateway with the strict default policy: it needs no override. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs, run } from '../fixtures/client-programs.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { curl, curlClient, curlOptions, curlUrl } from './clients/curl.ts';
import { everydayWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import type { Way } from './ways.ts';
import { hostOf, PLAIN_WAY, waysOf } from './ways.ts';

const test = needs('curl');

/** In active mode curl 7.87 and 7.88 never begin TLS on the data connection (repaired in 8.0); Debian 12 ships 7.88. */
const version = versionOf('curl', ['--version'], /^curl (\S+)/m);
const activeBroken = /^7\.8[78]\./.test(version);
const witness = new Witness('curl', version);
const WAYS = activeBroken ? waysOf({ mode: 'passive' }) : waysOf();

test.each(activeBroken ? waysOf({ mode: 'active' }) : [])(
  'curl 7.87 and 7.88 send no TLS in active mode, and nothing is stored ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way), limits: { handshakeTimeoutMs: 500 } });
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'sent'), 'content');
    await expect(curlClient(gateway, way).upload(join(folder, 'sent'), 'a.txt')).rejects.toThrow(/curl ended with/);
    expect(readdirSync(gateway.home)).toEqual([]);
    witness.saw(DEFAULT_POLICY, way, 'transfer', 'no');
  },
);

test.each(waysOf({ mode: 'passive' }))(
  'curl without TLS is told to send AUTH TLS, and sends no password ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) });
    const ran = await run('curl', ['-q', '-gsv', '--user', 'partner:secret words', curlUrl(gateway, '')]);
    expect(ran.code).toBe(67);
    expect(ran.stderr).toMatch(/< 530 .*AUTH TLS/);
    expect(ran.stderr).not.toContain('> PASS');
  },
);

test.each(waysOf({ mode: 'passive', family: 'IPv4' }))(
  'curl with a wrong password is refused with 530 ($name)',
  async (way) => {
    const gateway = await startGateway();
    const ran = await run('curl', [...curlOptions(gateway, way), '--user', 'partner:wrong', curlUrl(gateway, '')]);
    expect(ran.code).toBe(67);
    expect(ran.stderr).toContain('530');
  },
);

test('curl refuses a certificate of an authority that it was not told of', async () => {
  const gateway = await startGateway();
  const ran = await run('curl', ['-q', '-gs', '--ssl-reqd', '--user', 'partner:x', curlUrl(gateway, '')]);
  expect(ran.code).toBe(60);
});

test.each(waysOf({ mode: 'passive', family: 'IPv4' }))(
  'curl that lets data go in clear is refused with 521 ($name)',
  async (way) => {
    const gateway = await startGateway();
    await writeFile(join(gateway.home, 'a.txt'), 'secret');
    const options = curlOptions(gateway, way).filter((option) => option !== '--ssl-reqd');
    const ran = await run('curl', [...options, '--verbose', '--ftp-ssl-control', curlUrl(gateway, 'a.txt')]);
    expect(ran.code).not.toBe(0);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(/< 521 .*PROT P/);
  },
);

everydayWork('curl', { test, witness, ways: WAYS, make: curlClient });

test.each(waysOf({ mode: 'passive' }))('curl does its work over implicit TLS, ftps:// ($name)', async (way) => {
  const host = hostOf(way);
  const gateway = await startGateway({ listen: [{ host, port: 0, tls: 'implicit' }], host });
  const folder = await temporaryFolder();
  const sent = await writeBytes(join(folder, 'sent'), 300_001);
  const options = curlOptions(gateway, way);
  await curl([...options, '--upload-file', join(folder, 'sent'), curlUrl(gateway, 'a.bin', 'ftps')]);
  expect(await sha256Of(join(gateway.home, 'a.bin'))).toBe(sent);
  await curl([...options, '--output', join(folder, 'received'), curlUrl(gateway, 'a.bin', 'ftps')]);
  expect(await sha256Of(join(folder, 'received'))).toBe(sent);
  expect((await curl([...options, curlUrl(gateway, '', 'ftps')])).stdout).toContain('a.bin');
  witness.saw(DEFAULT_POLICY, way, 'implicit', 'yes');
});

/** Uploads six files with one call, then downloads them with another. */
async function moveSix(gateway: TestGateway, way: Way): Promise<void> {
  const folder = await temporaryFolder();
  const names = Array.from({ length: 6 }, (_, index) => `file ${index}.txt`);
  for (const name of names) await writeFile(join(folder, name), `content of ${name}`);
  const uploads = names.flatMap((name) => ['--upload-file', join(folder, name), curlUrl(gateway, name)]);
  await curl([...curlOptions(gateway, way), ...uploads]);
  const downloads = names.flatMap((name) => ['--output', join(folder, `back ${name}`), curlUrl(gateway, name)]);
  await curl([...curlOptions(gateway, way), ...downloads]);
  for (const name of names) expect(readFileSync(join(folder, `back ${name}`), 'utf8')).toBe(`content of ${name}`);
  expect(gateway.log.of('tls.control')).toHaveLength(2);
}

test.each(WAYS.filter(({ version }) => version === '1.2'))(
  'curl uploads and downloads many files with one call each ($name)',
  async (way) => {
    await moveSix(await startGateway({ host: hostOf(way) }), way);
    witness.saw(DEFAULT_POLICY, way, 'many', 'yes');
  },
);

// In TLS 1.3 curl uses a ticket once, and an upload's connection brings it no other: tickets are withheld there, and curl
// would not wait for them.
test.each(WAYS.filter(({ version }) => version === '1.3'))(
  'curl that uploads many files with one call is told to switch on TLS session reuse, or needs session_reuse: preferred ($name)',
  async (way) => {
    const strict = await startGateway({ host: hostOf(way) });
    await expect(moveSix(strict, way)).rejects.toThrow('server did not report OK, got 522');
    const lenient = await startGateway({ host: hostOf(way) }, { sessionReuse: 'preferred' });
    await moveSix(lenient, way);
    witness.saw(DEFAULT_POLICY, way, 'many', '522');
    witness.saw('session_reuse: preferred', way, 'many', 'yes');
  },
);

test('curl creates the directories of an upload that are missing', async () => {
  const gateway = await startGateway();
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a'), 'content');
  const target = curlUrl(gateway, 'year/month/a');
  await curl([...curlOptions(gateway, PLAIN_WAY), '--ftp-create-dirs', '--upload-file', join(folder, 'a'), target]);
  expect(await readFile(join(gateway.home, 'year/month/a'), 'utf8')).toBe('content');
});

witness.agreesWithPage(test);
