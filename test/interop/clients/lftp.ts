/** lftp as a partner's script calls it. */
import type { Ran, RunOptions } from '../../fixtures/client-programs.ts';
import { run } from '../../fixtures/client-programs.ts';
import type { PartnerClient } from '../everyday.ts';
import type { Reachable, Way } from '../ways.ts';
import { authorityOf } from '../ways.ts';

/** A word of an lftp script, spaces and all. */
export function quoted(word: string): string {
  return `"${word.replace(/["\\]/g, '\\$&')}"`;
}

/** The settings and the login that every script begins with. */
export function lftpOpening(gateway: Reachable, way: Way, scheme = 'ftp'): readonly string[] {
  return [
    'set cmd:fail-exit true',
    'set net:max-retries 2',
    'set net:reconnect-interval-base 1',
    'set net:persist-retries 0',
    'set net:timeout 10',
    'set xfer:clobber true',
    'set ftp:ssl-force true',
    'set ftp:ssl-protect-data true',
    'set ssl:verify-certificate true',
    `set ssl:ca-file ${quoted(gateway.certificates.files.caCert)}`,
    `set ssl:priority "NORMAL:-VERS-ALL:+VERS-TLS${way.version}"`,
    `set ftp:passive-mode ${way.mode === 'passive'}`,
    `open -u ${quoted(`${gateway.user},${gateway.password}`)} ${scheme}://${authorityOf(gateway)}`,
  ];
}

/** Runs an lftp script. @throws Error with its words when it fails. */
export async function lftp(lines: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const ran = await run('lftp', ['--norc', '-c', lines.join('\n')], options);
  if (ran.code !== 0) throw new Error(`lftp ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}

/** lftp, one process for each piece of work. */
export function lftpClient(gateway: Reachable, way: Way): PartnerClient {
  const call = (...lines: readonly string[]) => lftp([...lftpOpening(gateway, way), ...lines]);
  return {
    upload: (local, remote) => call(`put ${quoted(local)} -o ${quoted(remote)}`),
    download: (remote, local) => call(`get ${quoted(remote)} -o ${quoted(local)}`),
    resumeUpload: (local, remote) => call(`put -c ${quoted(local)} -o ${quoted(remote)}`),
    resumeDownload: (remote, local) => call(`get -c ${quoted(remote)} -o ${quoted(local)}`),
    list: async (directory) => (await call(`ls ${directory === '' ? '' : quoted(directory)}`)).stdout,
    rename: (from, to) => call(`mv ${quoted(from)} ${quoted(to)}`),
    remove: (path) => call(`rm ${quoted(path)}`),
    makeDirectory: (path) => call(`mkdir ${quoted(path)}`),
    uploadText: (local, remote) => call(`put -a ${quoted(local)} -o ${quoted(remote)}`),
    downloadText: (remote, local) => call(`get -a ${quoted(remote)} -o ${quoted(local)}`),
  };
}
