/** `sallyport audit`: the log from its files; what is wrong is named, and nothing that a client chose is obeyed. */

import { readFileSync } from 'node:fs';
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { openAuditLog } from '../../src/audit/audit-log.ts';
import { readOrMakeLogKey } from '../../src/audit/notes/log-key.ts';
import type { OpenAuditLog } from '../../src/audit/open-log.ts';
import { verifyReceipt } from '../../src/audit/verifying/receipt.ts';
import { FakeClock } from '../../src/lib/clock.ts';
import type { AuditRecord } from '../../src/spi/audit.ts';
import { silentLog } from '../../src/spi/log.ts';
import { allOf } from '../audit/support.ts';
import { testCertificates } from '../fixtures/certificates.ts';
import { cosigned, WITNESS_VKEY } from '../fixtures/witness.ts';
import { run } from './fake-terminal.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ORIGIN = 'ftps.example.com/audit';
const START_MS = Date.parse('2026-03-01T12:00:00Z');

let state: string;
let directory: string;
let clock: FakeClock;

beforeEach(async () => {
  state = join(await temporaryFolder(), 'state');
  directory = join(state, 'audit');
  await mkdir(state, { mode: 0o700 });
  clock = new FakeClock(START_MS);
});

async function openLog(): Promise<OpenAuditLog> {
  const signer = readOrMakeLogKey(join(state, 'audit.key'), ORIGIN);
  return openAuditLog({ directory, origin: ORIGIN, signer, clock, log: silentLog, checkpointMs: 1_000 });
}

function recordOf(parts: Partial<AuditRecord> = {}): AuditRecord {
  return { event: 'file.deleted', result: 'success', who: { account: 'acme' }, origin: {}, object: {}, ...parts };
}

/** A log with these records, a minute between each two, closed. */
async function logOf(...records: readonly Partial<AuditRecord>[]): Promise<void> {
  const log = await openLog();
  for (const record of records) {
    await log.append(recordOf(record));
    clock.advance(60_000);
  }
  await log.close();
}

const audit = (...words: readonly string[]) => run(['audit', ...words]);

/** The indices of the records that are shown. */
async function shown(...words: readonly string[]): Promise<number[]> {
  const { exitCode, output, errors } = await audit('show', '-d', state, '--json', ...words);
  expect([exitCode, errors]).toEqual([0, '']);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line).index);
}

