/**
 * Transfers at no more than 30 KiB a second for each session, and ten times that at night: rates can be changed while the
 * gateway runs, and transfers that run follow at once.
 *
 * Run: `npx sallyport cert dev` once, then `node throttled.ts`. The files of guests are in ./files.
 */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createGateway } from 'sallyport';

const home = resolve('files');
await mkdir(home, { recursive: true });

const slow = { uploadBytesPerSecond: 30 * 1_024, downloadBytesPerSecond: 30 * 1_024 };
const fast = { uploadBytesPerSecond: 300 * 1_024, downloadBytesPerSecond: 300 * 1_024 };

const gateway = createGateway({
  listen: [{ port: Number(process.env.PORT ?? 2121) }],
  tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
  authentication: [{ type: 'anonymous', account: { home } }],
  sessionRates: slow,
});
await gateway.start();
console.log('Listening on', gateway.addresses);

const isNight = () => new Date().getHours() < 6;
setInterval(() => gateway.setRates(isNight() ? { session: fast } : {}), 60_000);
