/** Accounts of the system, served with their own rights: over real sockets, with users made here. Needs root. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { AccountTemplate } from '../../src/auth/users.ts';
import { parseRights } from '../../src/storage/worker/rights.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { bytesOf } from '../fixtures/local-files.ts';
import { logIn } from '../fixtures/log-in.ts';
import { isRunning } from '../fixtures/process-ids.ts';
import { CAN_MAKE_USERS, makeSystemUser, type SystemUser } from '../fixtures/system-users.ts';

if (!CAN_MAKE_USERS)
  test.skip('serving real users needs root, unix_chkpwd and useradd for these tests', () => undefined);

describe.runIf(CAN_MAKE_USERS)('a user of the system', () => {
  let owner: SystemUser;
  let other: SystemUser;

  beforeAll(async () => {
    owner = await makeSystemUser();
    other = await makeSystemUser();
  });

  afterAll(async () => {
    for (const user of [owner, other]) await user.remove();
  });

  const serve = (account: Partial<AccountTemplate> = {}) =>
    startGateway({
      authentication: [
        { type: 'unix', account: { permissions: 'elradfmwMT', runAs: 'user', tree: 'machine', ...account } },
      ],
      log: { level: 'debug' },
    });
  const logInAs = async (gateway: TestGateway, { user, password }: SystemUser): Promise<RawClient> => {
    const client = await RawClient.login({ ...gateway, user, password });
    onTestFinished(() => client.close());
    return client;
  };

  test('is refused by the kernel what is not its own, with 550', async () => {
    const gateway = await serve();
    const client = await logInAs(gateway, owner);
    await writeFile(join(other.home, 'secret.txt'), 'secret', { mode: 0o600 });
    await chmod(other.home, 0o755);
    onTestFinished(() => chmod(other.home, 0o700));
    for (const line of ['RETR /etc/shadow', `RETR ${other.home}/secret.txt`]) {
      expect((await client.download(line)).reply).toMatch(/^550/);
    }
    for (const line of ['CWD /root', `DELE ${other.home}/secret.txt`, 'MKD /etc/new', 'RNFR /etc/passwd']) {
      const reply = await client.send(line);
      if (reply.startsWith('350')) expect(await client.send('RNTO /etc/passwd.old')).toMatch(/^550/);
      else expect(reply).toMatch(/^550/);
    }
    expect(await client.upload('STOR /etc/new.txt', 'x')).toMatch(/^550/);
    expect(await client.upload('STOR /root/new.txt', 'x')).toMatch(/^550/);
  });

  test('begins at home, sees the whole machine, and owns what it makes', async () => {
    const gateway = await serve();
    const client = await logInAs(gateway, owner);
    expect(await client.send('PWD')).toMatch(`257 "${owner.home}"`);
    expect(await client.upload('STOR mine.txt', 'mine')).toMatch(/^226/);
    expect(await client.send('MKD sub')).toMatch(/^257/);
    for (const name of ['mine.txt', 'sub']) {
      const { uid, gid } = await stat(join(owner.home, name));
      expect([uid, gid]).toEqual([owner.uid, owner.gid]);
    }
    expect((await client.download('RETR /etc/passwd')).data.toString()).toContain(owner.user);
    expect((await client.download('NLST /')).data.toString()).toContain('etc');
    expect(await client.send('CWD /tmp')).toMatch(/^250/);
  });

  test('whose home cannot be entered begins at the root', async () => {
    const gateway = await serve();
    await rename(owner.home, `${owner.home}.away`);
    onTestFinished(() => rename(`${owner.home}.away`, owner.home));
    const client = await logInAs(gateway, owner);
    expect(await client.send('PWD')).toMatch('257 "/"');
    expect(gateway.log.of('login.start_directory_refused')).toHaveLength(1);
  });

  test('can be kept in its home all the same, with its own rights there', async () => {
    const gateway = await serve({ tree: 'home' });
    await writeFile(join(owner.home, 'of-root.txt'), 'root', { mode: 0o600 });
    const client = await logInAs(gateway, owner);
    expect(await client.send('PWD')).toMatch('257 "/"');
    expect(await client.send('CWD /etc')).toMatch(/^550/);
    expect((await client.download('RETR of-root.txt')).reply).toMatch(/^550/);
    expect(await client.upload('STOR jailed.txt', 'x')).toMatch(/^226/);
    expect((await stat(join(owner.home, 'jailed.txt'))).uid).toBe(owner.uid);
  });

  test('moves 50 MB up and down, whole, and lists 300 files', async () => {
    const gateway = await serve();
    const client = await logInAs(gateway, owner);
    const bytes = bytesOf(50_000_000);
    const hash = createHash('sha256').update(bytes).digest('hex');
    expect(await client.upload('STOR big.bin', bytes)).toMatch(`SHA-256 ${hash}`);
    const { reply, data } = await client.download('RETR big.bin');
    expect(reply).toMatch(/^226/);
    expect(createHash('sha256').update(data).digest('hex')).toBe(hash);
    expect(await client.send('MKD many')).toMatch(/^257/);
    for (let index = 0; index < 300; index++) {
      const file = join(owner.home, 'many', `file-${index}`);
      await writeFile(file, '');
      await chown(file, owner.uid, owner.gid);
    }
    const listed = (await client.download('MLSD many')).data.toString().split('\r\n');
    expect(listed.filter((line) => line.includes('file-'))).toHaveLength(300);
  });

  test('has a worker of its own, beside that of another user, and both end with the gateway', async () => {
    const gateway = await serve();
    const [one, two] = [await logInAs(gateway, owner), await logInAs(gateway, other)];
    const again = await logInAs(gateway, owner);
    expect(
      await Promise.all([
        one.upload('STOR a.txt', 'a'),
        two.upload('STOR b.txt', 'b'),
        again.upload('STOR c.txt', 'c'),
      ]),
    ).toEqual(Array(3).fill(expect.stringMatching(/^226/)));
    const pids = startedBy(gateway);
    expect(pids).toHaveLength(2);
    const users = await Promise.all(
      pids.map(async (pid) => parseRights(await readFile(`/proc/${pid}/status`, 'utf8')).uids[0]),
    );
    expect(users.toSorted()).toEqual([owner.uid, other.uid].toSorted());
    await gateway.gateway.close();
    for (const pid of pids) expect(isRunning(pid)).toBe(false);
  });

  test('loses an upload when its worker is killed, nothing is published, and everything goes on', async () => {
    const gateway = await serve();
    const [client, neighbour] = [await logInAs(gateway, owner), await logInAs(gateway, other)];
    const socket = client.secure(await client.passive());
    expect(await client.send('STOR half.bin')).toMatch(/^150/);
    socket.write(Buffer.alloc(3_000_000, 'x'));
    const staged = async () => (await readdir(owner.home)).filter((name) => name.startsWith('.sallyport-'));
    await expect
      .poll(async () => {
        const [name] = await staged();
        return name === undefined ? 0 : (await stat(join(owner.home, name))).size;
      })
      .toBeGreaterThan(1_000_000);
    const pid = await workerOf(gateway, owner);
    process.kill(pid, 'SIGKILL');
    const ended = once(socket, 'close');
    socket.end(Buffer.alloc(1_000_000, 'y'));
    expect(await client.reply()).toMatch(/^(426|451)/);
    await ended;
    expect((await readdir(owner.home)).includes('half.bin')).toBe(false);
    // The neighbour has noticed nothing, and the same session goes on with a new worker.
    expect(await neighbour.upload('STOR well.txt', 'well')).toMatch(/^226/);
    const whole = Buffer.alloc(2_000_000, 'z');
    expect(await client.upload('STOR half.bin', whole)).toMatch(/^226/);
    expect((await readFile(join(owner.home, 'half.bin'))).equals(whole)).toBe(true);
    expect(await staged()).toEqual([]);
    expect(await workerOf(gateway, owner)).not.toBe(pid);
    expect(gateway.log.of('files.worker_lost')).toMatchObject([{ user: owner.user, signal: 'SIGKILL' }]);
  });

  test('keeps the bytes of a lost upload to be resumed', async () => {
    const gateway = await serve();
    const client = await logInAs(gateway, owner);
    const socket = client.secure(await client.passive());
    expect(await client.send('STOR resumed.bin')).toMatch(/^150/);
    const first = bytesOf(2_000_000);
    socket.write(first);
    const [name] = await expect
      .poll(async () => (await readdir(owner.home)).filter((entry) => entry.endsWith('.up')))
      .toHaveLength(1)
      .then(() => readdir(owner.home))
      .then((names) => names.filter((entry) => entry.endsWith('.up')));
    await expect.poll(async () => (await stat(join(owner.home, name ?? ''))).size).toBe(first.length);
    process.kill(await workerOf(gateway, owner), 'SIGKILL');
    socket.end('lost');
    expect(await client.reply()).toMatch(/^(426|451)/);
    expect(await client.send('SIZE resumed.bin')).toBe(`213 ${first.length}`);
    expect(await client.send(`REST ${first.length}`)).toMatch(/^350/);
    expect(await client.upload('STOR resumed.bin', 'the rest')).toMatch(/^226/);
    expect((await readFile(join(owner.home, 'resumed.bin'))).subarray(first.length).toString()).toBe('the rest');
  });

  test('is refused at login where its identity has no user number', async () => {
    const gateway = await startGateway({}, { runAs: 'user' });
    const { client, reply } = await logIn(gateway, gateway.user, gateway.password);
    client.close();
    expect(reply).toBe('530 Login incorrect.');
    expect(JSON.stringify(gateway.log.entries)).toContain('no user number');
  });
});

test('the whole machine with the gateway’s own rights is refused as a configuration', async () => {
  await expect(startGateway({}, { tree: 'machine' })).rejects.toThrow('is for accounts with run_as: user');
  const entry = { type: 'unix', account: { tree: 'machine' } } as const;
  await expect(startGateway({ authentication: [entry] })).rejects.toThrow('is for accounts with run_as: user');
});

/** Process ids of the workers that a gateway has started. */
function startedBy({ log }: TestGateway): number[] {
  return log.of('files.worker_started').map(({ pid }) => Number(pid));
}

/** The process that works for a user now. */
async function workerOf(gateway: TestGateway, { uid }: SystemUser): Promise<number> {
  for (const pid of startedBy(gateway).reverse()) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined);
    if (status !== undefined && parseRights(status).uids[0] === uid) return pid;
  }
  throw new Error(`no worker for user number ${uid}`);
}
