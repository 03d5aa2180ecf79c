/** The program of a worker: gives it its channel, its log and its end, and leaves the signals to the process above. */
import { Socket } from 'node:net';
import { systemClock } from '../lib/clock.ts';
import { enterFipsMode } from '../lib/fips.ts';
import { createLogger } from '../server/logger.ts';
import { processPort } from '../server/sharing/process-port.ts';
import { runWorker } from '../supervisor/worker.ts';
import { openKeyLog } from './key-log.ts';

// A terminal, and a service manager, send signals to every process of a group: the one above says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) process.on(signal, () => undefined);
// Nobody reads the log any more: see `terminal.ts`.
process.stdout.on('error', () => process.exit(1));
process.stderr.on('error', () => undefined);

runWorker({
  port: processPort(process),
  onSocket: (listener) =>
    void process.on('message', (message, handle) => {
      if (handle instanceof Socket) listener(message, handle);
    }),
  clock: systemClock,
  createLog: (options) => createLogger(options, process.stdout),
  openKeyLog: (file) => openKeyLog(file).write,
  prepare(profile) {
    // The process above has said it when that cannot be.
    if (profile === 'fips') enterFipsMode();
  },
  exit: (code) => process.exit(code),
});
