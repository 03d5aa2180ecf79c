/** What directories ask for, in several processes at once: real workers, real kills. */
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { bytesOf } from '../fixtures/local-files.ts';
import { SOON, startWorkers, type WorkerProcesses } from '../fixtures/worker-processes.ts';

const LONG = 180_000;

/** So many logged-in clients, in turn at the workers. */
async function clientsOf(gateway: WorkerProcesses, count: number): Promise<readonly RawClient[]> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await RawClient.login(gateway));
  return clients;
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

      process.kill((await gateway.status()).workers[0]?.pid ?? 0, 'SIGKILL');
      await lost.end();
      await expect.poll(room, SOON).toBe(1_000_000);
      expect(codeOf(await stays.upload('STOR kept.bin', bytesOf(200_000)))).toBe('226');
    },
    LONG,
  );
});
