/** `sallyport serve` and `check`: the same configuration, refused in the same words; starting, stopping, and the demo. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const curl = (...words: string[]) =>
  promisify(execFile)('curl', ['--silent', '--show-error', '--max-time', '15', ...words]);
const curlMissing = await curl('--version').then(
  () => false,
  () => true,
);
const skipCurl = curlMissing && process.env.CI === undefined;

/** A configuration that listens on the port, with lines added to it. */
async function configuration({ port = 0, more = '' } = {}): Promise<string> {
  const { files } = await testCertificates();
  const path = join(await temporaryFolder(), 'sallyport.yaml');
  await writeFile(
    path,
    `listen:\n  - port: ${port}\ntls:\n  certificate_file: ${files.cert}\n  key_file: ${files.key}\n${more}`,
  );
  return path;
}

/** Starts a command in this process; `stopped` resolves with its exit code. */
async function started(words: readonly string[], ready: string) {
  const terminal = fakeTerminal();
  const stopped = runProgram(words, terminal);
  await Promise.race([terminal.printed(ready), stopped]);
  const port = Number(/Listening on 127\.0\.0\.1:(\d+)/.exec(terminal.output() + terminal.errors())?.[1]);
  expect([terminal.errors(), port]).toEqual([expect.any(String), expect.any(Number)]);
  return { terminal, stopped, port };
}

describe.each(['serve', 'check'])('%s refuses', (command) => {
  test('every mistake at once, each with its place, with exit code 2', async () => {
    const path = await configuration({ more: 'tls_control_requird: true\npassive:\n  port_min: 10\n' });
    const { exitCode, output, errors } = await run([command, '-c', path]);
    expect({ exitCode, output }).toEqual({ exitCode: 2, output: '' });
    expect(errors).toContain(`${path}:6:1 tls_control_requird: `);
    expect(errors).toContain(`${path}:8:`);
    expect(errors).toContain('2 mistakes');
    expect(errors).not.toMatch(/\n\s+at /);
  });

  test('a file that is not there', async () => {
    const { exitCode, errors } = await run([command, '-c', join(await temporaryFolder(), 'nowhere.yaml')]);
    expect(exitCode).toBe(2);
    expect(errors).toContain('nowhere.yaml');
  });
});

describe('check', () => {
  test('says ok and what the configuration amounts to, and starts nothing', async () => {
    const path = await configuration({ port: 2121, more: 'tls_data_required: false\nusers_file: users.yaml\n' });
    const users = join(dirname(path), 'users.yaml');
    await run(['user', 'add', 'acme', '--users', users, '--home', join(dirname(path), 'acme'), '--generate']);
    const { exitCode, output, errors } = await run(['check', '-c', path]);
    expect({ exitCode, errors }).toEqual({ exitCode: 0, errors: '' });
    expect(output).toMatch(new RegExp(`^${path}: ok\n`));
    expect(output).toContain('127.0.0.1 port 2121 (explicit TLS)');
    expect(output).toMatch(/login without TLS +refused/);
    expect(output).toMatch(/data without TLS +ALLOWED/);
    expect(output).toMatch(/accounts +1 enabled, 0 disabled/);
    expect(output).toMatch(/CN=localhost, expires \d{4}-\d\d-\d\d/);
    expect(output).not.toContain('hosts');
  });

  test('lists the virtual hosts', async () => {
    const { files } = await testCertificates();
    const more = `hosts:\n  - name: LocalHost\n    certificate_file: ${files.cert}\n    key_file: ${files.key}\n`;
    const { output } = await run(['check', '-c', await configuration({ more })]);
    expect(output).toMatch(/hosts +localhost\n/);
  });
});

