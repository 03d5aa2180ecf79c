/** Gates, quarantine and what waits behind replies, in several processes at once: real workers, real kills. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../cli/fake-terminal.ts';
import { temporaryFolder } from '../cli/temporary-folder.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { signalTo } from '../fixtures/process-ids.ts';
import { type More, SOON, serve, startWorkers, type WorkerProcesses } from '../fixtures/worker-processes.ts';

const LONG = 240_000;

const codeOf = (reply: string) => reply.slice(0, 3);

/**
 * A gateway whose gate looks at the beginning of a file: `bad` is refused, `slow` is not answered before there is a file `go`, and
 * all else passes a moment later.
 */
async function gated(intake: More = {}, more: More = {}) {
  const folder = await temporaryFolder();
  const go = join(folder, 'go');
  const script =
    'text="$(head -c 4 "$1")"; sleep 0.0"$(od -An -N1 -tu1 /dev/urandom | tr -d " ")"; case "$text" in bad*) echo no; exit 1;; ' +
    'slow) while test -d "$(dirname "$2")" && ! test -e "$2"; do sleep 0.02; done;; esac; exit 0';
  const gateway = await startWorkers({
    gates: [{ kind: 'command', name: 'look', program: '/bin/sh', args: ['-c', script, 'sh', '{file}', go] }],
    intake: { gates: ['look'], ...intake },
    ...more,
  });
  return { gateway, go: () => writeFile(go, '') };
}

/** The objects of the audit log's records of an event. */
async function recorded(gateway: Pick<WorkerProcesses, 'file'>, event: string): Promise<readonly Recorded[]> {
  const { output } = await run(['audit', 'show', '-c', gateway.file, '--event', event, '--json']);
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line): Recorded => JSON.parse(line).object);
}

interface Recorded {
  readonly path: string;
  readonly upload: string;
  readonly sha256: string;
}

interface HeldBack {
  readonly id: string;
  readonly path: string;
}

async function heldBack(gateway: Pick<WorkerProcesses, 'file'>): Promise<readonly HeldBack[]> {
  return JSON.parse((await run(['quarantine', 'list', '-c', gateway.file, '--json'])).output);
}

/** What stands on the disk between the doors; worker folders included. */
async function between({ stateDirectory }: WorkerProcesses): Promise<readonly string[]> {
  return (await readdir(join(stateDirectory, 'intake'), { recursive: true })).filter((name) => name.endsWith('.json'));
}

async function twoClients(gateway: WorkerProcesses): Promise<readonly [RawClient, RawClient]> {
  return [await RawClient.login(gateway), await RawClient.login(gateway)];
}

describe('what a gate refuses at a worker', () => {
  test(
    'is held back for the one quarantine, from which an operator releases and destroys it',
    async () => {
      const { gateway } = await gated();
      const [one, other] = await twoClients(gateway);
      const replies = await Promise.all([one.upload('STOR a.txt', 'bad a'), other.upload('STOR b.txt', 'bad b')]);
      expect(replies.map(codeOf)).toEqual(['550', '550']);
      expect(codeOf(await one.upload('STOR c.txt', 'good'))).toBe('226');
      const held = await heldBack(gateway);
      expect(held.map(({ path }) => path).toSorted()).toEqual(['/a.txt', '/b.txt']);
      const [a, b] = held.toSorted((x, y) => x.path.localeCompare(y.path));
      const said = ['-c', gateway.file, '--reason', 'ticket 1'];
      expect((await run(['quarantine', 'release', a?.id ?? '', ...said])).exitCode).toBe(0);
      expect((await run(['quarantine', 'destroy', b?.id ?? '', ...said, '--yes'])).exitCode).toBe(0);
      expect(await readFile(join(gateway.home, 'a.txt'), 'utf8')).toBe('bad a');
      expect((await readdir(gateway.home)).toSorted()).toEqual(['a.txt', 'c.txt']);
      expect(await heldBack(gateway)).toEqual([]);
      expect(await between(gateway)).toEqual([]);
      // A receipt behind the release, at a worker that had nothing to do with it.
      expect(await other.send('SITE RECEIPT a.txt')).toContain('c2sp.org/tlog-proof@');
    },
    LONG,
  );
});

describe('what is checked behind the reply', () => {
  test(
    'is published once, though the worker that took it is killed, and until then any worker says that it is being checked',
    async () => {
      const { gateway, go } = await gated({ verdict: 'async' });
      const [one, other] = await twoClients(gateway);
      expect(codeOf(await one.upload('STOR a.txt', 'slow a'))).toMatch(/^2/);
      for (const client of [one, other]) expect(await client.send('SITE RECEIPT a.txt')).toMatch(/^450 /);
      signalTo((await gateway.status()).workers[0]?.pid);
      await one.end();
      expect(await other.send('SITE RECEIPT a.txt')).toMatch(/^450 /);
      expect(await readdir(gateway.home)).not.toContain('a.txt');
      await go();
      await expect.poll(() => readdir(gateway.home), SOON).toContain('a.txt');
      await expect.poll(() => between(gateway), SOON).toEqual([]);
      expect(await readFile(join(gateway.home, 'a.txt'), 'utf8')).toBe('slow a');
      expect(await recorded(gateway, 'upload.published')).toHaveLength(1);
    },
    LONG,
  );

  test(
    'does not take its name from a newer one that came to another worker',
    async () => {
      const { gateway, go } = await gated({ verdict: 'async', collision: 'replace' });
      const [one, other] = await twoClients(gateway);
      expect(codeOf(await one.upload('STOR a.txt', 'slow and older'))).toMatch(/^2/);
      expect(codeOf(await other.upload('STOR a.txt', 'newer'))).toMatch(/^2/);
      await expect.poll(() => readdir(gateway.home), SOON).toContain('a.txt');
      await go();
      await expect.poll(() => heldBack(gateway), SOON).toMatchObject([{ path: '/a.txt' }]);
      expect(await readFile(join(gateway.home, 'a.txt'), 'utf8')).toBe('newer');
    },
    LONG,
  );
});

