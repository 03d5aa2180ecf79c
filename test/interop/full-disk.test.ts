/** A disk that fills up in mid-upload, a real one: a small tmpfs as the account's home. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SecureVersion } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { needs, run } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { bytesOf, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { curlOptions, curlUrl } from './clients/curl.ts';
import { PLAIN_WAY } from './ways.ts';

const UPLOAD_BYTES = 8_000_000;

/** Whether this user may mount; found out by doing it once. */
const mayMount = (() => {
  const folder = mountedFolder();
  if (folder !== undefined) unmount(folder);
  return folder !== undefined;
})();
if (!mayMount) test.skip('this user may not mount a tmpfs: the tests of a full disk are left out', () => undefined);

test.skipIf(!mayMount).each<[SecureVersion, 'keep' | 'remove']>([
  ['TLSv1.2', 'keep'],
  ['TLSv1.2', 'remove'],
  ['TLSv1.3', 'keep'],
  ['TLSv1.3', 'remove'],
])(
  'an upload that fills the disk gets 452, the old file stands and the session goes on (%s, on_incomplete: %s)',
  async (version, onIncomplete) => {
    const home = smallDisk();
    const gateway = await startGateway({}, { home, onIncomplete });
    await writeFile(join(home, 'a.bin'), 'old');
    const client = await RawClient.login(gateway, { version });
    expect(await client.upload('STOR a.bin', bytesOf(UPLOAD_BYTES))).toMatch(/^452/);
    expect(readFileSync(join(home, 'a.bin'), 'utf8')).toBe('old');
    expect(await client.send('NOOP')).toMatch(/^200/);
    expect(await client.upload('STOR small.txt', 'hello')).toMatch(/^226/);
    expect(readFileSync(join(home, 'small.txt'), 'utf8')).toBe('hello');
  },
);

(mayMount ? needs('curl') : test.skip)(
  'curl fails when the disk is full, and uploads again when it is not',
  async () => {
    const home = smallDisk();
    const gateway = await startGateway({}, { home, onIncomplete: 'remove' });
    const folder = await temporaryFolder();
    await writeBytes(join(folder, 'large'), UPLOAD_BYTES);
    await writeBytes(join(folder, 'small'), 1_000);
    const upload = (name: string) =>
      run('curl', [...curlOptions(gateway, PLAIN_WAY), '--upload-file', join(folder, name), curlUrl(gateway, name)]);
    expect((await upload('large')).code).not.toBe(0);
    await expect.poll(() => gateway.log.of('command.failed')).toMatchObject([{ verb: 'STOR', code: 452 }]);
    expect((await upload('small')).code).toBe(0);
  },
);

/** A disk of 2 MB for one test. */
function smallDisk(): string {
  const folder = mountedFolder();
  if (folder === undefined) throw new Error('a tmpfs could be mounted before, and cannot be now');
  onTestFinished(() => unmount(folder));
  return folder;
}

function mountedFolder(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-small-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]).status === 0) return folder;
  rmdirSync(folder);
  return undefined;
}

function unmount(folder: string): void {
  // Lazily: the gateway that has it open is closed behind the test.
  spawnSync('umount', ['--lazy', folder]);
  rmdirSync(folder);
}
