/** An example as its reader runs it: a process of its own, in a folder of its own with certificates, and a client at it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { Client } from 'basic-ftp';
import { afterEach } from 'vitest';
import { testCertificates } from '../fixtures/certificates.ts';

/** The folder of the examples. */
export const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));

/** What Node needs to run an example from the sources, without a build. */
export const FROM_SOURCE = ['--conditions=sallyport-source', '--disable-warning=ExperimentalWarning'];

/** How an example is started. */
export interface ExampleSetup {
  readonly env?: Readonly<Record<string, string>>;
  /** Files that must be in its folder, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** The folder of the program, where that is one in which the package is installed; from the sources without it. */
  readonly installedIn?: string;
  /** A command in front of Node. */
  readonly within?: readonly string[];
}

/** A running example. */
export interface RunningExample {
  /** The folder that it runs in. */
  readonly folder: string;
  /** The ports that it listens on, in its own order. */
  readonly ports: readonly number[];
  /** What it has printed so far. */
  output(): string;
  /** A client that is not logged in. */
  connect(options?: ConnectOptions): Promise<Client>;
  /** A client that is logged in. */
  login(user: string, password: string, options?: ConnectOptions): Promise<Client>;
}

/** How a client connects. */
export interface ConnectOptions {
  readonly tls?: 'explicit' | 'implicit';
  readonly port?: number;
  readonly secureOptions?: ConnectionOptions;
}

/** The password of the accounts in the examples. */
export const PASSWORD = 'correct horse battery';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const act of cleanUp.splice(0).reverse()) await act();
});

/** A folder that goes away behind the test. */
export async function exampleFolder(files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-example-'));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  await symlink((await testCertificates()).files.folder, join(folder, 'certs'));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content, { mode: 0o600 });
  }
  return folder;
}

/** Starts an example and waits until it listens; it is ended behind the test. */
export async function startExample(name: string, setup: ExampleSetup = {}): Promise<RunningExample> {
  const folder = await exampleFolder(setup.files);
  const { installedIn, within = [] } = setup;
  const source = installedIn === undefined ? [...FROM_SOURCE, join(EXAMPLES, name)] : [join(installedIn, name)];
  const [program = process.execPath, ...args] = [...within, process.execPath, ...source];
  const env = { ...process.env, PORT: '0', IMPLICIT_PORT: '0', ...setup.env };
  const child = spawn(program, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  cleanUp.push(() => ended(child));
  const output = await printedUntilListening(child);
  const ports = [...output().matchAll(/\bport: (\d+)/g)].map(([, port]) => Number(port));
  const { caCert: ca } = await testCertificates();

  const connect = async ({ tls = 'explicit', port = ports[0] ?? 0, secureOptions }: ConnectOptions = {}) => {
    const client = new Client(10_000);
    cleanUp.push(async () => client.close());
    const tlsOptions = { ca, servername: 'localhost', ...secureOptions };
    if (tls === 'implicit') await client.connectImplicitTLS('127.0.0.1', port, tlsOptions);
    else {
      await client.connect('127.0.0.1', port);
      await client.useTLS(tlsOptions);
    }
    return client;
  };
  return {
    folder,
    ports,
    output,
    connect,
    async login(user, password, options) {
      const client = await connect(options);
      await client.login(user, password);
      await client.useDefaultSettings();
      return client;
    },
  };
}

/** Stores a text. */
export async function put(client: Client, name: string, text: string): Promise<string> {
  return (await client.uploadFrom(Readable.from([text]), name)).message;
}

/** Fetches a text. */
export async function get(client: Client, name: string): Promise<string> {
  const pieces: Buffer[] = [];
  const sink = new Writable({
    write(piece, _encoding, done) {
      pieces.push(piece);
      done();
    },
  });
  await client.downloadTo(sink, name);
  return Buffer.concat(pieces).toString();
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

async function printedUntilListening(child: ChildProcess): Promise<() => string> {
  let printed = '';
  const listening = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (/^Listening on (?:\[[^\]]*\]|.*)$/m.test(printed) && printed.includes(']\n')) listening.resolve();
    });
  }
  child.once('exit', (code) => listening.reject(new Error(`it ended with ${code}: ${printed}`)));
  child.once('error', (error) => listening.reject(error));
  await listening.promise;
  return () => printed;
}
