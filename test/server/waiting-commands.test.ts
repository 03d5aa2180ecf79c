/** Commands that wait behind a transfer: however many there are, what ends the transfer is heard at once. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';

const visible = (home: string) => readdirSync(home).filter((name) => !name.startsWith('.sallyport-'));

/** Three times as many as are read ahead while no transfer runs, and none that is answered beside one. */
const FULL_QUEUE = 'PWD\r\n'.repeat(200);

/** More than the buffers of sockets and TLS hold, so that a download which nobody reads cannot end. */
const LARGE_BYTES = 64 * 1_048_576;

/** Commands whose answers tell them apart, and those answers. */
const LINES = ['PWD', 'SYST', 'NOOP', 'HELP PWD', 'REST 0', 'CWD none', 'WHAT'] as const;
const CODES = ['257', '215', '200', '214', '350', '550', '500'] as const;

function pipelined(count: number) {
  const lines = Array.from({ length: count }, (_, index) => `${LINES[index % LINES.length]}\r\n`).join('');
  const codes = Array.from({ length: count }, (_, index) => CODES[index % CODES.length]);
  return { lines, codes };
}

/** As many replies as are asked for, by their codes. */
async function codes(client: RawClient, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i++) found.push((await client.reply()).slice(0, 3));
  return found;
}

/** A client whose upload has begun. */
async function uploading(gateway: TestGateway): Promise<{ client: RawClient; secured: TLSSocket }> {
  const client = await RawClient.login(gateway);
  return { client, secured: await beginUpload(client) };
}

async function beginUpload(client: RawClient): Promise<TLSSocket> {
  const socket = await client.passive();
  expect(await client.send('STOR a.txt')).toMatch(/^150/);
  const secured = client.secure(socket);
  secured.write('half of it');
  await expect.poll(() => client.send('STAT')).toMatch(/10 bytes/);
  return secured;
}

/** A client whose download waits for somebody to read it. */
async function downloading(gateway: TestGateway): Promise<{ client: RawClient; secured: TLSSocket }> {
  await writeFile(join(gateway.home, 'large.bin'), 'x');
  await truncate(join(gateway.home, 'large.bin'), LARGE_BYTES);
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  expect(await client.send('RETR large.bin')).toMatch(/^150/);
  const secured = client.secure(socket);
  await once(secured, 'readable');
  return { client, secured };
}

/** Returns when the gateway has looked at whatever had been sent before. */
async function looked(other: RawClient): Promise<void> {
  for (let count = 0; count < 3; count++) await other.send('NOOP');
}

describe('more commands than may wait', () => {
  test('end the upload, which is not published, and the session', async () => {
    const gateway = await startGateway({ limits: { queuedBytesMax: 131_072 } });
    const { client } = await uploading(gateway);
    client.write('PWD\r\n'.repeat(3_000));
    expect(await client.reply()).toMatch(/^426.*too many commands/is);
    expect(await client.reply()).toMatch(/^421.*too many commands/is);
    await client.end();
    expect(await client.reply()).toBe('');
    await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
    expect(visible(gateway.home)).toEqual([]);
    expect(gateway.log.of('session.ended')).toMatchObject([{ fault: 'TooManyWaiting' }]);
    expect(gateway.log.of('command.failed')).toMatchObject([{ verb: 'STOR', code: 426 }]);
  });

  test.each([
    ['of few long lines', `CWD ${'x'.repeat(8_000)}\r\n`, 17],
    ['of lines that are refused', '\r\n', 2_100],
  ])('are counted by what keeping them costs: %s', async (_, line, count) => {
    const gateway = await startGateway({ limits: { queuedBytesMax: 131_072 } });
    const { client } = await uploading(gateway);
    client.write(line.repeat(count));
    expect(await codes(client, 2)).toEqual(['426', '421']);
    await client.end();
    expect(visible(gateway.home)).toEqual([]);
  });

  test('are counted anew in the next transfer', async () => {
    const gateway = await startGateway({ limits: { queuedBytesMax: 131_072 } });
    const other = await RawClient.login(gateway);
    const client = await RawClient.login(gateway);
    for (let round = 0; round < 3; round++) {
      const secured = await beginUpload(client);
      client.write('PWD\r\n'.repeat(1_500));
      await looked(other);
      secured.end();
      expect(await codes(client, 1_501)).toEqual(['226', ...Array.from({ length: 1_500 }, () => '257')]);
    }
  });
});

