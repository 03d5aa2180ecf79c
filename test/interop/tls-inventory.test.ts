/**
 * The inventory of TLS with real clients: they come, the gateway is started anew, the command line says whom a stricter
 * policy would break, and then the policy is really tightened: those and no others are refused.
 */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { hashPassword } from '../../src/auth/password-hash.ts';
import { runProgram } from '../../src/cli/program.ts';
import { Secret } from '../../src/lib/secret.ts';
import { fakeTerminal, run } from '../cli/fake-terminal.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { needs } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { curl, curlOptions, curlUrl } from './clients/curl.ts';
import { Ftplib } from './clients/ftplib.ts';
import { PLAIN_WAY, type Reachable } from './ways.ts';

const test = needs('curl', 'python3');

const USERS = ['old', 'modern', 'both', 'python', 'cutter', 'clear', 'never'] as const;
type User = (typeof USERS)[number];

/** What each account's clients do; each throws when the gateway refuses it. */
const VISITS: readonly (readonly [User, string, (gateway: Reachable) => Promise<unknown>])[] = [
  ['old', 'curl with TLS 1.2', (gateway) => curlUpload(gateway, '1.2')],
  ['modern', 'curl with TLS 1.3', (gateway) => curlUpload(gateway, '1.3')],
  ['both', 'curl with TLS 1.2', (gateway) => curlUpload(gateway, '1.2')],
  ['both', 'curl with TLS 1.3', (gateway) => curlUpload(gateway, '1.3')],
  ['python', 'ftplib, which does not resume', (gateway) => ftplibUpload(gateway)],
  ['cutter', 'a client that ends without close_notify', (gateway) => cutOffUpload(gateway)],
  ['clear', 'a client that sends no PROT P', (gateway) => clearUpload(gateway)],
];