describe('audit verify', () => {
  test('names the record that was altered, with its file and why, and exits with 1', async () => {
    await logOf({}, { object: { path: '/in/a.edi' } }, {});
    const journal = join(directory, 'journal');
    const bytes = await readFile(journal);
    const at = bytes.indexOf('/in/a.edi');
    bytes[at + 4] = 0x62;
    await writeFile(journal, bytes);
    const { exitCode, output, errors } = await audit('verify', '-d', state);
    expect([exitCode, output]).toEqual([1, '']);
    expect(errors).toMatch(/NOT sound: record 1 \(journal\): /);
    const json = await audit('verify', '-d', state, '--json');
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.output)).toMatchObject({ sound: false, problem: { index: 1, file: 'journal' } });
    // What is left of it can be read all the same.
    expect((await audit('show', '-d', state)).exitCode).toBe(1);
  });

  test('a bundle that was altered is named too', async () => {
    const log = await openLog();
    for (let batch = 0; batch < 3; batch++) {
      await Promise.all(
        Array.from({ length: 256 }, (_, i) => log.append(recordOf({ object: { n: batch * 256 + i } }))),
      );
    }
    await log.close();
    const bundle = join(directory, 'tile/entries/001');
    const bytes = await readFile(bundle);
    const at = bytes.indexOf('"n":300');
    bytes[at + 4] = 0x34;
    await writeFile(bundle, bytes);
    const { exitCode, errors } = await audit('verify', '-d', state);
    expect([exitCode, errors]).toEqual([1, expect.stringContaining('record 300 (tile/entries/001)')]);
  });

  test("another log's key, and what a witness has not vouched for", async () => {
    await logOf({});
    const other = readOrMakeLogKey(join(state, 'other.key'), ORIGIN).vkey;
    expect(await audit('verify', '-d', state, '--key', other)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('signed by none of the keys'),
    });
    expect(await audit('verify', '-d', state, '--witness', other)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('has not vouched'),
    });
  });

  test('finds a log that was cut or written anew by a checkpoint that was kept', async () => {
    await logOf({}, {}, {});
    const kept = join(state, '..', 'kept');
    await writeFile(kept, (await audit('checkpoint', '-d', state)).output);
    const before = join(state, '..', 'before');
    await cp(state, before, { recursive: true });
    await logOf({});
    const sound = await audit('verify', '-d', state, '--since', kept);
    expect([sound.exitCode, sound.errors]).toEqual([0, '']);
    expect(sound.output).toContain(`the 3 records that ${kept} names`);
    const later = join(state, '..', 'later');
    await writeFile(later, (await audit('checkpoint', '-d', state)).output);
    expect(await audit('verify', '-d', before, '--since', later)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('a checkpoint of 4 records was signed'),
    });
    // The same key, another history.
    const key = await readFile(join(state, 'audit.key'));
    state = join(await temporaryFolder(), 'state');
    directory = join(state, 'audit');
    await mkdir(state);
    await writeFile(join(state, 'audit.key'), key, { mode: 0o600 });
    await logOf({ who: { account: 'mallory' } }, {}, {}, {});
    expect((await audit('verify', '-d', state)).exitCode).toBe(0);
    expect(await audit('verify', '-d', state, '--since', kept)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('not those that were signed'),
    });
  });

  test('says what is sound, and what it did not check', async () => {
    await logOf({}, {});
    const beside = await audit('verify', '-d', state);
    expect([beside.exitCode, beside.errors]).toEqual([0, '']);
    expect(beside.output).toMatch(/: sound\n {2}log +ftps\.example\.com\/audit\n {2}records +2\n/);
    expect(beside.output).toContain('taken from beside the log');
    expect(beside.output).toContain('whether the log was cut at its end');
    const key = (await audit('key', '-d', state)).output.trim();
    const given = await audit('verify', '-d', directory, '--key', key, '--json');
    expect(JSON.parse(given.output)).toMatchObject({ sound: true, origin: ORIGIN, size: 2, key: 'given' });
    expect(given.output).not.toContain('beside the log');
  });

  test('changes nothing and works beside a gateway that writes', async () => {
    const log = await openLog();
    await log.append(recordOf());
    const before = readFileSync(join(directory, 'journal'));
    expect((await audit('verify', '-d', state)).exitCode).toBe(0);
    expect(readFileSync(join(directory, 'journal'))).toEqual(before);
    await log.append(recordOf());
    expect(await shown()).toEqual([0, 1]);
    await log.close();
  });
});

test('wrong use exits with 2 and says why', async () => {
  await logOf({});
  const empty = await temporaryFolder();
  const text = join(empty, 'text');
  await writeFile(text, 'no checkpoint\n');
  const wrong: readonly (readonly string[])[] = [
    ['verify', '-d', empty],
    ['verify', '-d', join(empty, 'nowhere')],
    ['verify', '-d', state, '-c', 'sallyport.yaml'],
    ['verify', '-c', join(empty, 'nowhere.yaml')],
    ['verify', '-d', state, '--since', text],
    ['verify', '-d', state, '--key', text],
    ['verify', '-d', state, '--key', join(state, 'audit.key')],
    ['verify', '-d', state, '--witness', text],
    ['show', '-d', empty],
    ['show', '-d', state, '--event', 'file.eaten'],
    ['show', '-d', state, '--since', 'yesterday'],
    ['show', '-d', state, '--since', '2026-02-31T00:00:00'],
    ['show', '-d', state, '--limit', '0'],
    ['show', '-d', state, '--path', 'in/**'],
    ['show', '-d', state, '--result', 'maybe'],
    ['export', '-d', state],
    ['export', '-d', state, '--format', 'xml'],
    ['export', '-d', state, '--format', 'csv', '--from', '-1'],
    ['export', '-d', state, '--format', 'syslog', '--enterprise', '0'],
    ['consistency', text, text, '-d', state],
    ['consistency', text, '-d', state],
    ['checkpoint', '-d', empty],
    ['key', '-d', empty],
  ];
  for (const words of wrong) {
    const { exitCode, output, errors } = await audit(...words);
    expect([exitCode, output], words.join(' ')).toEqual([2, '']);
    expect(errors, words.join(' ')).toMatch(/\w{3}/);
    expect(errors, words.join(' ')).not.toMatch(/\n\s+at /);
  }
});

