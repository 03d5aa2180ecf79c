/** pure-ftpd, with virtual users: a process for each session. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Contestant, PASSWORD, type Setup, USER } from '../contestant.ts';
import { freePort } from '../server-ports.ts';
import { giveTo, startServer } from '../server-process.ts';
import { shaCrypt } from './sha-crypt.ts';
import { NOBODY, serverProgram, UNPACKED, unpackedEnvironment, unpackedPresence } from './unpacked.ts';

/** As it resumes sessions: in TLS 1.2 alone, since it sends no tickets. */
export const pureFtpd = contestant(
  'pure-ftpd',
  'a process for each session; small files in TLS 1.2, since it sends no tickets in TLS 1.3',
  '1.2',
);

/** For small files as clients of today meet it: TLS 1.3, and a whole handshake for each file. */
export const pureFtpdUnresumed = contestant('pure-ftpd (TLS 1.3)', 'the same in TLS 1.3, without resumption', '1.3');

function contestant(name: string, note: string, smallFilesTls: '1.2' | '1.3'): Contestant {
  return {
    ...{ name, side: 'peer', note },
    presence: () => unpackedPresence('pure-ftpd', '--help', /pure-ftpd v([0-9.]+)/),
    async start(setup) {
      const { folder, home, certFile, keyFile } = setup;
      await giveTo(home, NOBODY);
      const port = await freePort();
      const pem = join(folder, 'server.pem');
      await writeFile(pem, Buffer.concat([readFileSync(keyFile), readFileSync(certFile)]), { mode: 0o600 });
      const listen = ['-S', `127.0.0.1,${port}`, '-l', `puredb:${await usersOf(setup)}`, '-u', '1'];
      const plain = ['-E', '-H', '-A', '-f', 'none', '-g', join(folder, 'pid')];
      // Without -L it lists 10,000 files of a directory and no more.
      const bounds = ['-c', '20000', '-C', '20000', '-L', '1000000:10'];
      const args = [...listen, ...plain, ...bounds, '-Y', '1', '-2', pem];
      const running = await startServer({
        ...{ name, port, program: serverProgram('pure-ftpd'), args, env: unpackedEnvironment() },
      });
      return { ...running, manner: { ...running.manner, smallFilesTls } };
    },
  };
}

/** Its own `pure-pw useradd` would take a hash that is made to cost four seconds of CPU for each login. */
async function usersOf({ folder, home }: Setup): Promise<string> {
  const [users, database] = [join(folder, 'users'), join(folder, 'users.pdb')];
  const fields = [USER, shaCrypt(PASSWORD), NOBODY, NOBODY, '', `${home}/./`];
  await writeFile(users, `${[...fields, ...new Array(12).fill('')].join(':')}\n`, { mode: 0o600 });
  const program = join(UNPACKED, 'usr/bin/pure-pw');
  execFileSync(program, ['mkdb', database, '-f', users], { env: unpackedEnvironment(), stdio: 'ignore' });
  return database;
}
