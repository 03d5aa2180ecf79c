/** tnftp, which knows no TLS on FTP: refused by default, it works where a gateway demands TLS of nobody. */
import { expect } from 'vitest';
import { versionOf } from '../fixtures/client-libraries.ts';
import { needs } from '../fixtures/client-programs.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { tnftp, tnftpClient } from './clients/tnftp.ts';
import { everydayWork } from './everyday.ts';
import { Witness } from './facts.ts';
import { DEFAULT_POLICY } from './seen.ts';
import { CLEAR_WAYS, hostOf } from './ways.ts';

const test = needs('tnftp');
const witness = new Witness('tnftp', versionOf('dpkg-query', ['-s', 'tnftp'], /^Version: (\d+)/m));

test.each(CLEAR_WAYS)('tnftp is told to send AUTH TLS, and sends no password ($name)', async (way) => {
  const gateway = await startGateway({ host: hostOf(way) });
  await expect(tnftp(gateway, way, ['ls'])).rejects.toThrow(/530 .*AUTH TLS/);
  expect(gateway.log.of('command').map(({ verb }) => verb)).not.toContain('PASS');
  witness.saw(DEFAULT_POLICY, way, 'login', '530');
});

everydayWork('tnftp in clear', {
  ...{ test, witness, ways: CLEAR_WAYS, make: tnftpClient },
  options: { tlsControlRequired: false, tlsDataRequired: false },
  lacks: ['resumeUpload'],
});

witness.agreesWithPage(test);
