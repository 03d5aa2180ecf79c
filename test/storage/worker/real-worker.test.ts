/** Workers as they are: processes of real users, which are made here and removed afterwards. Needs root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import type { FileSystem } from '../../../src/spi/file-system.ts';
import { parseRights } from '../../../src/storage/worker/rights.ts';
import { createUserStorage, type UserStorage } from '../../../src/storage/worker/user-storage.ts';
import { fileSystemConformance } from '../../../src/testing.ts';
import { isRunning, signalTo } from '../../fixtures/process-ids.ts';
import { CAN_MAKE_USERS, makeSystemGroup, makeSystemUser, type SystemUser } from '../../fixtures/system-users.ts';
import { EMPTY, path } from '../support.ts';
import { eventsOf } from './in-process.ts';

const ANOTHER_GATEWAY = join(import.meta.dirname, 'another-gateway.ts');

if (!CAN_MAKE_USERS) test.skip('workers of real users need root and useradd for these tests', () => undefined);

describe.runIf(CAN_MAKE_USERS)('a worker of a real user', () => {
  let folder = '';
  let group: Awaited<ReturnType<typeof makeSystemGroup>>;
  let owner: SystemUser;
  let other: SystemUser;
  let storage: UserStorage;
  const { log, events } = eventsOf();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-worker-'));
    await chmod(folder, 0o755);
    group = await makeSystemGroup();
    owner = await makeSystemUser([group.name]);
    other = await makeSystemUser();
    storage = createUserStorage({ clock: systemClock, log, workersMax: 4, idleMs: 60_000 });
  });

  afterAll(async () => {
    await storage.close();
    for (const made of [owner, other, group]) await made.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const machineOf = (who: SystemUser): FileSystem => storage.filesFor(who, { root: '/', owner: who.user, sync: false });
  const put = async (files: FileSystem, name: string, content: string) => {
    const staged = await files.stage(path(name), EMPTY);
    await staged.write([Buffer.from(content)]);
    await staged.commit();
  };

  test.each([
    ['the shadow file', (files: FileSystem) => files.openRead(path('/etc/shadow'))],
    [
      "root's home",
      async (files: FileSystem) => {
        for await (const _ of await files.list(path('/root'))) throw new Error('listed');
      },
    ],
    ['a new file in /etc', (files: FileSystem) => files.stage(path('/etc/sallyport-test'), EMPTY)],
    ['the removal of a program', (files: FileSystem) => files.removeFile(path('/usr/bin/env'))],
    ['the bits of a program', (files: FileSystem) => files.setMode(path('/usr/bin/env'), 0o777)],
    ['the environment of another process', (files: FileSystem) => files.openRead(path('/proc/1/environ'))],
  ])('is refused %s by the kernel', async (_, act) => {
    await expect(act(machineOf(owner))).rejects.toMatchObject({ kind: 'PermissionDenied', code: 550 });
  });

  test('does not see into what another user keeps to itself', async () => {
    const files = machineOf(other);
    const secret = join(other.home, 'secret.txt');
    await put(files, secret, 'secret');
    await files.setMode(path(secret), 0o600);
    await chmod(other.home, 0o755);
    await expect(machineOf(owner).openRead(path(secret))).rejects.toMatchObject({ kind: 'PermissionDenied' });
    await expect(machineOf(owner).removeFile(path(secret))).rejects.toMatchObject({ kind: 'PermissionDenied' });
    await chmod(other.home, 0o700);
    await expect(machineOf(owner).enter(path(other.home))).rejects.toMatchObject({ kind: 'PermissionDenied' });
    expect(await readFile(secret, 'utf8')).toBe('secret');
  });

  test('makes files and directories that are the user’s, with the bits of the options', async () => {
    const files = machineOf(owner);
    await put(files, join(owner.home, 'mine.txt'), 'mine');
    await files.makeDirectory(path(join(owner.home, 'mine')));
    for (const [name, bits] of [
      ['mine.txt', 0o640],
      ['mine', 0o750],
    ] as const) {
      const { uid, gid, mode } = await stat(join(owner.home, name));
      expect([uid, gid, mode & 0o777]).toEqual([owner.uid, owner.gid, bits]);
    }
  });

  test('has the user’s supplementary groups, and none of the gateway’s', async () => {
    const shared = join(folder, 'shared');
    await mkdir(shared);
    await chown(shared, 0, group.gid);
    await chmod(shared, 0o770);
    await put(machineOf(owner), join(shared, 'a.txt'), 'hello');
    await expect(machineOf(other).enter(path(shared))).rejects.toMatchObject({ kind: 'PermissionDenied' });
    const ofRoot = join(folder, 'of-root-group');
    await writeFile(ofRoot, 'root', { mode: 0o640 });
    await expect(machineOf(owner).openRead(path(ofRoot))).rejects.toMatchObject({ kind: 'PermissionDenied' });
  });

  test('is that user in every thread, without capabilities, and was handed nothing', async () => {
    await machineOf(owner).stat(path('/'));
    const pid = await pidOf(owner);
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const rights = parseRights(await readFile(`/proc/${pid}/task/${thread}/status`, 'utf8'));
      expect(rights).toEqual({
        uids: Array(4).fill(owner.uid),
        gids: Array(4).fill(owner.gid),
        groups: expect.toSatisfy(
          (groups: number[]) => groups.toSorted().join() === [owner.gid, group.gid].toSorted().join(),
        ),
        permitted: 0n,
        effective: 0n,
      });
    }
    expect(await readFile(`/proc/${pid}/environ`, 'utf8')).toBe('UV_USE_IO_URING=0\0');
    expect(await readlink(`/proc/${pid}/cwd`)).toBe('/');
    const open = await Promise.all(
      (await readdir(`/proc/${pid}/fd`)).map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')),
    );
    expect(open.filter((place) => place.startsWith('/') && place !== '/dev/null')).toEqual([]);
    expect(open.filter((place) => place.startsWith('socket:'))).toHaveLength(2);
  });

  test('cannot be opened to a debugger by its user, and does not end when the group is told to stop', async () => {
    const files = machineOf(owner);
    await files.stat(path('/'));
    const pid = await pidOf(owner);
    for (const signal of ['SIGUSR1', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal);
    await files.stat(path('/'));
    expect(await pidOf(owner)).toBe(pid);
    const sockets = await readFile(`/proc/${pid}/net/tcp`, 'utf8');
    // 9229, where a debugger would be waited for.
    expect(sockets).not.toMatch(/:240D 00000000:0000 0A/);
  });

  test('that is stopped by its user is given up after a while, and the next one works', async () => {
    const impatient = createUserStorage({ clock: systemClock, log, workersMax: 1, idleMs: 60_000, pingMs: 300 });
    onTestFinished(() => impatient.close());
    const files = impatient.filesFor(owner, { root: owner.home, owner: owner.user });
    await files.stat(path('/'));
    signalTo(impatient.pids[0], 'SIGSTOP');
    await expect(files.stat(path('/'))).rejects.toMatchObject({ kind: 'Local' });
    expect(await files.stat(path('/'))).toMatchObject({ owner: owner.uid });
  });

  test('is never root, and a name that the system does not have brings no rights', async () => {
    const root = storage.filesFor({ user: 'root', uid: 0, gid: 0 }, { root: '/', owner: 'root' });
    await expect(root.stat(path('/'))).rejects.toMatchObject({ kind: 'Local' });
    expect(events).toContain('files.worker_failed');
    const nobody = { user: 'sallyport-no-such-user', uid: owner.uid, gid: owner.gid };
    const files = storage.filesFor(nobody, { root: '/', owner: nobody.user });
    await expect(files.openRead(path('/etc/shadow'))).rejects.toMatchObject({ name: 'Fault' });
  });

  test('ends with its gateway’s channel and leaves no process', async () => {
    const brief = createUserStorage({ clock: systemClock, log, workersMax: 4, idleMs: 60_000 });
    await Promise.all([owner, other].map((who) => brief.filesFor(who, { root: '/', owner: who.user }).stat(path('/'))));
    const pids = brief.pids;
    expect(pids).toHaveLength(2);
    await brief.close();
    for (const pid of pids) expect(isRunning(pid)).toBe(false);
  });

  /** Runs `another-gateway.ts` for the owner, with rights that setpriv(1) gives it. */
  const asked = (...rights: readonly string[]): unknown => {
    const { user, uid, gid } = owner;
    const words = [...rights, process.execPath, ANOTHER_GATEWAY, user, `${uid}`, `${gid}`];
    return JSON.parse(execFileSync('setpriv', words, { stdio: ['ignore', 'pipe', 'inherit'] }).toString());
  };
  const asOther = () => [`--reuid=${other.uid}`, `--regid=${other.gid}`, '--clear-groups'];
  /** The program is somewhere where only root can read it; then only root can run it. */
  const readable = () => {
    const { status } = spawnSync('setpriv', [...asOther(), 'test', '-r', ANOTHER_GATEWAY]);
    return status === 0;
  };

  test('is not had by a gateway that is neither root nor that user', (context) => {
    if (!readable()) context.skip('the project can be read by root alone');
    expect(asked(...asOther())).toEqual({ whyNot: expect.stringContaining('not root'), answer: 'Local' });
  });

  test('is had by a gateway that is that user, and by one that may become it', (context) => {
    if (!readable()) context.skip('the project can be read by root alone');
    const itself = [`--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups'];
    expect(asked(...itself)).toEqual({ answer: 'PermissionDenied' });
    const capabilities = ['--inh-caps=+setuid,+setgid', '--ambient-caps=+setuid,+setgid'];
    expect(asked(...asOther(), ...capabilities)).toEqual({ answer: 'PermissionDenied' });
  });

  let homes = 0;
  const makeHome = async () => {
    homes += 1;
    const root = join(folder, `home-${homes}`);
    await mkdir(root);
    await chown(root, owner.uid, owner.gid);
    return storage.filesFor(owner, { root, owner: owner.user, sync: false });
  };
  for (const { name, run } of fileSystemConformance(makeHome)) test(`keeps the contract: ${name}`, run);

  async function pidOf(who: SystemUser): Promise<number> {
    for (const pid of storage.pids) {
      if (parseRights(await readFile(`/proc/${pid}/status`, 'utf8')).uids[0] === who.uid) return pid;
    }
    throw new Error(`no worker of ${who.user}`);
  }
});
