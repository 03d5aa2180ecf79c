/** Forwarding to FTPS servers: this gateway, explicit and implicit, proftpd where it is unpacked, and servers that misbehave. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { openPublished } from '../../src/delivery/contents.ts';
import { ftps, ftpsEntry } from '../../src/delivery/ftps.ts';
import type { Parcel, Way } from '../../src/delivery/way.ts';
import type { FileSystem } from '../../src/spi/file-system.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { type ServerSetup, startFtpServer, whyNoFtpServers } from '../fixtures/ftp-servers.ts';
import { scriptedServer } from '../fixtures/gate-item.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { sha256, uploadId } from './records.ts';
import { makeFolder, pathOf } from './support.ts';

vi.setConfig({ testTimeout: 60_000 });

const NEVER = new AbortController().signal;
const KEY = `${uploadId(1)}.out`;

/** A way to a server. */
async function wayTo(server: { port: number; user: string; password: string }, written = {}): Promise<Way> {
  const passwordFile = join(makeFolder(), 'password');
  await writeFile(passwordFile, `${server.password}\n`, { mode: 0o600 });
  const { files } = await testCertificates();
  const { port, user } = server;
  return ftps(
    ftpsEntry.parse({
      ...{ kind: 'ftps', name: 'out', host: 'localhost', port, user, passwordFile, caFile: files.caCert },
      ...written,
    }),
  );
}

/** A published file, which lies in storage as it was, or as something else. */
function parcelOf(content: string, { path = '/in/a.txt', lies = content, files = new MemoryFiles() } = {}): Parcel {
  const places: FileSystem[] = [files.put(pathOf(path), lies)];
  const published = {
    ...{ index: 7, upload: uploadId(1), account: 'alice', path: pathOf(path), inbox: '/in', bytes: content.length },
    ...{ sha256: sha256(content), storedBytes: content.length, storedSha256: sha256(content) },
    ...{ timeMs: 0, deliver: ['out'] },
  };
  return {
    ...{ key: KEY, attempt: 1, record: '{}', published },
    receipt: async () => '',
    contents: () => openPublished(places, published),
  };
}

/** The verbs that a gateway took. */
const verbs = ({ log }: TestGateway) => log.of('command').map(({ verb }) => verb);

describe('nothing is forwarded', () => {
  test('with a wrong password, into a directory that is not there, and to a server of another authority', async () => {
    const gateway = await startGateway();
    const wrong = await wayTo({ ...gateway, password: 'a wrong one' });
    await expect(wrong.handOn(parcelOf('hello'), NEVER)).rejects.toThrow(/530/);
    const lost = await wayTo(gateway, { remoteDirectory: '/nowhere' });
    await expect(lost.handOn(parcelOf('hello'), NEVER)).rejects.toThrow(/550/);
    const { files } = await testCertificates();
    const stranger = await wayTo(gateway, { caFile: files.clientCert });
    await expect(stranger.handOn(parcelOf('hello'), NEVER)).rejects.toThrow(/certificate/);
    const renamed = await wayTo(gateway, { host: 'localhost.' });
    await expect(renamed.handOn(parcelOf('hello'), NEVER)).rejects.toThrow();
    expect(await readdir(gateway.home)).toEqual([]);
  });

  test('to a server without TLS: neither password nor file', async () => {
    const server = await scriptedServer((socket) => {
      socket.write('220 hello\r\n');
      socket.on('data', () => socket.write('500 what\r\n'));
    });
    const way = await wayTo({ port: server.port, user: 'alice', password: 'secret' });
    await expect(way.handOn(parcelOf('hello'), NEVER)).rejects.toThrow(/500/);
    await expect.poll(() => server.connections[0]?.destroyed, { timeout: 10_000 }).toBe(true);
    expect(server.received()).toMatch(/^AUTH TLS\r\n(?:QUIT\r\n)?$/);
  });

  test('to a server that is silent, which is left when the time is over', async () => {
    const late = new AbortController();
    const server = await scriptedServer(() => late.abort(new Error('late')));
    const way = await wayTo({ port: server.port, user: 'alice', password: 'secret' });
    await expect(way.handOn(parcelOf('hello'), late.signal)).rejects.toThrow('late');
    const idle = await scriptedServer(() => undefined);
    const short = await wayTo({ port: idle.port, user: 'alice', password: 'secret' }, { idleTimeoutMs: 1_000 });
    await expect(short.handOn(parcelOf('hello'), NEVER)).rejects.toThrow(/Timeout/);
  });

  test('when another file has the name, and before anybody is connected to', async () => {
    const gateway = await startGateway();
    const way = await wayTo(gateway);
    await expect(way.handOn(parcelOf('hello', { lies: 'hullo' }), NEVER)).rejects.toThrow(/another file/);
    expect(verbs(gateway)).toEqual([]);
  });
});

