/** The gateway's process is killed in mid-upload: nothing half-written is ever seen, and the partner goes on where it was. */
import { readdirSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs, run } from '../fixtures/client-programs.ts';
import { gatewayInItsOwnProcess } from '../fixtures/gateway-process.ts';
import { sha256Of, temporaryFolder, writeBytes } from '../fixtures/local-files.ts';
import { basicFtpClient } from './clients/basic-ftp.ts';
import { curl, curlClient, curlOptions, curlUrl } from './clients/curl.ts';
import { Ftplib, ftplibClient } from './clients/ftplib.ts';
import { lftpClient } from './clients/lftp.ts';
import type { ClientMaker } from './everyday.ts';
import { PLAIN_WAY } from './ways.ts';

const FILE_BYTES = 12_000_000;
const KILL_BYTES = 2_000_000;

/** Uploads by curl, slowly, and kills the gateway once enough has reached the disk; then starts it anew. */
async function killedInMidUpload(old?: string) {
  const { home, start } = await gatewayInItsOwnProcess();
  if (old !== undefined) await writeFile(join(home, 'a.bin'), old);
  const local = join(await temporaryFolder(), 'whole');
  const whole = await writeBytes(local, FILE_BYTES);
  const first = await start();
  const slowly = ['--limit-rate', '5M', '--upload-file', local, curlUrl(first, 'a.bin')];
  const upload = run('curl', [...curlOptions(first, PLAIN_WAY), ...slowly]);
  await expect.poll(() => stagedBytes(home), { timeout: 10_000, interval: 5 }).toBeGreaterThan(KILL_BYTES);
  await first.kill();
  expect((await upload).code).not.toBe(0);
  expect(stagedBytes(home)).toBeLessThan(FILE_BYTES);
  return { home, local, whole, again: await start() };
}

/** Bytes of the one upload that is not published; 0 when there is none. */
function stagedBytes(home: string): number {
  const names = readdirSync(home).filter((name) => name.startsWith('.sallyport-'));
  expect(names.length).toBeLessThan(2);
  return names.reduce((sum, name) => sum + statSync(join(home, name)).size, 0);
}

const CLIENTS: readonly (readonly [string, readonly string[], ClientMaker])[] = [
  ['curl', ['curl'], curlClient],
  ['lftp', ['curl', 'lftp'], lftpClient],
  ['ftplib', ['curl', 'python3'], ftplibClient('always')],
  ['basic-ftp', ['curl'], basicFtpClient],
];

for (const [name, programs, make] of CLIENTS) {
  needs(...programs)(
    `after SIGKILL in mid-upload nothing is visible, and ${name} resumes to a whole file`,
    async () => {
      const { home, local, whole, again } = await killedInMidUpload();
      const staged = readdirSync(home)[0] ?? '';
      const client = make(again, PLAIN_WAY);
      expect(await client.list('')).not.toMatch(/a\.bin|sallyport/);
      const received = join(await temporaryFolder(), 'received');
      await expect(client.download('a.bin', received)).rejects.toThrow();
      await expect(client.download(staged, received)).rejects.toThrow();
      await client.resumeUpload(local, 'a.bin');
      expect(readdirSync(home)).toEqual(['a.bin']);
      expect(await sha256Of(join(home, 'a.bin'))).toBe(whole);
    },
    60_000,
  );
}

needs('curl', 'python3')(
  'after SIGKILL in mid-upload the old file stands, and REST with STOR goes on with the unfinished one',
  async () => {
    const { home, local, whole, again } = await killedInMidUpload('old content');
    expect(await readFile(join(home, 'a.bin'), 'utf8')).toBe('old content');
    const { stdout } = await curl([...curlOptions(again, PLAIN_WAY), curlUrl(again, 'a.bin')]);
    expect(stdout).toBe('old content');
    expect((await curl([...curlOptions(again, PLAIN_WAY), '--list-only', curlUrl(again, '')])).stdout.trim()).toBe(
      'a.bin',
    );
    await new Ftplib(again, PLAIN_WAY, 'always').do('resumeUpload', local, 'a.bin', KILL_BYTES);
    expect(readdirSync(home)).toEqual(['a.bin']);
    expect(await sha256Of(join(home, 'a.bin'))).toBe(whole);
  },
  60_000,
);
