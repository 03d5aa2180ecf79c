/** The profiles over real sockets: what works, and every verb that could go round them. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client as BasicFtp } from 'basic-ftp';
import { describe, expect, test } from 'vitest';
import { gatewayOptions } from '../../src/config/options.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { ROOT, resolvePath } from '../../src/protocol/virtual-path.ts';
import { explainAccess } from '../../src/server/explain.ts';
import { needs } from '../fixtures/client-programs.ts';
import { RawClient } from '../fixtures/ftp-client.ts';
import { startGateway, type TestGateway } from '../fixtures/gateway.ts';
import { temporaryFolder } from '../fixtures/local-files.ts';
import { curlClient } from '../interop/clients/curl.ts';

type Options = NonNullable<Parameters<typeof startGateway>[0]>;
type Sections = NonNullable<Options['directories']>;
type Intake = NonNullable<Sections[number]['intake']>;

/** A gateway with a directory of each profile, in each of which something lies already. */
async function started(intake: Readonly<Record<string, Intake>>) {
  const stateDirectory = await temporaryFolder();
  const directories = Object.entries(intake).map(([path, said]) => ({ path, intake: said }));
  const gateway = await startGateway({ stateDirectory, directories, symlinks: true });
  for (const path of [...Object.keys(intake), '/open']) {
    await mkdir(join(gateway.home, path, 'sub'), { recursive: true });
    await writeFile(join(gateway.home, path, 'there.csv'), 'there');
    await writeFile(join(gateway.home, path, 'sub/deep.csv'), 'deep');
  }
  return { gateway, directories, stateDirectory, client: await RawClient.login(gateway) };
}

/** Lines about one name, and lines that end in a transfer; `@` is the name. */
const TELLING = ['SIZE @', 'MDTM @', 'MLST @', 'RETR @', 'HASH @', 'LIST @', 'NLST @', 'MLSD @', 'STAT @', 'DSIZ @'];
const CHANGING = [
  'APPE @',
  'REST 2 + STOR @',
  'RANG 1 2 + STOR @',
  'DELE @',
  'RMD @',
  'RMDA @',
  'MKD @',
  'MFMT 20200101000000 @',
  'MFF Modify=20200101000000; @',
  'SITE CHMOD 600 @',
  'SITE UTIME 20200101000000 @',
  'RNFR @ + RNTO /in/other.csv',
  'RNFR @ + RNTO /open/other.csv',
  'RNFR /open/there.csv + RNTO @',
  'CPFR @ + CPTO /open/other.csv',
  'SITE COPY @ /open/other.csv',
  'COMB @ /open/there.csv',
  'COMB /open/other.csv @',
  'SITE SYMLINK @ /open/link',
  'SITE SYMLINK /open/there.csv @',
];

/** What the lines are answered: the last of them, or the first that is refused. */
async function answered(client: RawClient, lines: string, name: string): Promise<string> {
  let last = '';
  for (const line of lines.replaceAll('@', name).split(' + ')) {
    if (/^[45]/.test(last)) break;
    if (/^(STOR|APPE|STOU) /.test(line)) last = await client.upload(line, 'new');
    else if (/^(RETR|LIST|NLST|MLSD) /.test(line)) last = (await client.download(line)).reply;
    else last = await client.send(line);
  }
  return last.replaceAll(name, '@');
}

async function everything(home: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    found[path.slice(home.length)] = entry.isFile() ? await readFile(path, 'utf8') : entry.isDirectory() ? '/' : '@';
  }
  return found;
}

