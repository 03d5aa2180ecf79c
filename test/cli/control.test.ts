/** The commands that act on a running gateway: a gateway and the command line in processes of their own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { operatorName } from '../../src/cli/control.ts';
import { Secret } from '../../src/lib/secret.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD } from '../fixtures/gateway.ts';
import { run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Starting Node and loading everything, on a busy machine. */
const START_MS = 60_000;
const UNKNOWN = '5d41402abc4b2a76b9719d91';

/** A configuration whose gate lets pass what holds the word `clean`. */
async function configured() {
  const { files } = await testCertificates();
  const folder = await temporaryFolder();
  const home = join(folder, 'home');
  await mkdir(home);
  const password_hash = await hashPassword(new Secret(PASSWORD));
  const configuration = {
    listen: [{ host: '127.0.0.1', port: 0 }],
    tls: { certificate_file: files.cert, key_file: files.key },
    passive: { port_min: 0, port_max: 0 },
    gates: [{ kind: 'command', name: 'scan', program: '/usr/bin/grep', args: ['-q', 'clean', '{file}'] }],
    deliveries: [{ kind: 'command', name: 'erp', program: '/bin/false' }],
    users: [
      {
        ...{ name: 'acme', password_hash, home, permissions: 'elradfmw' },
        intake: { gates: ['scan'], deliver: ['erp'] },
      },
    ],
  };
  const config = join(folder, 'sallyport.yaml');
  // JSON is YAML.
  await writeFile(config, JSON.stringify(configuration), { mode: 0o600 });
  return { folder, home, config, state: join(folder, 'state') };
}

