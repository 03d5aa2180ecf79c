/** SIGHUP and `sallyport check`: certificates as the operator meets them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { beforeAll, beforeEach, expect, onTestFinished } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { needs } from '../fixtures/client-programs.ts';
import { lastingFolder } from '../fixtures/lasting-folder.ts';
import { AUTHORITY, type OpensslPair, openssl, opensslPair } from '../fixtures/openssl-certificates.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const test = needs('openssl');

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let ecdsa: OpensslPair;
let rsa: OpensslPair;
let soon: OpensslPair;

beforeAll(async () => {
  const made = await lastingFolder();
  ecdsa = await opensslPair(made, 'ecdsa');
  rsa = await opensslPair(made, 'rsa', { key: 'rsa' });
  soon = await opensslPair(made, 'soon', {
    days: 10,
    issuer: await opensslPair(made, 'ca', { extensions: AUTHORITY }),
  });
}, 60_000);

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});

async function install(name: string, cert: OpensslPair, key = cert): Promise<void> {
  await copyFile(cert.certFile, join(folder, `${name}.crt`));
  await copyFile(key.keyFile, join(folder, `${name}.key`));
}

const LISTEN = 'listen: [{ port: 0, tls: implicit }]\n';
const ONE = `${LISTEN}tls:\n  certificate_file: one.crt\n  key_file: one.key\n`;
const SEVERAL = `${LISTEN}tls:
  certificates:
    - certificate_file: one.crt
      key_file: one.key
    - certificate_file: two.crt
      key_file: two.key
`;

async function configure(text: string): Promise<string> {
  const path = join(folder, 'sallyport.yaml');
  await writeFile(path, text);
  return path;
}

/** What `check` says, without the folder's name. */
async function check(text: string) {
  const { exitCode, output, errors } = await run(['check', '-c', await configure(text)]);
  const plain = (said: string) => said.replaceAll(`${folder}/`, '').trimEnd().split('\n');
  return { exitCode, output: plain(output), errors: plain(errors) };
}

test('check tells mistakes in a list of certificates where they stand', async () => {
  await install('one', ecdsa, rsa);
  await install('two', ecdsa);
  await chmod(join(folder, 'two.key'), 0o604);
  const { exitCode, errors } = await check(`${SEVERAL}      passphrase_file: absent\n  ocsp: fetch\n`);
  expect(exitCode).toBe(2);
  expect(errors).toEqual([
    expect.stringMatching(
      /^sallyport\.yaml:4:25 tls\.certificates\[0\]\.certificate_file: must hold the certificate of/,
    ),
    'sallyport.yaml:5:17 tls.certificates[0].key_file: does not belong to the certificate',
    expect.stringMatching(
      /^sallyport\.yaml:6:25 tls\.certificates\[1\]\.certificate_file: must hold the certificate of/,
    ),
    'sallyport.yaml:7:17 tls.certificates[1].key_file: can be read by others or written by its group (mode 0604): run chmod 640 two.key, or 600',
    'sallyport.yaml:8:24 tls.certificates[1].passphrase_file: does not exist: absent',
    expect.stringContaining('has 5 mistakes'),
  ]);
});

test('check refuses two certificates of one kind, and both forms at once', async () => {
  await install('one', ecdsa);
  await install('two', soon);
  expect((await check(SEVERAL)).errors[0]).toBe(
    'sallyport.yaml:7:17 tls.certificates[1].key_file: has an ECDSA key, as another one in the list: only one of each kind can be shown',
  );
  expect((await check(`${SEVERAL}  key_file: one.key\n`)).errors).toContain(
    'sallyport.yaml:8:13 tls.key_file: belongs in certificates, where there is such a list',
  );
});

test('check warns of what is to come, says ok, and shows each certificate', async () => {
  await install('one', soon);
  await install('two', rsa);
  const { exitCode, output, errors } = await check(SEVERAL);
  expect(exitCode).toBe(0);
  expect(errors).toEqual([
    expect.stringMatching(
      /^sallyport\.yaml:4:25 tls\.certificates\[0\]\.certificate_file: warning: expires on .*, in 9 days$/,
    ),
  ]);
  const lines = output.filter((line) => line.startsWith('  certificate '));
  expect(lines).toEqual([
    expect.stringMatching(
      /CN=soon, expires \d{4}-\d\d-\d\d, in 9 days, p-256, for DNS:localhost, IP Address:127\.0\.0\.1$/,
    ),
    expect.stringMatching(/CN=rsa, expires \d{4}-\d\d-\d\d, in 89 days, rsa, for/),
  ]);
});

test('check opens a locked key with its passphrase', async () => {
  await install('one', ecdsa);
  await openssl(
    'pkcs8',
    '-topk8',
    '-in',
    ecdsa.keyFile,
    '-out',
    join(folder, 'one.key'),
    '-passout',
    'pass:open sesame',
  );
  expect((await check(ONE)).errors[0]).toMatch(/^sallyport\.yaml:4:13 tls\.key_file: needs a passphrase/);
  await writeFile(join(folder, 'words'), 'open sesame\n', { mode: 0o600 });
  expect((await check(`${ONE}  passphrase_file: words\n`)).exitCode).toBe(0);
});

test('a reload signal puts new certificates in force, and says what is wrong or waits for the next start', async () => {
  await install('one', ecdsa);
  const path = await configure(ONE);
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', '-c', path], terminal);
  await terminal.printed('Listening on');
  const port = Number(/Listening on 127\.0\.0\.1:(\d+)/.exec(terminal.errors())?.[1]);
  const reload = async (answer: string) => {
    expect(terminal.reload()).toBe(1);
    await terminal.printed(answer);
  };
  await install('one', rsa);
  await reload('Reload: certificates reloaded.\n');
  expect(await commonNameAt(port)).toBe('rsa');
  await install('one', rsa, ecdsa);
  await reload('Reload: certificates refused, what was in force stays: the gateway: the key does not belong');
  expect(terminal.errors()).toContain(`${path}:4:13 tls.key_file: does not belong to the certificate`);
  expect(terminal.errors()).toContain('it could not be started again with them');
  expect(await commonNameAt(port)).toBe('rsa');
  await install('one', ecdsa);
  await configure(`${ONE}banner: Hello.\n`);
  await reload('Changes of banner are in force from the next start on.\n');
  terminal.stop();
  expect(await stopped).toBe(0);
  expect(terminal.reload()).toBe(0);
});

test('SIGHUP does not end the process', async () => {
  await install('one', ecdsa);
  const child = spawn(process.execPath, [MAIN, 'serve', '-c', await configure(ONE)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  await expect.poll(() => said, { timeout: 15_000 }).toContain('Listening on');
  child.kill('SIGHUP');
  await expect.poll(() => said, { timeout: 15_000 }).toContain('Reload: certificates reloaded.');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);

async function commonNameAt(port: number): Promise<string | undefined> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const name = socket.getPeerX509Certificate()?.subject.slice('CN='.length);
  socket.destroy();
  return name;
}
