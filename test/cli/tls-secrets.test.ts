/** `serve --tls-keylog`, and what `serve` and `check` say of FIPS mode. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { KEY_LOG_WARNING, openKeyLog } from '../../src/cli/key-log.ts';
import { runProgram } from '../../src/cli/program.ts';
import { fipsMode, isFipsModeAvailable } from '../../src/lib/fips.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A configuration for implicit TLS, so that a handshake needs no dialogue. */
async function configuration(tls = ''): Promise<string> {
  const { files } = await testCertificates();
  const path = join(await temporaryFolder(), 'sallyport.yaml');
  const text = `listen: [{ port: 0, tls: implicit }]\ntls:\n  certificate_file: ${files.cert}\n  key_file: ${files.key}\n${tls}`;
  await writeFile(path, text);
  return path;
}

/** Serves until it listens, does `act` and stops it. @returns what it printed. */
async function served(words: readonly string[], act = async (_port: number) => {}) {
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', ...words], terminal);
  await Promise.race([terminal.printed('Listening on'), stopped]);
  await act(Number(/Listening on 127\.0\.0\.1:(\d+)/.exec(terminal.errors())?.[1]));
  terminal.stop();
  return { exitCode: await stopped, errors: terminal.errors(), output: terminal.output() };
}

/** Shakes hands and waits for the greeting. */
async function greet(port: number): Promise<void> {
  const { caCert } = await testCertificates();
  await new Promise<void>((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: caCert });
    socket.once('data', () => socket.end(resolve)).on('error', reject);
  });
}

describe('--tls-keylog', () => {
  test.skipIf(process.platform === 'win32')('refuses a file that others can read, and starts nothing', async () => {
    const file = join(await temporaryFolder(), 'keys');
    await writeFile(file, '');
    await chmod(file, 0o640);
    const { exitCode, errors } = await served(['-c', await configuration(), '--tls-keylog', file]);
    expect(exitCode).toBe(2);
    expect(errors).toContain(`${file} can be used by others (mode 0640)`);
    expect(errors).not.toContain('Listening');
  });

  test('refuses what is no file of its own', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'folder'));
    await writeFile(join(folder, 'elsewhere'), '', { mode: 0o600 });
    await symlink(join(folder, 'elsewhere'), join(folder, 'link'));
    for (const name of ['folder', 'link', 'missing/keys']) {
      expect(() => openKeyLog(join(folder, name))).toThrow(/--tls-keylog: cannot write/);
    }
    expect(() => openKeyLog('/dev/null')).toThrow(/--tls-keylog: \/dev\/null is not a regular file/);
  });

  test('writes secrets into a file that nobody else can read, and warns aloud and in the log', async () => {
    const file = join(await temporaryFolder(), 'keys');
    const { exitCode, errors, output } = await served(['-c', await configuration(), '--tls-keylog', file], greet);
    expect(exitCode).toBe(0);
    expect(errors).toContain(KEY_LOG_WARNING(file));
    expect(output).toContain('tls.keys_logged');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const first = await readFile(file, 'utf8');
    expect(first).toMatch(/^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]+\n/m);
    // What is there stays there, and each start warns.
    const again = await served(['-c', await configuration(), '--tls-keylog', file], greet);
    expect(again.errors).toContain('WARNING');
    expect((await readFile(file, 'utf8')).startsWith(first)).toBe(true);
  });

  test('without it nothing is said and nothing written', async () => {
    const { errors, output } = await served(['-c', await configuration()], greet);
    expect(errors + output).not.toMatch(/WARNING|keys_logged/);
  });

  test('SSLKEYLOGFILE in the environment has no effect on Node; --tls-keylog in NODE_OPTIONS has, and warns', async () => {
    const folder = await temporaryFolder();
    const program = `
      const tls = require('node:tls');
      const [cert, key] = process.argv.slice(1).map((file) => require('node:fs').readFileSync(file));
      const server = tls.createServer({ cert, key }, (socket) => socket.end()).listen(0, '127.0.0.1', () => {
        const client = tls.connect({ port: server.address().port, host: '127.0.0.1', rejectUnauthorized: false });
        client.resume().on('close', () => server.close());
      });`;
    const { files } = await testCertificates();
    const shakeHands = (env: Record<string, string>) =>
      promisify(execFile)(process.execPath, ['-e', program, files.cert, files.key], { env });
    await shakeHands({ SSLKEYLOGFILE: join(folder, 'environment') });
    await expect(stat(join(folder, 'environment'))).rejects.toThrow('ENOENT');
    const { stderr } = await shakeHands({ NODE_OPTIONS: `--tls-keylog=${join(folder, 'options')}` });
    expect(stderr).toContain('Using --tls-keylog makes TLS connections insecure');
  });
});

describe('FIPS mode', () => {
  const FIPS = '  profile: fips\n';

  test('looking whether there is one leaves the process as it was', () => {
    const before = fipsMode();
    isFipsModeAvailable();
    expect(fipsMode()).toBe(before);
  });

  test.skipIf(isFipsModeAvailable())(
    'serve with the fips profile says aloud and in the log that there is none',
    async () => {
      const { exitCode, errors, output } = await served(['-c', await configuration(FIPS)], greet);
      expect(exitCode).toBe(0);
      expect(errors).toMatch(/WARNING: tls\.profile is fips, but the OpenSSL of this Node has no FIPS provider/);
      expect(output).toContain('tls.fips_mode_off');
    },
  );

  test.skipIf(isFipsModeAvailable())('check with the fips profile says that there is none', async () => {
    const { exitCode, output } = await run(['check', '-c', await configuration(FIPS)]);
    expect(exitCode).toBe(0);
    expect(output).toMatch(/TLS profile +fips, TLSv1\.2 or later\n/);
    expect(output).toMatch(/FIPS mode +NOT AVAILABLE/);
  });

  test('check says nothing of it with another profile', async () => {
    const { output } = await run(['check', '-c', await configuration()]);
    expect(output).toMatch(/TLS profile +intermediate, TLSv1\.2 or later\n +post-quantum +preferred\n/);
    expect(output).not.toContain('FIPS');
  });
});
