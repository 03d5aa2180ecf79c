/**
 * Python's ftplib. It never resumes the control connection's TLS session, so an account that uses it as it comes needs
 * `session_reuse: preferred`; with a subclass of six lines it works under the strict default policy.
 */
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { Ftplib, ftplibClient } from './clients/ftplib.ts';
import { everydayWork } from './everyday.ts';
import { hostOf, PLAIN_WAY, waysOf } from './ways.ts';

const test = needs('python3');

test.each(waysOf())(
  'ftplib as it comes is told to switch on TLS session reuse, and nothing is stored ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) });
    const folder = await temporaryFolder();
    await writeBytes(join(folder, 'sent'), 1_000);
    const upload = new Ftplib(gateway, way, 'never').do('upload', join(folder, 'sent'), 'a.bin');
    await expect(upload).rejects.toThrow(/error_perm: 522 .*resume the TLS session.*switch on TLS session reuse/);
    expect(readdirSync(gateway.home)).toEqual([]);
  },
);

everydayWork('ftplib with session_reuse: preferred', {
  test,
  ways: waysOf(),
  make: ftplibClient('never'),
  user: { sessionReuse: 'preferred' },
});

everydayWork('ftplib that resumes', {
  test,
  ways: waysOf({ mode: 'passive', family: 'IPv4' }),
  make: ftplibClient('always'),
});

test('ftplib reads the lines of LIST, spaces and all', async () => {
  const gateway = await startGateway();
  await writeFile(join(gateway.home, 'two  words.txt'), 'content');
  const listed = await new Ftplib(gateway, PLAIN_WAY, 'always').do('listLines', '');
  expect(listed).toMatch(/^-rw.* two {2}words\.txt$/);
});

test.each(waysOf({ family: 'IPv4' }))(
  'ftplib that resumes uploads and downloads many files in one session ($name)',
  async (way) => {
    const gateway = await startGateway();
    const folder = await temporaryFolder();
    const sent = await writeBytes(join(folder, 'sent'), 100_001);
    await new Ftplib(gateway, way, 'always').do('roundTrips', join(folder, 'sent'), folder, 8);
    for (let index = 0; index < 8; index++) expect(await sha256Of(join(folder, `${index}`))).toBe(sent);
    expect(gateway.log.of('tls.control')).toHaveLength(1);
  },
);
