/** The record of TLS: its bounds, its ageing, and its way to disk and back. */
import { chmod, mkdir, readdir, readFile, readlink, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ACCOUNTS_MAX,
  BEHAVIOURS_MAX,
  type ControlBehaviour,
  type DataBehaviour,
  STRANGERS_MAX,
  TlsRecord,
  tlsRecordData,
} from '../../src/modules/tls-record.ts';
import { readRecord, setAside, writeRecord } from '../../src/modules/tls-record-file.ts';
import { temporaryFolder } from '../cli/temporary-folder.ts';

const LOGIN: ControlBehaviour = {
  channel: 'control',
  version: 'TLSv1.3',
  suite: 'TLS_AES_256_GCM_SHA384',
  group: 'X25519MLKEM768',
  serverName: true,
  certificate: 'not_asked',
};
const UPLOAD: DataBehaviour = { channel: 'data', use: 'upload', version: 'TLSv1.3', resumed: true, closeNotify: true };
const from = (network: string, nowMs: number) => ({ network, nowMs });

/** The record as it would be read. */
const dataOf = (record: TlsRecord) => tlsRecordData.parse(JSON.parse([...record.lines(0)].join('')));

test('what is seen again counts up, and keeps its first time', () => {
  const record = new TlsRecord(1);
  record.seeLogin('acme', LOGIN, from('192.0.2.7', 10));
  record.see('acme', UPLOAD, 20);
  record.seeLogin('acme', { ...LOGIN }, from('192.0.2.8', 30));
  // A clock that was set back.
  record.see('acme', UPLOAD, 5);
  expect(dataOf(record).accounts).toEqual([
    {
      name: 'acme',
      dropped: 0,
      networks: [
        { network: '192.0.2.7', count: 1, firstMs: 10, lastMs: 10 },
        { network: '192.0.2.8', count: 1, firstMs: 30, lastMs: 30 },
      ],
      behaviours: [
        { behaviour: LOGIN, count: 2, firstMs: 10, lastMs: 30 },
        { behaviour: UPLOAD, count: 2, firstMs: 20, lastMs: 20 },
      ],
    },
  ]);
});

describe('bounds', () => {
  test('a client that names itself anew each time pushes out what was seen longest ago, which is counted', () => {
    const record = new TlsRecord(0);
    record.see('acme', LOGIN, 1);
    record.see('acme', UPLOAD, 2);
    for (let index = 0; index < BEHAVIOURS_MAX - 1; index++) record.see('acme', { ...LOGIN, client: `${index}` }, 3);
    record.see('acme', UPLOAD, 4);
    record.see('acme', { ...LOGIN, client: 'last' }, 5);
    const [acme] = dataOf(record).accounts;
    expect(acme).toMatchObject({ dropped: 2 });
    expect(acme?.behaviours).toHaveLength(BEHAVIOURS_MAX);
    expect(acme?.behaviours.map(({ behaviour }) => behaviour)).toContainEqual(UPLOAD);
    expect(acme?.behaviours.map(({ behaviour }) => behaviour)).not.toContainEqual(LOGIN);
  });

  test('so it is with accounts and with networks of strangers', () => {
    const record = new TlsRecord(0);
    for (let index = 0; index <= ACCOUNTS_MAX; index++) record.see(`a${index}`, LOGIN, index);
    for (let index = 0; index < STRANGERS_MAX + 3; index++) record.refuse(`n${index}`, 'version', index);
    const { accounts, strangers, dropped } = dataOf(record);
    expect(dropped).toEqual({ accounts: 1, strangers: 3 });
    expect(accounts[0]?.name).toBe('a1');
    expect(strangers[0]?.network).toBe('n3');
  });
});

test('what was not seen for long is forgotten, and an account with it when nothing is left', () => {
  const record = new TlsRecord(0);
  record.seeLogin('gone', LOGIN, from('192.0.2.7', 10));
  record.seeLogin('acme', LOGIN, from('192.0.2.7', 10));
  record.see('acme', UPLOAD, 20);
  record.refuse('192.0.2.9', 'version', 10);
  record.forgetBefore(11);
  expect(dataOf(record)).toMatchObject({
    accounts: [{ name: 'acme', networks: [], behaviours: [{ behaviour: UPLOAD }] }],
    strangers: [],
  });
});

