/**
 * The package as it is published: packed, unpacked into an empty project with nothing but the dependencies that it
 * declares, and used from JavaScript and TypeScript, from the command line and from a test.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { put, startExample } from '../examples/running-example.ts';
import { CAN_HAVE_ACCOUNTS, SYSTEM_PASSWORD, systemAccounts } from '../examples/system-accounts.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

/** Packing compiles everything, on a machine that runs other tests beside. */
const PATIENCE_MS = 240_000;

let project = '';
let sources: readonly string[] = [];
let packed: readonly string[] = [];

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'sallyport-package-'));
  const copy = await repositoryCopy();
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: copy });
  sources = (await readdir(join(copy, 'src'), { recursive: true })).filter((name) => name.endsWith('.ts'));
  const [, file = ''] = /"filename": "([^"]+\.tgz)"/.exec(stdout) ?? [];
  const modules = join(project, 'node_modules');
  await mkdir(join(modules, '.bin'), { recursive: true });
  await run('tar', ['-xzf', join(project, file), '-C', modules]);
  await run('mv', [join(modules, 'package'), join(modules, 'sallyport')]);
  packed = (await readdir(join(modules, 'sallyport'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(modules, 'sallyport').length + 1));
  await linkDependencies(modules);
  // As npm would: the program is executable, and stands among those that npx finds.
  await chmod(join(modules, 'sallyport/dist/cli/main.js'), 0o755);
  await symlink('../sallyport/dist/cli/main.js', join(modules, '.bin/sallyport'));
  await writeFile(join(project, 'package.json'), JSON.stringify({ name: 'empty', type: 'module', private: true }));
}, PATIENCE_MS);

afterAll(() => rm(project, { recursive: true, force: true }));

