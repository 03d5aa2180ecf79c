/** Hashes over real sockets: of whole files and parts, refused by effect, and ended when nobody is left to hear them. */
import { createHash, randomBytes } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';

/** Larger than can be hashed within a test, and yet nothing on the disk. */
const HUGE_BYTES = 60_000_000_000;

async function hashingGateway(): Promise<TestGateway> {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'huge.bin'), '');
  truncateSync(join(gateway.home, 'huge.bin'), HUGE_BYTES);
  return gateway;
}

test('an account that may not read a file is not told its hash', async () => {
  const gateway = await startGateway({}, { permissions: 'elw' });
  writeFileSync(join(gateway.home, 'a.txt'), 'hello');
  const client = await RawClient.login(gateway);
  expect(await client.send('HASH a.txt')).toMatch(/^552/);
  for (const verb of ['XSHA256', 'XSHA512', 'XSHA1', 'XSHA', 'XMD5', 'XCRC']) {
    expect(await client.send(`${verb} a.txt`)).toMatch(/^550/);
  }
  await client.send('TYPE A');
  expect(await client.send('SIZE a.txt')).toMatch(/^550/);
});

test('no path leads hashing out of the home', async () => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, '..', 'outside.txt'), 'outside');
  const client = await RawClient.login(gateway);
  expect(await client.send('HASH ../outside.txt')).toMatch(/^550/);
  expect(await client.send('XMD5 "../outside.txt"')).toMatch(/^550/);
});

test('hashing ends when the control connection does', async () => {
  const gateway = await hashingGateway();
  const client = await RawClient.login(gateway);
  // Both lines come at once: when the reply to the first is there, the second runs.
  client.write('NOOP\r\nHASH huge.bin\r\n');
  await client.reply();
  client.close();
  await expect.poll(() => gateway.gateway.sessionCount, { timeout: 5_000 }).toBe(0);
  expect(gateway.log.of('command.failed')).toContainEqual(
    expect.objectContaining({ verb: 'HASH', code: 426, cause: expect.stringContaining('control connection lost') }),
  );
});

test('hashing ends when the gateway closes', async () => {
  const gateway = await hashingGateway();
  const client = await RawClient.login(gateway);
  client.write('NOOP\r\nXCRC huge.bin\r\n');
  await client.reply();
  await gateway.gateway.close({ graceMs: 50 });
  expect(gateway.gateway.sessionCount).toBe(0);
  expect(gateway.log.of('command.failed')).toContainEqual(expect.objectContaining({ verb: 'XCRC', code: 426 }));
});

test('what was sent has the hash that the sender knows, whole and in part', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const bytes = randomBytes(3_000_000);
  await client.upload('STOR big.bin', bytes);
  const sha512 = (part: Buffer) => createHash('sha512').update(part).digest('hex');
  await client.send('OPTS HASH SHA-512');
  expect(await client.send('HASH big.bin')).toBe(`213 SHA-512 0-2999999 ${sha512(bytes)} big.bin`);
  await client.send('RANG 1000000 2000000');
  const part = bytes.subarray(1_000_000, 2_000_001);
  expect(await client.send('HASH big.bin')).toBe(`213 SHA-512 1000000-2000000 ${sha512(part)} big.bin`);
  expect(await client.send('XSHA512 big.bin 1000000 2000001')).toBe(`250 ${sha512(part).toUpperCase()}`);
  await client.send('RANG 1000000 2000000');
  const { reply, data } = await client.download('RETR big.bin');
  expect(reply).toMatch(/^226/);
  expect(data.equals(part)).toBe(true);
  expect((await client.download('RETR big.bin')).data.length).toBe(3_000_000);
});
