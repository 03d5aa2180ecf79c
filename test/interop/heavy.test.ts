/** Much data and many files, each once: bounded in time, compared by hashes of what is on both disks. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { sha256Of, temporaryFolder, writeLargeFile } from '../fixtures/local-files.ts';
import { curl, curlOptions, curlUrl } from './clients/curl.ts';
import { lftp, lftpOpening, quoted } from './clients/lftp.ts';
import { hashesOf, writeTree } from './trees.ts';
import { PLAIN_WAY } from './ways.ts';

const GIBIBYTE = 1_073_741_824;
const FILES = 2_000;
/** Several times what they take on two busy cores. */
const TIMEOUT_MS = 120_000;

needs('curl')(
  'curl uploads 1 GiB and downloads the same bytes',
  async () => {
    const gateway = await startGateway();
    const folder = await temporaryFolder();
    const sent = await writeLargeFile(join(folder, 'sent'), GIBIBYTE);
    const options = curlOptions(gateway, PLAIN_WAY);
    const timeoutMs = TIMEOUT_MS / 2;
    await curl([...options, '--upload-file', join(folder, 'sent'), curlUrl(gateway, 'a.bin')], { timeoutMs });
    expect(await sha256Of(join(gateway.home, 'a.bin'))).toBe(sent);
    // Two copies at a time are enough for anyone's disk.
    await rm(join(folder, 'sent'));
    await curl([...options, '--output', join(folder, 'received'), curlUrl(gateway, 'a.bin')], { timeoutMs });
    expect(await sha256Of(join(folder, 'received'))).toBe(sent);
  },
  TIMEOUT_MS,
);

needs('lftp')(
  `lftp mirrors ${FILES} small files up and down over four connections, every byte the same`,
  async () => {
    const gateway = await startGateway();
    const folder = await temporaryFolder();
    await writeTree(join(folder, 'sent'), FILES);
    const sent = await hashesOf(join(folder, 'sent'));
    expect(sent).toHaveLength(FILES);
    const opening = lftpOpening(gateway, PLAIN_WAY);
    const timeoutMs = TIMEOUT_MS / 2;
    await lftp([...opening, `mirror -R --parallel=4 ${quoted(join(folder, 'sent'))} tree`], { timeoutMs });
    expect(await hashesOf(join(gateway.home, 'tree'))).toEqual(sent);
    await lftp([...opening, `mirror --parallel=4 tree ${quoted(join(folder, 'received'))}`], { timeoutMs });
    expect(await hashesOf(join(folder, 'received'))).toEqual(sent);
  },
  TIMEOUT_MS,
);
