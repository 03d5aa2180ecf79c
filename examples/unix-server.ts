/**
 * The accounts of a Unix system: its users log in with their own passwords, begin at home, see the whole tree of the
 * machine, and can do there what the system lets them do. Each one's file operations run in a process with the user's own
 * rights. Root never logs in, nor do services and those without a login shell.
 *
 * Run: `npx sallyport cert dev` once, then `node unix-server.ts` as root: only root can check passwords and give up rights.
 */
import { createGateway, createLogger } from 'sallyport';

const gateway = createGateway(
  {
    listen: [{ port: Number(process.env.PORT ?? 2121) }],
    tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
    authentication: [
      {
        type: 'unix',
        rejectedUsers: ['root', 'backup'],
        requireValidShell: true,
        account: { runAs: 'user', tree: 'machine', permissions: 'elradfmwMT' },
      },
    ],
  },
  { log: createLogger({ level: 'info', format: 'auto' }) },
);
await gateway.start();
console.log('Listening on', gateway.addresses);
