/** lftp (GnuTLS) against the gateway with the strict default policy: it needs no override. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { lftp, lftpClient, lftpOpening, quoted } from './clients/lftp.ts';
import { everydayWork, expectWay } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { hashesOf, writeTree } from './trees.ts';
import { hostOf, PLAIN_WAY, waysOf } from './ways.ts';

const test = needs('lftp');
const witness = new Witness('lftp', versionOf('lftp', ['--version'], /Version (\S+)/));

/** Over the loopback address ::1, and there only, lftp names `::` as its own address in EPRT. */
const WAYS = waysOf().filter(({ mode, family }) => mode === 'passive' || family === 'IPv4');

test('lftp that names :: as its address in EPRT is refused and goes on in passive mode', async () => {
  const gateway = await startGateway({ host: '::1' });
  await writeFile(join(gateway.home, 'a.txt'), 'content');
  const way = { ...PLAIN_WAY, mode: 'active', family: 'IPv6' } as const;
  const { stdout } = await lftp([...lftpOpening(gateway, way), 'cat a.txt']);
  expect(stdout).toContain('content');
  const codes = gateway.log.of('command').map(({ verb, argument, code }) => `${verb} ${argument} ${code}`);
  expect(codes).toContainEqual(expect.stringMatching(/^EPRT \|2\|::\|\d+\| 501$/));
  expect(codes).toContain('RETR a.txt 226');
  witness.saw(DEFAULT_POLICY, { ...way, name: 'TLS 1.3, active, IPv6' }, 'transfer', 'goes on in passive mode');
});

everydayWork('lftp', { test, witness, ways: WAYS, make: lftpClient });

test.each(waysOf({ mode: 'passive' }))('lftp does its work over implicit TLS, ftps:// ($name)', async (way) => {
  const host = hostOf(way);
  const gateway = await startGateway({ listen: [{ host, port: 0, tls: 'implicit' }], host });
  const folder = await temporaryFolder();
  const sent = await writeBytes(join(folder, 'sent'), 300_001);
  const { stdout } = await lftp([
    ...lftpOpening(gateway, way, 'ftps'),
    `put ${quoted(join(folder, 'sent'))} -o a.bin`,
    `get a.bin -o ${quoted(join(folder, 'received'))}`,
    'ls',
  ]);
  expect(await sha256Of(join(gateway.home, 'a.bin'))).toBe(sent);
  expect(await sha256Of(join(folder, 'received'))).toBe(sent);
  expect(stdout).toContain('a.bin');
  witness.saw(DEFAULT_POLICY, way, 'implicit', 'yes');
});

test.each(waysOf({ family: 'IPv4' }))(
  'lftp mirrors 300 files up and down over four connections ($name)',
  async (way) => {
    const gateway = await startGateway({ host: hostOf(way) });
    const folder = await temporaryFolder();
    await writeTree(join(folder, 'sent'), 300);
    const sent = await hashesOf(join(folder, 'sent'));
    const opening = lftpOpening(gateway, way);
    await lftp([...opening, `mirror -R --parallel=4 ${quoted(join(folder, 'sent'))} tree`]);
    expect(await hashesOf(join(gateway.home, 'tree'))).toEqual(sent);
    await lftp([...opening, `mirror --parallel=4 tree ${quoted(join(folder, 'received'))}`]);
    expect(await hashesOf(join(folder, 'received'))).toEqual(sent);
    expectWay(gateway, way);
    witness.saw(DEFAULT_POLICY, way, 'tree', 'yes');
  },
  // 1,200 handshakes: a busy machine takes its time.
  90_000,
);

witness.agreesWithPage(test);