/** A copy to be packed, so that the repository's own `dist` is nobody's but the developer's. */
async function repositoryCopy(): Promise<string> {
  const copy = join(project, 'repository');
  const ignored = new Set(['.git', 'node_modules', 'dist', 'coverage', 'certs', 'var', 'test']);
  for (const name of await readdir(REPOSITORY)) {
    if (!ignored.has(name)) await cp(join(REPOSITORY, name), join(copy, name), { recursive: true });
  }
  await symlink(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

/** Links what the lock file has for production, and what the project itself would install: a client, and types. */
async function linkDependencies(modules: string): Promise<void> {
  const lock: { packages: Record<string, { dev?: boolean }> } = JSON.parse(
    await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8'),
  );
  const own = ['node_modules/basic-ftp', 'node_modules/@types/node', 'node_modules/undici-types'];
  const needed = Object.entries(lock.packages).filter(([, { dev }]) => dev !== true);
  for (const path of [...needed.map(([name]) => name), ...own]) {
    // What lies within another package comes with it.
    if (!/^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path)) continue;
    const link = join(modules, path.slice('node_modules/'.length));
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(REPOSITORY, path), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
}

/** Runs something in the project, without what the tests themselves have set. */
async function inProject(program: string, ...args: string[]): Promise<string> {
  const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...inherited } = process.env;
  const env = { ...inherited, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), PORT: '0' };
  try {
    return (await run(program, args, { cwd: project, env, timeout: 120_000 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = Object(error);
    throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`, { cause: error });
  }
}

describe('what is packed', () => {
  test('is the compiled code of every source file, documents, examples, and nothing else', async () => {
    const compiled = packed.filter((name) => name.startsWith('dist/') && name.endsWith('.js'));
    expect(compiled.sort()).toEqual(sources.map((name) => `dist/${name.replace(/\.ts$/, '.js')}`).sort());
    const strays = packed.filter(
      (name) =>
        !/^dist\/.*\.(?:js|js\.map|d\.ts)$/.test(name) &&
        !/^docs\/[a-z-]+\.md$/.test(name) &&
        !/^examples\/[a-z-]+(?:\.test)?\.(?:ts|yaml)$/.test(name),
    );
    expect(strays.sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json']);
  });

  test('has its own source in the maps, since it does not come with the sources', async () => {
    const map = JSON.parse(await readFile(join(project, 'node_modules/sallyport/dist/index.js.map'), 'utf8'));
    expect(map.sourcesContent).toHaveLength(1);
  });

  test('has every file that its entrances name, but for those of the repository’s own condition', async () => {
    const manifest = JSON.parse(await readFile(join(project, 'node_modules/sallyport/package.json'), 'utf8'));
    const { '.': main, './testing': testing } = manifest.exports;
    for (const { 'sallyport-source': source, ...others } of [main, testing]) {
      expect(source).toMatch(/^\.\/src\//);
      for (const path of Object.values(others)) expect(packed).toContain(String(path).slice(2));
    }
    expect(Object.keys(manifest.exports)).toEqual(['.', './testing']);
  });
});

test('npx finds the program, which tells its version and makes certificates', { timeout: PATIENCE_MS }, async () => {
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  expect(await inProject('npx', '--no-install', 'sallyport', '--version')).toBe(`${version}\n`);
  await inProject('npx', '--no-install', 'sallyport', 'cert', 'dev');
  expect(await readdir(join(project, 'certs'))).toEqual(expect.arrayContaining(['ca.crt', 'server.crt', 'server.key']));
});

// $2y$10$... is bcrypt, which is verified in a thread with a file of its own.
const PROGRAM = `
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { Client } from 'basic-ftp';
import bcrypt from 'bcryptjs';
import { createGateway } from 'sallyport';
import { startTestGateway, virtualPath } from 'sallyport/testing';

await using memory = await startTestGateway();
const client = new Client();
const secure = { secure: true, secureOptions: { ca: memory.ca, servername: 'localhost' } };
await client.access({ host: memory.host, port: memory.port, user: memory.user, password: memory.password, ...secure });
await client.uploadFrom(Readable.from(['hello']), 'a.txt');
assert.equal(memory.files.bytesOf(virtualPath('/a.txt')).toString(), 'hello');
client.close();

const home = resolve('home');
await mkdir(home, { recursive: true });
const gateway = createGateway({
  listen: [{ port: 0 }],
  tls: { certificateFile: 'certs/server.crt', keyFile: 'certs/server.key' },
  users: [{ name: 'acme', passwordHash: await bcrypt.hash('secret', 10), home, permissions: 'elrw' }],
});
await gateway.start();
const other = new Client();
const [{ host, port }] = gateway.addresses;
await other.access({ host, port, user: 'acme', password: 'secret', secure: true, secureOptions: { rejectUnauthorized: false } });
await other.uploadFrom(Readable.from(['hello']), 'a.txt');
console.log(await other.size('a.txt'));
other.close();
await gateway.close();
`;

test('a program in JavaScript runs a gateway, as a module or with require', { timeout: PATIENCE_MS }, async () => {
  await inProject('npx', '--no-install', 'sallyport', 'cert', 'dev', '--force');
  await writeFile(join(project, 'program.js'), PROGRAM);
  expect(await inProject(process.execPath, 'program.js')).toBe('5\n');
  await writeFile(join(project, 'old.cjs'), "console.log(typeof require('sallyport').createGateway);\n");
  expect(await inProject(process.execPath, 'old.cjs')).toBe('function\n');
});

test.skipIf(!CAN_HAVE_ACCOUNTS)(
  'a user of the system is served by a process of its own',
  {
    timeout: PATIENCE_MS,
  },
  async () => {
    await cp(join(project, 'node_modules/sallyport/examples'), join(project, 'examples'), { recursive: true });
    const { setup, home } = await systemAccounts();
    const example = await startExample('unix-server.ts', { ...setup, installedIn: join(project, 'examples') });
    const alice = await example.login('alice', SYSTEM_PASSWORD);
    await put(alice, 'a.txt', 'hello');
    expect(await stat(join(home, 'a.txt'))).toMatchObject({ uid: 4_001, size: 5 });
  },
);

describe('in TypeScript', () => {
  test('every example passes the strictest checks, those of the package’s own types included', {
    timeout: PATIENCE_MS,
  }, async () => {
    await cp(join(project, 'node_modules/sallyport/examples'), join(project, 'examples'), { recursive: true });
    // What an example does not name is named here, so that every type is looked at.
    const all = "import * as main from 'sallyport';\nimport * as testing from 'sallyport/testing';\n";
    await writeFile(join(project, 'examples/all.ts'), `${all}export const names = { ...main, ...testing };\n`);
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: STRICT, include: ['examples'] }));
    expect(await inProject(join(REPOSITORY, 'node_modules/.bin/tsc'), '--project', '.')).toBe('');
  });

  test('a misspelt option is an error before the program runs', { timeout: PATIENCE_MS }, async () => {
    const wrong =
      "import { createGateway } from 'sallyport';\ncreateGateway({ listen: [{ port: 0 }], tls: {}, bannner: '' });\n";
    await mkdir(join(project, 'wrong'), { recursive: true });
    await writeFile(join(project, 'wrong/wrong.ts'), wrong);
    await writeFile(join(project, 'wrong/tsconfig.json'), JSON.stringify({ compilerOptions: STRICT }));
    const check = inProject(join(REPOSITORY, 'node_modules/.bin/tsc'), '--project', 'wrong');
    await expect(check).rejects.toThrow(/wrong\.ts\(2,\d+\): error TS2\d+:.*bannner/);
  });

  test('the test of a client runs with Node’s own runner', { timeout: PATIENCE_MS }, async () => {
    await cp(join(project, 'node_modules/sallyport/examples'), join(project, 'examples'), { recursive: true });
    const output = await inProject(
      process.execPath,
      '--test',
      '--test-reporter=tap',
      'examples/test-your-client.test.ts',
    );
    expect(output).toMatch(/# pass 3\n# fail 0/);
  });
});

const STRICT = {
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
};