describe('inbox', () => {
  const INBOX = { '/in': { profile: 'inbox' } } as const;

  // A new name may be put together as well as sent.
  const REFUSED = [...TELLING, ...CHANGING].filter((lines) => !lines.startsWith('COMB @'));
  test.each(REFUSED)('%s is refused, and says the same of what is not there', async (lines) => {
    const { gateway, client } = await started(INBOX);
    const before = await everything(gateway.home);
    const there = await answered(client, lines, '/in/there.csv');
    expect(there).toMatch(/^(550 Permission denied\.|552 Permission denied\.|554 )/);
    expect(await answered(client, lines, '/in/missing.csv')).toBe(there);
    expect(await everything(gateway.home)).toEqual(before);
    client.close();
  });

  test('takes an upload, refuses a name that is taken, and goes on with what was cut off', async () => {
    const { gateway, client } = await started(INBOX);
    expect(await client.send('CWD /in')).toMatch(/^250/);
    expect((await client.download('LIST')).reply).toBe('550 Permission denied.');
    expect(await client.upload('STOR a.csv', 'first')).toMatch(/^226/);
    expect(await client.upload('STOR a.csv', 'second')).toBe('553 The file exists and may not be replaced.');
    expect(await client.upload('STOU', 'unique')).toMatch(/^226/);
    expect(await readFile(join(gateway.home, 'in/a.csv'), 'utf8')).toBe('first');

    const socket = await client.passive();
    expect(await client.send('STOR big.csv')).toMatch(/^150/);
    const data = client.secure(socket);
    await new Promise((resolve) => data.write('cut', resolve));
    await expect.poll(() => gateway.gateway.sessions[0]?.transfer?.bytesMoved).toBe(3);
    socket.destroy();
    expect(await client.reply()).toContain('3 bytes are kept: resume with REST 3 and STOR.');
    expect(await client.send('SIZE big.csv')).toBe('213 3');
    expect(await client.send('REST 3')).toMatch(/^350/);
    expect(await client.upload('STOR big.csv', ' off')).toMatch(/^226/);
    expect(await readFile(join(gateway.home, 'in/big.csv'), 'utf8')).toBe('cut off');
    expect(await client.send('SIZE big.csv')).toBe('550 Permission denied.');
    client.close();
  });

  test.each(['CPFR /open/there.csv + CPTO @', 'SITE COPY /open/there.csv @', 'COMB @ /open/there.csv'])(
    '%s is an upload like any other',
    async (lines) => {
      const { gateway, client } = await started(INBOX);
      const before = await everything(gateway.home);
      expect(await answered(client, lines, '/in/there.csv')).toMatch(/^55[03]/);
      expect(await everything(gateway.home)).toEqual(before);
      expect(await answered(client, lines, '/in/new.csv')).toMatch(/^2/);
      expect(await readFile(join(gateway.home, 'in/new.csv'), 'utf8')).toBe('there');
      client.close();
    },
  );

  test('allow gives back what the account has', async () => {
    const { client } = await started({ '/in': { profile: 'inbox', allow: 'l' } });
    expect((await client.download('NLST /in')).data.toString()).toContain('there.csv');
    expect(await client.send('SIZE /in/there.csv')).toBe('213 5');
    expect(await client.send('SIZE /in/missing.csv')).toBe('550 No such file or directory.');
    expect(await client.send('DELE /in/there.csv')).toBe('550 Permission denied.');
    client.close();
  });

  test('a tree with an inbox in it is not removed, nor renamed', async () => {
    const { gateway, client } = await started({ '/tree/in': { profile: 'inbox' } });
    expect(await client.send('RMDA /tree')).toBe('550 Permission denied.');
    await client.send('RNFR /tree');
    expect(await client.send('RNTO /other')).toBe('550 Permission denied.');
    expect(existsSync(join(gateway.home, 'tree/in/sub/deep.csv'))).toBe(true);
    client.close();
  });
});

describe('drop', () => {
  const DROP = { '/in': { profile: 'drop' } } as const;
  const COPIES = ['CPFR /open/there.csv + CPTO @', 'SITE COPY /open/there.csv @'];
  const BLIND = [...TELLING, ...CHANGING, ...COPIES, 'STOR @', 'CWD @', 'STOR @/below', 'CWD @/below', 'MKD @/below'];

  test.each(BLIND)('%s says the same of what is there and what is not', async (lines) => {
    const { gateway, client } = await started(DROP);
    const there = await answered(client, lines, '/in/there.csv');
    await writeFile(join(gateway.home, 'open/there.csv'), 'there');
    expect(await answered(client, lines, '/in/missing.csv')).toBe(there);
    expect(there).toMatch(
      /^(STOR @$|COMB @ )|CPTO @|COPY \/open/.test(lines)
        ? /^2/
        : /^(550 Permission denied\.|552 Permission denied\.|554 )/,
    );
    client.close();
  });

  test('keeps every version, and nothing of what was cut off', async () => {
    const { gateway, client } = await started(DROP);
    for (const text of ['one', 'two', 'three']) expect(await client.upload('STOR /in/a.csv', text)).toMatch(/^226/);
    const texts = ['a.csv', 'a~2.csv', 'a~3.csv'].map((name) => readFile(join(gateway.home, 'in', name), 'utf8'));
    expect(await Promise.all(texts)).toEqual(['one', 'two', 'three']);

    const socket = await client.passive();
    await client.send('STOR /in/big.csv');
    const data = client.secure(socket);
    await new Promise((resolve) => data.write('cut', resolve));
    socket.destroy();
    expect(await client.reply()).not.toContain('are kept');
    expect(await client.send('SIZE /in/big.csv')).toBe('550 Permission denied.');
    client.close();
  });
});

