/** Every program in `examples/` does what its first lines say, as a real client sees it. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { expect, test, vi } from 'vitest';
import { EXAMPLES, exampleFolder, FROM_SOURCE, get, PASSWORD, put, startExample } from './running-example.ts';

// Each starts a process that loads everything, on a machine that runs other tests beside.
vi.setConfig({ testTimeout: 60_000 });

const NAMES = readdirSync(EXAMPLES).filter((name) => name.endsWith('.ts'));
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

test.each(NAMES)('%s says what it shows and how it is run, is short, and is run by a test', (name) => {
  const text = readFileSync(join(EXAMPLES, name), 'utf8');
  expect(text).toMatch(/^\/\*\*\n(?: \*.*\n)+ \*\/\n/);
  expect(text.slice(0, text.indexOf('*/'))).toMatch(/\n \* Run: `/);
  expect(text.split('\n').length).toBeLessThanOrEqual(90);
  const tests = ['examples.test.ts', 'accounts.test.ts'].map((file) =>
    readFileSync(new URL(file, import.meta.url), 'utf8'),
  );
  expect(tests.join('')).toMatch(new RegExp(`(?:startExample|join)\\((?:EXAMPLES, )?'${name.replaceAll('.', '\\.')}'`));
});

test('basic-server: an account may store, guests may not, and the sixth connection is one too many', async () => {
  const example = await startExample('basic-server.ts');
  const user = await example.login('user', PASSWORD);
  await put(user, 'a.txt', 'hello');
  const guest = await example.login('anonymous', 'whatever');
  expect(await get(guest, 'a.txt')).toBe('hello');
  await expect(put(guest, 'b.txt', 'x')).rejects.toThrow(/^550/);
  await expect(example.login('user', 'wrong')).rejects.toThrow(/^530/);
  const others = [await example.connect(), await example.connect()];
  await expect(example.connect()).rejects.toThrow(/421/);
  for (const client of others) client.close();
  expect(await readdir(join(example.folder, 'files'))).toEqual(['a.txt']);
});

test('two-logs: logins stand in one file, commands in the other, and passwords in none', async () => {
  const example = await startExample('two-logs.ts');
  await writeFile(join(example.folder, 'files', 'a.txt'), 'hello');
  await expect(example.login('acme', 'my-secret-word')).rejects.toThrow(/^530/);
  const acme = await example.login('acme', PASSWORD);
  await get(acme, 'a.txt');
  await expect(get(acme, 'missing\u001b[2J')).rejects.toThrow(/^550/);
  const log = await readFile(join(example.folder, 'gateway.log'), 'utf8');
  const lines = await readFile(join(example.folder, 'commands.log'), 'utf8');
  const entries = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(entries).toContainEqual(expect.objectContaining({ verb: 'RETR', argument: 'a.txt', code: 226 }));
  expect(entries).toContainEqual(expect.objectContaining({ verb: 'RETR', argument: 'missing\u001b[2J', code: 550 }));
  expect(entries).toContainEqual(expect.objectContaining({ verb: 'PASS', argument: '***', code: 230 }));
  expect(log).toContain('"verb":"RETR"');
  expect(log).not.toContain('"verb":"FEAT"');
  expect(log + lines + example.output()).not.toMatch(/my-secret-word|correct horse/);
  expect(lines).not.toContain('\u001b');
});

test('own-authenticator: the token of a partner is taken, and no other', async () => {
  const tokens = { acme: sha256('token of acme'), globex: sha256('token of globex') };
  const example = await startExample('own-authenticator.ts', { files: { 'tokens.json': JSON.stringify(tokens) } });
  await expect(example.login('acme', 'token of globex')).rejects.toThrow(/^530/);
  await expect(example.login('acme', tokens.acme)).rejects.toThrow(/^530/);
  await expect(example.login('initech', 'token of acme')).rejects.toThrow(/^530/);
  const acme = await example.login('acme', 'token of acme');
  await put(acme, 'a.txt', 'hello');
  const globex = await example.login('globex', 'token of globex');
  expect(await globex.list()).toEqual([]);
  expect(await readdir(join(example.folder, 'files', 'acme'))).toEqual(['a.txt']);
});

