/** wget (GnuTLS), which only fetches, against the gateway with the strict default policy: it needs no override. */

import { join } from 'node:path';
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { wget, wgetClient } from './clients/wget.ts';
import { everydayWork, expectWay } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { hashesOf, writeTree } from './trees.ts';
import { hostOf, waysOf } from './ways.ts';

const test = needs('wget');
const witness = new Witness('wget', versionOf('wget', ['--version'], /Wget (\S+)/));

everydayWork('wget', { test, witness, ways: waysOf(), make: wgetClient, reads: 'only' });

test.each(waysOf())('wget fetches a tree of files with one call ($name)', async (way) => {
  const gateway = await startGateway({ host: hostOf(way) });
  const folder = await temporaryFolder();
  await writeTree(join(gateway.home, 'tree'), 20);
  await wget(gateway, way, 'tree/', ['--recursive', '--no-host-directories'], { cwd: folder });
  expect(await hashesOf(join(folder, 'tree'))).toEqual(await hashesOf(join(gateway.home, 'tree')));
  expectWay(gateway, way);
  witness.saw(DEFAULT_POLICY, way, 'tree', 'yes');
});

witness.agreesWithPage(test);
