/** `sallyport compliance report`, as it is run: in a process of its own, with its exit codes. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { fakeTerminal, run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** Runs the command in a process of its own. */
function program(...words: readonly string[]): Promise<{ code: number; output: string; errors: string }> {
  return new Promise((resolve) => {
    const all = [MAIN, 'compliance', 'report', ...words];
    execFile(process.execPath, all, { timeout: 60_000, maxBuffer: 8_388_608 }, (error, output, errors) => {
      resolve({ code: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}

/** A folder with a configuration in it. */
async function configured(more: Readonly<Record<string, unknown>> = {}): Promise<{ folder: string; path: string }> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'home'));
  const { files } = await testCertificates();
  const tls = { certificate_file: files.cert, key_file: files.key };
  const path = join(folder, 'sallyport.yaml');
  await writeFile(path, JSON.stringify({ listen: [{ port: 0 }], tls, passive: { port_min: 0, port_max: 0 }, ...more }));
  return { folder, path };
}

/** Nothing in it fails for HIPAA. */
const SOUND = { log: { level: 'info' } };

describe('exit codes', () => {
  test('2 for wrong use, for a wrong configuration, and for a page that cannot be written', async () => {
    const { path, folder } = await configured();
    expect((await program('-c', path, '--framework', 'iso-27001')).code).toBe(2);
    expect((await program('-c', path, '--json', '--html', join(folder, 'a.html'))).code).toBe(2);
    expect((await program('-c', join(folder, 'absent.yaml'))).code).toBe(2);
    const broken = await configured({ compliance: [{ item: 'x' }] });
    const refused = await program('-c', broken.path);
    expect(refused).toMatchObject({ code: 2, output: '' });
    expect(refused.errors).toContain('compliance[0].control: is missing');
    const unwritten = await program('-c', path, '--html', join(folder, 'absent', 'a.html'));
    expect(unwritten).toMatchObject({ code: 2, errors: expect.stringContaining('cannot be written') });
  }, 120_000);

  test('1 when an item fails, with the report all the same', async () => {
    const { path } = await configured({ tls_data_required: false });
    const { code, output, errors } = await program('-c', path, '-f', 'hipaa');
    expect(code).toBe(1);
    expect(output).toMatch(
      /FAIL +164\.312\(e\)\(1\) +Files and listings over TLS only\n +hipaa-164\.312-e-1-data-tls\n +tls_data_required: false/,
    );
    expect(errors).toMatch(/sallyport: \d+ items? fails?\.\n/);
    // A pipe is no terminal: nothing of colour is in it.
    expect(output).not.toContain('\x1b');
    expect(output.split('\n').filter((line) => line.length > 80)).toEqual([]);
  }, 60_000);

  test('0 when none does, and nothing was written', async () => {
    const { path, folder } = await configured(SOUND);
    const { code, output, errors } = await program('-c', path, '-f', 'hipaa', '--json');
    expect({ code, errors }).toEqual({ code: 0, errors: '' });
    const report: { frameworks: { id: string }[]; counts: Record<string, number> } = JSON.parse(output);
    expect(report.frameworks.map(({ id }) => id)).toEqual(['hipaa']);
    expect(report.counts).toMatchObject({ fail: 0, pass: expect.any(Number) });
    expect((await readdir(folder)).sort()).toEqual(['home', 'sallyport.yaml']);
  }, 60_000);
});

test('the page is written for its owner alone, and standard output says what it counts', async () => {
  const { path, folder } = await configured(SOUND);
  const page = join(folder, 'report.html');
  const { exitCode, output } = await run(['compliance', 'report', '-c', path, '-f', 'hipaa', '--html', page]);
  expect(exitCode).toBe(0);
  expect(output).toMatch(
    /^.+report\.html: \d+ pass, 0 fail, 0 compensating, \d+ not applicable, \d+ not decided here\n$/,
  );
  expect((await stat(page)).mode & 0o777).toBe(0o600);
  expect(await readFile(page, 'utf8')).toMatch(/^<!DOCTYPE html>[\s\S]+<h1>Compliance report<\/h1>[\s\S]+<\/html>\n$/);
});

test('the digest is the one that the gateway has recorded, and its log verifies', async () => {
  const users = [{ name: 'acme', home: 'home' }];
  const { path, folder } = await configured({ users, log: { level: 'info' } });
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', '-c', path], terminal);
  await Promise.race([terminal.printed('Listening on'), stopped]);
  const running = await run(['compliance', 'report', '-c', path, '-f', 'hipaa', '--json']);
  expect(configurationOf(running.output).running).toMatchObject({ gateway: 'runs', loaded: 'same' });
  terminal.stop();
  expect(await stopped).toBe(0);
  const journal = (await readFile(join(folder, 'state', 'audit', 'journal'))).toString('latin1');
  const recorded = /"event":"config\.loaded".*?"digest":"([0-9a-f]{64})"/.exec(journal)?.[1];
  expect(recorded).toMatch(/^[0-9a-f]{64}$/);

  const { output } = await run(['compliance', 'report', '-c', path, '--json']);
  const report: {
    frameworks: { items: { id: string; verdict: string; evidence: { option: string; value: string }[] }[] }[];
  } = JSON.parse(output);
  const file = { file: path, sha256: sha256(await readFile(path)) };
  const last = { gateway: 'none', loaded: 'same', loadedAt: expect.any(String), digest: recorded };
  expect(configurationOf(output)).toEqual({ file: path, digest: recorded, files: [file], running: last });
  const item = report.frameworks[0]?.items.find(({ id }) => id === 'pci-dss-10.3.4-log-verifies');
  expect(item?.verdict).toBe('pass');
  expect(item?.evidence.map(({ option }) => option)).toEqual([
    expect.stringContaining('audit log in'),
    'last checkpoint',
  ]);
}, 60_000);

test('a configuration that was changed behind the start of the gateway is told from the one that runs', async () => {
  const { path } = await configured(SOUND);
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', '-c', path], terminal);
  await Promise.race([terminal.printed('Listening on'), stopped]);
  await writeFile(path, (await readFile(path, 'utf8')).replace('"info"', '"debug"'));
  const { output } = await run(['compliance', 'report', '-c', path, '-f', 'hipaa']);
  terminal.stop();
  expect(await stopped).toBe(0);
  expect(output.replaceAll(/\s+/g, ' ')).toContain(
    'running a gateway runs; its audit log has ANOTHER configuration loaded last',
  );
}, 60_000);

test('without a gateway and its log the report says so, and every file has a digest of its own', async () => {
  const { path, folder } = await configured({ ...SOUND, users_file: 'users.yaml' });
  const users = join(folder, 'users.yaml');
  const digests: string[] = [];
  for (const permissions of ['elr', 'elrw']) {
    await writeFile(users, JSON.stringify({ users: [{ name: 'acme', home: 'home', permissions }] }), { mode: 0o600 });
    const { output } = await run(['compliance', 'report', '-c', path, '-f', 'pci-dss', '--json']);
    const { digest, files, running } = configurationOf(output);
    expect(running).toEqual({ gateway: 'none', loaded: 'not_found', loadedAt: null, digest: null });
    expect(files).toEqual([
      { file: path, sha256: sha256(await readFile(path)) },
      { file: users, sha256: sha256(await readFile(users)) },
    ]);
    digests.push(digest);
  }
  // The digest of the configuration is of its options: accounts of the users file are not among them.
  expect(new Set(digests).size).toBe(1);
});

interface ConfigurationSeen {
  readonly digest: string;
  readonly files: readonly unknown[];
  readonly running: unknown;
}

function configurationOf(output: string): ConfigurationSeen {
  const report: { configuration: ConfigurationSeen } = JSON.parse(output);
  return report.configuration;
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