describe.each([['explicit'], ['implicit']] as const)('to this gateway, %s', (tls) => {
  test('under a temporary name, looked at, renamed; and the key tells repeats', async () => {
    const gateway = await startGateway({ listen: [{ host: '127.0.0.1', port: 0, tls }] });
    const way = await wayTo(gateway, { tls });
    const content = 'hello '.repeat(50_000);
    await way.handOn(parcelOf(content), NEVER);
    expect(await readdir(gateway.home)).toEqual([`${KEY}.a.txt`]);
    expect(await readFile(join(gateway.home, `${KEY}.a.txt`), 'utf8')).toBe(content);
    expect(gateway.log.of('command').find(({ verb }) => verb === 'STOR')).toMatchObject({ argument: `.${KEY}.part` });
    expect(verbs(gateway)).toEqual(expect.arrayContaining(['HASH', 'RNFR', 'RNTO']));
    await way.handOn(parcelOf(content), NEVER);
    expect(verbs(gateway).filter((verb) => verb === 'STOR')).toHaveLength(1);
  });
});

test('a certificate is shown to a server that asks for one, and an empty file arrives too', async () => {
  const { caCert, files } = await testCertificates();
  const gateway = await startGateway({
    tls: { ...(await pair()), clientCertificate: 'required', clientCa: caCert },
  });
  const without = await wayTo(gateway);
  await expect(without.handOn(parcelOf(''), NEVER)).rejects.toThrow();
  const way = await wayTo(gateway, { certificateFile: files.clientCert, keyFile: files.clientKey });
  await way.handOn(parcelOf(''), NEVER);
  expect(await readdir(gateway.home)).toEqual([`${KEY}.a.txt`]);
});

async function pair() {
  const { cert, key } = await testCertificates();
  return { certificate: cert, key };
}

test('with its own name it takes the place of an older file, and the same one is not sent again', async () => {
  const gateway = await startGateway();
  await writeFile(join(gateway.home, 'Zürich.txt'), 'older');
  const way = await wayTo(gateway, { remoteName: '{name}' });
  const parcel = () => parcelOf('hello', { path: '/in/Zürich.txt' });
  await way.handOn(parcel(), NEVER);
  expect(await readFile(join(gateway.home, 'Zürich.txt'), 'utf8')).toBe('hello');
  await way.handOn(parcel(), NEVER);
  expect(verbs(gateway).filter((verb) => verb === 'STOR')).toHaveLength(1);
  expect(await readdir(gateway.home)).toEqual(['Zürich.txt']);
});

test('what an attempt left behind is no hindrance to the next one', async () => {
  const gateway = await startGateway({}, { permissions: 'elradfmwMT', overwrite: 'keep' });
  await writeFile(join(gateway.home, `.${KEY}.part`), 'hel');
  await (await wayTo(gateway)).handOn(parcelOf('hello'), NEVER);
  expect(await readdir(gateway.home)).toEqual([`${KEY}.a.txt`]);
});

const strict: readonly ServerSetup[] = [
  { server: 'proftpd', settings: ['TLSRequired on'] },
  { server: 'vsftpd', settings: ['require_ssl_reuse=YES', 'force_anon_data_ssl=YES'] },
  { server: 'pure-ftpd', settings: ['-Y', '3'] },
];

test.skipIf(whyNoFtpServers() !== undefined).each(strict)('to $server, as strict as it can be', async (setup) => {
  const server = await startFtpServer(setup);
  const { directory: remoteDirectory } = server;
  const way = await wayTo(server, { remoteDirectory });
  const content = 'hello '.repeat(50_000);
  await way.handOn(parcelOf(content), NEVER);
  await way.handOn(parcelOf(content), NEVER);
  expect((await readdir(server.home)).sort()).toEqual([`${KEY}.a.txt`, 'hello.txt'].sort());
  expect(await readFile(join(server.home, `${KEY}.a.txt`), 'utf8')).toBe(content);
});

test.each([
  ['a port out of range', { port: 0 }, 'port'],
  ['a user with a line break', { user: 'a\r\nDELE b' }, 'user'],
  ['a directory with a line break', { remoteDirectory: '/a\nb' }, 'remoteDirectory'],
  ['a name without a token', { remoteName: 'file' }, 'remoteName'],
  ['a name with a slash', { remoteName: '../{name}' }, 'remoteName'],
  ['a certificate without its key', { certificateFile: 'a' }, 'keyFile'],
  ['waits that cross', { retryMinMs: 1_000, retryMaxMs: 10 }, 'retryMaxMs'],
])('%s is refused', (_, written, key) => {
  const options = { kind: 'ftps', name: 'out', host: 'a.example', user: 'a', passwordFile: 'p', ...written };
  expect(ftpsEntry.safeParse(options).error?.issues.map(({ path }) => path[0])).toEqual([key]);
});
