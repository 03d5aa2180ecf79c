/** What an account that may only write can learn of files that it may not read: by renaming them, and by hashes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

async function writer(permissions: string, directories: { path: string; permissions: string }[] = []) {
  const gateway = await startGateway({}, { permissions, directories });
  writeFileSync(join(gateway.home, 'card.txt'), 'PIN=4711');
  return { gateway, client: await RawClient.login(gateway) };
}

describe('without the letter r', () => {
  test.each(['ew', 'elw'])(
    'an upload behind REST tells neither hash nor size of the whole (%s)',
    async (permissions) => {
      const { client } = await writer(permissions);
      expect(await client.send('REST 5')).toMatch(/^350/);
      expect(await client.upload('STOR card.txt', '')).toBe('226 Stored.');
    },
  );

  test('nor does one that appends, before it or behind it', async () => {
    const { client } = await writer('ea');
    const socket = await client.passive();
    expect(await client.send('APPE card.txt')).toBe('150 Send the file.');
    client.secure(socket).end('x');
    expect(await client.reply()).toBe('226 Stored.');
  });

  test('an upload of one’s own has its hash, and so has one that goes on with what was kept', async () => {
    const { client } = await writer('elw');
    expect(await client.upload('STOR new.txt', 'hello')).toMatch(/^226 Stored 5 bytes, SHA-256 2cf24dba/);
    const socket = await client.passive();
    await client.send('STOR half.txt');
    const secured = client.secure(socket);
    secured.write('hel');
    await expect.poll(() => client.send('STAT')).toMatch(/3 bytes/);
    expect(await client.send('ABOR')).toMatch(/^426 .*3 bytes are kept/);
    expect(await client.reply()).toMatch(/^226/);
    await client.send('REST 3');
    expect(await client.upload('STOR half.txt', 'lo')).toMatch(/^226 Stored 5 bytes, SHA-256 2cf24dba/);
  });

  test('a file is not renamed to where the letter holds', async () => {
    const { gateway, client: other } = await writer('elrwf', [{ path: '/drop', permissions: 'elwf' }]);
    mkdirSync(join(gateway.home, 'drop'));
    await other.upload('STOR drop/a.txt', 'secret');
    expect(await other.send('RNFR drop/a.txt')).toMatch(/^350/);
    expect(await other.send('RNTO pub.txt')).toMatch(/^550/);
    expect(await other.send('RNFR drop/a.txt')).toMatch(/^350/);
    expect(await other.send('RNTO drop/b.txt')).toMatch(/^250/);
  });
});

test('with it, everything is told', async () => {
  const { client } = await writer('elrw');
  await client.send('REST 8');
  expect(await client.upload('STOR card.txt', '')).toMatch(/^226 Stored 8 bytes, SHA-256 /);
});
