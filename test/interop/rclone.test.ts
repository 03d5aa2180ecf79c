/**
 * rclone's ftp backend (Go's TLS). Over one connection it needs no override. With several at once it mixes up their TLS
 * sessions: that needs `session_reuse: preferred`.
 */
import { join } from 'node:path';
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { rclone, rcloneClient } from './clients/rclone.ts';
import { everydayWork, expectWay } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { hashesOf, writeTree } from './trees.ts';
import { hostOf, PLAIN_WAY, type Way, waysOf } from './ways.ts';

const test = needs('rclone');
const witness = new Witness('rclone', versionOf('rclone', ['version'], /rclone v(\S+)/));
const WAYS = waysOf({ mode: 'passive' });

everydayWork('rclone', {
  ...{ test, witness, ways: WAYS, make: rcloneClient },
  lacks: ['resumeUpload', 'resumeDownload', 'text', 'many'],
});

test.each([PLAIN_WAY])(
  'rclone with several connections at once is told to resume the right session ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) });
    const folder = await temporaryFolder();
    await writeTree(folder, 20);
    const copying = rclone(gateway, way, ['copy', folder, ':ftp:tree']);
    await expect(copying).rejects.toThrow(
      /522 The data connection must resume the TLS session of the control connection/,
    );
  },
);

test.each(WAYS)('rclone copies a tree of files up and down over one connection ($name)', async (way) => {
  const gateway = await startGateway({ host: hostOf(way) });
  await copyThereAndBack(gateway, way, ['--ftp-concurrency=1']);
  witness.saw(DEFAULT_POLICY, way, 'tree', 'yes');
});

test.each(WAYS)(
  'rclone copies a tree of files up and down over several connections, with session_reuse: preferred ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) }, { sessionReuse: 'preferred' });
    await copyThereAndBack(gateway, way, []);
    witness.saw('session_reuse: preferred', way, 'tree', 'yes');
  },
);

/** It reads MLSD, and takes no directory for one inside itself. */
async function copyThereAndBack(gateway: TestGateway, way: Way, flags: readonly string[]): Promise<void> {
  const folder = await temporaryFolder();
  await writeTree(join(folder, 'sent'), 20);
  const sent = await hashesOf(join(folder, 'sent'));
  await rclone(gateway, way, ['copy', ...flags, join(folder, 'sent'), ':ftp:tree']);
  expect(await hashesOf(join(gateway.home, 'tree'))).toEqual(sent);
  await rclone(gateway, way, ['copy', ...flags, ':ftp:tree', join(folder, 'received')]);
  expect(await hashesOf(join(folder, 'received'))).toEqual(sent);
  const verbs = new Set(gateway.log.of('command').map(({ verb }) => verb));
  expect(verbs).toContain('MLSD');
  expect(verbs).not.toContain('LIST');
  expectWay(gateway, way);
}

witness.agreesWithPage(test);
