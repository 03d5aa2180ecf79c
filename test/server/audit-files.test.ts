/** What a gateway writes into its audit log of transfers and changes of files, over real sockets and by partners' programs. */
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { GatewayOptionsInput } from '../../src/config/options.ts';
import { reply } from '../../src/protocol/reply.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { defineModule } from '../../src/spi/module.ts';
import { needs } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway, type TestUser } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';
import { withBasicFtp } from '../interop/clients/basic-ftp.ts';
import { curl, curlOptions, curlUrl } from '../interop/clients/curl.ts';
import { PLAIN_WAY } from '../interop/ways.ts';

const SHA256_OF_HELLO = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const ANY_TLS = { version: 'TLSv1.3', suite: expect.stringMatching(/^TLS_/), resumed: expect.any(Boolean) };

let audit: MemoryAuditLog;

beforeEach(() => {
  audit = memoryAuditLog();
});

function start(options: Partial<GatewayOptionsInput> = {}, user: TestUser = {}, parts = {}): Promise<TestGateway> {
  return startGateway(options, user, { audit, ...parts });
}

describe('files', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'an upload over %s, with everything that is known of it',
    async (version) => {
      const client = await RawClient.login(await start(), { version });
      expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
      expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
      const [first, second] = audit.told('upload.published');
      expect(first).toMatchObject({
        ...{ result: 'success', who: { account: 'partner' }, origin: { address: '127.0.0.1' } },
        object: {
          ...{ upload: expect.stringMatching(/^[0-9a-f]{24}$/), path: '/a.txt', bytes: 5, sha256: SHA256_OF_HELLO },
          ...{ started: TIME, arrived: TIME, verb: 'STOR', end: 'authenticated' },
          data_tls: { ...ANY_TLS, version, resumed: true },
          control_tls: { ...ANY_TLS, version, resumed: false },
        },
      });
      expect(first?.object).not.toHaveProperty('replaced');
      expect(second?.object).toMatchObject({ replaced: true });
      expect(second?.object.upload).not.toBe(first?.object.upload);
      client.close();
    },
  );

  test('a download, whole and in part', async () => {
    const gateway = await start();
    await writeFile(join(gateway.home, 'a.txt'), 'hello');
    const client = await RawClient.login(gateway);
    await client.download('RETR a.txt');
    await client.send('REST 3');
    await client.download('RETR a.txt');
    const known = { path: '/a.txt', command: 'RETR', end: 'authenticated', data_tls: ANY_TLS };
    expect(audit.told('download.sent')).toMatchObject([
      { result: 'success', who: { account: 'partner' }, object: { ...known, bytes: 5 } },
      { object: { ...known, bytes: 2 } },
    ]);
    client.close();
  });

  test('listings are none, and neither is what only looks', async () => {
    const client = await RawClient.login(await start());
    await client.download('MLSD');
    await client.send('PWD');
    await client.send('SIZE nothing');
    expect(audit.events.at(-1)).toBe('login.succeeded');
    client.close();
  });

  test('transfers that break are incomplete, with the reason and what is kept', async () => {
    const gateway = await start();
    await writeFile(join(gateway.home, 'big.bin'), Buffer.alloc(8_000_000));
    const client = await RawClient.login(gateway);
    const socket = await client.passive();
    await client.send('STOR a.txt');
    const secured = client.secure(socket);
    secured.write('hel');
    await once(secured, 'secureConnect');
    // Cut off without close_notify.
    const moved = () => gateway.gateway.sessions[0]?.transfer?.bytesMoved;
    await vi.waitFor(() => expect(moved()).toBe(3), { timeout: 10_000 });
    socket.end();
    expect(await client.reply()).toMatch(/^426/);
    expect(audit.told('upload.incomplete')).toMatchObject([
      {
        ...{ result: 'failure', object: { path: '/a.txt', command: 'STOR', bytes: expect.any(Number) } },
        reason: expect.stringMatching(/^(Truncated|ConnectionLost)/),
      },
    ]);
    const download = await client.passive();
    await client.send('RETR big.bin');
    client.secure(download).once('data', () => download.destroy());
    expect(await client.reply()).toMatch(/^426/);
    expect(audit.told('download.incomplete')).toMatchObject([
      { result: 'failure', object: { path: '/big.bin' }, reason: expect.stringMatching(/^ConnectionLost/) },
    ]);
    expect(audit.events).not.toContain('upload.published');
    client.close();
  });

  test('a file that is too large is refused, not merely incomplete', async () => {
    const client = await RawClient.login(await start({ limits: { uploadBytesMax: 4 } }));
    expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^552/);
    expect(audit.told('upload.refused')).toMatchObject([{ object: { path: '/a.txt' }, reason: 'QuotaExceeded' }]);
    expect(audit.events).not.toContain('upload.incomplete');
    client.close();
  });

  test('every change of files, by whatever command it was made', async () => {
    const gateway = await start({ symlinks: true });
    await writeFile(join(gateway.home, 'a.txt'), 'hello');
    const client = await RawClient.login(gateway);
    const lines = [
      ...['MKD sub', 'RNFR a.txt', 'RNTO sub/b.txt', 'SITE CHMOD 600 sub/b.txt', 'MFMT 20200102030405 sub/b.txt'],
      ...['MFF Modify=20210102030405;UNIX.mode=644; sub/b.txt', 'SITE UTIME 202201020304 sub/b.txt'],
      ...['SITE SYMLINK sub/b.txt link', 'DELE link', 'MKD empty', 'RMD empty', 'RMDA sub'],
    ];
    for (const line of lines) expect(await client.send(line)).toMatch(/^[23]/);
    const changes = audit.records.filter(({ event }) => /^(file|directory|link)\./.test(event));
    expect(changes.every(({ result, who }) => result === 'success' && who.account === 'partner')).toBe(true);
    expect(changes.map(({ event, object }) => [event, object])).toEqual([
      ['directory.made', { path: '/sub', command: 'MKD' }],
      ['file.renamed', { path: '/a.txt', to: '/sub/b.txt', command: 'RNTO' }],
      ['file.changed', { path: '/sub/b.txt', mode: '600', command: 'SITE CHMOD' }],
      ['file.changed', { path: '/sub/b.txt', modified: '2020-01-02T03:04:05.000Z', command: 'MFMT' }],
      ['file.changed', { path: '/sub/b.txt', mode: '644', command: 'MFF' }],
      ['file.changed', { path: '/sub/b.txt', modified: '2021-01-02T03:04:05.000Z', command: 'MFF' }],
      ['file.changed', { path: '/sub/b.txt', modified: '2022-01-02T03:04:00.000Z', command: 'SITE UTIME' }],
      ['link.made', { path: '/link', to: '/sub/b.txt', command: 'SITE SYMLINK' }],
      ['file.deleted', { path: '/link', command: 'DELE' }],
      ['directory.made', { path: '/empty', command: 'MKD' }],
      ['directory.removed', { path: '/empty', tree: false, command: 'RMD' }],
      ['directory.removed', { path: '/sub', tree: true, command: 'RMDA' }],
    ]);
    client.close();
  });

  test('what is put together on the server is published like an upload, and its parts are deleted', async () => {
    const gateway = await start();
    for (const name of ['1', '2']) await writeFile(join(gateway.home, name), name);
    const client = await RawClient.login(gateway);
    expect(await client.send('COMB "whole" "1" "2"')).toMatch(/^250/);
    expect(await client.send('SITE COPY whole copy')).toMatch(/^200/);
    const changes = audit.records.filter(({ event }) => /^(file|upload)\./.test(event));
    expect(changes.map(({ event, object: { path, verb, bytes, end } }) => [event, path, verb, bytes, end])).toEqual([
      ['upload.published', '/whole', 'COMB', 2, undefined],
      ['file.deleted', '/1', undefined, undefined, undefined],
      ['file.deleted', '/2', undefined, undefined, undefined],
      ['upload.published', '/copy', 'SITE COPY', 2, undefined],
    ]);
    client.close();
  });

  test('a command of an extension is recorded by what it does', async () => {
    const archive = defineModule({
      name: 'archive',
      handlers: [
        {
          phase: 'CMD',
          verb: 'NOOP',
          async handle({ context }) {
            const made = resolvePath(ROOT, 'made');
            if (made !== undefined) await context.files().makeDirectory(made);
            return { word: 'HANDLED', outcome: { reply: reply(200, 'Made.') } };
          },
        },
      ],
    });
    const client = await RawClient.login(await start({}, {}, { modules: [archive] }));
    expect(await client.send('NOOP')).toMatch(/^200/);
    expect(audit.told('directory.made')).toMatchObject([{ object: { path: '/made', command: 'NOOP' } }]);
    client.close();
  });
});

