/** A dialogue that survives whatever the network and odd clients make of its lines, and ends when it is abused. */
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../src/lib/clock.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import type { TestGateway } from '../fixtures/gateway.ts';
import { startGateway } from '../fixtures/gateway.ts';

/** As many replies as are asked for, by their codes. */
async function codes(client: RawClient, count: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i++) found.push((await client.reply()).slice(0, 3));
  return found;
}

async function connectedOverTls(gateway: TestGateway): Promise<RawClient> {
  const client = await RawClient.connect(gateway);
  await client.send('AUTH TLS');
  await client.startTls();
  return client;
}

describe('a data connection that the client drops before TLS', () => {
  // This clock stands still: whoever waited for the end of a time limit would wait for ever.
  const started = () => startGateway({}, {}, { clock: new FakeClock(Date.now()) });

  test.each(['STOR a.txt', 'LIST'])('behind 150 is answered 426 at once (%s)', async (command) => {
    const gateway = await started();
    const client = await RawClient.login(gateway);
    const socket = await client.passive();
    expect(await client.send(command)).toMatch(/^150/);
    socket.end();
    expect(await client.reply()).toMatch(/^426/);
    expect(readdirSync(gateway.home)).toEqual([]);
    expect(await client.send('NOOP')).toMatch(/^200/);
    client.close();
  });

  test('before its command is answered 426 behind it', async () => {
    const client = await RawClient.login(await started());
    const socket = await client.passive();
    socket.destroy();
    await once(socket, 'close');
    expect(await client.send('STOR a.txt')).toMatch(/^150/);
    expect(await client.reply()).toMatch(/^426/);
    client.close();
  });

  test('is answered so over implicit TLS', async () => {
    const clock = new FakeClock(Date.now());
    const gateway = await startGateway({ listen: [{ port: 0, tls: 'implicit' }] }, {}, { clock });
    const { host, port, user, password, certificates } = gateway;
    const control = connectTls({ host, port, ca: certificates.caCert, servername: 'localhost' });
    let text = '';
    control.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    const said = async (line: string, answer: RegExp) => {
      text = '';
      control.write(`${line}\r\n`);
      await expect.poll(() => text).toMatch(answer);
    };
    await once(control, 'secureConnect');
    await said(`USER ${user}`, /^331/m);
    await said(`PASS ${password}`, /^230/m);
    await said('EPSV', /^229/m);
    const socket = connect(Number(/\|\|\|(\d+)\|/.exec(text)?.[1]), host);
    await once(socket, 'connect');
    await said('STOR a.txt', /^150/m);
    socket.end();
    await expect.poll(() => text).toMatch(/^426/m);
    control.destroy();
  });
});

describe('abuse ends the connection', () => {
  test.each([
    ['over-long lines', `${'x'.repeat(10_000)}\r\n`, '500'],
    ['empty lines', '\r\n', '500'],
    ['lines with NULs', 'NO\0OP\r\n', '500'],
    ['lines with bare CRs', 'NOOP\rNOOP\r\n', '500'],
    ['verbs that nobody knows', 'FROBNICATE\r\n', '500'],
    ['arguments that are not UTF-8', Buffer.from('CWD \xe9\r\n', 'latin1'), '501'],
  ])('%s, one after the other', async (_, line, code) => {
    const gateway = await startGateway({ limits: { badCommandsMax: 4 } });
    const client = await RawClient.login(gateway);
    client.write(Buffer.concat(Array.from({ length: 10 }, () => Buffer.from(line))));
    expect(await codes(client, 5)).toEqual([code, code, code, code, '421']);
    await client.end();
    expect(await client.reply()).toBe('');
    await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
  });

  test('different kinds of it count together, and one good command is forgiveness', async () => {
    const client = await RawClient.login(await startGateway({ limits: { badCommandsMax: 3 } }));
    client.write('WHAT\r\n\0\r\nNOOP\r\nWHAT\r\n\r\nNOOP\r\nWHAT\r\n\0\r\n\r\n');
    expect(await codes(client, 10)).toEqual(['500', '500', '200', '500', '500', '200', '500', '500', '500', '421']);
    await client.end();
  });

  test('before the login, too', async () => {
    const client = await RawClient.connect(await startGateway({ limits: { badCommandsMax: 2 } }));
    client.write('A B\r\n1\r\n');
    expect(await codes(client, 3)).toEqual(['500', '500', '421']);
    await client.end();
  });

  describe.each([
    ['before TLS', (gateway: TestGateway) => RawClient.connect(gateway)],
    ['before the login', connectedOverTls],
    ['after it', (gateway: TestGateway) => RawClient.login(gateway)],
  ])('%s', (_, connected) => {
    test.each([
      'GET / HTTP/1.1',
      'head /',
      'POST / HTTP/1.0',
      'PROPFIND / HTTP/1.1',
      'PUT /a',
      'CONNECT a:1',
      'OPTIONS *',
      'PRI * HTTP/2.0',
      'Host: a',
    ])('a line of HTTP, %s, gets no answer, and nothing behind it is a command', async (line) => {
      const gateway = await startGateway();
      const client = await connected(gateway);
      client.write(`${line}\r\nNOOP\r\nMKD made\r\n`);
      await client.end();
      expect(await client.reply()).toBe('');
      await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
      expect(gateway.log.of('attack')).toHaveLength(1);
      expect(gateway.log.entries.filter(({ fields }) => fields.verb === 'NOOP' || fields.verb === 'MKD')).toEqual([]);
    });
  });
});

