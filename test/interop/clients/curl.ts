/** curl as a partner's script calls it. */
import type { Ran, RunOptions } from '../../fixtures/client-programs.ts';
import { run } from '../../fixtures/client-programs.ts';
import type { PartnerClient } from '../everyday.ts';
import type { Reachable, Way } from '../ways.ts';
import { authorityOf } from '../ways.ts';

/** The options that every call has: no configuration file, the CA checked, TLS for everything, no waiting for ever. */
export function curlOptions(gateway: Reachable, way: Way): readonly string[] {
  return [
    ...['-q', '--globoff', '--silent', '--show-error', '--max-time', '120'],
    ...['--ssl-reqd', '--cacert', gateway.certificates.files.caCert],
    ...['--user', `${gateway.user}:${gateway.password}`],
    ...['--tlsv1.2', '--tls-max', way.version, ...(way.version === '1.3' ? ['--tlsv1.3'] : [])],
    ...(way.mode === 'active' ? ['--ftp-port', '-'] : []),
  ];
}

/** The URL of a path. */
export function curlUrl(gateway: Reachable, path: string, scheme = 'ftp'): string {
  return `${scheme}://${authorityOf(gateway)}/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** Runs curl. @throws Error with its words when it fails. */
export async function curl(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const ran = await run('curl', args, options);
  if (ran.code !== 0) throw new Error(`curl ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}

/** curl, one process for each piece of work. */
export function curlClient(gateway: Reachable, way: Way): PartnerClient {
  const call = (path: string, ...args: readonly string[]) =>
    curl([...curlOptions(gateway, way), ...args, curlUrl(gateway, path)]);
  const command = (...lines: readonly string[]) =>
    call('', '--list-only', ...lines.flatMap((line) => ['--quote', line]));
  return {
    upload: (local, remote) => call(remote, '--upload-file', local),
    download: (remote, local) => call(remote, '--output', local),
    resumeUpload: (local, remote) => call(remote, '--continue-at', '-', '--upload-file', local),
    resumeDownload: (remote, local) => call(remote, '--continue-at', '-', '--output', local),
    list: async (directory) => (await call(directory === '' ? '' : `${directory}/`)).stdout,
    rename: (from, to) => command(`RNFR ${from}`, `RNTO ${to}`),
    remove: (path) => command(`DELE ${path}`),
    makeDirectory: (path) => command(`MKD ${path}`),
    uploadText: (local, remote) => call(remote, '--use-ascii', '--crlf', '--upload-file', local),
    downloadText: (remote, local) => call(remote, '--use-ascii', '--output', local),
  };
}
