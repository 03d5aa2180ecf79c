/** Transfers held to their rates over real sockets: bytes over time, with generous bounds. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

async function timed<T>(act: () => Promise<T>): Promise<{ value: T; ms: number }> {
  const started = performance.now();
  const value = await act();
  return { value, ms: performance.now() - started };
}

const SIZE = 300_000;
const CONTENT = Buffer.alloc(SIZE, 'x');

test('ABOR ends a transfer that waits for its rate at once', async () => {
  const gateway = await startGateway({ sessionRates: { downloadBytesPerSecond: 1_024 } });
  writeFileSync(join(gateway.home, 'a.bin'), CONTENT);
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  expect(await client.send('RETR a.bin')).toMatch(/^150/);
  client.secure(socket).resume();
  await expect.poll(() => client.send('STAT')).toMatch(/RETR is running: [1-9]/);
  const { value, ms } = await timed(() => client.send('ABOR'));
  expect(value).toMatch(/^426/);
  expect(ms).toBeLessThan(2_000);
  expect(await client.reply()).toMatch(/^226/);
});

test('a download takes its time, and is no stalled one', async () => {
  const gateway = await startGateway({
    sessionRates: { downloadBytesPerSecond: 200_000 },
    limits: { stallTimeoutMs: 500 },
  });
  writeFileSync(join(gateway.home, 'a.bin'), CONTENT);
  const client = await RawClient.login(gateway);
  const { value, ms } = await timed(() => client.download('RETR a.bin'));
  expect(value.reply).toMatch(/^226/);
  expect(value.data.equals(CONTENT)).toBe(true);
  expect(ms).toBeGreaterThan(1_200);
  expect(ms).toBeLessThan(6_000);
});

test('an upload takes its time, arrives whole, and downloads beside it are not held', async () => {
  const gateway = await startGateway({
    sessionRates: { uploadBytesPerSecond: 200_000 },
    limits: { stallTimeoutMs: 500 },
  });
  const client = await RawClient.login(gateway);
  const { value, ms } = await timed(() => client.upload('STOR a.bin', CONTENT));
  expect(value).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'a.bin')).equals(CONTENT)).toBe(true);
  expect(ms).toBeGreaterThan(1_200);
  expect(ms).toBeLessThan(6_000);
  expect((await timed(() => client.download('RETR a.bin'))).ms).toBeLessThan(1_200);
});

test('two sessions of an account share its rate, and both come to an end', async () => {
  const gateway = await startGateway({ accountRates: { downloadBytesPerSecond: 300_000 } });
  writeFileSync(join(gateway.home, 'a.bin'), CONTENT);
  const clients = [await RawClient.login(gateway), await RawClient.login(gateway)];
  const times = await Promise.all(clients.map((client) => timed(() => client.download('RETR a.bin'))));
  for (const { value, ms } of times) {
    expect(value.data.equals(CONTENT)).toBe(true);
    expect(ms).toBeGreaterThan(1_500);
    expect(ms).toBeLessThan(7_000);
  }
  expect(Math.abs((times[0]?.ms ?? 0) - (times[1]?.ms ?? 0))).toBeLessThan(1_000);
});

test('an account’s own rate goes before the server’s for every session, and 0 lifts it', async () => {
  const sessionRates = { downloadBytesPerSecond: 1_024 };
  const gateway = await startGateway({ sessionRates }, { sessionRates: { downloadBytesPerSecond: 0 } });
  writeFileSync(join(gateway.home, 'a.bin'), CONTENT);
  const client = await RawClient.login(gateway);
  const { value, ms } = await timed(() => client.download('RETR a.bin'));
  expect(value.reply).toMatch(/^226/);
  expect(ms).toBeLessThan(3_000);
});

test('rates that are set live hold at once for a transfer that runs, and can be taken back', async () => {
  const gateway = await startGateway({ serverRates: { downloadBytesPerSecond: 1_024 } });
  writeFileSync(join(gateway.home, 'a.bin'), CONTENT);
  const client = await RawClient.login(gateway);
  const downloading = timed(() => client.download('RETR a.bin'));
  await expect.poll(() => gateway.gateway.sessions[0]?.transfer?.bytesMoved ?? 0).toBeGreaterThan(0);
  expect(() => gateway.gateway.setRates({ server: { downloadBytesPerSecond: -1 } })).toThrow(/server/);
  const misspelt = { sesion: { downloadBytesPerSecond: 1 } };
  expect(() => gateway.gateway.setRates(misspelt as object)).toThrow(/sesion/);
  gateway.gateway.setRates({ server: { downloadBytesPerSecond: 0 } });
  const { value, ms } = await downloading;
  expect(value.data.equals(CONTENT)).toBe(true);
  expect(ms).toBeLessThan(5_000);

  gateway.gateway.setRates({
    server: { downloadBytesPerSecond: 0 },
    accounts: { partner: { session: { downloadBytesPerSecond: 200_000 } } },
  });
  expect((await timed(() => client.download('RETR a.bin'))).ms).toBeGreaterThan(1_200);
});