/** A dialogue in which every kind of line that is read differently appears. */
const DIALOGUE = Buffer.concat([
  Buffer.from('NOOP\r\nPWD\nMKD a "b" é\r\n'),
  Buffer.from([255, 244, 255, 242]),
  Buffer.from('ABOR\r\nWHAT\r\nNO\0OP\r\nCWD a\rb\r\nCWD '),
  Buffer.from([0xc3, 0x28]),
  Buffer.from(`\r\nCWD ${'x'.repeat(600)}\r\n\r\nfeat\r\nCWD a "b" é\r\nPWD\r\nQUIT\r\n`),
]);
const DIALOGUE_CODES = '200 257 257 226 500 500 500 501 500 500 211 250 257 221'.split(' ');

async function dialogueClient() {
  return RawClient.login(await startGateway({ limits: { lineBytesMax: 512 } }));
}

describe('lines are the same however they arrive', () => {
  test('all at once', async () => {
    const client = await dialogueClient();
    client.write(DIALOGUE);
    expect(await codes(client, DIALOGUE_CODES.length)).toEqual(DIALOGUE_CODES);
    await client.end();
    expect(await client.reply()).toBe('');
  });

  test('each byte in a TLS record of its own', async () => {
    const client = await dialogueClient();
    for (const byte of DIALOGUE) client.write(Buffer.of(byte));
    expect(await codes(client, DIALOGUE_CODES.length)).toEqual(DIALOGUE_CODES);
  });

  test('cut in two at every byte around what is special', async () => {
    const short = Buffer.concat([
      Buffer.from('CWD a\r\nPWD\n'),
      Buffer.from([255, 244, 255, 242]),
      Buffer.from('ABOR\r\nCWD é\r\nNOOP\r\n'),
    ]);
    const client = await dialogueClient();
    for (let i = 1; i < short.length; i++) {
      client.write(short.subarray(0, i));
      // The other half leaves when the first has been taken by the kernel, in a record of its own.
      await new Promise((resolve) => setImmediate(resolve));
      client.write(short.subarray(i));
      expect(await codes(client, 5), `cut at ${i}`).toEqual(['550', '257', '226', '550', '200']);
    }
  });
});

test('an over-long line is refused before its end has come, and the rest of it is no command', async () => {
  const client = await RawClient.login(await startGateway());
  client.write(`CWD ${'x'.repeat(20_000)}`);
  expect(await client.reply()).toMatch(/^500 Command line is too long/);
  client.write('MKD made\nPWD\r\n');
  expect(await client.reply()).toMatch(/^257 "\/"/);
});

test('inner lines of a reply begin with a space, so that no name can end it', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  mkdirSync(join(gateway.home, 'dir'));
  for (const name of ['212 End', '226 Stored.', 'a\r\n221 b', '-']) writeFileSync(join(gateway.home, 'dir', name), '');
  for (const [line, code] of [
    ['STAT dir', '212'],
    ['STAT', '211'],
    ['FEAT', '211'],
    ['HELP', '214'],
    ['MLST dir/226 Stored.', '250'],
  ] as const) {
    const lines = (await client.send(line)).split('\n');
    expect(lines[0]).toMatch(new RegExp(`^${code}-`));
    expect(lines.at(-1)).toMatch(new RegExp(`^${code} `));
    for (const inner of lines.slice(1, -1)) expect(inner).toMatch(/^ /);
  }
  expect(await client.send('NOOP')).toMatch(/^200/);
});

test('257 doubles every quote in a path', async () => {
  const client = await RawClient.login(await startGateway());
  expect(await client.send('MKD "')).toBe('257 "/""" created.');
  expect(await client.send('CWD "')).toMatch(/^250/);
  expect(await client.send('MKD a"" b"')).toBe('257 "/""/a"""" b""" created.');
  expect(await client.send('PWD')).toMatch(/^257 "\/"""/);
});

test.each(['RETR big.bin', 'STOR a.bin'])('a control connection that is lost ends %s at once', async (command) => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'big.bin'), Buffer.alloc(60_000_000));
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  expect(await client.send(command)).toMatch(/^150/);
  const secured = client.secure(socket);
  secured.pause();
  secured.write('some bytes');
  const dropped = once(socket, 'close');
  client.close();
  socket.resume();
  await dropped;
  await expect.poll(() => gateway.gateway.sessionCount).toBe(0);
  const logged = gateway.log.of('command.failed').filter(({ verb }) => command.startsWith(String(verb)));
  expect(logged).toMatchObject([{ code: 426 }]);
});

test('beside a transfer only what may be is answered; the rest waits its turn, in order', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  client.write('STOR a.txt\r\nPWD\r\nNOOP\r\nSYST\r\nABOR\r\nPWD\r\n');
  client.secure(socket).write('half');
  // PWD waits for the transfer, and NOOP stands behind PWD; ABOR is heard at once.
  expect(await codes(client, 7)).toEqual(['150', '426', '257', '200', '215', '226', '257']);
});
