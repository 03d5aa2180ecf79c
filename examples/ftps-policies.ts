/**
 * FTPS by policy: TLS 1.3 alone, explicit and implicit, required on both channels, as are session reuse and close_notify.
 * One partner whose old client cannot resume TLS sessions is excused from that, and nobody else.
 *
 * Run: `npx sallyport cert dev` once, then `node ftps-policies.ts`. The files are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway, hashPassword, Secret } from 'sallyport';

const home = resolve('files');
await mkdir(home, { recursive: true });
const passwordHash = await hashPassword(new Secret('correct horse battery'));

const gateway = createGateway({
  listen: [
    { port: Number(process.env.PORT ?? 2121), tls: 'explicit' },
    { port: Number(process.env.IMPLICIT_PORT ?? 9990), tls: 'implicit' },
  ],
  tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key', minVersion: 'TLSv1.3' },
  // These four are what holds anyway; they stand here to be found.
  tlsControlRequired: true,
  tlsDataRequired: true,
  sessionReuse: 'required',
  closeNotify: 'required',
  users: [
    { name: 'modern', passwordHash, home, permissions: 'elrw' },
    { name: 'legacy', passwordHash, home, permissions: 'elrw', sessionReuse: 'preferred' },
  ],
});
await gateway.start();
console.log('Listening on', gateway.addresses);
