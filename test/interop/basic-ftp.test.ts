/** basic-ftp (Node's TLS) against the gateway with the strict default policy: it needs no override. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGateway } from '../fixtures/gateway.ts';
import { sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { basicFtpClient, withBasicFtp } from './clients/basic-ftp.ts';
import { everydayWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { hostOf, waysOf } from './ways.ts';

const packageFile = new URL('../../node_modules/basic-ftp/package.json', import.meta.url);
const witness = new Witness('basic-ftp', JSON.parse(readFileSync(packageFile, 'utf8')).version);
const WAYS = waysOf({ mode: 'passive' });

test.each(WAYS)('basic-ftp without TLS is told to send AUTH TLS ($name)', async (way) => {
  const gateway = await startGateway({ host: hostOf(way) });
  await expect(withBasicFtp(gateway, way, async () => undefined, false)).rejects.toThrow(/530 .*AUTH TLS/);
});

everydayWork('basic-ftp', { test, witness, ways: WAYS, make: basicFtpClient });

test.each(WAYS)('basic-ftp does its work over implicit TLS ($name)', async (way) => {
  const host = hostOf(way);
  const gateway = await startGateway({ listen: [{ host, port: 0, tls: 'implicit' }], host });
  const folder = await temporaryFolder();
  const sent = await writeBytes(join(folder, 'sent'), 300_001);
  const names = await withBasicFtp(
    gateway,
    way,
    async (client) => {
      await client.uploadFrom(join(folder, 'sent'), 'a.bin');
      await client.downloadTo(join(folder, 'received'), 'a.bin');
      return (await client.list()).map(({ name }) => name);
    },
    'implicit',
  );
  expect(await sha256Of(join(gateway.home, 'a.bin'))).toBe(sent);
  expect(await sha256Of(join(folder, 'received'))).toBe(sent);
  expect(names).toEqual(['a.bin']);
  witness.saw(DEFAULT_POLICY, way, 'implicit', 'yes');
});

test.each(WAYS)('basic-ftp moves a tree of files over one control connection ($name)', async (way) => {
  const gateway = await startGateway({ host: hostOf(way) });
  const folder = await temporaryFolder();
  for (let index = 0; index < 20; index++) await writeFile(join(folder, `file ${index}.txt`), `content ${index}`);
  const back = await temporaryFolder();
  await withBasicFtp(gateway, way, async (client) => {
    await client.uploadFromDir(folder, 'tree');
    await client.cd('/');
    await client.downloadToDir(back, 'tree');
  });
  for (let index = 0; index < 20; index++) {
    const name = `file ${index}.txt`;
    expect(await sha256Of(join(back, name))).toBe(await sha256Of(join(folder, name)));
  }
  witness.saw(DEFAULT_POLICY, way, 'tree', 'yes');
});

witness.agreesWithPage(test);