/** Starts the gateway; it is killed behind the test. */
async function serve(config: string) {
  const child: ChildProcess = spawn(process.execPath, [MAIN, 'serve', '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let errors = '';
  child.stderr?.on('data', (piece) => {
    errors += String(piece);
  });
  const listening = /Listening on 127\.0\.0\.1:(\d+) /;
  await expect.poll(() => errors, { timeout: START_MS, interval: 20 }).toMatch(listening);
  return { child, port: Number(listening.exec(errors)?.[1]) };
}

async function loggedIn(port: number): Promise<RawClient> {
  const certificates = await testCertificates();
  return RawClient.login({ host: '127.0.0.1', port, user: 'acme', password: PASSWORD, certificates });
}

/** Runs the command line in a process of its own. */
async function cli(...words: readonly string[]) {
  const ended = promisify(execFile)(process.execPath, [MAIN, ...words], { timeout: START_MS });
  return ended.then(
    ({ stdout, stderr }) => ({ exitCode: 0, output: stdout, errors: stderr }),
    (error) => ({ exitCode: error.code, output: error.stdout, errors: error.stderr }),
  );
}

/** The records of an event. */
async function recorded(config: string, event: string) {
  const { output } = await run(['audit', 'show', '-c', config, '--event', event, '--json']);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

test('files that are held back are listed, shown, released and destroyed, each act recorded', {
  timeout: 180_000,
}, async () => {
  const { config, home, state } = await configured();
  const { child, port } = await serve(config);
  const client = await loggedIn(port);
  expect(await client.upload('STOR good.txt', 'clean')).toMatch(/^226/);
  for (const name of ['first.txt', 'second\u202etxt']) {
    expect(await client.upload(`STOR ${name}`, 'a virus')).toMatch(/^550 .*held back/);
  }
  await client.send('QUIT');

  const table = await cli('quarantine', 'list', '-c', config);
  expect(table).toMatchObject({ exitCode: 0, errors: '' });
  expect(table.output).toMatch(/^ID +SINCE +ACCOUNT +BYTES +PATH +WHY\n/);
  expect(table.output).toContain('/second\\u202etxt');
  const items: { id: string; path: string }[] = JSON.parse(
    (await run(['quarantine', 'list', '-d', state, '--json'])).output,
  );
  expect(items).toMatchObject([{ path: '/first.txt', outcomes: [{ gate: 'scan', verdict: 'refuse' }] }, {}]);
  const [first = '', second = ''] = items.map(({ id }) => id);

  const shown = await run(['quarantine', 'show', first, '-c', config]);
  for (const line of [
    /account +acme\n/,
    /path +\/first\.txt\n/,
    /bytes +7\n/,
    /from +127\.0\.0\.1 port/,
    /gates +scan: refuse/,
  ]) {
    expect(shown.output).toMatch(line);
  }

  // Refusals: no reason, nobody to ask, no such upload.
  expect((await run(['quarantine', 'release', first, '-c', config])).exitCode).toBe(2);
  expect((await run(['quarantine', 'release', first, '-c', config, '--reason', ' '])).exitCode).toBe(2);
  expect(await run(['quarantine', 'destroy', first, '-c', config, '--reason', 'x'])).toMatchObject({
    exitCode: 2,
    errors: expect.stringContaining('--yes'),
  });
  for (const act of ['show', 'release', 'destroy']) {
    const more = act === 'show' ? [] : ['--reason', 'x'];
    const words = ['quarantine', act, UNKNOWN, '-c', config, ...more, ...(act === 'destroy' ? ['--yes'] : [])];
    expect(await run(words)).toMatchObject({ exitCode: 1, output: '' });
  }
  expect(await recorded(config, 'quarantine.*')).toEqual([]);

  expect(await cli('quarantine', 'release', first, '-c', config, '--reason', 'false alarm')).toEqual({
    ...{ exitCode: 0, errors: '', output: `Published ${first} as /first.txt.\n` },
  });
  expect(await readFile(join(home, 'first.txt'), 'utf8')).toBe('a virus');
  const gone = await cli('quarantine', 'destroy', second, '-d', state, '--reason', 'malware', '--yes', '--json');
  expect(JSON.parse(gone.output)).toEqual({ upload: second });
  expect((await run(['quarantine', 'list', '-c', config])).output).toBe('Nothing is held back.\n');

  const operator = operatorName();
  expect(operator).toContain(userInfo().username);
  expect(await recorded(config, 'quarantine.*')).toMatchObject([
    {
      ...{ event: 'quarantine.released', who: { operator }, origin: { program: 'cli' }, reason: 'false alarm' },
      object: { upload: first, path: '/first.txt', account: 'acme', through: 'control socket' },
    },
    { event: 'quarantine.destroyed', who: { operator }, object: { upload: second }, reason: 'malware' },
  ]);
  expect(await recorded(config, 'upload.published')).toHaveLength(2);
  expect((await run(['audit', 'verify', '-c', config])).exitCode).toBe(0);

  const status = await run(['status', '-c', config]);
  expect(status).toMatchObject({ exitCode: 0, errors: '' });
  expect(status.output).toMatch(new RegExp(`process ${child.pid}, since `));
  expect(status.output).toMatch(/audit log +\d+ records, writable \(required\)\n/);
  expect(JSON.parse((await run(['status', '-d', state, '--json'])).output)).toMatchObject({
    ...{ pid: child.pid, sessions: { all: 0 }, uploads: { published: 2, rejected: 1 }, audit: { writable: true } },
  });
});

test('deliveries that fail are listed, retried and given up, each act recorded', { timeout: 180_000 }, async () => {
  const { config } = await configured();
  const { port } = await serve(config);
  const client = await loggedIn(port);
  expect(await client.upload('STOR good.txt', 'clean')).toMatch(/^226/);
  await client.send('QUIT');
  const list = async () => JSON.parse((await run(['deliveries', 'list', '-c', config, '--json'])).output);
  await expect.poll(async () => (await list()).files, { timeout: START_MS }).toHaveLength(1);
  const { deliveries, files } = await list();
  expect(deliveries).toMatchObject([{ name: 'erp', kind: 'command' }]);
  const [{ id }] = files;
  expect(id).toMatch(/^[0-9a-f]{24}\.erp$/);
  expect((await cli('deliveries', 'list', '-c', config)).output).toContain(id);
  for (const act of ['retry', 'discard']) {
    const more = act === 'discard' ? ['--yes'] : [];
    const other = ['deliveries', act, `${UNKNOWN}.erp`, '-c', config, '--reason', 'x', ...more];
    expect(await run(other)).toMatchObject({ exitCode: 1, errors: expect.stringContaining('waits for an operator') });
    expect((await run(['deliveries', act, id, '-c', config, ...more])).exitCode).toBe(2);
    expect((await run(['deliveries', act, 'nonsense', '-c', config, '--reason', 'x', ...more])).exitCode).toBe(2);
  }
  expect(await run(['deliveries', 'retry', id, '-c', config, '--reason', 'it is back'])).toMatchObject({ exitCode: 0 });
  // Until the attempt that was asked for has failed it is not to be acted on.
  await expect
    .poll(
      async () => (await run(['deliveries', 'discard', id, '-c', config, '--reason', 'by hand', '--yes'])).exitCode,
      {
        timeout: START_MS,
      },
    )
    .toBe(0);
  expect((await list()).files).toEqual([]);
  const operator = operatorName();
  expect(await recorded(config, 'delivery.retried')).toMatchObject([{ who: { operator }, reason: 'it is back' }]);
  expect(await recorded(config, 'delivery.discarded')).toMatchObject([
    { who: { operator }, reason: 'by hand', object: { through: 'control socket' } },
  ]);
});

test('without a gateway nothing is acted on, and what the last one left is still listed', {
  timeout: 180_000,
}, async () => {
  const { config, state } = await configured();
  const none = await run(['quarantine', 'list', '-c', config]);
  expect(none).toMatchObject({ exitCode: 1, errors: expect.stringContaining('No gateway runs') });
  const { child, port } = await serve(config);
  const client = await loggedIn(port);
  expect(await client.upload('STOR bad.txt', 'a virus')).toMatch(/^550/);
  const second = await cli('serve', '-c', config);
  expect(second).toMatchObject({
    exitCode: 1,
    errors: expect.stringContaining(`another gateway runs with the state directory ${state}`),
  });
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  // Its socket is still there, and nobody listens.
  const { output, errors } = await run(['quarantine', 'list', '-c', config, '--json']);
  expect(errors).toContain('No gateway runs');
  const [{ id, path }] = JSON.parse(output);
  expect(path).toBe('/bad.txt');
  for (const words of [
    ['quarantine', 'release', id, '--reason', 'x'],
    ['quarantine', 'destroy', id, '--reason', 'x', '--yes'],
    ['deliveries', 'list'],
    ['status'],
  ]) {
    expect(await run([...words, '-c', config])).toMatchObject({
      ...{ exitCode: 1, output: '', errors: expect.stringContaining('No gateway runs here') },
    });
  }
  expect((await run(['audit', 'verify', '-c', config])).exitCode).toBe(0);
  await serve(config);
  expect(await run(['quarantine', 'release', id, '--reason', 'x', '-c', config])).toMatchObject({ exitCode: 0 });
});

test('a socket that this user may not use is said to be so', { timeout: START_MS }, async () => {
  const state = join(await temporaryFolder(), 'state');
  await mkdir(state);
  const isRoot = process.getuid?.() === 0;
  await chmod(state, isRoot ? 0o700 : 0);
  onTestFinished(() => chmod(state, 0o700));
  // Root may everything, so it asks as nobody.
  const ids = isRoot ? { uid: 65_534, gid: 65_534 } : {};
  const asked = promisify(execFile)(process.execPath, [MAIN, 'status', '-d', state], { timeout: START_MS, ...ids });
  await expect(asked).rejects.toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('may not use') });
});

test('the operator is the user of the system, and behind sudo who called it too', () => {
  const { username, uid } = userInfo();
  expect(operatorName({})).toBe(username);
  expect(operatorName({ SUDO_USER: 'alice' })).toBe(uid === 0 ? `alice (as ${username})` : username);
});

test('check finds a state directory in which no control socket can be, named or not', async () => {
  const { folder, config } = await configured();
  expect((await run(['check', '-c', config])).exitCode).toBe(0);
  const long = join(folder, 'x'.repeat(90));
  await mkdir(long);
  const deep = join(long, 'sallyport.yaml');
  const text = await readFile(config, 'utf8');
  await writeFile(deep, text, { mode: 0o600 });
  const words = 'state_directory: must be a path of at most 90 bytes';
  expect(await run(['check', '-c', deep])).toMatchObject({ exitCode: 2, errors: expect.stringContaining(words) });
  await writeFile(deep, JSON.stringify({ ...JSON.parse(text), state_directory: '../state' }));
  expect((await run(['check', '-c', deep])).exitCode).toBe(0);
  await writeFile(config, JSON.stringify({ ...JSON.parse(text), state_directory: 'y'.repeat(90) }));
  expect(await run(['check', '-c', config])).toMatchObject({ exitCode: 2, errors: expect.stringContaining(words) });
});
