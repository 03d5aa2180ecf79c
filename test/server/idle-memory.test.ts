/** What a session costs that does nothing, in a process of its own. */
import { randomBytes, scryptSync } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD } from '../fixtures/gateway.ts';
import { gatewayInItsOwnProcess } from '../fixtures/gateway-process.ts';

const SESSIONS = 300;
/** Logged in and gone before: a process that has compiled its code and grown its heap. */
const EARLIER = 200;
/** 30 to 50 were measured. */
const KIB_PER_SESSION_MAX = 100;

// How much of its memory is a process's own, only Linux tells.
test.skipIf(!existsSync('/proc/self/smaps_rollup'))(
  `${SESSIONS} idle sessions cost less than ${KIB_PER_SESSION_MAX} KiB each`,
  async () => {
    const many = 2 * SESSIONS;
    const limits = {
      connections_max: many,
      connections_per_address_max: many,
      connections_per_account_max: many,
    };
    const { start } = await gatewayInItsOwnProcess({ limits, passwordHash: cheapHash() });
    const gateway = await start();
    const logIn = (count: number) => inTurns(count, () => RawClient.login(gateway));
    for (const client of await logIn(EARLIER)) client.close();
    const before = memoryKiB(gateway.pid);
    const clients = await logIn(SESSIONS);
    const each = (memoryKiB(gateway.pid) - before) / SESSIONS;
    expect(each).toBeGreaterThan(1);
    expect(each).toBeLessThan(KIB_PER_SESSION_MAX);

    for (const client of clients) client.close();
    await gateway.kill();
  },
  120_000,
);

/** Not argon2id: its 19 MiB are kept by the allocator, or given back, at times of its own choosing. */
function cheapHash(): string {
  const salt = randomBytes(16);
  const tag = scryptSync(PASSWORD, salt, 32, { N: 1_024, r: 1, p: 1 });
  const [salted, tagged] = [salt, tag].map((bytes) => bytes.toString('base64').replaceAll('=', ''));
  return `$scrypt$ln=10,r=1,p=1$${salted}$${tagged}`;
}

/** Four at a time. */
async function inTurns<T>(count: number, act: () => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  while (all.length < count) all.push(...(await Promise.all([act(), act(), act(), act()])));
  return all;
}

function memoryKiB(pid: number): number {
  return Number(/^Pss:\s+([0-9]+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}
