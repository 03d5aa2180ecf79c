/** rclone's ftp backend as a partner's script calls it. It knows passive mode only. */
import type { Ran } from '../../fixtures/client-programs.ts';
import { run } from '../../fixtures/client-programs.ts';
import type { PartnerClient } from '../everyday.ts';
import { cannot } from '../everyday.ts';
import type { Reachable, Way } from '../ways.ts';

/** Runs rclone; `:ftp:` is the gateway. @throws Error with its words when it fails. */
export async function rclone(gateway: Reachable, way: Way, args: readonly string[]): Promise<Ran> {
  const { host, port, user, password, certificates } = gateway;
  const env = {
    RCLONE_CONFIG: '/dev/null',
    // The only place where Go looks for an authority.
    SSL_CERT_FILE: certificates.files.caCert,
    RCLONE_FTP_HOST: host.includes(':') ? `[${host}]` : host,
    RCLONE_FTP_PORT: `${port}`,
    RCLONE_FTP_USER: user,
    RCLONE_FTP_PASS: (await run('rclone', ['obscure', '-'], { input: password })).stdout.trim(),
    RCLONE_FTP_EXPLICIT_TLS: 'true',
    RCLONE_FTP_DISABLE_TLS13: `${way.version === '1.2'}`,
  };
  const patience = ['--retries=1', '--low-level-retries=1', '--contimeout=10s', '--timeout=10s'];
  const ran = await run('rclone', [...patience, ...args], { env });
  if (ran.code !== 0) throw new Error(`rclone ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}

/** rclone, one process for each piece of work. */
export function rcloneClient(gateway: Reachable, way: Way): PartnerClient {
  const call = (...args: readonly string[]) => rclone(gateway, way, args);
  return {
    ...cannot('rclone', ['resumeUpload', 'resumeDownload', 'uploadText', 'downloadText']),
    // A file that has the same size and time is not sent again, otherwise.
    upload: (local, remote) => call('copyto', '--ignore-times', local, `:ftp:${remote}`),
    download: (remote, local) => call('copyto', `:ftp:${remote}`, local),
    list: async (directory) => (await call('lsf', `:ftp:${directory}`)).stdout,
    rename: (from, to) => call('moveto', `:ftp:${from}`, `:ftp:${to}`),
    remove: (path) => call('deletefile', `:ftp:${path}`),
    makeDirectory: (path) => call('mkdir', `:ftp:${path}`),
  };
}
