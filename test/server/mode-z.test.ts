/** MODE Z over real sockets: off unless switched on, whole or not there, and with lftp as a client that really uses it. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { needs, run } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestUser } from '../fixtures/gateway.ts';

const visible = (home: string) => readdirSync(home).filter((name) => !name.startsWith('.sallyport-'));

async function modeZ(user: TestUser = {}) {
  const gateway = await startGateway({ modeZ: true }, user);
  const client = await RawClient.login(gateway);
  expect(await client.send('MODE Z')).toMatch(/^200/);
  return { gateway, client };
}

test('it is neither offered nor taken unless it is switched on', async () => {
  const client = await RawClient.login(await startGateway());
  expect(await client.send('FEAT')).not.toContain('MODE Z');
  expect(await client.send('MODE Z')).toMatch(/^504/);
  expect(await client.send('OPTS MODE Z LEVEL 9')).toMatch(/^501/);
});

const TEXT = Buffer.from('a line of a file\r\n'.repeat(50_000));
const STREAM = deflateSync(TEXT);

describe('uploads that are not published', () => {
  test.each([
    ['a stream that is cut off', STREAM.subarray(0, -1), /^426.*zlib/],
    ['garbage behind the stream', Buffer.concat([STREAM, Buffer.from('more')]), /^426.*zlib/],
    ['no stream at all', TEXT, /^426.*zlib/],
    ['nothing', Buffer.alloc(0), /^426.*zlib/],
    ['a bomb', deflateSync(Buffer.alloc(60_000_000)), /^552.*200 times/],
  ])('%s', async (_, bytes, expected) => {
    const { gateway, client } = await modeZ();
    writeFileSync(join(gateway.home, 'a.txt'), 'old');
    expect(await client.upload('STOR a.txt', bytes)).toMatch(expected);
    expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('old');
    expect(await client.upload('APPE b.txt', bytes)).toMatch(expected);
    expect(visible(gateway.home)).toEqual(['a.txt']);
    // Nor is anything kept to be resumed: its checksum was missed.
    expect(await client.send('SIZE b.txt')).toMatch(/^550/);
    expect(await client.send('NOOP')).toMatch(/^200/);
  });

  test('a file whose inflated bytes are more than the account may store', async () => {
    const { gateway, client } = await modeZ({ uploadBytesMax: TEXT.length - 1 });
    expect(await client.upload('STOR a.txt', STREAM)).toMatch(/^552/);
    expect(visible(gateway.home)).toEqual([]);
  });

  test('a whole stream that ends without close_notify', async () => {
    const { gateway, client } = await modeZ();
    const socket = await client.passive();
    await client.send('STOR a.txt');
    const secured = client.secure(socket);
    secured.write(STREAM, () => socket.end());
    expect(await client.reply()).toMatch(/^426[\s\S]*close_notify/);
    expect(visible(gateway.home)).toEqual([]);
  });

  test('a restart, which counts in the bytes of MODE S', async () => {
    const { gateway, client } = await modeZ();
    writeFileSync(join(gateway.home, 'a.txt'), 'hello');
    for (const command of ['RETR a.txt', 'STOR a.txt']) {
      expect(await client.send('REST 2')).toMatch(/^350/);
      expect((await client.download(command)).reply).toMatch(/^554 Restarts need MODE S/);
    }
    expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('hello');
  });

  test('one that is aborted', async () => {
    const { gateway, client } = await modeZ();
    const socket = await client.passive();
    await client.send('STOR a.txt');
    const secured = client.secure(socket);
    await once(secured, 'secureConnect');
    secured.write(STREAM.subarray(0, 100));
    client.write('ABOR\r\n');
    expect(await client.reply()).toMatch(/^426/);
    expect(await client.reply()).toMatch(/^226/);
    expect(visible(gateway.home)).toEqual([]);
  });
});

test('count and hash of an upload are those of the file, and MODE S comes back', async () => {
  const { gateway, client } = await modeZ();
  expect(await client.send('FEAT')).toContain('\n MODE Z\n');
  expect(await client.send('STAT')).toContain('MODE Z');
  const stored = await client.upload('STOR a.txt', STREAM);
  expect(stored).toMatch(/^226/);
  expect(stored).toContain(`${TEXT.length} bytes, SHA-256 ${createHash('sha256').update(TEXT).digest('hex')}`);
  expect(readFileSync(join(gateway.home, 'a.txt')).equals(TEXT)).toBe(true);
  expect(gateway.log.of('command')).toContainEqual(expect.objectContaining({ verb: 'STOR', dataBytes: STREAM.length }));
  expect(await client.upload('APPE a.txt', deflateSync('the end'))).toMatch(/^226/);
  expect(await client.send('MODE S')).toMatch(/^200/);
  const { data } = await client.download('RETR a.txt');
  expect(data.equals(Buffer.concat([TEXT, Buffer.from('the end')]))).toBe(true);
});

test('downloads and listings are deflated, in TYPE A too', async () => {
  const { gateway, client } = await modeZ();
  const bytes = randomBytes(3_000_000);
  writeFileSync(join(gateway.home, 'big.bin'), bytes);
  writeFileSync(join(gateway.home, 'lines.txt'), 'one\ntwo\n');
  expect(inflateSync((await client.download('RETR big.bin')).data).equals(bytes)).toBe(true);
  for (const verb of ['LIST', 'NLST', 'MLSD']) {
    const { reply, data } = await client.download(verb);
    expect(reply).toMatch(/^226/);
    expect(inflateSync(data).toString()).toMatch(/big\.bin\r\n/);
  }
  await client.send('TYPE A');
  expect(inflateSync((await client.download('RETR lines.txt')).data).toString()).toBe('one\r\ntwo\r\n');
  expect(await client.upload('STOR in.txt', deflateSync('a\r\nb\r\n'))).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'in.txt'), 'utf8')).toBe('a\nb\n');
});

test('OPTS MODE Z LEVEL says how hard the server compresses', async () => {
  const { gateway, client } = await modeZ();
  writeFileSync(join(gateway.home, 'a.txt'), TEXT);
  const sizes: number[] = [];
  for (const level of [0, 1, 9]) {
    expect(await client.send(`OPTS MODE Z LEVEL ${level}`)).toBe(`200 MODE Z LEVEL set to ${level}.`);
    const { data } = await client.download('RETR a.txt');
    expect(inflateSync(data).equals(TEXT)).toBe(true);
    sizes.push(data.length);
  }
  expect(sizes[0]).toBeGreaterThan(TEXT.length);
  expect(sizes[1]).toBeLessThan(TEXT.length / 10);
  expect(sizes[2]).toBeLessThan(sizes[1] ?? 0);
});

needs('lftp')('lftp sends and fetches with MODE Z, empty files too', async () => {
  // lftp ends its uploads without close_notify.
  const gateway = await startGateway({ modeZ: true }, { closeNotify: 'preferred' });
  const local = join(gateway.home, '..');
  mkdirSync(join(local, 'back'));
  const bytes = Buffer.concat([TEXT, randomBytes(500_000)]);
  writeFileSync(join(local, 'a.bin'), bytes);
  writeFileSync(join(local, 'empty.txt'), '');
  const script = [
    'set ftp:use-mode-z yes',
    'set xfer:log no',
    'set ftp:ssl-force yes',
    'set ftp:ssl-protect-data yes',
    `set ssl:ca-file "${gateway.certificates.files.caCert}"`,
    'set ssl:check-hostname no',
    'set cmd:fail-exit yes',
    'set net:max-retries 1',
    `open -u ${gateway.user},"${gateway.password}" ftp://${gateway.host}:${gateway.port}`,
    `put ${join(local, 'a.bin')}`,
    `put ${join(local, 'empty.txt')}`,
    'cls -1',
    `get a.bin -o ${join(local, 'back', 'a.bin')}`,
    `get empty.txt -o ${join(local, 'back', 'empty.txt')}`,
    'bye',
  ];
  const { code, stdout, stderr } = await run('lftp', ['-c', script.join('\n')]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toBe('a.bin\nempty.txt\n');
  expect(readFileSync(join(gateway.home, 'a.bin')).equals(bytes)).toBe(true);
  expect(readFileSync(join(local, 'back', 'a.bin')).equals(bytes)).toBe(true);
  expect(readFileSync(join(local, 'back', 'empty.txt')).length).toBe(0);
  const stored = gateway.log.of('command').find(({ verb }) => verb === 'STOR');
  expect(stored?.dataBytes).toBeLessThan(bytes.length - 100_000);
});