test('what the machine between the doors records is not recorded twice', async () => {
  const gateway = await start({ stateDirectory: await temporaryFolder() });
  for (const name of ['1', '2']) await writeFile(join(gateway.home, name), name);
  const client = await RawClient.login(gateway);
  expect(await client.upload('STOR a.txt', 'hello')).toMatch(/^226/);
  expect(await client.send('COMB "whole" "1" "2"')).toMatch(/^250/);
  expect(await client.send('SITE COPY a.txt b.txt')).toMatch(/^200/);
  expect(audit.told('upload.published').map(({ object: { path, bytes } }) => [path, bytes])).toEqual([
    ['/a.txt', 5],
    ['/whole', 2],
    ['/b.txt', 5],
  ]);
  expect(audit.told('upload.published')[0]).toMatchObject({
    ...{ who: { account: 'partner' }, origin: { address: '127.0.0.1' } },
    object: { sha256: SHA256_OF_HELLO, verb: 'STOR', end: 'authenticated', data_tls: ANY_TLS, control_tls: ANY_TLS },
  });
  expect(audit.told('file.deleted').map(({ object }) => object.path)).toEqual(['/1', '/2']);
  client.close();
});

describe('programs of partners', () => {
  needs('curl')('curl stores and fetches', async () => {
    const gateway = await start();
    const folder = await temporaryFolder();
    const file = join(folder, 'hello');
    await writeFile(file, 'hello');
    const options = curlOptions(gateway, PLAIN_WAY);
    await curl([...options, '--upload-file', file, curlUrl(gateway, 'in.txt')]);
    await curl([...options, '--output', join(folder, 'back'), curlUrl(gateway, 'in.txt')]);
    expect(await readFile(join(folder, 'back'), 'utf8')).toBe('hello');
    expect(audit.told('upload.published')).toMatchObject([{ object: { path: '/in.txt', sha256: SHA256_OF_HELLO } }]);
    expect(audit.told('download.sent')).toMatchObject([{ object: { path: '/in.txt', bytes: 5 } }]);
  });

  test('basic-ftp stores, renames and removes', async () => {
    const gateway = await start();
    const file = join(await temporaryFolder(), 'hello');
    await writeFile(file, 'hello');
    await withBasicFtp(gateway, PLAIN_WAY, async (client) => {
      await client.uploadFrom(file, 'in.txt');
      await client.rename('in.txt', 'done.txt');
      await client.remove('done.txt');
    });
    const files = audit.records.filter(({ event }) => /^(file|upload)\./.test(event));
    expect(files.map(({ event, object }) => [event, object.path])).toEqual([
      ['upload.published', '/in.txt'],
      ['file.renamed', '/in.txt'],
      ['file.deleted', '/done.txt'],
    ]);
  });
});

test('every record has its members in one order, and a time', async () => {
  const client = await RawClient.login(await start());
  await client.send('MKD sub');
  for await (const { entry } of audit.read(0)) {
    const keys = Object.keys(JSON.parse(entry.toString('utf8')));
    expect(keys.slice(0, 6)).toEqual(['time', 'event', 'result', 'who', 'origin', 'object']);
  }
  client.close();
});
