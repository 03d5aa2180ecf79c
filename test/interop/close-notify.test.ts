/**
 * How the TLS libraries of the world end a connection, over both versions and with storage fast and slow: whether their
 * close_notify is seen at the end of an upload, and ours at the end of a download.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test as always, describe, expect, type TestAPI } from 'vitest';
import { decorate } from '../../src/lib/decorate.ts';
import { Secret } from '../../src/lib/secret.ts';
import { createUserTable } from '../../src/server/create-user-table.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { createLocalStorage } from '../../src/storage/local.ts';
import { needsLibrary, versionOf } from '../fixtures/client-libraries.ts';
import { needs, start } from '../fixtures/client-programs.ts';
import { relayTo } from '../fixtures/cutting-relay.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { PASSWORD, startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { bytesOf, temporaryFolder } from '../fixtures/local-files.ts';
import { EndingWitness } from './close-notify-facts.ts';

const FILE_BYTES = 1_500_001;
/** For every piece that slow storage takes or gives. */
const SLOW_MS = 40;
const ALERT = 21;

type Version = 'TLSv1.2' | 'TLSv1.3';
const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3'];

/** A program of a library. */
interface Program {
  readonly library: string;
  readonly version: string;
  readonly test: Pick<TestAPI, 'each'>;
  /** Each way to end an upload, by the call that makes it, with the arguments for it and whether close_notify is sent. */
  readonly uploads: Readonly<Record<string, readonly [way: string, sends: boolean]>>;
  command(place: {
    readonly port: number;
    readonly version: Version;
    readonly way: string;
    readonly file: string;
  }): readonly string[];
  /** Whether a program that ended so has said that its download was cut off; undefined when it cannot. */
  readonly notices: RegExp | undefined;
}

const script = (name: string) => join(import.meta.dirname, 'clients', name);
const python = (version: Version) => version.replace('.', '_');

