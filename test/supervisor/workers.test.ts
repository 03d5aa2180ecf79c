/** Several processes behind one port, as clients and operators meet them: real processes, real kills. */
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { run } from '../cli/fake-terminal.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { bytesOf } from '../fixtures/local-files.ts';
import { isRunning, signalTo } from '../fixtures/process-ids.ts';
import { SOON, startWorkers, type WorkerProcesses } from '../fixtures/worker-processes.ts';

const LONG = 180_000;

/** The first line that a connection is told; empty when it is told nothing. */
async function greeting({ host, port }: Pick<WorkerProcesses, 'host' | 'port'>) {
  const socket = createConnection({ host, port });
  let text = '';
  socket
    .on('error', () => undefined)
    .on('data', (bytes) => {
      text += bytes;
    });
  await Promise.race([once(socket, 'data'), once(socket, 'close')]);
  return { text, socket };
}

async function pids(gateway: WorkerProcesses): Promise<readonly number[]> {
  return (await gateway.status()).workers.filter(({ retiring }) => !retiring).map(({ pid }) => pid);
}

/** One logged-in client at each worker. */
async function oneAtEach(gateway: WorkerProcesses): Promise<readonly RawClient[]> {
  const clients = [await RawClient.login(gateway), await RawClient.login(gateway)];
  expect((await gateway.status()).workers.map(({ connections }) => connections)).toEqual([1, 1]);
  return clients;
}

