/**
 * A command overloaded by two modules: DELE moves files into /deleted instead of removing them, and before that another
 * module, which has a higher priority, lets nobody delete what is held.
 *
 * Run: `npx sallyport cert dev` once, then `node wastebasket.ts`. The files are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  baseName,
  createGateway,
  DECLINED,
  defineModule,
  ERROR,
  HANDLED,
  hashPassword,
  isWithin,
  orFault,
  ROOT,
  reply,
  resolvePath,
  Secret,
} from 'sallyport';

const DELETED = orFault(resolvePath(ROOT, '/deleted'), 'BadName');
const HELD = orFault(resolvePath(ROOT, '/held'), 'BadName');

const hold = defineModule({
  name: 'hold',
  handlers: [
    {
      phase: 'CMD',
      verb: 'DELE',
      priority: 100,
      handle({ argument, context }) {
        const path = orFault(resolvePath(context.session.cwd, argument), 'BadName');
        return isWithin(path, HELD) ? ERROR(reply(550, 'This file is held.')) : DECLINED;
      },
    },
  ],
});

const wastebasket = defineModule({
  name: 'wastebasket',
  handlers: [
    {
      phase: 'CMD',
      verb: 'DELE',
      async handle({ argument, context }) {
        const path = orFault(resolvePath(context.session.cwd, argument), 'BadName');
        if (isWithin(path, DELETED)) return DECLINED;
        const to = orFault(resolvePath(DELETED, `${context.clock.now()}-${baseName(path)}`), 'BadName');
        context.note({ path, to });
        // These files stand behind the account's permissions and rules: nobody gets further than it may.
        await context.files().rename(path, to, 'keep');
        return HANDLED(reply(250, 'Moved to /deleted; delete it there to be rid of it.'));
      },
    },
  ],
});

const home = resolve('files');
await mkdir(resolve(home, 'deleted'), { recursive: true });
const passwordHash = await hashPassword(new Secret('correct horse battery'));

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    users: [{ name: 'acme', passwordHash, home, permissions: 'elradfmw' }],
  },
  { modules: [wastebasket, hold] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
