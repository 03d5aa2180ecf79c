/** GNU wget as a partner's script calls it: it only fetches. */
import type { Ran, RunOptions } from '../../fixtures/client-programs.ts';
import { run } from '../../fixtures/client-programs.ts';
import type { PartnerClient } from '../everyday.ts';
import { cannot } from '../everyday.ts';
import type { Reachable, Way } from '../ways.ts';
import { curlUrl } from './curl.ts';

/** Runs wget on a path below `ftps://`, which is explicit TLS to it. @throws Error with its words when it fails. */
export async function wget(
  gateway: Reachable,
  way: Way,
  path: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const ran = await run('wget', [...wgetOptions(gateway, way), ...args, curlUrl(gateway, path, 'ftps')], options);
  if (ran.code !== 0) throw new Error(`wget ended with ${ran.code}: ${ran.stderr}`);
  return ran;
}

/** wget, one process for each piece of work. */
export function wgetClient(gateway: Reachable, way: Way): PartnerClient {
  const call = (path: string, ...args: readonly string[]) => wget(gateway, way, path, args);
  return {
    ...cannot('wget', ['upload', 'resumeUpload', 'rename', 'remove', 'makeDirectory', 'uploadText']),
    download: (remote, local) => call(remote, '--output-document', local),
    resumeDownload: (remote, local) => call(remote, '--continue', '--output-document', local),
    list: async (directory) => (await call(directory === '' ? '' : `${directory}/`, '--output-document', '-')).stdout,
    downloadText: (remote, local) => call(`${remote};type=a`, '--output-document', local),
  };
}

function wgetOptions({ user, password, certificates }: Reachable, { version, mode }: Way): readonly string[] {
  return [
    ...['--no-config', '--no-hsts', '--no-verbose', '--tries=50', '--waitretry=0', '--timeout=10'],
    ...[`--ca-certificate=${certificates.files.caCert}`, `--user=${user}`, `--password=${password}`],
    // Over TLS 1.3 it may look for its ticket before that has come; then it fails and tries again, often when the machine is
    // busy.
    // Debian's wget is built with GnuTLS, whose priority string this is.
    `--ciphers=NORMAL:-VERS-ALL:+VERS-TLS${version}`,
    ...(mode === 'active' ? ['--no-passive-ftp'] : []),
  ];
}
