/** What a client says of itself, over real sockets: LANG, CLNT and CSID; and SITE WHO, which tells it of its sessions. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { Secret } from '../../src/lib/secret.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway } from '../fixtures/gateway.ts';

test.each([
  ['LANG 1', '501'],
  ['LANG en_US', '501'],
  ['LANG en-', '501'],
  ['LANG fr', '504'],
  ['LANG de-CH', '504'],
  ['LANG', '200'],
  ['lang EN', '200'],
  ['LANG en-GB', '200'],
  ['CLNT', '501'],
  ['CLNT FileZilla', '200'],
  ['CSID', '501'],
  ['CSID Version=1;', '501'],
  ['CSID Nickname=X;', '501'],
  ['CSID Name=FTP Voyager; Version=15.0.0.2;', '200 Name=Sallyport; CaseSensitive=1; DirSep=/;'],
])('%s is answered %s, also before login', async (line, answer) => {
  const client = await RawClient.connect(await startGateway());
  expect((await client.send(line)).startsWith(answer)).toBe(true);
});

test("the client's name is logged once for CLNT and CSID each, cut short and printable, and stands at its login", async () => {
  const gateway = await startGateway();
  const client = await RawClient.connect(gateway);
  await client.send('CLNT in clear');
  await client.send('AUTH TLS');
  await client.startTls();
  await client.send(`CSID Name=Evil\u202e\u0007; Version=${'9'.repeat(500)};`);
  await client.send('CLNT again');
  await client.send('CLNT and again');
  await client.send(`USER ${gateway.user}`);
  await client.send(`PASS ${gateway.password}`);
  const entries = gateway.log.of('client.named').map(({ verb, client: name }) => [verb, String(name)] as const);
  const [inClear, [, named = ''] = [], again, ...more] = entries;
  expect(inClear).toEqual(['CLNT', 'in clear']);
  expect(entries[1]?.[0]).toBe('CSID');
  expect(named).toMatch(/^Evil\\u202e\\u0007 9+$/);
  expect(named).toHaveLength(100);
  expect(again).toEqual(['CLNT', 'again']);
  expect(more).toEqual([]);
  expect(gateway.log.of('command').find(({ verb }) => verb === 'PASS')).toMatchObject({ client: 'and again' });
});

test("SITE WHO tells an account of its own sessions, and of nobody else's", async () => {
  const passwordHash = await hashPassword(new Secret(PASSWORD));
  const home = await mkdtemp(join(tmpdir(), 'sallyport-who-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  const users = ['partner', 'other'].map((name) => ({ name, passwordHash, home, permissions: 'elw' }));
  const gateway = await startGateway({ users });
  const stranger = await RawClient.connect(gateway);
  expect(await stranger.send('SITE WHO')).toMatch(/^530/);
  const other = await RawClient.login({ ...gateway, user: 'other' });
  const first = await RawClient.login(gateway);
  const second = await RawClient.login(gateway);
  expect(await second.send('SITE WHO now')).toMatch(/^501/);
  expect((await other.send('SITE WHO')).split('\n')).toHaveLength(3);

  const data = await first.passive();
  expect(await first.send('STOR a.txt')).toMatch(/^150/);
  const lines = (await second.send('SITE WHO')).split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[1]).toMatch(/^ {3}[0-9a-f]{12} 127\.0\.0\.1 since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ STOR$/);
  expect(lines[2]).toMatch(/^ \* [0-9a-f]{12} 127\.0\.0\.1 since .* idle$/);
  data.destroy();
});
