/** What `serve --demo` writes: everything on the first start, what is missing on the next, and never over what exists. */
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyPassword } from '../../src/auth/password-hash.ts';
import { demoCommands, demoPreamble, prepareDemo } from '../../src/cli/demo.ts';
import { loadConfig } from '../../src/config/load.ts';
import { temporaryFolder } from './temporary-folder.ts';

const DAY_MS = 86_400_000;

/** Every file below a folder with its mode and bytes. */
async function everything(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const described = files.sort().map(async (path) => {
    const { mode, mtimeMs } = await stat(path);
    return [
      relative(folder, path),
      `${(mode & 0o777).toString(8)} ${mtimeMs} ${await readFile(path, 'latin1')}`,
    ] as const;
  });
  return Object.fromEntries(await Promise.all(described));
}

const MADE = [
  'certs/ca.crt',
  'certs/ca.key',
  'certs/server.crt',
  'certs/server.key',
  'var/sallyport.yaml',
  'var/users.yaml',
];

describe('refusals', () => {
  test('certificates that have expired are named, with the command that renews them', async () => {
    const folder = await temporaryFolder();
    await prepareDemo(folder, Date.now() - 400 * DAY_MS);
    const before = await everything(folder);
    await expect(prepareDemo(folder, Date.now())).rejects.toThrow(
      /server\.crt expired on .*\n.*cert dev --force --out .*certs/,
    );
    expect(await everything(folder)).toEqual(before);
  });

  test('a certificate without its key is not replaced in silence', async () => {
    const folder = await temporaryFolder();
    await prepareDemo(folder, Date.now());
    await rm(join(folder, 'certs/server.key'));
    await expect(prepareDemo(folder, Date.now())).rejects.toThrow('server.key');
  });
});

describe('the first start', () => {
  test('writes what the gateway accepts: both TLS policies on, loopback only, one account', async () => {
    const folder = await temporaryFolder();
    const demo = await prepareDemo(folder, Date.now());
    expect(Object.keys(await everything(folder))).toEqual(MADE);
    expect([...demo.written].sort()).toEqual(MADE.map((name) => join(folder, name)));

    const loaded = await loadConfig(demo.configFile);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { options, accounts } = loaded;
    expect(options).toMatchObject({
      listen: [{ host: '127.0.0.1', port: 2121, tls: 'explicit' }],
      tlsControlRequired: true,
      tlsDataRequired: true,
      passive: { portMin: 50_000, portMax: 50_999 },
    });
    expect(accounts).toMatchObject([{ name: 'demo', permissions: 'elradfmwMT', home: join(folder, 'var/demo') }]);
    if (demo.password === undefined) throw new Error('no password was made');
    expect(await verifyPassword(demo.password, accounts[0]?.passwordHash ?? '')).toBe(true);
  });

  test('keeps keys and hashes from everybody else on the machine', async () => {
    const folder = await temporaryFolder();
    await prepareDemo(folder, Date.now());
    for (const name of ['certs/ca.key', 'certs/server.key', 'var/users.yaml']) {
      expect([name, (await stat(join(folder, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
  });

  test('says what to paste, with the password once and for all', async () => {
    const folder = await temporaryFolder();
    const demo = await prepareDemo(folder, Date.now());
    const password = demo.password?.reveal() ?? '';
    expect(password.length).toBeGreaterThanOrEqual(12);
    expect(demoPreamble(demo)).toContain(password);
    expect(demoCommands(demo, 2121)).toContain(
      `curl --ssl-reqd --cacert ${join(folder, 'certs/ca.crt')} --user demo:${password} -T README.md ftp://localhost:2121/\n`,
    );
    for (const text of Object.values(await everything(folder))) expect(text).not.toContain(password);
  });
});

describe('a later start', () => {
  test('changes no byte, and says where to set a new password', async () => {
    const folder = await temporaryFolder();
    await prepareDemo(folder, Date.now());
    const before = await everything(folder);
    const demo = await prepareDemo(folder, Date.now());
    expect(await everything(folder)).toEqual(before);
    expect(demo).toMatchObject({ password: undefined, written: [] });
    expect(demoPreamble(demo)).toContain(`user passwd demo --users ${join(folder, 'var/users.yaml')}`);
    expect(demoCommands(demo, 2121)).toContain('--user demo -T README.md');
  });

  test('completes whatever is missing and leaves the rest', async () => {
    const folder = await temporaryFolder();
    await prepareDemo(folder, Date.now());
    for (const missing of [
      ['var/users.yaml'],
      ['var/sallyport.yaml'],
      ['certs/server.crt'],
      ['certs/server.crt', 'certs/server.key'],
    ]) {
      for (const name of missing) await rm(join(folder, name));
      const before = await everything(folder);
      const demo = await prepareDemo(folder, Date.now());
      const after = await everything(folder);
      expect(Object.keys(after)).toEqual(MADE);
      expect(after).toMatchObject(before);
      expect([...demo.written].sort()).toEqual(missing.map((name) => join(folder, name)));
      expect((await loadConfig(demo.configFile)).ok).toBe(true);
    }
  });

  test('keeps a configuration and accounts that somebody else wrote', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'var'));
    await writeFile(join(folder, 'var/sallyport.yaml'), '# mine\n');
    const demo = await prepareDemo(folder, Date.now());
    expect(await readFile(demo.configFile, 'utf8')).toBe('# mine\n');
    expect(demo.written).not.toContain(demo.configFile);
  });
});

test('a folder whose name a shell would take apart is quoted', async () => {
  const folder = join(await temporaryFolder(), "it's here");
  const demo = await prepareDemo(folder, Date.now());
  expect(demoCommands(demo, 2121)).toContain(`--cacert '${join(folder, 'certs/ca.crt').replace("'", "'\\''")}'`);
});
