/** vsftpd: two processes for each session. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Contestant, Setup } from '../contestant.ts';
import { freePort } from '../server-ports.ts';
import { giveTo, startServer } from '../server-process.ts';
import { serverProgram, unpackedEnvironment, unpackedPresence } from './unpacked.ts';

/** It goes to the home of its guests' account before anything else, and nobody's does not exist. */
const DAEMON = 1;

/** Its accounts are those of the system, which a benchmark does not add to: guests do the same work behind the login. */
export const vsftpd: Contestant = {
  name: 'vsftpd',
  side: 'peer',
  note: 'two processes for each session; guests, whose password it does not look at',
  presence: () => unpackedPresence('vsftpd', '-v', /([0-9]+\.[0-9.]+)/),
  async start(setup) {
    const { folder, home } = setup;
    await giveTo(home, DAEMON);
    // It leads its guests into the folder above, since it refuses a root that they may write.
    await chmod(folder, 0o755);
    const port = await freePort();
    const empty = join(folder, 'empty');
    await mkdir(empty, { recursive: true });
    const config = join(folder, 'vsftpd.conf');
    await writeFile(config, `${configuration(setup, port, empty).join('\n')}\n`, { mode: 0o600 });
    // What it complains of it writes to standard input, for inetd's sake.
    const args = ['-c', 'exec "$0" "$@" 0>&1', serverProgram('vsftpd'), config];
    const running = await startServer({ name: 'vsftpd', port, program: 'sh', args, env: unpackedEnvironment() });
    return { ...running, user: 'anonymous', directory: '/home' };
  },
};

function configuration({ home, certFile, keyFile }: Setup, port: number, empty: string): string[] {
  return [
    ...['listen=YES', 'background=NO', 'listen_address=127.0.0.1', `listen_port=${port}`, 'max_clients=0'],
    ...['anonymous_enable=YES', 'local_enable=NO', `anon_root=${dirname(home)}`, 'ftp_username=daemon'],
    ...['nopriv_user=nobody', 'write_enable=YES', 'anon_upload_enable=YES', 'anon_other_write_enable=YES'],
    ...['anon_world_readable_only=NO', 'xferlog_enable=NO', `secure_chroot_dir=${empty}`, 'seccomp_sandbox=NO'],
    ...['max_per_ip=0', 'ssl_enable=YES', 'allow_anon_ssl=YES', 'force_anon_logins_ssl=YES'],
    ...['force_anon_data_ssl=YES', `rsa_cert_file=${certFile}`, `rsa_private_key_file=${keyFile}`],
    ...['ssl_ciphers=HIGH', 'require_ssl_reuse=YES', 'strict_ssl_read_eof=NO'],
  ];
}