/** The records of the audit log. */
async function records(gateway: WorkerProcesses, event: string): Promise<readonly Record<string, unknown>[]> {
  const { output } = await run(['audit', 'show', '-c', gateway.file, '--event', event, '--json']);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

describe('limits', () => {
  test(
    'hold exactly, whichever worker a client is at, and what a dead worker had is given back',
    async () => {
      const gateway = await startWorkers({
        workers: 4,
        limits: { connections_max: 10, connections_per_address_max: 100 },
      });
      const told = await Promise.all(Array.from({ length: 30 }, () => greeting(gateway)));
      expect(told.filter(({ text }) => text.startsWith('220 ')).length).toBe(10);
      expect(told.filter(({ text }) => text.startsWith('421 ')).length).toBe(20);
      // Those that were refused leave a moment behind their reply.
      let before = (await gateway.status()).workers;
      const connections = async () => {
        before = (await gateway.status()).workers;
        return before.reduce((sum, worker) => sum + worker.connections, 0);
      };
      await expect.poll(connections, SOON).toBe(10);

      const dead = before.find((worker) => worker.connections > 0);
      signalTo(dead?.pid);
      await expect.poll(async () => (await gateway.status()).sessions.all, SOON).toBe(10 - (dead?.connections ?? 0));
      const again = await Promise.all(Array.from({ length: 10 }, () => greeting(gateway)));
      expect(again.filter(({ text }) => text.startsWith('220 ')).length).toBe(dead?.connections);
      for (const { socket } of [...told, ...again]) socket.destroy();
      await expect.poll(async () => (await gateway.status()).sessions.all, SOON).toBe(0);
    },
    LONG,
  );

  test(
    'a shut-out that one worker gave holds at the others',
    async () => {
      const gateway = await startWorkers({ limits: { login_failures_per_address_max: 3, login_refusal_ms: 0 } });
      const replies: string[] = [];
      for (const password of ['wrong', 'wrong', 'wrong', gateway.password, gateway.password]) {
        const client = await RawClient.connect(gateway);
        await client.send('AUTH TLS');
        await client.startTls();
        await client.send('USER partner');
        replies.push((await client.send(`PASS ${password}`)).slice(0, 3));
      }
      expect(replies).toEqual(['530', '530', '530', '421', '421']);
      // Some of them were at each.
      const { workers } = await gateway.status();
      expect(workers.every(({ connections }) => connections > 0)).toBe(true);
    },
    LONG,
  );
});

describe('a worker that is killed', () => {
  test(
    'takes only its own sessions with it, is replaced, and leaves an audit log that is sound and says so',
    async () => {
      const gateway = await startWorkers();
      const [lost, stays] = await oneAtEach(gateway);
      if (lost === undefined || stays === undefined) throw new Error('two clients were expected');
      const [pid, other] = await pids(gateway);
      // Both are in the middle of an upload.
      const [lostData, data] = [await lost.passive(), await stays.passive()];
      expect(await lost.send('STOR lost.bin')).toMatch(/^150 /);
      expect(await stays.send('STOR kept.bin')).toMatch(/^150 /);
      const bytes = bytesOf(3_000_000);
      const [lostTls, tls] = [lost.secure(lostData), stays.secure(data)];
      lostTls.write(bytes.subarray(0, 1_000_000));
      tls.write(bytes.subarray(0, 1_000_000));

      signalTo(pid);
      await lost.end();
      tls.end(bytes.subarray(1_000_000));
      expect(await stays.reply()).toMatch(/^226[ -]/);
      expect((await readFile(join(gateway.home, 'kept.bin'))).equals(bytes)).toBe(true);
      expect(await readdir(gateway.home)).not.toContain('lost.bin');

      await expect.poll(async () => (await pids(gateway)).length, SOON).toBe(2);
      expect(await pids(gateway)).toContain(other);
      expect(await pids(gateway)).not.toContain(pid);
      const next = await RawClient.login(gateway);
      expect(await next.upload('STOR lost.bin', 'whole')).toMatch(/^226[ -]/);
      expect(await readFile(join(gateway.home, 'lost.bin'), 'utf8')).toBe('whole');

      expect(await records(gateway, 'worker.ended')).toMatchObject([
        { object: { worker: 1, pid, signal: 'SIGKILL', sessions: 1 }, result: 'failure' },
      ]);
      const { exitCode, output } = await run(['audit', 'verify', '-c', gateway.file]);
      expect([exitCode, output]).toEqual([0, expect.stringContaining(': sound')]);
      const published = await records(gateway, 'upload.published');
      expect(published.map(({ object }) => Object(object).path)).toEqual(['/kept.bin', '/lost.bin']);
      // The receipt of the other worker's upload.
      expect(await next.send('SITE RECEIPT kept.bin')).toContain('c2sp.org/tlog-proof@');
    },
    LONG,
  );

  test(
    'is no reason to refuse anybody, also when it was the last one',
    async () => {
      const gateway = await startWorkers();
      for (const pid of await pids(gateway)) process.kill(pid, 'SIGKILL');
      // They wait until there is a worker again, also those that were on their way to one that is dead already.
      const told = await Promise.all(Array.from({ length: 5 }, () => greeting(gateway)));
      expect(told.map(({ text }) => text.slice(0, 4))).toEqual(Array(5).fill('220 '));
      const client = await RawClient.login(gateway);
      expect(await client.send('NOOP')).toMatch(/^200 /);
    },
    LONG,
  );
});

describe('a restart', () => {
  test(
    'refuses no connection, serves the new configuration, and lets sessions finish what they do',
    async () => {
      const gateway = await startWorkers({ banner: 'The old ones.' });
      const [, slow] = await oneAtEach(gateway);
      if (slow === undefined) throw new Error('a client was expected');
      const data = await slow.passive();
      expect(await slow.send('STOR slow.bin')).toMatch(/^150 /);
      const tls = slow.secure(data);
      tls.write(bytesOf(100_000));
      const old = await pids(gateway);

      await gateway.configure({ banner: 'The new ones.', workers: 3, limits: { connections_max: 500 } });
      let restarted = false;
      const restart = gateway.says(/Restart: new workers serve/).then(() => {
        restarted = true;
      });
      process.kill(gateway.running.pid, 'SIGUSR2');
      const greetings: string[] = [];
      for (let more = 0; more < 50; ) {
        const { text, socket } = await greeting(gateway);
        greetings.push(text.trim());
        socket.destroy();
        if (restarted) more += 1;
      }
      await restart;
      expect(greetings.length).toBeGreaterThan(100);
      expect([...new Set(greetings)]).toEqual(['220 The old ones.', '220 The new ones.']);
      expect(greetings.at(-1)).toBe('220 The new ones.');
      expect((await pids(gateway)).length).toBe(3);

      // The upload that began with an old worker ends well, and the worker with its last session.
      tls.end(bytesOf(100_000));
      expect(await slow.reply()).toMatch(/^226[ -]/);
      expect(isRunning(old[1] ?? 0)).toBe(true);
      await slow.send('QUIT');
      await expect.poll(() => isRunning(old[1] ?? 0), SOON).toBe(false);
      expect(gateway.running.output.stderr).not.toContain('Listening on 127.0.0.1:0');
    },
    LONG,
  );

  test(
    'with a configuration that is wrong changes nothing and says where',
    async () => {
      const gateway = await startWorkers();
      const before = await pids(gateway);
      await gateway.configure({ banner: 7 });
      process.kill(gateway.running.pid, 'SIGUSR2');
      await gateway.says(/sallyport\.yaml:1:\d+ banner: [\s\S]*the workers that run stay/);
      await gateway.configure({ workers: 1 });
      process.kill(gateway.running.pid, 'SIGUSR2');
      await gateway.says(/workers would be 1: that takes another start/);
      await gateway.configure({ listen: [{ port: 0 }, { port: 0, tls: 'implicit' }] });
      process.kill(gateway.running.pid, 'SIGUSR2');
      await gateway.says(/Changes of listen are in force from the next start on/);
      expect(await pids(gateway)).not.toEqual(before);
    },
    LONG,
  );
});

test(
  'one reload is told once, and reaches every worker',
  async () => {
    const gateway = await startWorkers();
    process.kill(gateway.running.pid, 'SIGHUP');
    await gateway.says(/Reload: certificates reloaded\.\nReload: client authorities reloaded\.\n/);
    expect(gateway.running.output.stderr.match(/Reload: certificates/g)).toHaveLength(1);
    await expect.poll(() => gateway.running.output.stdout.match(/"certificate\.reloaded"/g)?.length, SOON).toBe(2);
    expect(await records(gateway, 'certificate.changed')).toHaveLength(1);
  },
  LONG,
);

describe('what one process says, several say together', () => {
  test(
    'sessions of an account, numbers for monitoring, and TLS from the first byte on',
    async () => {
      const gateway = await startWorkers({
        listen: [
          { host: '127.0.0.1', port: 0 },
          { host: '127.0.0.1', port: 0, tls: 'implicit' },
        ],
        metrics: { port: 0 },
        log: { level: 'debug' },
      });
      const [one] = await oneAtEach(gateway);
      const who = await one?.send('SITE WHO');
      expect(who?.match(/127\.0\.0\.1/g)).toHaveLength(2);

      // The ClientHello is there before anybody has asked for it.
      const port = (await gateway.status()).listen.find(({ tls }) => tls === 'implicit')?.port ?? 0;
      for (let i = 0; i < 8; i++) {
        const secured = connectTls({
          host: gateway.host,
          port,
          ca: gateway.certificates.caCert,
          servername: 'localhost',
        });
        const [text] = await once(secured, 'data');
        expect(String(text)).toMatch(/^220 /);
        secured.destroy();
      }
      expect((await one?.upload('STOR counted.txt', '12345'))?.slice(0, 3)).toBe('226');

      const place = /Metrics at (\S+\/metrics)/.exec(gateway.running.output.stderr)?.[1] ?? '';
      const numbers = await (await fetch(place)).text();
      expect(numbers).toContain('sallyport_logins_total{result="ok"} 2\n');
      expect(numbers).toContain('sallyport_sessions_logged_in 2\n');
      expect(numbers).toContain('sallyport_transfer_bytes_total{direction="upload"} 5\n');
      expect(numbers).toMatch(
        /sallyport_tls_handshakes_total\{channel="control",version="TLSv1.3",resumed="false"\} 10\n/,
      );
      expect(numbers).toMatch(/sallyport_certificate_not_after_seconds\{.*\} [1-9]/);
      expect((await gateway.status()).sessions).toMatchObject({ loggedIn: 2 });
      // Each line is whole, and says whose it is.
      const lines = gateway.running.output.stdout.trim().split('\n');
      const workers = new Set(lines.map((line): unknown => Reflect.get(JSON.parse(line), 'worker')));
      expect([1, 2].every((worker) => workers.has(worker))).toBe(true);
    },
    LONG,
  );
});

describe('the end', () => {
  test(
    'by SIGTERM lets transfers finish at all workers, with exit code 0',
    async () => {
      const gateway = await startWorkers();
      const [idle, busy] = await oneAtEach(gateway);
      if (idle === undefined || busy === undefined) throw new Error('two clients were expected');
      const data = await busy.passive();
      expect(await busy.send('STOR last.bin')).toMatch(/^150 /);
      const tls = busy.secure(data);
      tls.write('the beginning, ');
      const workers = await pids(gateway);
      process.kill(gateway.running.pid, 'SIGTERM');
      expect(await idle.reply()).toMatch(/^421 /);
      tls.end('and the end');
      expect(await busy.reply()).toMatch(/^226[ -]/);
      expect((await gateway.running.ended).code).toBe(0);
      expect(workers.filter(isRunning)).toEqual([]);
      expect(await readFile(join(gateway.home, 'last.bin'), 'utf8')).toBe('the beginning, and the end');
      expect(await readdir(join(gateway.stateDirectory, 'intake'))).not.toContainEqual(
        expect.stringMatching(/^worker-/),
      );
      expect((await run(['audit', 'verify', '-c', gateway.file])).exitCode).toBe(0);
    },
    LONG,
  );

  test(
    'of a killed gateway leaves no worker behind, and nothing that is half',
    async () => {
      const gateway = await startWorkers();
      const [client] = await oneAtEach(gateway);
      if (client === undefined) throw new Error('a client was expected');
      const data = await client.passive();
      expect(await client.send('STOR half.bin')).toMatch(/^150 /);
      client.secure(data).write(bytesOf(100_000));
      const workers = await pids(gateway);
      gateway.running.kill();
      await client.end();
      await expect.poll(() => workers.filter(isRunning), SOON).toEqual([]);
      expect(await readdir(gateway.home)).not.toContain('half.bin');
    },
    LONG,
  );
});