describe('behind a full queue', () => {
  test('an HTTP request ends upload and session at once', async () => {
    const gateway = await startGateway();
    const { client } = await uploading(gateway);
    client.write(`${FULL_QUEUE}GET / HTTP/1.1\r\nMKD made\r\n`);
    await client.end();
    expect(await client.reply()).toBe('');
    await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
    expect(visible(gateway.home)).toEqual([]);
    expect(gateway.log.of('attack')).toHaveLength(1);
  });

  test('the loss of the control connection ends an upload, even if its data then end well', async () => {
    const gateway = await startGateway();
    const other = await RawClient.login(gateway);
    const { client, secured } = await uploading(gateway);
    client.write(FULL_QUEUE);
    await looked(other);
    client.close();
    await looked(other);
    secured.end(', and the rest');
    await expect.poll(() => gateway.gateway.sessionCount).toBe(1);
    expect(visible(gateway.home)).toEqual([]);
    expect(gateway.log.of('command.failed')).toMatchObject([{ verb: 'STOR', code: 426 }]);
  });

  test('the loss of the control connection ends a download', async () => {
    const gateway = await startGateway();
    const other = await RawClient.login(gateway);
    const { client } = await downloading(gateway);
    client.write(FULL_QUEUE);
    await looked(other);
    client.close();
    await expect.poll(() => gateway.gateway.sessionCount).toBe(1);
    expect(gateway.log.of('command.failed')).toMatchObject([{ verb: 'RETR', code: 426 }]);
  });

  test('ABOR ends an upload at once, and every command that waits is answered, in order', async () => {
    const gateway = await startGateway();
    const { client } = await uploading(gateway);
    const { lines, codes: expected } = pipelined(700);
    client.write(`PWD\r\n${lines}ABOR\r\n`);
    // NOOP stands behind PWD, so it waits as well.
    expect(await codes(client, 703)).toEqual(['426', '257', ...expected, '226']);
    expect(visible(gateway.home)).toEqual([]);
    expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
  });

  test('ABOR is heard even when the client reads none of its replies', async () => {
    const gateway = await startGateway({ limits: { queuedBytesMax: 16_777_216 } });
    const { client } = await downloading(gateway);
    // Their answers are more than the buffers hold, so that the gateway waits for them to be read.
    client.socket.pause();
    client.write(`${'STAT\r\n'.repeat(40_000)}ABOR\r\n`);
    await expect
      .poll(() => gateway.log.of('command.failed'), { timeout: 5_000 })
      .toMatchObject([{ verb: 'RETR', code: 426 }]);
    client.close();
  });
});

describe('thousands of commands are all answered, in order', () => {
  test('while no transfer runs', async () => {
    const client = await RawClient.login(await startGateway());
    const { lines, codes: expected } = pipelined(5_000);
    client.write(lines);
    expect(await codes(client, 5_000)).toEqual(expected);
  });

  test('behind a download', async () => {
    const gateway = await startGateway();
    const { client, secured } = await downloading(gateway);
    const { lines, codes: expected } = pipelined(2_000);
    client.write(`PWD\r\n${lines}`);
    secured.resume();
    await once(secured, 'end');
    secured.end();
    expect(await codes(client, 2_002)).toEqual(['226', '257', ...expected]);
  });
});

test('NOOP and STAT are answered beside a transfer as long as nothing waits in front of them', async () => {
  const gateway = await startGateway();
  const { client, secured } = await uploading(gateway);
  client.write('NOOP\r\nSTAT\r\n'.repeat(500));
  expect(await codes(client, 1_000)).toEqual(Array.from({ length: 500 }, () => ['200', '211']).flat());
  client.write('PWD\r\nNOOP\r\n');
  await looked(await RawClient.login(gateway));
  secured.end();
  expect(await codes(client, 3)).toEqual(['226', '257', '200']);
});
