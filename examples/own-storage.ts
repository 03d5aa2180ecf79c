/**
 * A storage of one's own, made of another one: it publishes a file only when its first bytes are those of a PDF. All the
 * rest (staging, resuming, listing) is left to the local disk.
 *
 * Run: `npx sallyport cert dev` once, then `node own-storage.ts`. The files are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  createGateway,
  createLocalStorage,
  createUserTable,
  decorate,
  Fault,
  type FileSystem,
  Secret,
} from 'sallyport';

const SIGNATURE = Buffer.from('%PDF-');

function onlyPdf(files: FileSystem): FileSystem {
  return decorate(files, {
    async stage(path, request) {
      const staged = await files.stage(path, request);
      let start = Buffer.alloc(0);
      const look = (bytes: Buffer) => {
        if (start.length < SIGNATURE.length) start = Buffer.concat([start, bytes.subarray(0, SIGNATURE.length)]);
      };
      // An upload that goes on where another one broke off begins with what is there already.
      for await (const bytes of staged.prefix()) look(bytes);
      return decorate(staged, {
        async write(buffers) {
          buffers.forEach(look);
          await staged.write(buffers);
        },
        async commit(arrival) {
          refuseOthers(start);
          await staged.commit(arrival);
        },
        // Where files are checked before they are published, they are held first: the other way out of a staged write.
        hold:
          staged.hold &&
          (async (id) => {
            refuseOthers(start);
            await staged.hold?.(id);
          }),
      });
    },
  });
}

function refuseOthers(start: Buffer): void {
  if (start.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return;
  throw new Fault('BadName', { text: 'Only PDF files are taken here; nothing was published.' });
}

const home = resolve('files');
await mkdir(home, { recursive: true });
const disk = createLocalStorage();
const users = createUserTable({ filesFor: ({ home: root, name }) => onlyPdf(disk.filesFor({ root, owner: name })) });
await users.add({ name: 'acme', password: new Secret('correct horse battery'), home, permissions: 'elrw' });

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
  },
  { authenticators: [users.authenticator] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