describe('serve', () => {
  test('a port that is taken is named, with exit code 1', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void blocker.close());
    await once(blocker, 'listening');
    const address = blocker.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const { exitCode, errors } = await run(['serve', '-c', await configuration({ port: address.port })]);
    expect(exitCode).toBe(1);
    expect(errors).toContain(`127.0.0.1:${address.port}`);
    expect(errors).toContain('another program has this port');
    expect(errors).not.toMatch(/\n\s+at /);
  });

  test('says where it listens, stops at a signal with exit code 0, and listens to no further signals', async () => {
    const { terminal, stopped, port } = await started(['serve', '-c', await configuration()], 'Listening on');
    const client = createConnection(port, '127.0.0.1');
    const [greeting] = await once(client, 'data');
    expect(String(greeting)).toMatch(/^220 /);
    client.resume();
    const gone = once(client, 'close');
    expect(terminal.stop()).toBe(1);
    expect(await stopped).toBe(0);
    await gone;
    expect(terminal.stop()).toBe(0);
    expect(terminal.exits).toEqual([]);
    await expect(once(createConnection(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  test('a second signal ends the process at once', async () => {
    const { terminal, stopped, port } = await started(['serve', '-c', await configuration()], 'Listening on');
    // Somebody is connected, so the first signal alone has something to wait for.
    const client = createConnection(port, '127.0.0.1');
    await once(client, 'data');
    terminal.stop();
    terminal.stop();
    await stopped;
    client.destroy();
    expect(terminal.errors()).toContain('Once more stops at once');
    expect(terminal.exits).toEqual([1]);
  });
});

test('serve and check say where the metrics are', async () => {
  const path = await configuration({ more: 'metrics: { port: 0 }\n' });
  expect((await run(['check', '-c', path])).output).toMatch(/metrics +127\.0\.0\.1 port 0 \(clear HTTP\)/);
  const { terminal, stopped } = await started(['serve', '-c', path], 'Metrics at');
  expect(terminal.errors()).toMatch(/Metrics at http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics\.\n/);
  terminal.stop();
  expect(await stopped).toBe(0);
});

describe('serve --demo', () => {
  test.skipIf(skipCurl)(
    'the commands that it prints work, and a second start reuses everything',
    async () => {
      const state = await temporaryFolder();
      // Whoever has the usual port, the test must not mind: a configuration that exists is kept.
      const { prepareDemo } = await import('../../src/cli/demo.ts');
      const { configFile, usersFile } = await prepareDemo(state, Date.now());
      const text = await readFile(configFile, 'utf8');
      await writeFile(configFile, text.replace('port: 2121', 'port: 0'));
      await writeFile(usersFile, 'users: []\n', { mode: 0o600 });

      const first = await started(['serve', '--demo', '--state', state], 'Ctrl-C');
      const [upload, list, fetch] = first.terminal
        .output()
        .split('\n')
        .filter((line) => line.startsWith('  curl '))
        .map((line) =>
          line
            .trim()
            .split(' ')
            .slice(1)
            .map((word) => word.replaceAll("'", '')),
        );
      if (upload === undefined || list === undefined || fetch === undefined)
        throw new Error('three commands were expected');
      const readme = fileURLToPath(new URL('../../certs/README.md', import.meta.url));
      await curl(...upload.map((word) => (word === 'README.md' ? readme : word)));
      expect((await curl(...list)).stdout).toContain('README.md');
      const fetched = join(state, 'fetched.md');
      await curl(...fetch.map((word) => (word === 'fetched.md' ? fetched : word)));
      expect(await readFile(fetched, 'utf8')).toBe(await readFile(readme, 'utf8'));
      expect(await readFile(join(state, 'var/demo/README.md'), 'utf8')).toBe(await readFile(readme, 'utf8'));
      first.terminal.stop();
      expect(await first.stopped).toBe(0);

      const password = upload[upload.indexOf('--user') + 1]?.split(':')[1] ?? '';
      const hashes = await readFile(usersFile, 'utf8');
      const second = await started(['serve', '--demo', '--state', state], 'Ctrl-C');
      second.terminal.stop();
      expect(await second.stopped).toBe(0);
      expect(second.terminal.output() + second.terminal.errors()).not.toContain(password);
      expect(second.terminal.output()).toContain('user passwd demo');
      expect(await readFile(usersFile, 'utf8')).toBe(hashes);
    },
    60_000,
  );
});

describe('the executable', () => {
  test('passes the exit code on, and errors without a stack', async () => {
    const failed = await promisify(execFile)(process.execPath, [MAIN, 'check', '-c', '/nowhere.yaml']).catch(
      (error) => error,
    );
    expect(failed).toMatchObject({ code: 2, stdout: '' });
    expect(failed.stderr).toContain('/nowhere.yaml');
    expect(failed.stderr).not.toMatch(/\n\s+at /);
  });

  test('serves until SIGTERM and ends with 0', async () => {
    const child = spawn(process.execPath, [MAIN, 'serve', '-c', await configuration()], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    await printed(child.stderr, 'Listening on');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('stops as gracefully when nobody reads what it says', async () => {
    const child = spawn(process.execPath, [MAIN, 'serve', '-c', await configuration()]);
    onTestFinished(() => void child.kill('SIGKILL'));
    await printed(child.stderr, 'Listening on');
    child.stderr.destroy();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  test('ends without a stack when nobody reads its log', async () => {
    const child = spawn(process.execPath, [
      MAIN,
      'serve',
      '-c',
      await configuration({ more: 'log: { level: debug }\n' }),
    ]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const port = Number(/:(\d+) /.exec(await printed(child.stderr, 'Listening on'))?.[1]);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.stdout.destroy();
    const client = createConnection(port, '127.0.0.1');
    client.on('error', () => undefined).on('data', () => client.write('NOOP\r\n'));
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(said).toBe('');
  });

  test('is a file that a shell can start', async () => {
    expect((await readFile(MAIN, 'utf8')).startsWith('#!/usr/bin/env node\n')).toBe(true);
    expect((await stat(MAIN)).isFile()).toBe(true);
  });
});

/** What a stream has said up to and with the text. */
function printed(stream: Readable, text: string): Promise<string> {
  let said = '';
  return new Promise((resolve) => {
    stream.setEncoding('utf8').on('data', (chunk) => {
      said += chunk;
      if (said.includes(text)) resolve(said);
    });
  });
}