test('without a key beside the log, verify asks for one', async () => {
  await logOf({});
  const copy = join(await temporaryFolder(), 'audit');
  await cp(directory, copy, { recursive: true });
  const { exitCode, errors } = await audit('verify', '-d', copy);
  expect([exitCode, errors]).toEqual([2, expect.stringContaining('--key')]);
});

describe('audit show', () => {
  test('nothing of what clients chose is obeyed by a terminal', async () => {
    const evil = '/in/\u001b[2J\r\nx\u202e\u0085y "z"';
    await logOf({ who: { account: 'a\u001b]0;title\u0007' }, object: { path: evil, to: '/a b' }, reason: 'bad\nline' });
    const { output } = await audit('show', '-d', state);
    expect(output.trimEnd().split('\n')).toHaveLength(1);
    expect(output.trimEnd()).toMatch(/^[\x20-\x7e]+$/);
    expect(output).toContain('\\u001b[2J\\u000d\\u000ax\\u202e\\u0085y');
    expect(output).toContain('-> "/a b"');
  });

  test('picks by who, what, when and where', async () => {
    await logOf(
      { event: 'login.failed', result: 'failure', reason: 'wrong password' },
      { event: 'upload.published', object: { path: '/in/a.edi', bytes: 5 }, origin: { session: 's1' } },
      { event: 'upload.quarantined', result: 'failure', who: { account: 'beta' }, object: { path: '/in/sub/b.EXE' } },
      { event: 'file.renamed', object: { path: '/out/x', to: '/in/c.edi' } },
      { event: 'quarantine.released', who: { operator: 'root' }, object: { path: 7 } },
    );
    expect(await shown()).toEqual([0, 1, 2, 3, 4]);
    expect(await shown('--user', 'acme')).toEqual([0, 1, 3]);
    expect(await shown('--user', 'root')).toEqual([4]);
    expect(await shown('--event', 'upload.*')).toEqual([1, 2]);
    expect(await shown('--event', 'login.failed', '--event', 'file.renamed')).toEqual([0, 3]);
    expect(await shown('--result', 'failure')).toEqual([0, 2]);
    expect(await shown('--session', 's1')).toEqual([1]);
    expect(await shown('--path', '/in/**')).toEqual([1, 2, 3]);
    expect(await shown('--path', '*.exe')).toEqual([2]);
    expect(await shown('--limit', '2')).toEqual([3, 4]);
    expect(await shown('--user', 'acme', '--limit', '1')).toEqual([3]);
    expect(await shown('--since', '2026-03-01T12:01:00Z', '--until', '2026-03-01T12:03:00Z')).toEqual([1, 2]);
    expect(await shown('--since', '2026-03-01T13:02:00+01:00')).toEqual([2, 3, 4]);
    expect(await shown('--since', '2026-03-02')).toEqual([]);
    expect(await shown('--since', '1s')).toEqual(START_MS > Date.now() ? [0, 1, 2, 3, 4] : []);
    expect(await shown('--until', '999999w')).toEqual([]);
  });

  test('a line says when, what, with what result, who, from where and to what', async () => {
    const origin = { address: '2001:db8::7', port: 50_122, session: '7f00a3c1b2d4' };
    await logOf({ event: 'file.renamed', origin, object: { path: '/in/a', to: '/in/b', command: 'RNTO' } });
    const { output } = await audit('show', '-d', state);
    expect(output.replace(/ {2,}/g, '  ')).toBe(
      '  0  2026-03-01T12:00:00.000Z  file.renamed  success  acme  [2001:db8::7]:50122/7f00a3c1b2d4  /in/a -> /in/b command=RNTO\n',
    );
  });
});

