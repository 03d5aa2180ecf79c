/**
 * A first gateway: an account, guests who may look and fetch, a banner, the ports of data connections, and limits.
 *
 * Run: `npx sallyport cert dev` once, which makes ./certs, then `node basic-server.ts`. The files are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway, createUserTable, Secret } from 'sallyport';

const home = resolve('files');
await mkdir(home, { recursive: true });

const users = createUserTable();
await users.add({ name: 'user', password: new Secret('correct horse battery'), home, permissions: 'elradfmwMT' });
await users.addAnonymous(home);

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    banner: 'A first gateway.',
    // Behind NAT: `address: '203.0.113.7'` is what clients are told.
    passive: { portMin: 50_000, portMax: 50_199 },
    limits: { connectionsMax: 256, connectionsPerAddressMax: 5 },
  },
  { authenticators: [users.authenticator] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