describe('facts for programs', () => {
  const perm = (line: string) => /perm=(\w*);/.exec(line)?.[1];

  test('tell what the profile leaves, of a directory and of what is in it', async () => {
    const { client } = await started({
      ...{ '/in': { profile: 'inbox' }, '/drop': { profile: 'drop' }, '/out': { profile: 'outbox', allow: 'd' } },
      '/exchange': { profile: 'exchange' },
    });
    const root = (await client.download('MLSD /')).data.toString('utf8');
    const lines = new Map(root.split('\r\n').map((line) => [line.slice(line.indexOf(' ') + 1), perm(line)]));
    const expected = { in: 'ce', drop: 'ce', out: 'delp', exchange: 'cdeflmp', open: 'cdeflmp' };
    for (const [name, letters] of Object.entries(expected)) {
      expect(lines.get(name), name).toBe(letters);
      expect(perm(await client.send(`MLST /${name}`)), name).toBe(letters);
    }
    expect(perm(await client.send('MLST /out/there.csv'))).toBe('dr');
    expect(perm(await client.send('MLST /open/there.csv'))).toBe('adfrw');
    await client.send('CWD /out');
    const out = (await client.download('MLSD')).data.toString('utf8').trimEnd().split('\r\n').sort();
    expect(out.map((line) => [/ (.*)/.exec(line)?.[1], perm(line)])).toEqual([
      ['.', 'delp'],
      ['sub', 'delp'],
      ['there.csv', 'dr'],
    ]);
  });

  test('of receipts they are as ever, whatever the account is for', async () => {
    const stateDirectory = await temporaryFolder();
    const gateway = await startGateway({ stateDirectory }, { intake: { profile: 'inbox' } });
    const client = await RawClient.login(gateway);
    await client.upload('STOR a', 'content');
    expect(perm(await client.send('MLST /.receipts'))).toBe('el');
  });

  test('do not tell when somebody handed in something to a drop', async () => {
    const { client, gateway } = await started({ '/drop': { profile: 'drop' }, '/in': { profile: 'inbox' } });
    const told = async (name: string) => [
      (await client.send(`MLST ${name}`)).replace(/perm=.*/, ''),
      (await client.download('LIST /')).data
        .toString('utf8')
        .split('\r\n')
        .find((line) => line.endsWith(name.slice(1))),
      await client.send(`MDTM ${name}`),
    ];
    const before = await told('/drop');
    expect(before[0]).toContain('type=dir;');
    expect(before[0]).toContain('modify=19700101000000;');
    await utimes(join(gateway.home, 'drop'), 1_000_000_000, 1_000_000_000);
    await mkdir(join(gateway.home, 'drop', 'more'));
    await utimes(join(gateway.home, 'drop'), 1_000_000_000, 1_000_000_000);
    expect(await told('/drop')).toEqual(before);
    await utimes(join(gateway.home, 'in'), 1_000_000_000, 1_000_000_000);
    expect((await told('/in'))[0]).toContain('modify=20010909014640;');
  });
});

test('outbox: fetched and nothing else; deleted where that is allowed', async () => {
  const { gateway, client } = await started({
    '/in': { profile: 'outbox' },
    '/out': { profile: 'outbox', allow: 'd' },
  });
  for (const lines of [
    'STOR @',
    'STOU @',
    ...CHANGING.filter((line) => !/^(CPFR @|SITE COPY @|COMB .* @)/.test(line)),
  ]) {
    expect(await answered(client, lines, '/in/there.csv'), lines).toMatch(/^550 Permission denied\./);
  }
  expect((await client.download('RETR /in/there.csv')).data.toString()).toBe('there');
  expect((await client.download('NLST /in')).data.toString()).toContain('there.csv');
  expect(await client.send('HASH /in/there.csv')).toMatch(/^213/);
  expect(await client.send('SITE SYMLINK /in/there.csv /open/link.csv')).toBe('550 Permission denied.');
  expect(await client.send('SITE CHMOD 777 /in/there.csv')).toBe('550 Permission denied.');
  expect(await client.send('DELE /out/there.csv')).toMatch(/^250/);
  expect(await client.upload('STOR /out/there.csv', 'new')).toBe('550 Permission denied.');
  expect(await readFile(join(gateway.home, 'in/there.csv'), 'utf8')).toBe('there');
  client.close();
});

