/** pyftpdlib with its TLS handler: one process. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Contestant, PASSWORD, type Presence, USER } from '../contestant.ts';
import { freePort } from '../server-ports.ts';
import { saidVersion, startServer } from '../server-process.ts';

/** Debian's Python, which has Debian's packages, and the one of the path where there is another. */
const PYTHONS = ['/usr/bin/python3', 'python3'];

/** As its documentation starts it. */
export const pyftpdlib: Contestant = {
  name: 'pyftpdlib',
  side: 'peer',
  note: 'one process; passwords in clear text',
  presence(): Presence {
    const found = installed();
    return found === undefined ? { missing: 'not installed: python3-pyftpdlib and python3-openssl' } : found;
  },
  async start({ folder, home, certFile, keyFile }) {
    const port = await freePort();
    const script = join(folder, 'server.py');
    await writeFile(script, SCRIPT);
    const args = [script, `${port}`, USER, PASSWORD, home, certFile, keyFile];
    return startServer({ name: 'pyftpdlib', port, program: installed()?.python ?? 'python3', args });
  },
};

function installed(): { readonly python: string; readonly version: string } | undefined {
  for (const python of PYTHONS) {
    const program = 'import OpenSSL, pyftpdlib; print(pyftpdlib.__ver__)';
    const version = saidVersion([python, '-c', program], /^([0-9.]+)$/m);
    if (version !== undefined) return { python, version };
  }
  return undefined;
}

const SCRIPT = `import sys, logging
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import TLS_FTPHandler
from pyftpdlib.servers import FTPServer
port, user, password, home, cert, key = sys.argv[1:]
logging.basicConfig(level=logging.ERROR)
authorizer = DummyAuthorizer()
authorizer.add_user(user, password, home, perm='elradfmwMT')
handler = TLS_FTPHandler
handler.certfile, handler.keyfile, handler.authorizer = cert, key, authorizer
handler.tls_control_required = handler.tls_data_required = True
server = FTPServer(('127.0.0.1', int(port)), handler)
server.max_cons = 20000
server.max_cons_per_ip = 20000
server.serve_forever()
`;
