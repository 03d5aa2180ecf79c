/** A program that tries to work for a user with whatever rights it was started with, and says how that went, in JSON. */
import { systemClock } from '../../../src/lib/clock.ts';
import { ROOT, resolvePath } from '../../../src/protocol/virtual-path.ts';
import { Fault } from '../../../src/spi/fault.ts';
import { silentLog } from '../../../src/spi/log.ts';
import { createUserStorage } from '../../../src/storage/worker/user-storage.ts';

const [user = '', uid = '', gid = ''] = process.argv.slice(2);
const wanted = { user, uid: Number(uid), gid: Number(gid) };
const storage = createUserStorage({ clock: systemClock, log: silentLog, workersMax: 1, idleMs: 60_000 });
const files = storage.filesFor(wanted, { root: '/', owner: user });
const answer = await files.openRead(resolvePath(ROOT, '/etc/shadow') ?? ROOT).then(
  () => 'opened',
  (error: unknown) => (error instanceof Fault ? error.kind : String(error)),
);
console.log(JSON.stringify({ whyNot: storage.whyNot(wanted), answer }));
await storage.close();
