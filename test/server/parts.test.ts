/** Parts of files and line ends over real sockets and a real disk: RANG and REST with uploads, TYPE A there and back. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';

/** Sends so much, waits until it is there, and is gone. */
async function breakOff(client: RawClient, command: string, sent: string): Promise<void> {
  const socket = await client.passive();
  expect(await client.send(command)).toMatch(/^150/);
  const secured = client.secure(socket);
  secured.write(sent);
  await expect.poll(() => client.send('STAT')).toContain(`${sent.length} bytes so far`);
  secured.destroy();
  expect(await client.reply()).toMatch(/^426/);
}

const read = (gateway: TestGateway, name: string) => readFileSync(join(gateway.home, name), 'utf8');

test('a range that is not filled leaves the file as it was, one that is changes nothing else', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const bytes = randomBytes(2_500_000);
  writeFileSync(join(gateway.home, 'big.bin'), bytes);
  await client.send('RANG 100000 1099999');
  expect(await client.upload('STOR big.bin', randomBytes(999_999))).toMatch(/^554/);
  expect(readFileSync(join(gateway.home, 'big.bin')).equals(bytes)).toBe(true);
  expect(readdirSync(gateway.home)).toEqual(['big.bin']);

  const part = randomBytes(1_000_000);
  await client.send('RANG 100000 1099999');
  expect(await client.upload('STOR big.bin', part)).toMatch(/^226/);
  part.copy(bytes, 100_000);
  expect(readFileSync(join(gateway.home, 'big.bin')).equals(bytes)).toBe(true);
});

test('a range takes the right to write and the right to read', async () => {
  const gateway = await startGateway({}, { permissions: 'elw' });
  writeFileSync(join(gateway.home, 'a.txt'), 'hello');
  const client = await RawClient.login(gateway);
  await client.send('RANG 0 0');
  expect(await client.upload('STOR a.txt', 'J')).toMatch(/^550/);
  expect(read(gateway, 'a.txt')).toBe('hello');
});

test('an upload that broke goes on with RANG at its end', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await breakOff(client, 'STOR a.txt', 'first half');
  expect(await client.send('SIZE a.txt')).toBe('213 10');
  await client.send('RANG 9 15');
  expect(await client.upload('STOR a.txt', 'x')).toMatch(/^554/);
  await client.send('RANG 10 15');
  expect(await client.upload('STOR a.txt', ', rest')).toMatch(/^226/);
  expect(read(gateway, 'a.txt')).toBe('first half, rest');
});

test('an upload in TYPE A that broke goes on with REST at its end, also beside an older file', async () => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'a.txt'), '123456789');
  const client = await RawClient.login(gateway);
  await client.send('TYPE A');
  await breakOff(client, 'STOR a.txt', 'one\r\ntwo\r\n');
  for (const octets of [8, 9, 11]) {
    await client.send(`REST ${octets}`);
    // Nine is the end of the older file, which has no line ends: that one would go on.
    const reply = await client.upload('STOR a.txt', octets === 9 ? '' : 'x');
    expect(`${octets}: ${reply.slice(0, 3)}`).toBe(octets === 9 ? '9: 226' : `${octets}: 554`);
    if (octets === 9) await breakOff(client, 'STOR a.txt', 'one\r\ntwo\r\n');
  }
  await client.send('REST 10');
  expect(await client.upload('STOR a.txt', 'three\r\n')).toMatch(/^226/);
  expect(read(gateway, 'a.txt')).toBe('one\ntwo\nthree\n');
  expect(await client.send('SIZE a.txt')).toBe('213 17');
  await client.send('REST 9');
  expect((await client.download('RETR a.txt')).data.toString()).toBe('\nthree\r\n');
});

test('text comes back from TYPE A as it was sent, bare CRs and all', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await client.send('TYPE A');
  const part = fc.constantFrom('line', '\r\n', '\r\n', '\rx', 'é', ' ');
  const text = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
  await fc.assert(
    fc.asyncProperty(text, async (sent) => {
      expect(await client.upload('STOR a.txt', sent)).toMatch(/^226/);
      expect(read(gateway, 'a.txt')).toBe(sent.replaceAll('\r\n', '\n'));
      expect(await client.send('SIZE a.txt')).toBe(`213 ${Buffer.byteLength(sent)}`);
      expect((await client.download('RETR a.txt')).data.toString()).toBe(sent);
    }),
    { numRuns: 25 },
  );
});

test('a lone LF, which TYPE A does not allow, becomes a line end', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await client.send('TYPE A');
  await client.upload('STOR a.txt', 'one\ntwo\r\n');
  expect(read(gateway, 'a.txt')).toBe('one\ntwo\n');
  expect((await client.download('RETR a.txt')).data.toString()).toBe('one\r\ntwo\r\n');
});

test('STAT during a download tells the bytes so far', async () => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'big.bin'), randomBytes(50_000_000));
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('RETR big.bin');
  const secured = client.secure(socket);
  secured.pause();
  const bytesSoFar = async () => Number(/RETR is running: ([0-9]+) bytes so far/.exec(await client.send('STAT'))?.[1]);
  await expect.poll(bytesSoFar).toBeGreaterThan(0);
  expect(await bytesSoFar()).toBeLessThan(50_000_000);
  secured.resume();
  expect(await client.reply()).toMatch(/^226/);
  expect(await client.send('STAT')).toContain('No transfer is running');
});