test(
  'a restart has uploads checked by the gates of the new configuration, behind replies too',
  async () => {
    const { gateway } = await gated({ verdict: 'async' });
    const before = await RawClient.login(gateway);
    expect(codeOf(await before.upload('STOR a.txt', 'slow a'))).toMatch(/^2/);
    const gates = [{ kind: 'command', name: 'other', program: '/bin/false' }];
    await gateway.configure({ gates, intake: { verdict: 'async', gates: ['other'] } });
    process.kill(gateway.running.pid, 'SIGUSR2');
    await gateway.says(/Restart: new workers serve/);
    const behind = await RawClient.login(gateway);
    expect(codeOf(await behind.upload('STOR b.txt', 'good'))).toMatch(/^2/);
    await expect.poll(() => heldBack(gateway), SOON).toMatchObject([{ path: '/b.txt' }]);
    expect(await readdir(gateway.home)).not.toContain('b.txt');
  },
  LONG,
);

describe('killed at random moments', () => {
  /** How long uploads come. */
  const TIME_MS = 5_000;

  /** Fails when somebody still waits long behind the end, with what the gateway says of itself. */
  async function stuck(gateway: WorkerProcesses): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, TIME_MS + 60_000).unref());
    throw new Error(`somebody waits for ever: ${JSON.stringify(await gateway.status())}`);
  }

  test.each([
    ['sync', 'plainly'],
    ['async', 'plainly'],
    ['sync', 'with quotas, retention and deliveries'],
    ['async', 'with quotas, retention and deliveries'],
  ])(
    'workers, and at the end everything, lose nothing, publish nothing twice, and let nothing past the gate: %s, %s',
    async (verdict, how) => {
      const got = join(await temporaryFolder(), 'got');
      await writeFile(got, '');
      const args = ['-c', 'printf "%s\\n" "$SALLYPORT_PATH" >> "$1"', 'sh', got];
      const deliveries = [
        { kind: 'command', name: 'out', program: '/bin/sh', args, retry_min_ms: 100, parallel_max: 4 },
      ];
      const everything = how !== 'plainly';
      const { gateway } = await gated(
        {
          ...{ verdict, collision: 'version', on_incomplete: 'remove' },
          ...(everything && { quota_files: 10_000, quota_bytes: 10_000_000, retain_days: 2, deliver: ['out'] }),
        },
        { workers: 3, ...(everything && { deliveries }) },
      );
      /** What was answered with success, by name. */
      const told = new Map<string, string>();
      let next = 0;
      const endMs = Date.now() + TIME_MS;
      const partner = async (number: number) => {
        while (Date.now() < endMs) {
          try {
            const client = await RawClient.login(gateway);
            while (Date.now() < endMs) {
              next += 1;
              const name = `${number}-${next}.txt`;
              const text = `${next % 4 === 0 ? 'bad' : 'good'} ${name}`;
              if (codeOf(await client.upload(`STOR ${name}`, text)).startsWith('2')) told.set(name, text);
            }
          } catch {
            // Its worker was killed: it comes again.
          }
        }
      };
      const killer = async () => {
        while (Date.now() < endMs) {
          await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 900));
          const workers = await gateway.status().then(
            (status) => status.workers,
            () => [],
          );
          const pid = workers[Math.floor(Math.random() * workers.length)]?.pid ?? 0;
          if (pid !== 0) process.kill(pid, 'SIGKILL');
        }
      };
      const all = Promise.all([...Array.from({ length: 6 }, (_, number) => partner(number)), killer()]);
      await Promise.race([all, stuck(gateway)]);
      // In the middle of what is left to do.
      gateway.running.kill();
      await gateway.running.ended;
      const again = await serve(gateway.file);

      const waiting = async () => (await between(gateway)).length - (await heldBack(gateway)).length;
      await expect.poll(waiting, SOON).toBe(0);
      expect(told.size).toBeGreaterThan(20);
      const held = new Set((await heldBack(gateway)).map(({ path }) => path.slice(1)));
      const there = (await readdir(gateway.home)).filter((name) => !name.startsWith('.'));
      for (const [name, text] of told) {
        if (text.startsWith('good')) expect(await readFile(join(gateway.home, name), 'utf8')).toBe(text);
        else expect([verdict, held.has(name)]).toEqual(['async', true]);
      }
      for (const name of there) expect(await readFile(join(gateway.home, name), 'utf8')).toBe(`good ${name}`);
      const published = (await recorded(gateway, 'upload.published')).map(({ upload }) => upload);
      const back = new Set((await recorded(gateway, 'upload.undone')).map(({ upload }) => upload));
      expect(new Set(published).size).toBe(published.length);
      expect(published.filter((upload) => !back.has(upload))).toHaveLength(there.length);
      expect((await run(['audit', 'verify', '-c', gateway.file])).output).toContain(': sound');
      if (everything) {
        const handedOn = async () => new Set((await readFile(got, 'utf8')).split('\n').slice(0, -1));
        await expect.poll(handedOn, SOON).toEqual(new Set(there.map((name) => `/${name}`)));
        const client = await RawClient.login({ ...gateway, ...again });
        for (const name of there.slice(0, 5)) expect(await client.send(`DELE ${name}`)).toMatch(/^550 .*kept until/);
      }
      again.running.kill();
    },
    LONG,
  );
});