test('throttled: a download takes its time', async () => {
  const example = await startExample('throttled.ts');
  await writeFile(join(example.folder, 'files', 'a.bin'), Buffer.alloc(90 * 1_024, 'x'));
  const guest = await example.login('anonymous', 'x');
  const startMs = performance.now();
  expect((await get(guest, 'a.bin')).length).toBe(90 * 1_024);
  expect(performance.now() - startMs).toBeGreaterThan(1_000);
});

test('ftps-policies: TLS 1.3 alone, both ways, and only one account is excused from resuming', async () => {
  const example = await startExample('ftps-policies.ts');
  const tls12 = { secureOptions: { maxVersion: 'TLSv1.2' } } as const;
  await expect(example.connect(tls12)).rejects.toThrow(/protocol version/);
  const [, implicit = 0] = example.ports;
  const modern = await example.login('modern', PASSWORD, { tls: 'implicit', port: implicit });
  await put(modern, 'a.txt', 'hello');

  // A client that never resumes a session, as many old ones.
  const old = async (user: string) => {
    const client = await example.login(user, PASSWORD);
    Object.defineProperty(client.ftp, 'tlsSessionStore', { get: () => undefined, set: () => undefined });
    Object.defineProperty(client.ftp.socket, 'getSession', { value: () => undefined });
    return client;
  };
  await expect((await old('modern')).list()).rejects.toThrow(/^522/);
  expect(await (await old('legacy')).list()).toHaveLength(1);
  expect(await readdir(join(example.folder, 'files'))).toEqual(['a.txt']);
});

test('file-received: what has arrived stands in the manifest and is out of reach', async () => {
  const example = await startExample('file-received.ts');
  const acme = await example.login('acme', PASSWORD);
  await put(acme, 'a.txt', 'hello');
  await put(acme, 'b.txt', 'world');
  expect(await acme.list()).toEqual([]);
  const manifest = (await readFile(join(example.folder, 'manifest.txt'), 'utf8')).trim().split('\n');
  expect(manifest.map((line) => line.slice(0, 64))).toEqual([sha256('hello'), sha256('world')]);
  const check = promisify(execFile)('sha256sum', ['-c', 'manifest.txt'], { cwd: example.folder });
  expect((await check).stdout).toMatch(/a\.txt: OK\n.*b\.txt: OK/);
  expect(example.output()).toContain('acme has logged in from 127.0.0.1');
  await acme.send('QUIT').catch(() => undefined);
  await expect.poll(() => example.output()).toContain('acme has logged out');
});

test('file-received: what breaks off is told, and is not in the manifest', async () => {
  const example = await startExample('file-received.ts');
  const acme = await example.login('acme', PASSWORD);
  const breaks = Readable.from(
    (async function* () {
      yield Buffer.alloc(200_000);
      throw new Error('the cable was cut');
    })(),
  );
  await expect(acme.uploadFrom(breaks, 'a.bin')).rejects.toThrow();
  await expect.poll(() => example.output(), { timeout: 5_000 }).toContain('acme broke off /a.bin');
  expect(await readdir(example.folder)).not.toContain('manifest.txt');
});

test('guard-and-count: programs are refused, bytes counted, failures told to the client', async () => {
  const example = await startExample('guard-and-count.ts');
  const acme = await example.login('acme', PASSWORD);
  await expect(put(acme, 'setup.exe', 'x')).rejects.toThrow(
    /^553-No programs here\.\s+553 STOR failed: try harder next time!/,
  );
  await put(acme, 'a.txt', 'hello');
  await expect(acme.rename('a.txt', 'a.EXE')).rejects.toThrow(/^553/);
  await get(acme, 'a.txt');
  await get(acme, 'a.txt');
  acme.close();
  await expect.poll(() => example.output()).toMatch(/session \w+: \{ received: 5, sent: 10 \}/);
  expect(example.output()).toContain("SUCCESSFUL: command 'RETR'");
  expect(await readdir(join(example.folder, 'files'))).toEqual(['a.txt']);
});