test('an account that is seen while the file is written does not come twice', () => {
  const record = new TlsRecord(0);
  for (const name of ['a', 'b', 'c']) record.see(name, LOGIN, 1);
  let text = '';
  for (const line of record.lines(2)) {
    text += line;
    record.see('a', UPLOAD, 3);
    record.see(`new ${text.length}`, UPLOAD, 3);
  }
  const names = tlsRecordData.parse(JSON.parse(text)).accounts.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['a', 'b', 'c']));
  expect(names).toEqual([...new Set(names)]);
});

test('whatever is seen can be read again, and goes on', async () => {
  const file = join(await temporaryFolder(), 'inventory.json');
  const name = fc.string({ unit: 'binary', maxLength: 64 });
  const behaviour = fc.oneof(
    name.map((client): ControlBehaviour => ({ ...LOGIN, client: client.slice(0, 64) })),
    fc.constant(UPLOAD),
  );
  const steps = fc.array(fc.tuple(name, behaviour, fc.nat()), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(steps, steps, async (before, behind) => {
      const whole = new TlsRecord(0);
      const first = new TlsRecord(0);
      for (const [account, seen, nowMs] of before) for (const one of [whole, first]) one.see(account, seen, nowMs);
      await writeRecord(file, first.lines(7));
      const read = await readRecord(file);
      expect(read.kind).toBe('record');
      const second = new TlsRecord(99, read.kind === 'record' ? read.data : undefined);
      for (const [account, seen, nowMs] of behind) for (const one of [whole, second]) one.see(account, seen, nowMs);
      expect(dataOf(second)).toEqual(dataOf(whole));
    }),
    { numRuns: 20 },
  );
});

describe('the file', () => {
  test('is for its owner alone, and nothing else is left in its folder', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'inventory.json');
    await writeFile(`${file}.tmp`, 'what a crash left behind');
    await writeFile(file, 'old');
    await chmod(file, 0o644);
    await writeRecord(file, new TlsRecord(0).lines(1));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['inventory.json']);
    expect(await readRecord(file)).toMatchObject({ kind: 'record', data: { savedMs: 1 } });
  });

  test('is written where a link leads', async () => {
    const folder = await temporaryFolder();
    const [file, link] = [join(folder, 'inventory.json'), join(folder, 'link.json')];
    await writeFile(file, 'old');
    await symlink(file, link);
    await writeRecord(link, new TlsRecord(0).lines(1));
    expect(await readlink(link)).toBe(file);
    expect(await readRecord(file)).toMatchObject({ kind: 'record' });
  });

  test('stays as it was when it cannot be written', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'inventory.json');
    await writeFile(file, 'old');
    const failing = function* () {
      yield 'half of it';
      throw new Error('no more');
    };
    await expect(writeRecord(file, failing())).rejects.toThrow('no more');
    expect(await readFile(file, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['inventory.json']);
    await expect(writeRecord(join(folder, 'missing', 'inventory.json'), ['x'])).rejects.toThrow('ENOENT');
  });

  test.each([
    ['no JSON', '{"format":'],
    ['another format', '{}'],
    ['a later version', JSON.stringify({ ...JSON.parse([...new TlsRecord(0).lines(1)].join('')), version: 2 })],
    ['a key too many', JSON.stringify({ ...JSON.parse([...new TlsRecord(0).lines(1)].join('')), more: 1 })],
    ['nothing', ''],
  ])('is broken when it holds %s', async (_, text) => {
    const file = join(await temporaryFolder(), 'inventory.json');
    await writeFile(file, text);
    expect(await readRecord(file)).toMatchObject({ kind: 'broken' });
    expect(await setAside(file)).toBe(`${file}.broken`);
    expect(await readFile(`${file}.broken`, 'utf8')).toBe(text);
    expect(await readRecord(file)).toEqual({ kind: 'absent' });
  });

  test('that is a folder cannot be read', async () => {
    const file = join(await temporaryFolder(), 'inventory.json');
    await mkdir(file);
    await expect(readRecord(file)).rejects.toThrow('EISDIR');
  });
});