/** CSV as RFC 4180 has it, every cell in quotes; throws for anything else. */
function csvRows(text: string): string[][] {
  expect(text.endsWith('\r\n')).toBe(true);
  return text
    .slice(0, -2)
    .split('\r\n')
    .map((row) => {
      expect(row).toMatch(/^"(?:[^"\r\n]|"")*"(?:,"(?:[^"\r\n]|"")*")*$/);
      return [...row.matchAll(/"((?:[^"]|"")*)"/g)].map(([, cell = '']) => cell.replaceAll('""', '"'));
    });
}

describe('audit export', () => {
  const FORMULAS = ['=cmd|"/c calc"!A1', '+1', '-1', '@SUM(A1)', '\t=1', ' =1', '\r\n=1', '|x', '\uff1d1', '%x'];

  test('no cell of CSV is a formula, and every record is a row', async () => {
    await logOf(...FORMULAS.map((path) => ({ who: { account: path }, object: { path } })));
    const { output } = await audit('export', '-d', state, '--format', 'csv');
    const [head = [], ...rows] = csvRows(output);
    expect(rows).toHaveLength(FORMULAS.length);
    expect(head.slice(0, 5)).toEqual(['index', 'time', 'event', 'result', 'account']);
    for (const [at, row] of rows.entries()) {
      expect(row).toHaveLength(head.length);
      expect(row[0]).toBe(String(at));
      for (const cell of row) expect(cell).not.toMatch(/^\s*[=+\-@|%\uff1d]/);
      expect(JSON.parse(row[head.indexOf('object')] ?? '').path).toBe(FORMULAS[at]);
    }
  });

  test('a line of syslog is one of RFC 5424, whatever is in the record', async () => {
    const evil = 'a"b]c\\d\n<13>1 - - - - - - x\u001b é\u{1f600}';
    await logOf({ who: { account: evil }, result: 'failure', object: { path: evil }, reason: evil });
    const { output } = await audit('export', '-d', state, '--format', 'syslog', '--enterprise', '12345');
    expect(output.trimEnd().split('\n')).toHaveLength(1);
    const [, priority, time, host, event, data = '', message = ''] =
      /^<(\d+)>1 (\S+) (\S+) sallyport - (\S+) (\[sallyport@12345(?: [a-z]+="(?:[^"\\\]]|\\["\\\]])*")*\]) ([\x20-\x7e]*)\n$/.exec(
        output,
      ) ?? [];
    expect([priority, time, host, event]).toEqual([
      '108',
      '2026-03-01T12:00:00.000Z',
      'ftps.example.com',
      'file.deleted',
    ]);
    expect(data).toContain('index="0"');
    expect(data).toContain('account="a\\"b\\]c\\\\d\\\\u000a<13>1');
    expect(JSON.parse(message)).toMatchObject({ who: { account: evil }, object: { path: evil } });
  });

  test('JSON lines are the records byte by byte, from an index on and within a time', async () => {
    await logOf({}, { object: { path: '/é' } }, {}, {});
    const { output } = await audit(
      'export',
      '-d',
      state,
      '--format',
      'jsonl',
      '--from',
      '1',
      '--until',
      '2026-03-01T12:03:00Z',
    );
    const lines = output.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).index)).toEqual([1, 2]);
    const log = await openLog();
    const [record] = await allOf(log.read(1));
    await log.close();
    expect(lines[0]?.replace('"index":1,', '')).toBe(record?.entry.toString());
  });

  test('a file is whole, for this user alone, or as it was', async () => {
    await logOf({});
    const file = join(state, '..', 'out.csv');
    expect(await audit('export', '-d', state, '--format', 'csv', '-o', file)).toMatchObject({
      exitCode: 0,
      output: '',
    });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const before = await readFile(file, 'utf8');
    expect(csvRows(before)).toHaveLength(2);
    await writeFile(join(directory, 'journal'), 'nothing');
    expect((await audit('export', '-d', state, '--format', 'csv', '-o', file)).exitCode).toBe(1);
    expect(await readFile(file, 'utf8')).toBe(before);
    const nowhere = await audit('export', '-d', state, '--format', 'csv', '-o', join(state, 'nowhere', 'out'));
    expect(nowhere).toMatchObject({ exitCode: 1, errors: expect.stringContaining('cannot be written') });
  });
});

