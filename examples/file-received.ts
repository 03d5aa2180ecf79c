/**
 * Events: every file that has arrived whole gets a line in `manifest.txt`, as `sha256sum -c` reads it, and goes on to
 * ./done, where no partner reaches it. What breaks off is never published, so that there is nothing to clean up.
 *
 * Run: `npx sallyport cert dev` once, then `node file-received.ts`. The account's files are in ./files.
 */
import { appendFile, mkdir, rename } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { createGateway, hashPassword, Secret } from 'sallyport';

const home = resolve('files');
await mkdir(home, { recursive: true });
await mkdir('done', { recursive: true });
const passwordHash = await hashPassword(new Secret('correct horse battery'));

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    users: [{ name: 'acme', passwordHash, home, permissions: 'elw' }],
  },
  {
    on: {
      login: ({ account, peer }) => console.log(`${account} has logged in from ${peer.address}`),
      logout: ({ account }) => console.log(`${account} has logged out`),
      // The reply to the client waits for this, up to ten seconds: when it says 226, the file is where it belongs.
      async fileReceived({ onDisk, session, sha256 }) {
        if (onDisk === undefined) return;
        const done = join('done', `${session}-${basename(onDisk)}`);
        await rename(onDisk, done);
        await appendFile('manifest.txt', `${sha256}  ${done}\n`);
      },
      incompleteFileReceived({ account, path, bytes, keptBytes, reason }) {
        console.log(`${account} broke off ${path} after ${bytes} bytes (${reason}); ${keptBytes} can be resumed`);
      },
    },
  },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
