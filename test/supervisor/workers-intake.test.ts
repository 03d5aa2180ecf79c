/** What directories ask for, in several processes at once: real workers, real kills. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { Secret } from '../../src/lib/secret.ts';
import { run } from '../cli/fake-terminal.ts';
import { temporaryFolder } from '../cli/temporary-folder.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD } from '../fixtures/gateway.ts';
import { bytesOf } from '../fixtures/local-files.ts';
import { signalTo } from '../fixtures/process-ids.ts';
import { SOON, serve, startWorkers, type WorkerProcesses } from '../fixtures/worker-processes.ts';

const LONG = 180_000;

/** So many logged-in clients, in turn at the workers. */
async function clientsOf(gateway: WorkerProcesses, count: number): Promise<readonly RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await RawClient.login(gateway));
  return clients;
}

/** The objects of the audit log's records of an event. */
async function recorded(gateway: WorkerProcesses, event: string): Promise<readonly Record<string, unknown>[]> {
  const { output } = await run(['audit', 'show', '-c', gateway.file, '--event', event, '--json']);
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.map((line): Record<string, unknown> => JSON.parse(line).object);
}

const codeOf = (reply: string) => reply.slice(0, 3);

describe('a quota', () => {
  test(
    'holds exactly for uploads that come to all workers at once',
    async () => {
      const gateway = await startWorkers({ workers: 3, intake: { quota_files: 4 } });
      const clients = await clientsOf(gateway, 9);
      const replies = await Promise.all(clients.map((client, i) => client.upload(`STOR ${i}.txt`, 'abc')));
      expect(replies.map(codeOf).toSorted()).toEqual([...Array(4).fill('226'), ...Array(5).fill('552')]);
      expect((await readdir(gateway.home)).filter((name) => name.endsWith('.txt'))).toHaveLength(4);
      const [one, other] = clients;
      // What one deletes there is room for at the others.
      const [first] = await readdir(gateway.home);
      expect(await one?.send(`DELE ${first}`)).toMatch(/^250 /);
      expect(codeOf((await other?.upload('STOR again.txt', 'abc')) ?? '')).toBe('226');
      expect(codeOf((await one?.upload('STOR more.txt', 'abc')) ?? '')).toBe('552');
    },
    LONG,
  );

  test(
    'has what a worker that is killed had spoken for',
    async () => {
      const gateway = await startWorkers({ intake: { quota_bytes: 1_000_000, on_incomplete: 'remove' } });
      const [lost, stays] = await clientsOf(gateway, 2);
      if (lost === undefined || stays === undefined) throw new Error('two clients were expected');
      const data = await lost.passive();
      expect(await lost.send('STOR lost.bin')).toMatch(/^150 /);
      lost.secure(data).write(bytesOf(900_000));
      const room = async () => Number(/\d+/.exec((await stays.send('AVBL')).slice(4))?.[0]);
      await expect.poll(room, SOON).toBe(100_000);
      expect(codeOf(await stays.upload('STOR kept.bin', bytesOf(200_000)))).toBe('552');

      signalTo((await gateway.status()).workers[0]?.pid);
      await lost.end();
      await expect.poll(room, SOON).toBe(1_000_000);
      expect(codeOf(await stays.upload('STOR kept.bin', bytesOf(200_000)))).toBe('226');
    },
    LONG,
  );
});