test('exchange: both ways, and nothing is written over', async () => {
  const { gateway, client } = await started({ '/in': { profile: 'exchange' } });
  expect(await client.upload('STOR /in/there.csv', 'new')).toMatch(/^226/);
  expect(await client.upload('APPE /in/there.csv', ' more')).toMatch(/^226/);
  expect(await answered(client, 'RANG 0 2 + STOR @', '/in/there.csv')).toMatch(/^226/);
  expect((await client.download('RETR /in/there~4.csv')).data.toString()).toBe('newre');
  expect(await client.send('COMB /in/there.csv /open/there.csv')).toMatch(/^250/);
  expect((await client.download('RETR /in/there~5.csv')).data.toString()).toBe('therethere');
  expect((await client.download('RETR /in/there~2.csv')).data.toString()).toBe('new');
  expect((await client.download('RETR /in/there~3.csv')).data.toString()).toBe('there more');
  await client.send('RNFR /in/there~2.csv');
  expect(await client.send('RNTO /in/there.csv')).toMatch(/^553/);
  expect(await client.send('DELE /in/there~2.csv')).toMatch(/^250/);
  expect(await readFile(join(gateway.home, 'in/there.csv'), 'utf8')).toBe('there');
  client.close();
});

test('names, sizes and kinds are refused with words that help', async () => {
  const { client } = await started({
    '/in': { profile: 'inbox', names: ['*.edi', '*.xml'], types: ['xml'], bytesMin: 8, bytesMax: 64 },
  });
  const told = '553 Names here must match *.edi or *.xml.';
  expect(await client.upload('STOR /in/a.exe', 'x')).toBe(told);
  expect(await client.upload('STOR /in/there.csv', 'x')).toBe(told);
  expect(await client.upload('STOU /in/a.xml', '<a></a>')).toBe(told);
  expect(await client.upload('STOR /in/A.XML', '<a/>')).toBe(
    '550 Files here have at least 8 bytes; nothing was published.',
  );
  expect(await client.upload('STOR /in/A.XML', 'no xml at all')).toBe(
    '550 Files here are XML; this one is not. Nothing was published.',
  );
  expect(await client.upload('STOR /in/A.XML', `<a>${'x'.repeat(64)}</a>`)).toMatch(
    /^552 Files here may have up to 64 bytes/,
  );
  expect(await client.send('SITE COPY /open/there.csv /in/there.xml')).toMatch(/^550/);
  expect(await client.upload('STOR /in/A.XML', '<a>text</a>')).toMatch(/^226/);
  client.close();
});

test('a quota is told by AVBL, and refuses before anything is sent', async () => {
  const { client } = await started({ '/in': { profile: 'exchange', quotaBytes: 20 } });
  expect(await client.send('AVBL /in')).toBe('213 11');
  expect(await client.upload('STOR /in/a', 'x'.repeat(12))).toMatch(/^552 There is no room/);
  expect(await client.upload('STOR /in/a', 'x'.repeat(11))).toMatch(/^226/);
  expect(await client.send('AVBL /in')).toBe('213 0');
  const refused = await client.upload('STOR /in/b', '');
  expect(refused).toBe('552 There is no room for the file within the quota; nothing was published.');
  expect(await client.send('DELE /in/a')).toMatch(/^250/);
  expect(await client.send('AVBL /in')).toBe('213 11');
  client.close();
});

