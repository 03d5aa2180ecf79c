/** tnftp, the BSD ftp program, as a partner's script calls it: in clear, for it knows no TLS on FTP. */
import type { Ran } from '../../fixtures/client-programs.ts';
import { run } from '../../fixtures/client-programs.ts';
import type { PartnerClient } from '../everyday.ts';
import type { ClearWay, Reachable } from '../ways.ts';

/** Runs a tnftp script behind the login. @throws Error with the server's words when a command of it is refused. */
export async function tnftp(
  { host, port, user, password }: Reachable,
  { mode }: Pick<ClearWay, 'mode'>,
  lines: readonly string[],
): Promise<Ran> {
  const script = [`user ${quoted(user)} ${quoted(password)}`, ...lines, 'bye', ''].join('\n');
  const modes = mode === 'active' ? ['-A'] : ['-p'];
  const ran = await run('tnftp', [...modes, '-n', '-v', '-i', host, `${port}`], { input: script });
  const refused = /^[45]\d\d (?!.*(?:MLST|not understood)).*/m.exec(ran.stdout)?.[0];
  if (ran.code !== 0 || refused !== undefined)
    throw new Error(`tnftp ended with ${ran.code}: ${refused} ${ran.stderr}`);
  return ran;
}

/** tnftp, one process for each piece of work. */
export function tnftpClient(gateway: Reachable, way: ClearWay): PartnerClient {
  const call = (...lines: readonly string[]) => tnftp(gateway, way, lines);
  const q = quoted;
  return {
    upload: (local, remote) => call('binary', `put ${q(local)} ${q(remote)}`),
    download: (remote, local) => call('binary', `get ${q(remote)} ${q(local)}`),
    resumeUpload: () => Promise.reject(new Error('tnftp cannot resume an upload')),
    resumeDownload: (remote, local) => call('binary', `reget ${q(remote)} ${q(local)}`),
    list: async (directory) => (await call(`ls ${directory === '' ? '.' : q(directory)}`)).stdout,
    rename: (from, to) => call(`rename ${q(from)} ${q(to)}`),
    remove: (path) => call(`delete ${q(path)}`),
    makeDirectory: (path) => call(`mkdir ${q(path)}`),
    uploadText: (local, remote) => call('ascii', `put ${q(local)} ${q(remote)}`),
    downloadText: (remote, local) => call('ascii', `get ${q(remote)} ${q(local)}`),
    roundTrips: (local, folder, times) =>
      call(
        'binary',
        ...Array.from({ length: times }, (_, index) => [
          `put ${q(local)} "file ${index}"`,
          `get "file ${index}" ${q(`${folder}/${index}`)}`,
        ]).flat(),
      ),
  };
}

function quoted(word: string): string {
  return `"${word}"`;
}
