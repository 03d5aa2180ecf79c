/**
 * Two logs in files of their own: `gateway.log` has what an operator wants to know, one JSON object a line, and
 * `commands.log` every command with its reply.
 *
 * Run: `npx sallyport cert dev` once, then `node two-logs.ts`. The files are in ./files.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway, createLogger, defineModule, hashPassword, type Request, type Result, Secret } from 'sallyport';

const home = resolve('files');
await mkdir(home, { recursive: true });
const passwordHash = await hashPassword(new Secret('correct horse battery'));

const log = createLogger({ level: 'info', format: 'json' }, createWriteStream('gateway.log', { flags: 'a' }));
const lines = createWriteStream('commands.log', { flags: 'a' });

const commandLines = defineModule({
  name: 'command-lines',
  handlers: [
    { phase: 'LOG_CMD', verb: '*', handle: writeLine },
    { phase: 'LOG_CMD_ERR', verb: '*', handle: writeLine },
  ],
});

/** Clients choose what they send: as JSON, no end of line in it can forge another entry. A password is `***` here. */
function writeLine({ traits, argument, context }: Request, { reply, durationMs }: Result): void {
  const { id, peer } = context.session;
  const entry = { at: new Date(), session: id, peer: peer.address, verb: traits.verb, argument, ...reply, durationMs };
  lines.write(`${JSON.stringify(entry)}\n`);
}

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    users: [{ name: 'acme', passwordHash, home }],
  },
  { log, modules: [commandLines] },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
