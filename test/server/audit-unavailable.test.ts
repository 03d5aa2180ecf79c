/** A gateway whose audit log cannot be written: what it refuses, what it still answers, and that it comes back. */
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { replyTo } from '../fixtures/log-in.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';

const WAIT = { timeout: 10_000 };
const NO_SPACE = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });

let audit: MemoryAuditLog;
let gateway: TestGateway;
let client: RawClient;

async function begin(requirement: 'required' | 'preferred') {
  audit = memoryAuditLog();
  gateway = await startGateway({ audit: { requirement } }, {}, { audit });
  await writeFile(join(gateway.home, 'there.txt'), 'hello');
  client = await RawClient.login(gateway);
}

/** Whatever takes, gives or changes files. */
async function everything(): Promise<readonly string[]> {
  const { reply } = await client.download('RETR there.txt');
  const replies = [reply, await client.upload('STOR new.txt', 'hello'), await client.upload('STOU', 'hello')];
  for (const line of ['MKD sub', 'SITE CHMOD 600 there.txt', 'RNFR there.txt', 'DELE there.txt']) {
    replies.push(await client.send(line));
  }
  return replies.map((one) => one.slice(0, 3));
}

describe('required', () => {
  beforeEach(() => begin('required'));

  test('nothing is taken, given or changed while it fails, and everything is when it is well again', async () => {
    audit.failure = NO_SPACE;
    expect(new Set(await everything())).toEqual(new Set(['451']));
    expect(await readdir(gateway.home)).toEqual(['there.txt']);
    audit.failure = undefined;
    expect(await everything()).toEqual(['226', '226', '226', '257', '200', '350', '250']);
  });

  test('nobody logs in, and the password is not even looked at', async () => {
    audit.failure = NO_SPACE;
    const stranger = await RawClient.connect(gateway);
    await stranger.send('AUTH TLS');
    await stranger.startTls();
    expect(await stranger.send(`USER ${gateway.user}`)).toMatch(/^451 The audit log cannot be written/);
    audit.failure = undefined;
    await stranger.send(`USER ${gateway.user}`);
    expect(await stranger.send(`PASS ${gateway.password}`)).toMatch(/^230/);
    stranger.close();
  });

  test('what touches no file is answered, and a session can be ended', async () => {
    audit.failure = NO_SPACE;
    expect(await client.send('PWD')).toMatch(/^257/);
    expect(await client.send('NOOP')).toMatch(/^200/);
    expect((await client.download('LIST')).reply).toMatch(/^226/);
    expect(await client.send('QUIT')).toMatch(/^221/);
  });

  test('a login whose record is rejected does not happen', async () => {
    const stranger = await RawClient.connect(gateway);
    await stranger.send('AUTH TLS');
    await stranger.startTls();
    await stranger.send(`USER ${gateway.user}`);
    audit.rejectNext = NO_SPACE;
    expect(await stranger.send(`PASS ${gateway.password}`)).toMatch(/^451/);
    expect(await stranger.send('PWD')).toMatch(/^530/);
    expect(await stranger.send(`PASS ${gateway.password}`)).toMatch(/^230/);
    expect(gateway.log.of('audit.lost')).toMatchObject([{ event: 'login.succeeded' }]);
    stranger.close();
  });

  test.each([
    ['an upload', () => client.upload('STOR new.txt', 'hello')],
    ['a download', async () => (await client.download('RETR there.txt')).reply],
    ['a delete', () => client.send('DELE there.txt')],
  ])('%s whose record is rejected is not told as a success', async (_, act) => {
    audit.rejectNext = NO_SPACE;
    expect(await act()).toMatch(/^451/);
  });

  test.each([
    ['a delete', 'file.deleted', () => client.send('DELE there.txt')],
    ['a new directory', 'directory.made', () => client.send('MKD sub')],
    ['a change of permissions', 'file.changed', () => client.send('SITE CHMOD 600 there.txt')],
  ] as const)('%s that was made when its record is rejected is recorded late, once', async (_, event, act) => {
    audit.rejectNext = NO_SPACE;
    expect(await act()).toMatch(/^451/);
    expect(audit.of(event)).toMatchObject([{ result: 'success', object: { late: true } }]);
  });

  test('a download under way is recorded when the log is back', async () => {
    const socket = await client.passive();
    expect(await client.send('RETR there.txt')).toMatch(/^150/);
    audit.failure = NO_SPACE;
    client.secure(socket).resume();
    expect(await client.reply()).toMatch(/^451/);
    expect(audit.of('download.sent')).toEqual([]);
    audit.failure = undefined;
    expect(audit.of('download.sent')).toMatchObject([{ result: 'success', object: { bytes: 5, late: true } }]);
  });

  test('a login that was refused for the log is recorded as refused, and not as a login', async () => {
    audit.rejectNext = NO_SPACE;
    expect(await replyTo(gateway, gateway.user, gateway.password)).toMatch(/^451/);
    expect(audit.of('login.succeeded')).toHaveLength(1);
    expect(audit.of('login.failed')).toMatchObject([
      { who: { account: gateway.user }, object: { late: true }, reason: expect.stringContaining('AuditUnavailable') },
    ]);
  });

  test('a wrong password stays a wrong password', async () => {
    const stranger = await RawClient.connect(gateway);
    await stranger.send('AUTH TLS');
    await stranger.startTls();
    await stranger.send(`USER ${gateway.user}`);
    audit.rejectNext = NO_SPACE;
    expect(await stranger.send('PASS wrong')).toMatch(/^530/);
    stranger.close();
  });

  test('a log that fails while a file is on its way keeps it from being published', async () => {
    const socket = await client.passive();
    expect(await client.send('STOR late.txt')).toMatch(/^150/);
    audit.failure = NO_SPACE;
    client.secure(socket).end('hello');
    expect(await client.reply()).toMatch(/^451/);
    expect(existsSync(join(gateway.home, 'late.txt'))).toBe(false);
  });

  test.each([
    ['an upload', () => client.upload('STOR new.txt', 'hello'), '226'],
    ['a download', async () => (await client.download('RETR there.txt')).reply, '226'],
    ['a delete', () => client.send('DELE there.txt'), '250'],
    ['a login', () => replyTo(gateway, gateway.user, gateway.password), '230'],
    ['a refusal', () => client.send('RNFR /'), '550'],
  ])('%s is not answered before its record lasts', async (_, act, code) => {
    const release = audit.hang();
    let answer = '';
    const answered = act().then((text) => {
      answer = text;
    });
    const before = audit.appends;
    await vi.waitFor(() => expect(audit.appends).toBeGreaterThan(before), WAIT);
    // Time enough for an answer that waits for nothing: another client is served all of this.
    for (let turn = 0; turn < 3; turn++) (await RawClient.connect(gateway)).close();
    expect(answer).toBe('');
    release();
    await answered;
    expect(answer.slice(0, 3)).toBe(code);
  });
});

describe('preferred', () => {
  beforeEach(() => begin('preferred'));

  test('everything goes on, and what was not recorded is in the log as an error', async () => {
    audit.failure = NO_SPACE;
    expect(await everything()).toEqual(['226', '226', '226', '257', '200', '350', '250']);
    expect(await replyTo(gateway, gateway.user, gateway.password)).toMatch(/^230/);
    const lost = gateway.log.entries.filter(({ event }) => event === 'audit.lost');
    expect(gateway.log.of('audit.waits')).toMatchObject([{ event: 'connection.opened' }, { event: 'tls.established' }]);
    expect(lost.every(({ level }) => level === 'error')).toBe(true);
    expect(new Set(lost.map(({ fields }) => fields.event))).toEqual(
      new Set([
        ...['download.sent', 'upload.published', 'directory.made', 'file.changed', 'file.deleted'],
        'login.succeeded',
      ]),
    );
  });
});