test('what has to be kept stays, whatever is tried, and the date is told', async () => {
  const { gateway, client } = await started({ '/in': { retainDays: 30 } });
  expect(await client.upload('STOR /in/kept.csv', 'kept')).toMatch(/^226/);
  const lines = CHANGING.filter((line) => !/^(MKD|RMD |CPFR @|SITE COPY @|SITE SYMLINK|COMB .* @)/.test(line));
  for (const line of [...lines, 'STOR @', 'CPFR /open/there.csv + CPTO @', 'SITE COPY /open/there.csv @']) {
    // What goes elsewhere is refused already because nothing has to be kept there.
    const answer = await answered(client, line, '/in/kept.csv');
    if (line === 'RMDA @') expect(answer, line).toMatch(/^550/);
    else if (/RNTO|COMB/.test(line)) expect(answer, line).toMatch(/^5\d\d/);
    else expect(answer, line).toMatch(/^550 What is there has to be kept until 20\d\d-/);
    expect(await readFile(join(gateway.home, 'in/kept.csv'), 'utf8'), line).toBe('kept');
  }
  expect(await client.send('COMB /open/whole.csv /in/kept.csv')).toMatch(
    /^250 .* 1 of the parts could not be deleted\.$/,
  );
  expect(await client.send('RMDA /in')).toMatch(/^550 What is there has to be kept until/);
  await client.send('RNFR /in');
  expect(await client.send('RNTO /out')).toMatch(/^550/);
  expect(await readFile(join(gateway.home, 'in/kept.csv'), 'utf8')).toBe('kept');
  client.close();
});

test('who removes the book of what has to be kept frees nothing, and is heard of', async () => {
  const { gateway, stateDirectory, client } = await started({ '/in': { retainDays: 30 } });
  expect(await client.upload('STOR /in/kept.csv', 'kept')).toMatch(/^226/);
  client.close();
  await gateway.gateway.close();
  await rm(join(stateDirectory, 'retention/book.jsonl'));
  await gateway.gateway.start();
  const again = await RawClient.login({ ...gateway, port: gateway.gateway.addresses[0]?.port ?? 0 });
  expect(await again.send('DELE /in/kept.csv')).toMatch(/^550 What is there has to be kept until/);
  again.close();
  const told = gateway.log.entries.find(({ event }) => event === 'retention.book_was_cut');
  expect(told).toMatchObject({ level: 'error', fields: { promises: 1 } });
});

describe('a rename is judged by where it goes', () => {
  const renamed = async (client: RawClient, from: string, to: string) => {
    expect(await client.send(`RNFR ${from}`)).toMatch(/^350/);
    return client.send(`RNTO ${to}`);
  };

  test('names, what is there, and gates hold there, and not those of where it comes from', async () => {
    const { gateway, client } = await started({
      '/ex': { profile: 'exchange' },
      '/named': { names: ['*.edi'] },
      '/typed': { types: ['xml'] },
      '/tree/typed': { types: ['xml'] },
    });
    const before = await everything(gateway.home);
    expect(await renamed(client, '/open/there.csv', '/ex/there.csv')).toMatch(/^553/);
    expect(await renamed(client, '/open/there.csv', '/named/evil.exe')).toBe('553 Names here must match *.edi.');
    for (const [from, to] of [
      ['/open/there.csv', '/typed/there.csv'],
      // A directory takes along what is in it, and comes to be what its new name says.
      ['/open/sub', '/typed/below'],
      ['/tree', '/wood'],
      ['/typed', '/open/typed'],
      ['/typed', '/untyped'],
    ] as const) {
      expect(await renamed(client, from, to), `${from} ${to}`).toBe('550 Permission denied.');
    }
    expect(await everything(gateway.home)).toEqual(before);
    // And what holds where it comes from does not follow it.
    expect(await renamed(client, '/ex/there.csv', '/open/there.csv')).toMatch(/^250/);
    expect(await renamed(client, '/named/there.csv', '/open/other.csv')).toMatch(/^250/);
    expect(await renamed(client, '/open/sub/deep.csv', '/named/deep.edi')).toMatch(/^250/);
    client.close();
  });

  test('an inbox is not opened by another name', async () => {
    const { gateway, client } = await started({ '/in': { profile: 'inbox' } });
    expect(await renamed(client, '/in', '/shown')).toBe('550 Permission denied.');
    expect(existsSync(join(gateway.home, 'in/there.csv'))).toBe(true);
    client.close();
  });
});

