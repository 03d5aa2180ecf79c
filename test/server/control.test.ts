/** What a program can do with a gateway that runs: look at its sessions, end one, stop listening, read its dialogue. */
import { once } from 'node:events';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createLogger } from '../../src/server/logger.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const zone = process.env.TZ;
afterEach(() => {
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
});

test('stopListening turns newcomers away and leaves those who are there alone', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  gateway.gateway.stopListening();
  expect(gateway.gateway.addresses).toEqual([]);
  const late = connectTcp(gateway.port, gateway.host);
  const [error] = await once(late, 'error');
  expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
  expect(gateway.gateway.sessionCount).toBe(1);

  await gateway.gateway.start();
  const port = gateway.gateway.addresses[0]?.port ?? 0;
  const again = await RawClient.login({ ...gateway, port });
  expect(await again.send('NOOP')).toMatch(/^200/);
  // Everything that ever listened is closed, with the sessions of both.
  await gateway.gateway.close();
  await client.end();
  await again.end();
});

test('close ends the sessions that are there', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const closed = gateway.gateway.close();
  expect(await client.reply()).toMatch(/^421/);
  await closed;
  expect(gateway.gateway.sessionCount).toBe(0);
});

test('a session can be looked at and ended by its id; its upload is not published', async () => {
  const gateway = await startGateway();
  expect(await gateway.gateway.disconnect('nobody')).toBe(false);
  const other = await RawClient.login(gateway);
  const client = await RawClient.login(gateway);
  await client.send('CLNT tester');
  const socket = await client.passive();
  await client.send('STOR a.txt');
  client.secure(socket).write('hello');
  const running = () => gateway.gateway.sessions.find(({ transfer }) => transfer !== undefined);
  await expect.poll(() => running()?.transfer?.bytesMoved).toBe(5);
  const session = running();
  expect(session).toMatchObject({ account: 'partner', secure: true, clientName: 'tester', transfer: { verb: 'STOR' } });
  expect(gateway.gateway.sessions).toHaveLength(2);

  const disconnected = gateway.gateway.disconnect(session?.id ?? '');
  expect(await client.reply()).toMatch(/^426/);
  expect(await client.reply()).toBe('421 This session was closed by the operator.');
  expect(await disconnected).toBe(true);
  await client.end();
  expect(readdirSync(gateway.home)).not.toContain('a.txt');
  expect(gateway.gateway.sessionCount).toBe(1);
  expect(await other.send('NOOP')).toMatch(/^200/);
});

test('a client that does not read is disconnected all the same', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  client.socket.pause();
  const [session] = gateway.gateway.sessions;
  expect(await gateway.gateway.disconnect(session?.id ?? '')).toBe(true);
  expect(gateway.gateway.sessionCount).toBe(0);
});

test('the log has every line of the dialogue in both directions, and no password', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await client.send('FEAT');
  await client.send('PASSS mistyped');
  await client.send('QUIT');
  await client.end();
  const received = gateway.log.of('line.received').map(({ line }) => line);
  expect(received).toEqual([
    'AUTH TLS',
    'USER partner',
    'PASS ***',
    'PBSZ 0',
    'PROT P',
    'TYPE I',
    'FEAT',
    'PASSS ***',
    'QUIT',
  ]);
  const sent = gateway.log.of('line.sent').map(({ code }) => code);
  expect(sent).toEqual([220, 234, 331, 230, 200, 200, 200, 211, 500, 221]);
  const feat = gateway.log.of('line.sent').find(({ code }) => code === 211);
  expect(feat?.lines).toContain('UTF8');
  expect(JSON.stringify(gateway.log.entries)).not.toMatch(/correct horse|mistyped/);
});

test('a log that does not write a level costs nothing for it', () => {
  const lines: string[] = [];
  const log = createLogger({ level: 'info', format: 'json' }, { write: (line) => void lines.push(line) });
  const costly = {
    get field() {
      throw new Error('was read');
    },
  };
  log.debug('line.sent', { costly });
  log.info('command', { text: 'a\u0007b' });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('a\\\\u0007b');
});

test('LIST has times of UTC, or of this machine’s zone when that is asked for; MDTM and MLSD stay UTC', async () => {
  process.env.TZ = 'America/St_Johns';
  const modified = new Date(Date.UTC(2020, 0, 1, 1, 0, 0));
  const listed = async (listingTimes: 'utc' | 'local') => {
    const gateway = await startGateway({ listingTimes });
    writeFileSync(join(gateway.home, 'a.txt'), 'hello');
    utimesSync(join(gateway.home, 'a.txt'), modified, modified);
    const client = await RawClient.login(gateway);
    const list = (await client.download('LIST')).data.toString();
    const mlsd = (await client.download('MLSD')).data.toString();
    return { list, mlsd, mdtm: await client.send('MDTM a.txt') };
  };
  const utc = await listed('utc');
  const local = await listed('local');
  expect(utc.list).toContain('Jan 01  2020 a.txt');
  // Three hours and a half behind: still the old year.
  expect(local.list).toContain('Dec 31  2019 a.txt');
  for (const { mlsd, mdtm } of [utc, local]) {
    expect(mdtm).toBe('213 20200101010000');
    expect(mlsd).toContain('modify=20200101010000');
  }
});

test('without TCP_NODELAY and with the smallest buffers everything still arrives', async () => {
  const gateway = await startGateway({ tcpNoDelay: false, buffers: { receiveBytes: 16_384, sendBytes: 16_384 } });
  const client = await RawClient.login(gateway);
  const content = Buffer.alloc(3_000_000, 'abc');
  expect(await client.upload('STOR a.bin', content)).toMatch(/^226/);
  expect((await client.download('RETR a.bin')).data.equals(content)).toBe(true);
});