test('wastebasket: DELE moves, deletes what has been moved, and leaves what is held', async () => {
  const example = await startExample('wastebasket.ts');
  const files = join(example.folder, 'files');
  await mkdir(join(files, 'held'));
  await writeFile(join(files, 'held', 'a.txt'), '');
  const acme = await example.login('acme', PASSWORD);
  await expect(acme.remove('held/a.txt')).rejects.toThrow('550 This file is held.');
  await put(acme, 'b.txt', 'hello');
  expect((await acme.remove('b.txt')).message).toContain('250 Moved to /deleted');
  const [moved = ''] = await readdir(join(files, 'deleted'));
  expect(moved).toMatch(/^\d+-b\.txt$/);
  expect((await readdir(files)).sort()).toEqual(['deleted', 'held']);
  await acme.remove(`deleted/${moved}`);
  expect(await readdir(join(files, 'deleted'))).toEqual([]);
  expect(await readdir(join(files, 'held'))).toEqual(['a.txt']);
});

test('own-command: XDU counts, is announced, and asks for a login', async () => {
  const example = await startExample('own-command.ts');
  await mkdir(join(example.folder, 'files', 'sub'));
  await writeFile(join(example.folder, 'files', 'a.txt'), 'hello');
  await writeFile(join(example.folder, 'files', 'sub', 'b.txt'), 'hello, world');
  await expect((await example.connect()).send('XDU')).rejects.toThrow(/^530/);
  const guest = await example.login('anonymous', 'x');
  expect((await guest.send('XDU')).message).toBe('200 1 files, 5 bytes.');
  expect((await guest.send('XDU sub')).message).toBe('200 1 files, 12 bytes.');
  await expect(guest.send('XDU missing')).rejects.toThrow(/^550/);
  expect([...(await guest.features()).keys()]).toContain('XDU');
  expect((await guest.send('HELP XDU')).message).toContain('XDU [path]');
});

test('own-directive: the notice is given where the setting holds, the innermost', async () => {
  const example = await startExample('own-directive.ts');
  const acme = await example.login('acme', PASSWORD);
  expect(await put(acme, '/a.txt', 'hello')).toContain('Thank you.');
  const inClaims = await put(acme, '/claims/a.txt', 'hello');
  expect(inClaims).toContain('Claims are looked at on working days.');
  expect(inClaims).not.toContain('Thank you.');
  expect((await acme.send('NOOP')).message).not.toContain('Thank you.');
  await expect(put(acme, '/missing/a.txt', 'hello')).rejects.toThrow(/^550 [^\n]*$/);
});

test('own-storage: PDF files are published, others are not, nor an old one replaced', async () => {
  const example = await startExample('own-storage.ts');
  const acme = await example.login('acme', PASSWORD);
  await put(acme, 'a.pdf', '%PDF-1.7 first');
  await expect(put(acme, 'a.pdf', 'not a pdf')).rejects.toThrow(/^553[- ]Only PDF files/);
  expect(await get(acme, 'a.pdf')).toBe('%PDF-1.7 first');
  await expect(put(acme, 'b.pdf', '%PD')).rejects.toThrow(/^553/);
  expect((await acme.list()).map(({ name }) => name)).toEqual(['a.pdf']);
});

test('test-your-client: the test passes with Node’s own runner', async () => {
  expect(await tested(join(EXAMPLES, 'test-your-client.test.ts'))).toMatch(/# pass 3\n# fail 0/);
});

test('check-your-parts: the suites pass with Node’s own runner', async () => {
  expect(await tested(join(EXAMPLES, 'check-your-parts.test.ts'))).toMatch(/# pass [3-9][0-9]\n# fail 0/);
});

async function tested(file: string): Promise<string> {
  const args = [...FROM_SOURCE, '--test', '--test-reporter=tap', file];
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  return (await promisify(execFile)(process.execPath, args, { cwd: await exampleFolder(), env })).stdout;
}

test('content-rule: a table with a wrong line is refused with its reason, and everything else is published', async () => {
  const example = await startExample('content-rule.ts');
  const acme = await example.login('acme', PASSWORD);
  await expect(put(acme, 'in/orders.csv', 'a;b\n1;2\n3\n')).rejects.toThrow(/^550.*line 3 has not 2 fields/);
  await expect(put(acme, 'in/last.csv', 'a;b\n1')).rejects.toThrow(/line 2 has not 2 fields/);
  await put(acme, 'in/orders.csv', 'a;b\n1;2\n3;4');
  await put(acme, 'in/orders.txt', 'a;b\n1\n');
  await put(acme, 'orders.csv', 'a;b\n1\n');
  expect((await readdir(join(example.folder, 'files', 'in'))).filter((name) => !name.startsWith('.')).sort()).toEqual([
    'orders.csv',
    'orders.txt',
  ]);
});