describe('deliveries', () => {
  /** A gateway that hands on what comes in: a program writes the paths down that it gets, and fails where a file says so. */
  async function delivering() {
    const folder = await temporaryFolder();
    const [got, broken] = [join(folder, 'got'), join(folder, 'broken')];
    await writeFile(got, '');
    const script = 'test ! -e "$2" || exit 1; printf "%s %s\\n" "$SALLYPORT_PATH" "$(cat "$SALLYPORT_FILE")" >> "$1"';
    const gateway = await startWorkers({
      deliveries: [
        {
          ...{ kind: 'command', name: 'out', program: '/bin/sh', args: ['-c', script, 'sh', got, broken] },
          ...{ retry_min_ms: 1_000, retry_max_ms: 1_000, attempts_max: 1 },
        },
      ],
      intake: { deliver: ['out'] },
      metrics: { port: 0 },
    });
    return { gateway, broken, lines: async () => (await readFile(got, 'utf8')).split('\n').slice(0, -1) };
  }

  test(
    'hand on what came to any worker, also when one is killed in between, and nothing that was not published',
    async () => {
      const { gateway, lines } = await delivering();
      const clients = await clientsOf(gateway, 6);
      const told: string[] = [];
      let killed = false;
      const { workers } = await gateway.status();
      const uploads = clients.map(async (client, number) => {
        for (let i = 0; i < 12; i++) {
          const name = `${number}-${i}.txt`;
          const reply = await client.upload(`STOR ${name}`, name);
          if (codeOf(reply) === '226') told.push(`/${name} ${name}`);
          if (told.length < 20 || killed) continue;
          killed = true;
          signalTo(workers[0]?.pid);
        }
      });
      await Promise.allSettled(uploads);
      expect(told.length).toBeGreaterThan(36);
      await expect.poll(async () => new Set(await lines()).isSupersetOf(new Set(told)), SOON).toBe(true);
      const published = (await recorded(gateway, 'upload.published')).map(({ path }) => path);
      for (const line of await lines()) expect(published).toContain(line.split(' ')[0]);
      const place = /Metrics at (\S+\/metrics)/.exec(gateway.running.output.stderr)?.[1] ?? '';
      expect(await (await fetch(place)).text()).toContain(
        'sallyport_delivery_attempts_total{delivery="out",result="ok"}',
      );
    },
    LONG,
  );

  test(
    'that fail are listed and tried again through the one control socket',
    async () => {
      const { gateway, broken, lines } = await delivering();
      await writeFile(broken, '');
      const [, other] = await clientsOf(gateway, 2);
      expect(codeOf((await other?.upload('STOR a.txt', 'abc')) ?? '')).toBe('226');
      const list = async () => {
        const { output } = await run(['deliveries', 'list', '-c', gateway.file, '--json']);
        return JSON.parse(output).files;
      };
      await expect.poll(list, SOON).toMatchObject([{ state: 'dead', path: '/a.txt' }]);
      expect(await lines()).toEqual([]);
      await rm(broken);
      const [{ id }] = await list();
      expect((await run(['deliveries', 'retry', id, '-c', gateway.file, '--reason', 'it is up again'])).exitCode).toBe(
        0,
      );
      await expect.poll(lines, SOON).toEqual(['/a.txt abc']);
      expect(await list()).toEqual([]);
    },
    LONG,
  );
});

describe('what has to be kept', () => {
  const DATE = /^550 .*kept until \d{4}-/;

  /** A gateway with an account whose uploads have to be kept, and one that has the same home and no such word. */
  async function keeping() {
    const password_hash = await hashPassword(new Secret(PASSWORD));
    const home = await temporaryFolder();
    const account = { password_hash, home, permissions: 'elradfmwMT' };
    const gateway = await startWorkers({
      users: [
        { ...account, name: 'partner', intake: { retain_days: 3, collision: 'refuse' } },
        { ...account, name: 'boss' },
      ],
    });
    const partner = await RawClient.login(gateway);
    const boss = await RawClient.login({ ...gateway, user: 'boss' });
    return { gateway, home, partner, boss };
  }

  test(
    'is kept at every worker from the reply on, also behind the end of its worker and of all',
    async () => {
      const { gateway, partner, boss, home } = await keeping();
      expect(codeOf(await partner.upload('STOR a.txt', 'first'))).toBe('226');
      const refused = async (client: RawClient) => {
        expect(await client.send('DELE a.txt')).toMatch(DATE);
        expect(await client.send('RNFR a.txt')).toMatch(/^350 /);
        expect(await client.send('RNTO b.txt')).toMatch(DATE);
        expect(await client.send('MFMT 20200101000000 a.txt')).toMatch(DATE);
        expect(await client.upload('STOR a.txt', 'other')).toMatch(DATE);
      };
      await refused(boss);
      signalTo((await gateway.status()).workers[0]?.pid);
      await partner.end();
      await refused(boss);
      gateway.running.kill();
      await gateway.running.ended;
      const again = await serve(gateway.file);
      await refused(await RawClient.login({ ...gateway, ...again, user: 'boss' }));
      expect(await readFile(join(home, 'a.txt'), 'utf8')).toBe('first');
      again.running.kill();
    },
    LONG,
  );

  test(
    'wins every race against the account of another worker, or was never there',
    async () => {
      const { partner, boss, home } = await keeping();
      const won: string[] = [];
      for (let i = 0; i < 40; i++) {
        const name = `${i}.txt`;
        const [kept] = await Promise.all([
          partner.upload(`STOR ${name}`, 'kept'),
          i % 2 === 0 ? boss.upload(`STOR ${name}`, 'boss') : boss.send(`DELE ${name}`),
        ]);
        if (codeOf(kept) === '226') won.push(name);
      }
      for (const name of won) expect(await readFile(join(home, name), 'utf8')).toBe('kept');
      expect(won.length).toBeGreaterThan(0);
      for (const name of won) expect(await boss.send(`DELE ${name}`)).toMatch(DATE);
    },
    LONG,
  );
});

test(
  'days that are asked for first by another configuration take another start',
  async () => {
    const gateway = await startWorkers();
    await gateway.configure({ intake: { retain_days: 3 } });
    process.kill(gateway.running.pid, 'SIGUSR2');
    await gateway.says(/intake\.retain_days is new: that takes another start of the gateway/);
  },
  LONG,
);
