/**
 * A setting of one's own: `notice` is what uploads are answered with. It may be written for the whole gateway, for an
 * account and for a directory, and the innermost decides.
 *
 * Run: `npx sallyport cert dev` once, then `node own-directive.ts`. The files are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  createGateway,
  DECLINED,
  defineDirective,
  defineModule,
  type GatewayOptionsInputWith,
  hashPassword,
  parentOf,
  ROOT,
  resolvePath,
  Secret,
  z,
} from 'sallyport';

const notice = defineDirective({
  name: 'notice',
  help: 'A line that is added to the reply to an upload.',
  contexts: ['server', 'account', 'directory'],
  schema: z.string().max(200),
  initial: '',
});

const notices = defineModule({
  name: 'notices',
  directives: [notice],
  handlers: [
    {
      phase: 'POST_CMD',
      verb: '*',
      async handle({ traits, context, respond }, { notes }) {
        const isUpload = traits.class === 'write' && traits.data === 'transfers';
        const file = isUpload ? resolvePath(ROOT, String(notes.path)) : undefined;
        const line = file === undefined ? '' : await context.setting(notice, parentOf(file));
        if (line !== '') respond.add(line);
        return DECLINED;
      },
    },
  ],
});

const home = resolve('files');
await mkdir(resolve(home, 'claims'), { recursive: true });
const passwordHash = await hashPassword(new Secret('correct horse battery'));

const options: GatewayOptionsInputWith<typeof notice> = {
  listen: [{ port: Number(process.env.PORT ?? 2121) }],
  tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
  notice: 'Thank you.',
  users: [{ name: 'acme', passwordHash, home, permissions: 'elw' }],
  directories: [{ path: '/claims', notice: 'Claims are looked at on working days.' }],
};
const gateway = createGateway(options, { modules: [notices] });
await gateway.start();
console.log('Listening on', gateway.addresses);
