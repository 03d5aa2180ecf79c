/**
 * Run as a process that somebody kills: over a real log on the disk it publishes files in three inboxes and hands them on by
 * appending their keys to a file, one line each.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import { Deliveries } from '../../src/delivery/deliveries.ts';
import { deliveryEntry, wayOf } from '../../src/delivery/ways.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ROOT } from '../../src/protocol/virtual-path.ts';
import { silentLog } from '../../src/spi/log.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { publishedRecord, sha256, uploadId } from './records.ts';

const [folder = '', first = '', count = ''] = process.argv.slice(2);
const origin = 'test/delivery';
const clock = systemClock;
for (const name of ['audit', 'home']) mkdirSync(join(folder, name), { recursive: true });
const audit = await openAuditLog({
  ...{ directory: join(folder, 'audit'), origin, clock, log: silentLog, checkpointMs: 1_000 },
  signer: readOrMakeLogKey(join(folder, 'audit.key'), origin),
});
const files = createLocalStorage().filesFor({
  ...{ root: join(folder, 'home'), owner: 'alice', fileMode: 0o600, directoryMode: 0o700, sync: false },
  sealedName: undefined,
});
await files.enter(ROOT);
const script = 'printf "%s %s\\n" "$SALLYPORT_DELIVERY_KEY" "$SALLYPORT_PATH" >> "$1"';
const entry = deliveryEntry.parse({
  ...{ kind: 'command', name: 'out', program: '/bin/sh', args: ['-c', script, 'sh', join(folder, 'received')] },
  ...{ retryMinMs: 10, retryMaxMs: 20 },
});
const deliveries = new Deliveries({
  ...{ audit, clock, log: silentLog, auditRequired: true, directory: join(folder, 'deliveries') },
  ways: [wayOf(entry, { clock })],
  filesAt: () => files,
  isBetween: () => false,
});
await deliveries.prepare();
deliveries.start();
process.send?.('started');

for (let number = Number(first); number < Number(first) + Number(count); number++) {
  const inbox = `in${number % 3}`;
  const upload = uploadId(number);
  mkdirSync(join(folder, 'home', inbox), { recursive: true });
  const content = `content ${number}`;
  writeFileSync(join(folder, 'home', inbox, upload), content);
  await audit.append(publishedRecord(upload, { content, path: `/${inbox}/${upload}`, inbox: `/${inbox}` }));
  // Told by the log itself: what it took has to be brought.
  appendFileSync(join(folder, 'published'), `${upload}.out /${inbox}/${upload}\n`);
}
while (deliveries.overview[0]?.pending !== 0) await new Promise((resolve) => setTimeout(resolve, 20));
await deliveries.stop();
await audit.close();
process.send?.({ dead: deliveries.overview[0]?.dead, said: sha256(readFileSync(join(folder, 'published'))) });
