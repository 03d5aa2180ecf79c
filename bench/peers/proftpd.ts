/** ProFTPD with mod_tls: a process for each session. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Contestant, PASSWORD, type Setup, USER } from '../contestant.ts';
import { freePort } from '../server-ports.ts';
import { giveTo, startServer } from '../server-process.ts';
import { shaCrypt } from './sha-crypt.ts';
import { NOBODY, serverProgram, UNPACKED, unpackedEnvironment, unpackedPresence } from './unpacked.ts';

/** As Debian has it, logs and delays off. */
export const proftpd: Contestant = {
  name: 'proftpd',
  side: 'peer',
  note: 'mod_tls, a process for each session; logs and login delays off',
  presence: () => unpackedPresence('proftpd', '-v', /([0-9]+\.[0-9.a-z]+)/),
  async start(setup) {
    const { folder, home } = setup;
    await giveTo(home, NOBODY);
    const port = await freePort();
    const users = join(folder, 'users');
    const user = [USER, shaCrypt(PASSWORD), NOBODY, NOBODY, '', home, '/bin/false'];
    await writeFile(users, `${user.join(':')}\n`, { mode: 0o600 });
    const config = join(folder, 'proftpd.conf');
    await writeFile(config, `${configuration(setup, port, users).join('\n')}\n`);
    const args = ['--nodaemon', '--config', config];
    return startServer({
      ...{ name: 'proftpd', port, program: serverProgram('proftpd'), args, env: unpackedEnvironment() },
    });
  },
};

function configuration({ folder, certFile, keyFile }: Setup, port: number, users: string): string[] {
  return [
    ...[`ModulePath ${join(UNPACKED, 'usr/lib/proftpd')}`, 'LoadModule mod_tls.c', 'ServerType standalone'],
    ...['DefaultServer on', 'UseIPv6 off', 'DefaultAddress 127.0.0.1', `Port ${port}`, 'MaxInstances none'],
    ...['User nobody', 'Group nogroup', 'UseReverseDNS off', 'DelayEngine off', 'ControlsEngine off', 'WtmpLog off'],
    ...[`PidFile ${folder}/pid`, `ScoreboardFile ${folder}/scoreboard`, 'SystemLog none', 'TransferLog none'],
    ...['AuthOrder mod_auth_file.c', `AuthUserFile ${users}`, 'RequireValidShell off', 'AllowOverwrite on'],
    ...['TLSEngine on', 'TLSRequired on', `TLSRSACertificateFile ${certFile}`, `TLSRSACertificateKeyFile ${keyFile}`],
    ...['TLSProtocol TLSv1.2 TLSv1.3', 'TLSLog none', 'MaxConnectionsPerHost none'],
  ];
}
