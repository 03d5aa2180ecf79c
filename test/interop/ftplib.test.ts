/**
 * Python's ftplib. It never resumes the control connection's TLS session, so an account that uses it as it comes needs
 * `session_reuse: preferred`; with a subclass of six lines it works under the strict default policy.
 */
import { readdirSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { Ftplib, ftplibClient } from './clients/ftplib.ts';
import { everydayWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { type AnyWay, CLEAR_WAYS, hostOf, PLAIN_WAY, waysOf } from './ways.ts';

const test = needs('python3');
/** More than the buffers of sockets and TLS hold, so that a download which nobody reads cannot end. */
const LARGE_BYTES = 64 * 1_048_576;
const version = versionOf('python3', ['--version'], /Python (\S+)/);
const witness = new Witness('Python ftplib', version);
const resuming = new Witness('Python ftplib that resumes', version);

test.each(waysOf({ family: 'IPv4' }))(
  'ftplib as it comes is told to switch on TLS session reuse, and nothing is stored ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) });
    const folder = await temporaryFolder();
    await writeBytes(join(folder, 'sent'), 1_000);
    const upload = new Ftplib(gateway, way, 'never').do('upload', join(folder, 'sent'), 'a.bin');
    await expect(upload).rejects.toThrow(/error_perm: 522 .*resume the TLS session.*switch on TLS session reuse/);
    expect(readdirSync(gateway.home)).toEqual([]);
    witness.saw(DEFAULT_POLICY, way, 'transfer', '522');
  },
);

everydayWork('ftplib with session_reuse: preferred', {
  test,
  witness,
  ways: waysOf(),
  make: ftplibClient('never'),
  lacks: [],
  user: { sessionReuse: 'preferred' },
});

everydayWork('ftplib that resumes', {
  test,
  witness: resuming,
  ways: waysOf({ family: 'IPv4' }),
  make: ftplibClient('always'),
  lacks: [],
});

test('ftplib reads the lines of LIST, spaces and all', async () => {
  const gateway = await startGateway();
  await writeFile(join(gateway.home, 'two  words.txt'), 'content');
  const listed = await new Ftplib(gateway, PLAIN_WAY, 'always').do('listLines', '');
  expect(listed).toMatch(/^-rw.* two {2}words\.txt$/);
});

/** Passive alone: in active mode the gateway and not the client decides when the data connection is there. */
const ABORT_WAYS: readonly AnyWay[] = [...CLEAR_WAYS, ...waysOf()].filter(({ mode }) => mode === 'passive');

test.each(ABORT_WAYS)(
  'abort() in the middle of a download gives 426 and 226, and the session goes on ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way), tlsControlRequired: false, tlsDataRequired: false });
    await writeFile(join(gateway.home, 'large.bin'), 'x');
    await truncate(join(gateway.home, 'large.bin'), LARGE_BYTES);
    const replies = await new Ftplib(gateway, way, 'always').do('abortDownload', 'large.bin');
    expect(replies).toBe('426 226 200 226 large.bin');
  },
);

witness.agreesWithPage(test);
resuming.agreesWithPage(test);