describe('explain says what is answered', () => {
  const INTAKE = {
    '/in': { profile: 'inbox', names: ['*.csv'] },
    '/drop': { profile: 'drop' },
    '/out': { profile: 'outbox' },
  } as const satisfies Readonly<Record<string, Intake>>;

  test('and names the profile that refuses', async () => {
    const { gateway, directories, client } = await started(INTAKE);
    const explained = (verb: string, path: string) => explain(gateway, directories, verb, path);
    for (const [verb, path, by] of [
      ['RETR', '/in/there.csv', 'profile inbox'],
      ['DELE', '/in/there.csv', 'profile inbox'],
      ['APPE', '/in/there.csv', 'profile inbox'],
      ['LIST', '/in', 'profile inbox'],
      ['STOR', '/in/there.exe', 'name patterns of the directory'],
      ['STOR', '/in/there.csv', 'account or directory, which keeps what exists'],
      ['STOR', '/in/new.csv', undefined],
      ['STOR', '/drop/there.csv', undefined],
      ['SIZE', '/drop/there.csv', 'profile drop'],
      ['RETR', '/out/there.csv', undefined],
      ['STOR', '/out/there.csv', 'profile outbox'],
    ] as const) {
      const { refusedBy, code } = await explained(verb, path);
      const answer = await answered(client, `${verb} @`, path);
      expect([refusedBy, code ?? 200], `${verb} ${path}: ${answer}`).toEqual([
        by,
        Number(answer.slice(0, 3)) >= 400 ? Number(answer.slice(0, 3)) : 200,
      ]);
    }
    expect((await explained('RETR', '/in/there.csv')).letters).toEqual({ needed: ['r'], around: 'ew', within: 'ew' });
    client.close();
  });
});

test('basic-ftp uploads into an inbox, and finds everything else shut', async () => {
  const { gateway, client: raw } = await started({ '/in': { profile: 'inbox' } });
  raw.close();
  const client = new BasicFtp(20_000);
  try {
    await client.access({
      host: 'localhost',
      port: gateway.port,
      user: gateway.user,
      password: gateway.password,
      secure: true,
      secureOptions: { ca: gateway.certificates.caCert },
    });
    await client.cd('/in');
    await client.uploadFrom(Readable.from([Buffer.from('order')]), 'order.edi');
    for (const act of [
      () => client.list(),
      () => client.size('order.edi'),
      () => client.remove('order.edi'),
      () => client.rename('order.edi', 'other.edi'),
      () => client.appendFrom(Readable.from([Buffer.from('more')]), 'order.edi'),
    ]) {
      await expect(act()).rejects.toMatchObject({ code: 550 });
    }
    expect(await readFile(join(gateway.home, 'in/order.edi'), 'utf8')).toBe('order');
  } finally {
    client.close();
  }
});

const WAY = { name: 'TLS 1.3', version: '1.3', mode: 'passive', family: 'IPv4' } as const;

needs('curl')('curl goes on with what was cut off in an inbox, and changes nothing that is there', async () => {
  const { gateway, client } = await started({ '/in': { profile: 'inbox' } });
  const socket = await client.passive();
  expect(await client.send('STOR /in/big.csv')).toMatch(/^150/);
  const data = client.secure(socket);
  await new Promise((resolve) => data.write('cut', resolve));
  await expect.poll(() => gateway.gateway.sessions[0]?.transfer?.bytesMoved).toBe(3);
  socket.destroy();
  expect(await client.reply()).toContain('3 bytes are kept');
  client.close();
  const local = join(gateway.home, '../whole.csv');
  await writeFile(local, 'cut off');
  const { resumeUpload, upload, download, remove, list } = curlClient(gateway, WAY);
  await resumeUpload(local, 'in/big.csv');
  expect(await readFile(join(gateway.home, 'in/big.csv'), 'utf8')).toBe('cut off');
  for (const act of [
    () => upload(local, 'in/there.csv'),
    () => download('in/there.csv', join(gateway.home, '../fetched')),
    () => remove('in/there.csv'),
    () => list('in'),
  ]) {
    await expect(act()).rejects.toThrow('curl ended with');
  }
  await upload(local, 'in/new.csv');
  expect(await readdir(join(gateway.home, 'in'))).toEqual(['big.csv', 'new.csv', 'sub', 'there.csv']);
});

async function explain(gateway: TestGateway, directories: Sections, verb: string, path: string) {
  const { certificates, home, user } = gateway;
  const options = gatewayOptions.parse({
    listen: [{ port: 0 }],
    tls: { certificate: certificates.cert, key: certificates.key },
    users: [{ name: user, home, permissions: 'elradfmwMT' }],
    directories,
  });
  const wanted = resolvePath(ROOT, path) ?? expect.unreachable(path);
  const imagined = { user, path: wanted, verb, address: '127.0.0.1', host: 'localhost', tls: 'TLSv1.3' };
  return explainAccess(imagined, { options, modules: [], clock: systemClock });
}