const PROGRAMS: readonly Program[] = [
  {
    library: 'OpenSSL',
    version: versionOf('openssl', ['version'], /^OpenSSL (\S+)/),
    test: needs('openssl'),
    uploads: { 's_client at the end of its input': ['upload', true] },
    command: ({ port, version, way }) => [
      ...['openssl', 's_client', '-connect', `127.0.0.1:${port}`, `-tls${version === 'TLSv1.2' ? '1_2' : '1_3'}`],
      ...['-nocommands', '-quiet', way === 'download' ? '-ign_eof' : '-no_ign_eof'],
    ],
    notices: /unexpected eof/,
  },
  {
    library: 'Python (OpenSSL)',
    version: versionOf('python3', ['--version'], /^Python (\S+)/),
    test: needs('python3'),
    uploads: { 'SSLSocket.unwrap()': ['unwrap', true], 'SSLSocket.close() alone': ['close', false] },
    command: ({ port, version, way }) => ['python3', script('close_notify.py'), `${port}`, python(version), way],
    notices: /EOF occurred in violation of protocol|unexpected eof/i,
  },
  {
    library: 'GnuTLS',
    version: versionOf('gnutls-cli', ['--version'], /^gnutls-cli (\S+)/),
    test: needs('gnutls-cli'),
    uploads: { 'gnutls-cli at the end of its input': ['upload', true] },
    command: ({ port, version, file }) => [
      ...['gnutls-cli', '--insecure', '--no-ca-verification', '--logfile', `${file}.log`, '--port', `${port}`],
      ...['--priority', `NORMAL:-VERS-ALL:+VERS-TLS${version.slice(4)}`, '127.0.0.1'],
    ],
    notices: /non-properly terminated/,
  },
  {
    library: 'NSS',
    version: versionOf('dpkg-query', ['-s', 'libnss3'], /^Version: (?:\d+:)?(\d[\d.]*)/m),
    test: needsLibrary('python3', 'libnss3', ['-c', 'import ctypes; ctypes.CDLL("libssl3.so")']),
    uploads: { 'PR_Close()': ['close', true], 'PR_Shutdown(PR_SHUTDOWN_SEND)': ['shutdown', true] },
    command: ({ port, version, way }) => ['python3', script('close_notify_nss.py'), `${port}`, version, way],
    notices: undefined,
  },
  {
    library: 'Java JSSE',
    version: versionOf('java', ['-version'], /version "([\d.]+)/),
    test: needs('java'),
    uploads: { 'SSLSocket.close()': ['close', true], 'SSLSocket.shutdownOutput()': ['shutdownOutput', true] },
    command: ({ port, version, way }) => [
      ...['java', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', script('CloseNotify.java'), `${port}`, version, way],
    ],
    notices: undefined,
  },
  {
    library: 'Node.js',
    version: process.versions.node,
    test: always,
    uploads: { 'TLSSocket.end()': ['end', true], 'TLSSocket.destroySoon()': ['destroySoon', true] },
    command: ({ port, version, way }) => [process.execPath, script('close-notify.ts'), `${port}`, version, way],
    notices: undefined,
  },
];

const witness = new EndingWitness();

/** Takes its time for every piece. */
function slow(files: FileSystem): FileSystem {
  return decorate(files, {
    async stage(path, request) {
      const staged = await files.stage(path, request);
      return decorate(staged, {
        async write(buffers) {
          await sleep(SLOW_MS);
          await staged.write(buffers);
        },
      });
    },
    async openRead(path) {
      const opened = await files.openRead(path);
      return decorate(opened, {
        async *read(offsetBytes) {
          for await (const piece of opened.read(offsetBytes)) {
            await sleep(SLOW_MS);
            yield piece;
          }
        },
      });
    },
  });
}

/** A session that is logged in, at a gateway that lets every data connection in and tells how uploads end. */
async function session(storage: 'fast' | 'slow') {
  const home = join(await temporaryFolder(), 'home');
  mkdirSync(home);
  const disk = createLocalStorage();
  const users = createUserTable({
    filesFor: ({ home: root, name }) => {
      const files = disk.filesFor({ root, owner: name });
      return storage === 'slow' ? slow(files) : files;
    },
  });
  await users.add({ name: 'partner', password: new Secret(PASSWORD), home, permissions: 'elrw' });
  // Small pieces, so that slow storage is slow many times.
  const buffers = { receiveBytes: 262_144, sendBytes: 262_144 };
  const policy = { sessionReuse: 'off', closeNotify: 'preferred' } as const;
  const gateway = await startGateway({ ...policy, buffers, users: [] }, {}, { authenticators: [users.authenticator] });
  const control = await RawClient.login(gateway);
  const port = async () => Number(/\|\|\|(\d+)\|/.exec(await control.send('EPSV'))?.[1]);
  return { gateway, control, home, port };
}

/** Text, so that a program's output can be compared with it. */
const content = Buffer.from(bytesOf(FILE_BYTES).toString('base64').slice(0, FILE_BYTES));

/** What the log says of the end of the only upload. */
function endOf({ log }: TestGateway): unknown {
  return log.of('command').find(({ verb }) => verb === 'STOR')?.end;
}

for (const program of PROGRAMS) {
  const { library, version: libraryVersion, uploads } = program;
  const runIt = async (port: number, version: Version, way: string, input?: Buffer) => {
    const file = join(await temporaryFolder(), 'out');
    const [name = '', ...args] = program.command({ port, version, way, file });
    const running = start(name, args, { timeoutMs: 60_000 });
    // A program that could see the end of its input in a download might end that itself.
    if (input !== undefined) {
      running.write(input);
      running.endInput();
    }
    const ran = await running.ended;
    // Some write what they have to say into a file.
    const log = existsSync(`${file}.log`) ? readFileSync(`${file}.log`, 'utf8') : '';
    return { ...ran, stderr: `${ran.stderr}${log}` };
  };

  describe(library, () => {
    const { test } = program;

    for (const [ending, [way, sends]] of Object.entries(uploads)) {
      test.each(VERSIONS.flatMap((version) => [[version, 'fast'] as const, [version, 'slow'] as const]))(
        `${ending} ${sends ? 'sends' : 'does not send'} close_notify (%s, %s storage)`,
        async (version, storage) => {
          const { gateway, control, port } = await session(storage);
          const place = await port();
          control.write('STOR a.bin\r\n');
          const ran = await runIt(place, version, way, content);
          expect(await control.reply()).toContain('150');
          expect(await control.reply(), ran.stderr).toContain(`226 Stored ${FILE_BYTES} bytes`);
          expect(endOf(gateway)).toBe(sends ? 'authenticated' : 'unauthenticated');
          witness.of(library, libraryVersion, ending).sends[version] = sends ? 'yes' : 'no';
          control.close();
        },
        90_000,
      );
    }

    test.each(VERSIONS.flatMap((version) => [[version, 'fast'] as const, [version, 'slow'] as const]))(
      'reads a download to our close_notify (%s, %s storage)',
      async (version, storage) => {
        const { control, home, port } = await session(storage);
        writeFileSync(join(home, 'a.bin'), content);
        const relay = await relayTo(await port(), 'whole');
        control.write('RETR a.bin\r\n');
        const ran = await runIt(relay.port, version, 'download');
        expect(await control.reply()).toContain('150');
        expect(await control.reply(), ran.stderr).toContain('226');
        expect(ran.stdout === content.toString()).toBe(true);
        if (program.notices) expect(ran.stderr).not.toMatch(program.notices);
        // Over TLS 1.3 the type is encrypted; an alert with its own type and the check behind it is 24 bytes long.
        expect([relay.types.at(-1), relay.lastBytes]).toEqual(version === 'TLSv1.2' ? [ALERT, 31] : [23, 24]);
        control.close();
      },
      90_000,
    );

    test.each(VERSIONS)(
      `${program.notices ? 'notices' : 'does not notice'} a download that is cut off in front of it (%s)`,
      async (version) => {
        const { control, home, port } = await session('fast');
        writeFileSync(join(home, 'a.bin'), content);
        const relay = await relayTo(await port(), 'cut');
        control.write('RETR a.bin\r\n');
        const ran = await runIt(relay.port, version, 'download');
        if (program.notices) expect(ran.stderr).toMatch(program.notices);
        else expect(ran.code, ran.stderr).toBe(0);
        for (const ending of Object.keys(uploads)) {
          witness.of(library, libraryVersion, ending).notices[version] = program.notices ? 'yes' : 'no';
        }
        control.close();
      },
      90_000,
    );
  });
}

always('docs/clients.md says what this run saw of close_notify', () => witness.agreesWithPage());
