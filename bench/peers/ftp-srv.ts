/** npm's ftp-srv: one process of Node. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contestant, PASSWORD, type Presence, type Setup, USER } from '../contestant.ts';
import { freePort } from '../server-ports.ts';
import { startServer } from '../server-process.ts';

/** Where npm has put it: `npm install --prefix var/bench ftp-srv`, or another folder by BENCH_PEERS. */
const FOLDER = process.env.BENCH_PEERS ?? fileURLToPath(new URL('../../var/bench', import.meta.url));
/** Less than this is not always enough. */
const HESITATE_MS = 20;
const PACKAGE = join(FOLDER, 'node_modules/ftp-srv');

/** As its README starts it, its log off. */
export const ftpSrv: Contestant = {
  name: 'ftp-srv',
  side: 'peer',
  note: `one process, passwords in clear text; it takes a handshake that comes at once behind AUTH TLS for a command, so clients wait ${HESITATE_MS} ms`,
  presence(): Presence {
    try {
      return { version: JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')).version };
    } catch {
      return { missing: 'not installed: npm install --prefix var/bench ftp-srv' };
    }
  },
  async start(setup) {
    const port = await freePort();
    const script = join(setup.folder, 'server.cjs');
    await writeFile(script, scriptFor(setup, port));
    const running = await startServer({ name: 'ftp-srv', port, program: process.execPath, args: [script] });
    return { ...running, manner: { ...running.manner, hesitateMs: HESITATE_MS } };
  },
};

function scriptFor({ home, certFile, keyFile }: Setup, port: number): string {
  const text = JSON.stringify;
  return `const { FtpSrv } = require(${text(PACKAGE)});
const { readFileSync } = require('node:fs');
const log = { child: () => log, trace() {}, debug() {}, info() {}, warn() {}, error() {}, fatal() {} };
const tls = { cert: readFileSync(${text(certFile)}), key: readFileSync(${text(keyFile)}) };
const server = new FtpSrv({ url: 'ftp://127.0.0.1:${port}', pasv_url: '127.0.0.1', tls, log, anonymous: false });
server.on('login', ({ username, password }, resolve, reject) =>
  username === ${text(USER)} && password === ${text(PASSWORD)} ? resolve({ root: ${text(home)} }) : reject(new Error('no')));
server.on('client-error', () => undefined);
server.listen();
`;
}
