/**
 * A module that watches: it refuses names of programs (PRE_CMD), counts the bytes of every session (POST_CMD), adds a
 * line to uploads that fail (POST_CMD_ERR), and says what succeeded (LOG_CMD).
 *
 * Run: `npx sallyport cert dev` once, then `node guard-and-count.ts`. The files are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway, DECLINED, defineModule, ERROR, hashPassword, reply, Secret } from 'sallyport';

const counted = new Map<string, { received: number; sent: number }>();

const watch = defineModule({
  name: 'watch',
  onConnect: (_peer, { id }) => void counted.set(id, { received: 0, sent: 0 }),
  onDisconnect({ id }) {
    console.log(`session ${id}:`, counted.get(id));
    counted.delete(id);
  },
  handlers: [
    {
      phase: 'PRE_CMD',
      verb: '*',
      handle({ traits, argument }) {
        // By the class and not by the verb, so that a command that is added later is guarded as well.
        const isProgram = /\.(?:exe|bat|scr)\b/i.test(argument);
        return traits.class === 'write' && isProgram ? ERROR(reply(553, 'No programs here.')) : DECLINED;
      },
    },
    {
      phase: 'POST_CMD',
      verb: '*',
      handle({ traits, context }, { notes }) {
        const count = counted.get(context.session.id);
        const bytes = Number(notes.dataBytes ?? 0);
        if (count !== undefined) count[traits.class === 'write' ? 'received' : 'sent'] += bytes;
        return DECLINED;
      },
    },
    {
      phase: 'POST_CMD_ERR',
      verb: 'STOR',
      handle({ traits, respond }) {
        respond.addError(`${traits.verb} failed: try harder next time!`);
        return DECLINED;
      },
    },
    { phase: 'LOG_CMD', verb: '*', handle: ({ traits }) => console.log(`SUCCESSFUL: command '${traits.verb}'`) },
  ],
});

const home = resolve('files');
await mkdir(home, { recursive: true });
const passwordHash = await hashPassword(new Secret('correct horse battery'));

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    users: [{ name: 'acme', passwordHash, home, permissions: 'elradfmw' }],
  },
  { modules: [watch] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
