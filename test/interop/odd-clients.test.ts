/** Orders and moments that real clients choose: handshakes early and late, commands beside transfers, floods and splits. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';
import { bytesOf } from '../fixtures/local-files.ts';

const VERSIONS: readonly SecureVersion[] = ['TLSv1.2', 'TLSv1.3'];
/** More than the buffers of two sockets and two TLS layers hold, so that a transfer nobody reads cannot end. */
const LARGE_BYTES = 64 * 1_048_576;

/** Everything that comes until the end of data. */
async function bytesFrom(secured: TLSSocket): Promise<number> {
  let bytes = 0;
  secured.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  await once(secured, 'end');
  return bytes;
}

test.each(VERSIONS)(
  'a client like Go, which finishes the data handshake before it sends STOR or RETR, is served (%s)',
  async (version) => {
    const gateway = await startGateway();
    const client = await RawClient.login(gateway, { version });
    const up = client.secure(await client.passive());
    await once(up, 'secureConnect');
    expect(await client.send('STOR a.bin')).toMatch(/^150/);
    up.end(bytesOf(300_000));
    expect(await client.reply()).toMatch(/^226/);
    expect(bytesOf(300_000).equals(await readFile(join(gateway.home, 'a.bin')))).toBe(true);

    const down = client.secure(await client.passive());
    await once(down, 'secureConnect');
    expect(await client.send('RETR a.bin')).toMatch(/^150/);
    expect(await bytesFrom(down)).toBe(300_000);
    down.end();
    expect(await client.reply()).toMatch(/^226/);
  },
);

test.each(VERSIONS)(
  'a client that begins the data handshake only when it has read 150 is served (%s)',
  async (version) => {
    const gateway = await startGateway();
    const client = await RawClient.login(gateway, { version });
    const socket = await client.passive();
    expect(await client.send('STOR a.bin')).toMatch(/^150/);
    client.secure(socket).end(bytesOf(300_000));
    expect(await client.reply()).toMatch(/^226/);
    const { reply, data } = await client.download('RETR a.bin');
    expect(reply).toMatch(/^226/);
    expect(bytesOf(300_000).equals(data)).toBe(true);
  },
);

test.each(VERSIONS)('ABOR ends a download with 426 and 226, and the session goes on (%s)', async (version) => {
  const gateway = await startGateway();
  await writeFile(join(gateway.home, 'large.bin'), 'x');
  await truncate(join(gateway.home, 'large.bin'), LARGE_BYTES);
  const client = await RawClient.login(gateway, { version });
  const socket = await client.passive();
  expect(await client.send('RETR large.bin')).toMatch(/^150/);
  const secured = client.secure(socket);
  await once(secured, 'readable');
  expect(await client.send('ABOR')).toMatch(/^426/);
  expect(await client.reply()).toMatch(/^226/);
  expect(await client.upload('STOR small.txt', 'hello')).toMatch(/^226/);
});

test.each(VERSIONS)(
  'ABOR ends an upload with 426 and 226, nothing is published, and the session goes on (%s)',
  async (version) => {
    const gateway = await startGateway();
    await writeFile(join(gateway.home, 'a.bin'), 'old');
    const client = await RawClient.login(gateway, { version });
    const socket = await client.passive();
    expect(await client.send('STOR a.bin')).toMatch(/^150/);
    const secured = client.secure(socket);
    await new Promise((resolve) => secured.write(bytesOf(100_000), resolve));
    expect(await client.send('ABOR')).toMatch(/^426/);
    expect(await client.reply()).toMatch(/^226/);
    expect(await readFile(join(gateway.home, 'a.bin'), 'utf8')).toBe('old');
    expect(await client.upload('STOR b.bin', 'hello')).toMatch(/^226/);
  },
);

test('NOOP and STAT are answered while a download runs, and its 226 comes behind them', async () => {
  const gateway = await startGateway();
  await writeFile(join(gateway.home, 'large.bin'), 'x');
  await truncate(join(gateway.home, 'large.bin'), LARGE_BYTES);
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  expect(await client.send('RETR large.bin')).toMatch(/^150/);
  const secured = client.secure(socket);
  await once(secured, 'readable');
  expect(await client.send('NOOP')).toMatch(/^200/);
  expect(await client.send('STAT')).toMatch(/^211[\s\S]*RETR is running: \d+ bytes/);
  expect(await client.send('NOOP')).toMatch(/^200/);
  expect(await bytesFrom(secured)).toBe(LARGE_BYTES);
  secured.end();
  expect(await client.reply()).toMatch(/^226/);
});

test('2,000 NOOPs in one write are all answered', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  client.write('NOOP\r\n'.repeat(2_000));
  for (let count = 0; count < 2_000; count++) expect(await client.reply()).toMatch(/^200/);
  expect(await client.send('PWD')).toMatch(/^257/);
});

test.each(VERSIONS)('a command whose CR and LF come in two TLS records is one command (%s)', async (version) => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway, { version });
  for (let count = 0; count < 20; count++) {
    await new Promise((resolve) => client.socket.write('NOOP\r', resolve));
    client.write('\n');
    expect(await client.reply()).toMatch(/^200/);
  }
  expect(await client.send('PWD')).toMatch(/^257/);
});

test('QUIT during an upload lets it finish, then says goodbye', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  expect(await client.send('STOR a.bin')).toMatch(/^150/);
  const secured = client.secure(socket);
  await new Promise((resolve) => secured.write(bytesOf(100_000), resolve));
  client.write('QUIT\r\n');
  // NOOP is answered at once, so that QUIT has been read when its answer is here.
  client.write('NOOP\r\n');
  secured.end('the end');
  const replies = [await client.reply(), await client.reply(), await client.reply()].map((reply) => reply.slice(0, 3));
  expect(replies.filter((code) => code !== '200')[0]).toBe('226');
  expect(replies).toContain('221');
  await client.end();
  expect(existsSync(join(gateway.home, 'a.bin'))).toBe(true);
  expect(await readFile(join(gateway.home, 'a.bin'))).toHaveLength(100_007);
});