describe('audit consistency', () => {
  test('a newer checkpoint continues an older one, and no other', async () => {
    await logOf({});
    const [older, newer, forged] = ['older', 'newer', 'forged'].map((name) => join(state, '..', name));
    if (older === undefined || newer === undefined || forged === undefined) throw new Error('three names');
    await writeFile(older, (await audit('checkpoint', '-d', state)).output);
    await logOf({}, {});
    const text = (await audit('checkpoint', '-d', state)).output;
    await writeFile(newer, text);
    await writeFile(forged, text.replace('\n3\n', '\n2\n'));
    expect(await audit('consistency', older, newer, '-d', state)).toEqual({
      exitCode: 0,
      errors: '',
      output: `consistent: the 1 records of ${older} are the beginning of the 3 of ${newer}\n`,
    });
    expect(await audit('consistency', newer, older, '-d', state)).toMatchObject({ exitCode: 1, output: '' });
    expect(await audit('consistency', older, forged, '-d', state)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('NOT consistent'),
    });
    const json = JSON.parse((await audit('consistency', older, newer, '-d', state, '--json')).output);
    expect(json).toMatchObject({ consistent: true, older: { size: 1 }, newer: { size: 3 } });
    expect(json.proof.length).toBeGreaterThan(0);
  });
});

describe('audit key', () => {
  test('is what verifies, as a vkey and as PEM, and is never the private one', async () => {
    await logOf({});
    const { vkey } = readOrMakeLogKey(join(state, 'audit.key'), ORIGIN);
    expect((await audit('key', '-d', state)).output).toBe(`${vkey}\n`);
    const pem = (await audit('key', '-d', state, '--pem')).output;
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    const file = join(state, '..', 'key.pem');
    await writeFile(file, pem);
    expect((await audit('verify', '-d', state, '--key', file)).exitCode).toBe(0);
  });
});

describe('audit cosign', () => {
  async function configuration(witnesses: readonly string[]): Promise<string> {
    const { files } = await testCertificates();
    const path = join(state, '..', 'sallyport.yaml');
    const list = witnesses.map((one) => `    - ${one}\n`).join('');
    const origin = `audit:\n  origin: ${ORIGIN}\n${list === '' ? '' : `  witnesses:\n${list}`}`;
    await writeFile(
      path,
      `listen: [{ port: 0 }]\ntls:\n  certificate_file: ${files.cert}\n  key_file: ${files.key}\n${origin}`,
    );
    return path;
  }

  test('adds what a configured witness signed, without a gateway, and records that', async () => {
    await logOf({});
    const config = await configuration([WITNESS_VKEY]);
    const file = join(state, '..', 'cosigned');
    await writeFile(file, (await audit('checkpoint', '-c', config)).output);
    expect(await audit('cosign', file, '-c', config)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('no cosignature'),
    });
    expect((await audit('cosign', file, '-c', await configuration([]))).exitCode).toBe(2);
    await configuration([WITNESS_VKEY]);
    await writeFile(file, cosigned(await readFile(file, 'utf8')));
    expect(await audit('cosign', file, '-c', config)).toEqual({
      exitCode: 0,
      errors: '',
      output: 'One cosignature was added.\n',
    });
    const { output } = await audit('verify', '-c', config, '--witness', WITNESS_VKEY);
    expect(output).toContain('witness.example 2023-11-14T22:13:20.000Z (1 records)');
    expect(await shown('--event', 'administration.acted')).toEqual([1]);
    const receipt = await audit('receipt', '0', '-c', config);
    expect(receipt).toMatchObject({ exitCode: 0, errors: '' });
    const key = (await audit('key', '-c', config)).output.trim();
    const { cosigners } = verifyReceipt(receipt.output, [key], [WITNESS_VKEY]);
    expect(cosigners).toMatchObject([{ name: 'witness.example' }]);
    expect(await audit('receipt', '7', '-c', config)).toMatchObject({
      exitCode: 1,
      errors: expect.stringContaining('no record 7'),
    });
  });
});