test('exactly those are refused by a stricter policy whom simulate has named', { timeout: 180_000 }, async () => {
  const place = await configured();
  await place.write(LOOSE);
  for (const round of ['first', 'second']) {
    const gateway = await serve(place.file);
    for (const [user, how, visit] of VISITS) {
      // Every client gets through, or the record would have nothing to tell.
      await expect(visit(gateway.as(user)), `${round} ${user}: ${how}`).resolves.toBeDefined();
    }
    await gateway.stop();
    expect((await stat(place.inventory)).mode & 0o777).toBe(0o600);
  }

  // Kept over the restart: each has come twice.
  const shown = await run(['tls', 'inventory', '-c', place.file]);
  expect(shown).toMatchObject({ exitCode: 0, errors: '' });
  expect(shown.output).toMatch(/^cutter {2}from 127\.0\.0\.1$/m);
  expect(shown.output).toMatch(
    /^ +2 {2}\d{4}-\d\d-\d\d {2}\d{4}-\d\d-\d\d {2}upload +1\.3 .*\bresumed, no close_notify/m,
  );
  expect(shown.output).toContain('client "Cutter 1.0"');
  for (const line of shown.output.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  const json = await run(['tls', 'inventory', '-c', place.file, '--json', '--user', 'python']);
  expect(JSON.parse(json.output)).toMatchObject({
    accounts: [
      {
        name: 'python',
        networks: [{ network: '127.0.0.1', count: 2 }],
        behaviours: expect.arrayContaining([
          expect.objectContaining({
            count: 2,
            behaviour: expect.objectContaining({
              use: 'upload',
              version: 'TLSv1.3',
              resumed: false,
              closeNotify: true,
            }),
          }),
        ]),
      },
    ],
  });
  // Names of files and passwords are nobody's business here.
  const kept = await readFile(place.inventory, 'utf8');
  for (const secret of [PASSWORD, 'report', 'NOBODY-IN-CLEAR']) expect(kept).not.toContain(secret);

  const words = ['tls', 'simulate', '-c', place.file];
  const strict = [
    '--min-version',
    'TLSv1.3',
    '--close-notify',
    'required',
    '--session-reuse',
    'required',
    '--tls-data-required',
  ];
  expect(verdictsOf(await run([...words, '--min-version', 'TLSv1.3', '--json']))).toEqual({
    breaks: ['old'],
    might: ['both'],
    unknown: ['never'],
    fine: ['clear', 'cutter', 'modern', 'python'],
  });
  const tried = await run([...words, ...strict, '--json']);
  const { breaks, might, fine, unknown } = verdictsOf(tried);
  expect({ breaks, might, unknown, fine, exitCode: tried.exitCode }).toEqual({
    breaks: ['clear', 'cutter', 'old', 'python'],
    might: ['both'],
    unknown: ['never'],
    fine: ['modern'],
    exitCode: 1,
  });
  const told = await run([...words, ...strict]);
  expect(told.output).toMatch(/BREAKS +old +2 logins: TLSv1\.2, last \d{4}-\d\d-\d\d/);
  expect(told.output).toMatch(/unknown +never +never seen/);
  expect(told.errors).toContain('accounts that would break: 4, that might: 1');

  // And now really.
  await place.write(STRICT);
  expect(await visitAll(place.file)).toEqual({ breaks, might, fine });

  const after = await run(['tls', 'inventory', '-c', place.file]);
  for (const words of ['REFUSED 521: without PROT P', 'REFUSED 522: not resumed', 'REFUSED 426: cut off']) {
    expect(after.output.replaceAll(/\s+/g, ' ')).toContain(words);
  }
  expect(after.output.replaceAll(/\s+/g, ' ')).toContain('no version of TLS in common; from there came');
  // What was refused is evidence, too.
  expect(verdictsOf(await run([...words, ...strict, '--json'])).breaks).toEqual(breaks);
});

const LOOSE = { tls_data_required: false, session_reuse: 'preferred', close_notify: 'preferred' };
const STRICT = { tls: { min_version: 'TLSv1.3' } };

const ALONE: readonly (readonly [string, Tightened, readonly string[]])[] = [
  ['TLS 1.3', { ...LOOSE, tls: { min_version: 'TLSv1.3' } }, ['--min-version', 'TLSv1.3']],
  ['the profile modern', { ...LOOSE, tls: { profile: 'modern' } }, ['--profile', 'modern']],
  ['post-quantum keys', { ...LOOSE, post_quantum: 'required' }, ['--post-quantum', 'required']],
  ['session reuse', { ...LOOSE, session_reuse: 'required' }, ['--session-reuse', 'required']],
  ['close_notify', { ...LOOSE, close_notify: 'required' }, ['--close-notify', 'required']],
  ['protected data', { ...LOOSE, tls_data_required: true }, ['--tls-data-required']],
];

test('so it is with each setting alone', { timeout: 240_000 }, async () => {
  const place = await configured();
  await place.write(LOOSE);
  const gateway = await serve(place.file);
  for (const [user, , visit] of VISITS) await visit(gateway.as(user));
  await gateway.stop();
  const record = await readFile(place.inventory);
  for (const [name, options, words] of ALONE) {
    const { breaks, might, fine } = verdictsOf(await run(['tls', 'simulate', '-c', place.file, ...words, '--json']));
    // Some one breaks under each of them, so that it is seen whether the right one does.
    expect(breaks, name).not.toEqual([]);
    await place.write(options);
    expect(await visitAll(place.file), name).toEqual({ breaks, might, fine });
    await place.write(LOOSE);
    await writeFile(place.inventory, record);
  }
});

/** Lets every client come once. @returns who was always refused, now and then, and never. */
async function visitAll(file: string): Promise<Omit<Verdicts, 'unknown'>> {
  const gateway = await serve(file);
  const refused = new Set<string>();
  const served = new Set<string>();
  for (const [user, , visit] of VISITS) {
    const isServed = await visit(gateway.as(user)).then(
      () => true,
      () => false,
    );
    (isServed ? served : refused).add(user);
  }
  await gateway.stop();
  return {
    breaks: [...refused.difference(served)].sort(),
    might: [...refused.intersection(served)].sort(),
    fine: [...served.difference(refused)].sort(),
  };
}

/** What a configuration has besides its accounts. */
interface Tightened {
  readonly tls?: object;
  readonly [key: string]: unknown;
}

/** A folder with homes, and a configuration that keeps an inventory. */
async function configured() {
  const certificates = await testCertificates();
  const folder = await temporaryFolder();
  const file = join(folder, 'sallyport.yaml');
  const inventory = join(folder, 'inventory.json');
  const password_hash = await hashPassword(new Secret(PASSWORD));
  const users = USERS.map((name) => ({ name, password_hash, home: join(folder, name), permissions: 'elw' }));
  for (const { home } of users) await mkdir(home);
  const write = async ({ tls = {}, ...more }: Tightened) => {
    const { cert, key } = certificates.files;
    const configuration = {
      listen: [{ host: '127.0.0.1', port: 0 }],
      tls: { certificate_file: cert, key_file: key, inventory_file: 'inventory.json', ...tls },
      passive: { port_min: 0, port_max: 0 },
      users,
      ...more,
    };
    // JSON is YAML.
    await writeFile(file, JSON.stringify(configuration), { mode: 0o600 });
  };
  return { file, inventory, write };
}

/** Runs `sallyport serve` until it is stopped as by a signal. */
async function serve(file: string) {
  const certificates = await testCertificates();
  const terminal = fakeTerminal();
  const stopped = runProgram(['serve', '-c', file], terminal);
  await Promise.race([terminal.printed('Listening on'), stopped]);
  const port = Number(/Listening on 127\.0\.0\.1:(\d+)/.exec(terminal.errors())?.[1]);
  const as = (user: User): Reachable => ({ host: '127.0.0.1', port, user, password: PASSWORD, certificates });
  const stop = async () => {
    terminal.stop();
    expect(await stopped).toBe(0);
  };
  return { as, stop };
}

interface Verdicts {
  readonly breaks: readonly string[];
  readonly might: readonly string[];
  readonly unknown: readonly string[];
  readonly fine: readonly string[];
}

function verdictsOf({ output }: { readonly output: string }): Verdicts {
  const { accounts } = JSON.parse(output);
  const of = (wanted: string) =>
    accounts.flatMap(({ account, verdict }: Record<string, string>) => (verdict === wanted ? [account] : []));
  return { breaks: of('breaks'), might: of('might'), unknown: of('unknown'), fine: of('fine') };
}

async function curlUpload(gateway: Reachable, version: '1.2' | '1.3') {
  const way = { ...PLAIN_WAY, version };
  return curl([...curlOptions(gateway, way), '--upload-file', await report(), curlUrl(gateway, 'report.csv')]);
}

async function ftplibUpload(gateway: Reachable) {
  return new Ftplib(gateway, PLAIN_WAY, 'never').do('upload', await report(), 'report.csv');
}

async function report(): Promise<string> {
  const file = join(await temporaryFolder(), 'report.csv');
  await writeFile(file, 'a,b\n');
  return file;
}

/** It says who it is only behind its login, as several programs do. */
async function cutOffUpload(gateway: Reachable): Promise<string> {
  const client = await RawClient.login(gateway, { version: 'TLSv1.3' });
  await client.send('CLNT Cutter 1.0');
  const socket = await client.passive();
  await client.send('STOR report.csv');
  const secured = client.secure(socket);
  await new Promise((resolve) => secured.write('a,b\n', resolve));
  socket.end();
  return closedAfter(client, await client.reply());
}

async function clearUpload(gateway: Reachable): Promise<string> {
  const client = await RawClient.login(gateway);
  // A login in clear is refused before, and what was typed there is kept nowhere.
  const stray = await RawClient.connect(gateway);
  expect(await stray.send('USER NOBODY-IN-CLEAR')).toMatch(/^530/);
  stray.close();
  await client.send('PROT C');
  const arranged = await client.send('EPSV');
  const port = Number(/\|\|\|(\d+)\|/.exec(arranged)?.[1]);
  if (!(port > 0)) return closedAfter(client, arranged);
  const { connect } = await import('node:net');
  const socket = connect(port, gateway.host);
  await client.send('STOR report.csv');
  socket.end('a,b\n');
  return closedAfter(client, await client.reply());
}

function closedAfter(client: RawClient, reply: string): string {
  client.close();
  if (!reply.startsWith('226')) throw new Error(reply);
  return reply;
}
