/** Transfers over real sockets: whole or not there, resumable, and with the dialogue going on beside them. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway } from '../fixtures/gateway.ts';

const visible = (home: string) => readdirSync(home).filter((name) => !name.startsWith('.sallyport-'));

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`an upload and a download carry the same bytes, and 226 gives their count and hash (${version})`, async () => {
    const gateway = await startGateway();
    const client = await RawClient.login(gateway, { version });
    const bytes = randomBytes(3_000_000);
    const stored = await client.upload('STOR big.bin', bytes);
    expect(stored).toMatch(/^226/);
    expect(stored).toContain('3000000');
    expect(stored).toContain(createHash('sha256').update(bytes).digest('hex'));
    const { reply, data } = await client.download('RETR big.bin');
    expect(reply).toMatch(/^226/);
    expect(data.equals(bytes)).toBe(true);
    expect(gateway.log.of('command')).toContainEqual(expect.objectContaining({ verb: 'STOR', code: 226 }));
  });
}

test('nothing is visible under the name before the transfer has ended', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const other = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  secured.write('half of it');
  await expect.poll(() => readdirSync(gateway.home).length).toBe(1);
  expect(visible(gateway.home)).toEqual([]);
  expect((await other.download('MLSD')).data.toString()).not.toContain('sallyport');
  expect(await other.send('SIZE a.txt')).toMatch(/^550/);
  for (const name of readdirSync(gateway.home)) expect(await other.send(`SIZE ${name}`)).toMatch(/^550/);
  secured.end(', and the rest');
  expect(await client.reply()).toMatch(/^226/);
  expect(await other.send('SIZE a.txt')).toBe('213 24');
});

test('a download resumes at REST, an upload continues with APPE, and STOU finds a name of its own', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await client.upload('STOR a.txt', 'hello');
  expect(await client.send('REST 2')).toMatch(/^350/);
  expect((await client.download('RETR a.txt')).data.toString()).toBe('llo');
  // REST holds for one transfer.
  expect((await client.download('RETR a.txt')).data.toString()).toBe('hello');
  expect(await client.upload('APPE a.txt', ' again')).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('hello again');
  const socket = await client.passive();
  const mark = await client.send('STOU');
  const name = /^150 FILE: (\S+)$/.exec(mark)?.[1] ?? '';
  client.secure(socket).end('unique');
  expect(await client.reply()).toMatch(/^226/);
  expect(readFileSync(join(gateway.home, name), 'utf8')).toBe('unique');
});

test('ASCII transfers end lines with CRLF on the wire and LF on the disk', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  await client.send('TYPE A');
  await client.upload('STOR a.txt', 'one\r\ntwo\r\n');
  expect(readFileSync(join(gateway.home, 'a.txt'), 'utf8')).toBe('one\ntwo\n');
  expect((await client.download('RETR a.txt')).data.toString()).toBe('one\r\ntwo\r\n');
});

test('PROT counts when the transfer starts: a port arranged under C carries a transfer under P, and not the reverse', async () => {
  const gateway = await startGateway({ tlsDataRequired: false });
  const client = await RawClient.login(gateway);
  await client.send('PROT C');
  const early = await client.passive();
  await client.send('PROT P');
  expect(await client.send('STOR a.txt')).toMatch(/^150/);
  client.secure(early).end('secret');
  expect(await client.reply()).toMatch(/^226/);

  const late = await client.passive();
  await client.send('PROT C');
  expect(await client.send('STOR b.txt')).toMatch(/^150/);
  late.end('in clear');
  expect(await client.reply()).toMatch(/^425.*PROT/s);
  expect(visible(gateway.home)).toEqual(['a.txt']);
});

test('a client may finish the data handshake before it sends the command, or begin it only after 150', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const early = client.secure(await client.passive());
  await once(early, 'secureConnect');
  expect(await client.send('STOR early.txt')).toMatch(/^150/);
  early.end('early');
  expect(await client.reply()).toMatch(/^226/);
  expect(await client.upload('STOR late.txt', 'late')).toMatch(/^226/);
});

test('NOOP and STAT are answered during a transfer, other commands behind it, and QUIT lets it finish', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  secured.write('x'.repeat(1_000));
  expect(await client.send('NOOP')).toMatch(/^200/);
  await expect.poll(() => client.send('STAT')).toMatch(/1000 bytes/);
  client.write('PWD\r\nQUIT\r\n');
  secured.end();
  expect(await client.reply()).toMatch(/^226/);
  expect(await client.reply()).toMatch(/^257/);
  expect(await client.reply()).toMatch(/^221/);
  await client.end();
  expect(visible(gateway.home)).toEqual(['a.txt']);
});

test.each(['STOR a.txt', 'RETR big.bin'])('ABOR ends %s with 426 and is answered with 226', async (command) => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, 'big.bin'), randomBytes(50_000_000));
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send(command);
  const secured = client.secure(socket);
  secured.pause();
  secured.write('some bytes');
  // As Telnet clients send it: interrupt, then the mark, then the command (RFC 959 section 4.1.3).
  client.write(Buffer.concat([Buffer.from([255, 244, 255, 242]), Buffer.from('ABOR\r\n')]));
  expect(await client.reply()).toMatch(/^426/);
  expect(await client.reply()).toMatch(/^226/);
  expect(await client.send('NOOP')).toMatch(/^200/);
  expect(visible(gateway.home)).toEqual(['big.bin']);
});

test('thousands of pipelined commands are all answered, in order', async () => {
  const gateway = await startGateway();
  const client = await RawClient.login(gateway);
  client.write('NOOP\r\nPWD\r\n'.repeat(2_000));
  for (let i = 0; i < 2_000; i++) {
    expect(await client.reply()).toMatch(/^200/);
    expect(await client.reply()).toMatch(/^257/);
  }
});

test('an account that may only write can upload, and see nothing', async () => {
  const gateway = await startGateway({}, { permissions: 'w' });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
  expect((await client.download('LIST')).reply).toMatch(/^550/);
  expect((await client.download('RETR a.txt')).reply).toMatch(/^550/);
  for (const line of [
    'DELE a.txt',
    'RNFR a.txt',
    'MKD d',
    'SIZE a.txt',
    'SITE CHMOD 600 a.txt',
    'MFMT 20260101000000 a.txt',
  ]) {
    expect(`${line}: ${await client.send(line)}`).toMatch(/: 550/);
  }
});

test('an account that may create but not overwrite gets 553, before and after the data', async () => {
  const gateway = await startGateway({}, { overwrite: 'keep' });
  const client = await RawClient.login(gateway);
  writeFileSync(join(gateway.home, 'a.txt'), 'old');
  expect(await client.upload('STOR a.txt', 'new')).toMatch(/^553/);
  // Somebody else takes the name while the upload runs.
  const socket = await client.passive();
  await client.send('STOR b.txt');
  writeFileSync(join(gateway.home, 'b.txt'), 'first');
  client.secure(socket).end('second');
  expect(await client.reply()).toMatch(/^553/);
  expect(readFileSync(join(gateway.home, 'b.txt'), 'utf8')).toBe('first');
});

test('an upload beyond the account’s bound gets 552 and is not published', async () => {
  const gateway = await startGateway({}, { uploadBytesMax: 1_000 });
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR a.txt', 'x'.repeat(1_001))).toMatch(/^552/);
  expect(await client.upload('STOR b.txt', 'x'.repeat(1_000))).toMatch(/^226/);
  expect(visible(gateway.home)).toEqual(['b.txt']);
});

test('no symlink leads out of the home', async () => {
  const gateway = await startGateway();
  writeFileSync(join(gateway.home, '..', 'outside.txt'), 'outside');
  symlinkSync('..', join(gateway.home, 'up'));
  symlinkSync('../outside.txt', join(gateway.home, 'leak.txt'));
  mkdirSync(join(gateway.home, 'in'));
  const client = await RawClient.login(gateway);
  expect((await client.download('RETR leak.txt')).reply).toMatch(/^550/);
  expect((await client.download('RETR up/outside.txt')).reply).toMatch(/^550/);
  expect(await client.upload('STOR up/new.txt', 'x')).toMatch(/^550/);
  expect(await client.send('CWD up')).toMatch(/^550/);
  expect(readdirSync(join(gateway.home, '..')).sort()).toEqual(['home', 'outside.txt']);
});

test('an idle session is told why it ends, a transfer keeps it alive', async () => {
  const gateway = await startGateway({ limits: { idleTimeoutMs: 300, stallTimeoutMs: 5_000 } });
  const client = await RawClient.login(gateway);
  const socket = await client.passive();
  await client.send('STOR a.txt');
  const secured = client.secure(socket);
  for (let i = 0; i < 8; i++) {
    secured.write('x');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  secured.end();
  expect(await client.reply()).toMatch(/^226/);
  expect(await client.reply()).toMatch(/^421/);
  await client.end();
});

test('closing the gateway tells idle sessions and lets a running transfer finish within its grace', async () => {
  const gateway = await startGateway();
  const idle = await RawClient.login(gateway);
  const busy = await RawClient.login(gateway);
  const socket = await busy.passive();
  await busy.send('STOR a.txt');
  const closing = gateway.gateway.close({ graceMs: 5_000 });
  expect(await idle.reply()).toMatch(/^421/);
  busy.secure(socket).end('hello');
  expect(await busy.reply()).toMatch(/^226/);
  await closing;
  expect(visible(gateway.home)).toEqual(['a.txt']);
});
