/**
 * A command of one's own: XDU tells how many files a directory holds, and how many bytes. HELP and FEAT know it, it asks
 * for a login, and it sees no more than the account may list.
 *
 * Run: `npx sallyport cert dev` once, then `node own-command.ts`. The files of guests are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway, defineCommand, PATH_OR_CWD, reply } from 'sallyport';

const xdu = defineCommand({
  verb: 'XDU',
  class: 'info',
  who: 'members',
  rfc: 'none',
  feat: 'XDU',
  argument: PATH_OR_CWD,

  async handle(context, directory) {
    let files = 0;
    let bytes = 0;
    for await (const batch of await context.files().list(directory)) {
      const found = batch.filter(({ kind }) => kind === 'file');
      files += found.length;
      bytes += found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    }
    context.note({ path: directory, files });
    return { reply: reply(200, `${files} files, ${bytes} bytes.`) };
  },
});

const home = resolve('files');
await mkdir(home, { recursive: true });

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    authentication: [{ type: 'anonymous', account: { home } }],
  },
  { commands: [xdu] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
