/** Run as a process: opens a log and appends to it without end, saying what was acknowledged, until it is killed. */
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLog } from '../../src/spi/log.ts';
import { recordOf, SIGNER } from './writer-parts.ts';

const [directory = '', from = '0'] = process.argv.slice(2);
const log = await openAuditLog({
  directory,
  origin: SIGNER.name,
  signer: SIGNER,
  clock: systemClock,
  log: silentLog,
  checkpointMs: 20,
});
process.on('disconnect', () => process.exit(1));
let next = Number(from);
process.send?.({ opened: log.size });
const appendForever = async () => {
  for (;;) {
    const n = next++;
    const { index } = await log.append(recordOf({ n, text: 'x'.repeat((n * 37) % 900) }));
    process.send?.({ n, index, checkpoint: n % 50 === 0 ? log.checkpoint() : undefined });
  }
};
await Promise.all(Array.from({ length: 16 }, appendForever));
