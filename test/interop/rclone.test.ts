/**
 * rclone's ftp backend (Go's TLS). One file at a time needs no override. With several connections at once it mixes up their
 * TLS sessions: that needs `session_reuse: preferred`.
 */
import { join } from 'node:path';
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { rclone, rcloneClient } from './clients/rclone.ts';
import { everydayWork, expectWay } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { hashesOf, writeTree } from './trees.ts';
import { hostOf, PLAIN_WAY, waysOf } from './ways.ts';

const test = needs('rclone');
const witness = new Witness('rclone', versionOf('rclone', ['version'], /rclone v(\S+)/));
const WAYS = waysOf({ mode: 'passive' });
const ONE_AT_A_TIME = ['--ftp-disable-mlsd', '--transfers=1', '--checkers=1'];

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
    const copying = rclone(gateway, way, ['copy', '--ftp-disable-mlsd', folder, ':ftp:tree']);
    await expect(copying).rejects.toThrow(
      /522 The data connection must resume the TLS session of the control connection/,
    );
    witness.saw(DEFAULT_POLICY, way, 'tree', '522');
  },
);

// Told of the directory itself by MLSD (type=cdir), it would take it for another one inside: it reads LIST here.
test.each(WAYS)(
  'rclone copies a tree of files up and down one at a time, with session_reuse: preferred ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) }, { sessionReuse: 'preferred' });
    const folder = await temporaryFolder();
    await writeTree(join(folder, 'sent'), 20);
    const sent = await hashesOf(join(folder, 'sent'));
    await rclone(gateway, way, ['copy', ...ONE_AT_A_TIME, join(folder, 'sent'), ':ftp:tree']);
    expect(await hashesOf(join(gateway.home, 'tree'))).toEqual(sent);
    await rclone(gateway, way, ['copy', ...ONE_AT_A_TIME, ':ftp:tree', join(folder, 'received')]);
    expect(await hashesOf(join(folder, 'received'))).toEqual(sent);
    expectWay(gateway, way);
    witness.saw('session_reuse: preferred', way, 'tree', 'yes');
  },
);

witness.agreesWithPage(test);
